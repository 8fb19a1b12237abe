"""From records to the context topic, against an independent computation."""

import datetime as dt

import numpy as np
from numpy.typing import NDArray

from schemas import NewsArticle
from stream_app.embedded import Endpoints
from stream_app.encoding import TextEncoder, TextModelSpec
from tests.integration.pipeline import article, close, pipeline, weekdays

DAY = dt.date(2008, 9, 15)


def expected_numeric(prices: list[float], volumes: list[float]) -> NDArray[np.float32]:
    """PARITY's num-regime-core-v1 for a complete window, row by row in plain Python."""
    numbers: list[float] = []
    for index, (price, volume) in enumerate(zip(prices, volumes, strict=True)):
        change = 0.0 if index == 0 else float(np.log(np.float64(price) / np.float64(prices[index - 1])))
        numbers += [price, volume, change]
    return np.array(numbers + [0.0] * (384 - len(numbers)), dtype=np.float32)


async def expected_text(*articles: NewsArticle) -> NDArray[np.float64]:
    """The mean vector of articles."""
    encoder = TextEncoder.load(TextModelSpec(), 1024, 60.0)
    encoded = await encoder.encode([a.text for a in articles])
    encoder.close()
    mean: NDArray[np.float64] = encoded.vectors.astype(np.float64).mean(axis=0)
    return mean


async def test_a_day_of_prices_and_news_becomes_its_joint_context(
    endpoints: Endpoints, database_url: str, topic_prefix: str
) -> None:
    days = weekdays(DAY, 63)
    prices = [1000.0 + 7.25 * index for index in range(63)]
    volumes = [0.0 if index == 5 else 1e6 + index for index in range(63)]
    news = [
        article("b", dt.datetime(2008, 9, 15, 13, 0, tzinfo=dt.UTC), "A bank fails."),
        article("a", dt.datetime(2008, 9, 13, 9, 0, tzinfo=dt.UTC), "Talks go on at the weekend.", body="No buyer."),
    ]
    after_close = article("c", dt.datetime(2008, 9, 15, 20, 0, 1, tzinfo=dt.UTC), "Markets look to tomorrow.")
    async with pipeline(endpoints, database_url, topic_prefix) as path:
        path.start("prices", "news", "contexts")
        await path.send(*[close("SPX.US", d, p, v) for d, p, v in zip(days, prices, volumes, strict=True)])
        await path.send(*news, after_close)
        await path.close("US", DAY)
        context = await path.revision("US", DAY)
        published = await path.contexts()
        stored = await path.value("SELECT count(*) FROM joint_embeddings WHERE region = 'US'")

    assert context.vector is not None
    assert (context.articles, context.stale, context.absent_reason) == (2, False, None)
    expected = 0.5 * expected_numeric(prices, volumes) + 0.5 * await expected_text(*news)
    np.testing.assert_allclose(context.vector.numpy(), expected, rtol=1e-6, atol=1e-6)
    assert published == [context]
    assert stored == 1
