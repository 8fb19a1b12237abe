"""The documents as articles, through the news stage: what a user gets, with and without repeated texts."""

import datetime as dt
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from agents.news_articles import NewsArticles
from benchmarks.stages import FilledTopic, filled
from schemas import NewsArticle, encode
from schemas.topics import NEWS
from stream_app.config import load_settings
from stream_app.embedded import Endpoints
from stream_app.encoding import TextEncoder
from stream_app.kafka.chunks import ChunkLimits
from stream_app.services import Services, open_services
from stream_app.store.migrate import upgrade

FIRST_TIME = dt.datetime(2008, 9, 15, 12, 0, tzinfo=dt.UTC)
HEADLINE_WORDS = 8
SEED = 20_080_915


def article(number: int, document: str) -> tuple[bytes, bytes]:
    """The document under an id of its own: its first words are the headline. The article's text is the document."""
    words = document.split(" ")
    event = NewsArticle(
        article_id=f"a{number:07}",
        published_at=FIRST_TIME + dt.timedelta(minutes=number),
        headline=" ".join(words[:HEADLINE_WORDS]),
        body=" ".join(words[HEADLINE_WORDS:]) or None,
        language="en",
    )
    return event.article_id.encode(), encode(event)


def half_repeated(documents: Sequence[str]) -> list[str]:
    """As many documents of which half are a repeat of the other half, in no order."""
    once = documents[::2]
    both = [*once, *once[: len(documents) // 2]]
    random.Random(SEED).shuffle(both)
    return both


@asynccontextmanager
async def streams(
    endpoints: Endpoints, encoder: TextEncoder, sent: dict[str, Sequence[str]]
) -> AsyncIterator[dict[str, FilledTopic]]:
    """A topic of articles for each list of documents, which the news stage reads with this encoder."""
    await upgrade(endpoints.database_url)
    topics: dict[str, FilledTopic] = {}

    def stage(services: Services, limits: ChunkLimits) -> NewsArticles:
        return NewsArticles(services, encoder, services.models.text.registered(encoder.fingerprint), limits)

    async with AsyncExitStack() as stack:
        for number, (name, documents) in enumerate(sent.items()):
            settings = load_settings({"topic_prefix": f"text-{number}."})
            services = await stack.enter_async_context(open_services(settings, endpoints))
            articles = [article(number, document) for number, document in enumerate(documents)]
            topics[name] = await filled(services, endpoints.kafka, NEWS, stage, articles)
        yield topics
