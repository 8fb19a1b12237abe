"""How many records a second the price and the news stage get through when 30 % of them cannot be used.

Each stage reads a topic of the real broker and writes to the real Postgres, by turns with and without bad records, all
as the worker does it: decode, one transaction, dead letters published, ack. The bad ones are of every kind that a text
alone can be (the ones over 1 MiB would measure bytes), in no order. The good ones are as cheap as they come: the text
model is a double that costs nothing, and the prices are too few for windows and older than what is published. The time
runs from the first chunk's arrival until the last one is handled.
"""

import asyncio
import datetime as dt
import gc
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from agents.news_articles import NewsArticles
from agents.price_closes import PriceCloses
from benchmarks.machine import kafka_version, machine, versions
from benchmarks.report import Figure, Report, parser, publish
from benchmarks.rounds import alternate
from benchmarks.services import services as own_services
from benchmarks.stages import FilledTopic, MadeStage, filled
from schemas import DIM, NewsArticle, PriceClose, encode
from schemas.topics import NEWS, PRICES, Topic
from stream_app.clock import SystemClock
from stream_app.config import load_settings
from stream_app.embedded import Endpoints
from stream_app.encoding import TextEncoder
from stream_app.services import open_services
from stream_app.store.database import connection
from stream_app.store.migrate import upgrade
from tests.integration.bad_records import BAD_ARTICLES, BAD_PRICES, Bad

LEAST_RATIO = 0.5
"""Of the rate with bad records to the rate without."""
SEED = 20_080_915
FIRST_DAY = dt.date(2006, 1, 2)
FIRST_TIME = dt.datetime(2006, 1, 2, 12, 0, tzinfo=dt.UTC)
INSTRUMENTS = 500
PARTS = {"all good": 0.0, "30 % bad": 0.3}


@dataclass(frozen=True, slots=True)
class Input:
    """What a stage reads: its topic, the good record of a number, the kinds of bad ones, and how the stage is made."""

    topic: Topic
    good: Callable[[int], tuple[str, bytes]]
    bad: Sequence[Bad]
    stage: MadeStage


class CostlessModel:
    """A text model that gives every text the same vector."""

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """One token a text."""
        return [[1]] * len(texts)

    def embed(self, tokens: Sequence[list[int]]) -> NDArray[np.float32]:
        """(n, 384), of length 1."""
        return np.full((len(tokens), DIM), DIM**-0.5, np.float32)


def price(number: int) -> tuple[str, bytes]:
    """All instruments of a day before the next day."""
    day, instrument = divmod(number, INSTRUMENTS)
    name = f"I{instrument:04}.X"
    day_of = FIRST_DAY + dt.timedelta(days=day)
    return name, encode(PriceClose(instrument_id=name, trade_date=day_of, close=100 + number % 97, volume=1e6))


def article(number: int) -> tuple[str, bytes]:
    """A headline and a short body that no other article has."""
    event = NewsArticle(
        article_id=f"a{number:07}",
        published_at=FIRST_TIME + dt.timedelta(minutes=number),
        headline=f"Bank number {number} reports a loss on its mortgages",
        body="Its shares fell by a tenth in early trading. More to follow.",
        language="en",
    )
    return event.article_id, encode(event)


PRICES_READ = Input(PRICES, price, BAD_PRICES, lambda services, _: PriceCloses(services))


def news_read(encoder: TextEncoder) -> Input:
    """What the news stage reads, with this encoder."""
    return Input(
        NEWS,
        article,
        BAD_ARTICLES,
        lambda made, limits: NewsArticles(made, encoder, made.models.text.registered(encoder.fingerprint), limits),
    )


def stream(read: Input, records: int, bad_part: float) -> list[tuple[bytes, bytes]]:
    """Keys and values: so many, of which a part is bad, in no order."""
    chance, numbers = random.Random(SEED), count()
    kinds = [kind for kind in read.bad if kind.reason != "too-large"]
    made: list[tuple[bytes, bytes]] = []
    for number in range(records):
        if chance.random() < bad_part:
            kind = kinds[number % len(kinds)]
            made.append((kind.key, kind.value(number)))
        else:
            key, value = read.good(next(numbers))
            made.append((key.encode(), value))
    return made


async def measure(endpoints: Endpoints, records: int, rounds: int) -> Report:
    """Fill the topics, let the candidates take turns, and keep the best of each."""
    await upgrade(endpoints.database_url)
    candidates: dict[str, FilledTopic] = {}
    async with AsyncExitStack() as stack:
        encoder = TextEncoder(CostlessModel(), "costless", token_budget=1024, deadline_seconds=60.0)
        stack.callback(encoder.close)
        for read in (PRICES_READ, news_read(encoder)):
            for name, part in PARTS.items():
                settings = load_settings({"topic_prefix": f"{read.topic.name}.{part}."})
                services = await stack.enter_async_context(open_services(settings, endpoints))
                sent = stream(read, records, part)
                made = await filled(services, endpoints.kafka, read.topic, read.stage, sent)
                candidates[f"{read.topic.name}, {name}"] = made
        gc.freeze()  # a worker does not hold its whole topic
        measured = await alternate({name: topic.rate for name, topic in candidates.items()}, rounds)
        async with connection(services.pool) as conn:
            postgres = await conn.fetchval("SHOW server_version")
    return Report(
        benchmark="poison",
        job={"records": records, "chunk records": settings.chunk_records, "partitions": settings.topic_partitions},
        runs=rounds,
        figures=figures(measured),
        machine=machine(),
        versions=versions("aiokafka", "asyncpg", "numpy", kafka=kafka_version(), postgres=postgres),
        at=SystemClock().now(),
    )


def figures(measured: Mapping[str, Sequence[float]]) -> list[Figure]:
    """The best rate of each, and of each stage the rate with bad records as a part of the rate without."""
    rates = {name: Figure(name, max(runs), "/s", measured=runs) for name, runs in measured.items()}
    ratios = []
    for topic in (PRICES.name, NEWS.name):
        clean, poisoned = (rates[f"{topic}, {name}"].value for name in PARTS)
        ratios.append(Figure(f"{topic}, ratio", poisoned / clean, "%", at_least=LEAST_RATIO))
    return [*rates.values(), *ratios]


def main() -> None:
    """Read the arguments, start what is needed, measure, stop it."""
    arguments = parser(__doc__, rounds=5)
    arguments.add_argument("--records", type=int, default=20_000)
    given = arguments.parse_args()
    with own_services() as endpoints:
        publish(asyncio.run(measure(endpoints, given.records, given.rounds)), given.json_lines)


if __name__ == "__main__":
    main()
