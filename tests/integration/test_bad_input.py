"""Every kind of bad input through the live stages: one in a stream, 100 in a row, and 30 % of a stream.

Each bad record is one dead letter with its reason, origin and bytes; the good ones are stored, and nothing is left.
"""

import asyncio
import datetime as dt
import random
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from schemas import DeadLetter, NewsArticle, PriceClose, encode
from schemas.topics import NEWS, PRICES
from stream_app.embedded import Endpoints
from stream_app.embedded.postgres import binary
from stream_app.encoding import TextEncoder
from stream_app.kafka.producing import Outgoing
from tests.faults.observed import committed_offsets
from tests.integration.bad_records import EVERY_KIND, Bad, BreakingModel
from tests.integration.pipeline import Pipeline, article, close, pipeline

PARTITIONS = 4
IN_A_ROW = 100
GOOD, BAD = 700, 300
SEED = 20_080_915
FIRST_DAY = dt.date(2006, 1, 2)
NOON = dt.datetime(2008, 9, 15, 16, 0, tzinfo=dt.UTC)
TOPICS = (PRICES.name, NEWS.name)

Key = tuple[str, int, int]
"""A record's place: topic (without the prefix), partition and offset."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A record to send: to the partition that the number chooses. `kind` is None for a good one."""

    topic: str
    key: bytes
    value: bytes
    to: int
    kind: Bad | None = None


def good_price(number: int) -> PriceClose:
    """No two have the same natural key; the first ones are as far as a price may go."""
    name = {0: "x" * 200, 1: "y"}.get(number, f"I{number % 7}")
    volume = 0.0 if number == 1 else 1e6 + number
    return close(name, FIRST_DAY + dt.timedelta(days=number), 100 + number / 7, volume)


def good_article(number: int) -> NewsArticle:
    """No two are alike; the first one is as far as an article may go."""
    if number == 0:
        return article("x" * 200, NOON, "h" * 2000)
    return article(f"a{number}", NOON + dt.timedelta(seconds=number), f"Bank number {number} fails.")


def good(topic: str, number: int, to: int) -> Sent:
    """The good record of this number."""
    if topic == PRICES.name:
        event = good_price(number)
        return Sent(topic, event.instrument_id.encode(), encode(event), to)
    told = good_article(number)
    return Sent(topic, told.article_id.encode(), encode(told), to)


def bad(kind: Bad, number: int, to: int) -> Sent:
    """A record of this kind."""
    return Sent(kind.topic, kind.key, kind.value(number), to, kind)


def one_of_each() -> list[Sent]:
    """A good record before and after each bad one."""
    return runs_of(1)


def a_hundred_in_a_row() -> list[Sent]:
    """Of each kind."""
    return runs_of(IN_A_ROW)


def runs_of(length: int) -> list[Sent]:
    """Each kind so often, in a row, with a good record before it and one at the end; all in one partition."""
    sent = []
    for index, kind in enumerate(EVERY_KIND):
        sent.append(good(kind.topic, index, to=0))
        sent += [bad(kind, number, to=0) for number in range(length)]
    return sent + [good(topic, len(EVERY_KIND), to=0) for topic in TOPICS]


def thirty_per_cent() -> list[Sent]:
    """All kinds among good records, in no order, over all partitions."""
    chance = random.Random(SEED)
    sent = []
    for topic in TOPICS:
        kinds = [kind for kind in EVERY_KIND if kind.topic == topic]
        sent += [good(topic, number, to=chance.randrange(100)) for number in range(GOOD)]
        sent += [bad(kinds[number % len(kinds)], number, to=chance.randrange(100)) for number in range(BAD)]
    chance.shuffle(sent)
    return sent


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was sent, where it lies on its topic, and what the stages made of it."""

    sent: Sequence[Sent]
    log: dict[Key, Any]
    letters: Sequence[DeadLetter]
    """On the topic, their own topic without the prefix."""
    stored_letters: Sequence[Any]
    prices: Sequence[Any]
    articles: Sequence[Any]
    ends: dict[tuple[str, int], int]
    committed: dict[tuple[str, int], int]
    windows: int


@pytest.fixture(scope="module", params=[one_of_each, a_hundred_in_a_row, thirty_per_cent], ids=lambda f: f.__name__)
def outcome(request: pytest.FixtureRequest, endpoints: Endpoints, template_database: str) -> Iterator[Outcome]:
    """A stream through live stages into a database of its own."""
    stream: Callable[[], list[Sent]] = request.param
    database, where = f"bad_{stream.__name__}", f"--maintenance-db={endpoints.database_url}"
    subprocess.run([binary("createdb"), where, f"--template={template_database}", database], check=True)
    url = f"{endpoints.database_url.rpartition('/')[0]}/{database}"
    with ThreadPoolExecutor(1) as thread, pytest.MonkeyPatch.context() as patch:
        patch.setattr(TextEncoder, "load", lambda *_settings: BreakingModel().encoder())
        yield thread.submit(asyncio.run, run(endpoints, url, f"{stream.__name__}.", stream())).result()
    subprocess.run([binary("dropdb"), where, "--force", database], check=True)


async def run(endpoints: Endpoints, database_url: str, prefix: str, sent: Sequence[Sent]) -> Outcome:
    """Send everything, apply it, look at what is there."""
    async with pipeline(endpoints, database_url, prefix, topic_partitions=PARTITIONS) as path:
        await path.services.publisher.publish(
            [Outgoing(path.services.topic(x.topic), x.key, x.value, str(x.to).encode()) for x in sent]
        )
        path.start("prices", "news")
        await path.applied()
        await path.stop()
        return await observed(path, sent)


async def observed(path: Pipeline, sent: Sequence[Sent]) -> Outcome:
    """What there is after the stages have stopped."""
    read = {topic: await path.read(topic) for topic in TOPICS}
    # at least once: a letter that took too long to publish was sent again, the same
    letters = [msgspec.json.decode(value, type=DeadLetter) for value in {encode(x) for x in await path.dead_letters()}]
    ends = {topic: await path.services.log.end_offsets(path.services.topic(topic)) for topic in TOPICS}
    return Outcome(
        sent=sent,
        log={(topic, each.partition, each.offset): each for topic in TOPICS for each in read[topic]},
        letters=letters,
        stored_letters=await path.fetch("SELECT * FROM dead_letters"),
        prices=await path.fetch("SELECT instrument_id, trade_date, close, volume FROM prices_daily"),
        articles=await path.fetch("SELECT article_id, headline, published_at FROM news_articles"),
        ends={(topic, number): end for topic in TOPICS for number, end in enumerate(ends[topic])},
        committed=await committed_offsets(path),
        windows=await path.value("SELECT count(*) FROM text_embeddings"),
    )


def _place(letter: DeadLetter) -> tuple[str, int, int]:
    return next(topic for topic in TOPICS if letter.topic.endswith(topic)), letter.partition, letter.offset


@pytest.mark.parametrize("kind", EVERY_KIND, ids=str)
def test_each_bad_record_is_one_dead_letter_with_its_reason_origin_and_bytes(outcome: Outcome, kind: Bad) -> None:
    values = {sent.value for sent in outcome.sent if sent.kind is kind}
    records = {place: each for place, each in outcome.log.items() if place[0] == kind.topic and each.value in values}
    assert len(records) == len(values) > 0
    letters = [letter for letter in outcome.letters if _place(letter) in records]
    assert sorted(map(_place, letters)) == sorted(records)
    for letter in letters:
        record = records[_place(letter)]
        assert (letter.key, letter.value) == (record.key, record.value)
        assert letter.timestamp.timestamp() * 1000 == record.timestamp
        assert letter.reason == kind.reason
        assert kind.error in letter.error


def test_the_dead_letters_in_the_database_are_those_on_the_topic_and_no_others(outcome: Outcome) -> None:
    assert len(outcome.letters) == sum(sent.kind is not None for sent in outcome.sent)
    assert sorted(
        (row["event_id"], row["topic"], row["partition"], row["log_offset"], row["key"], row["value"], row["reason"])
        for row in outcome.stored_letters
    ) == sorted((x.event_id, x.topic, x.partition, x.offset, x.key, x.value, x.reason) for x in outcome.letters)
    assert all(row["published"] for row in outcome.stored_letters)


def test_every_good_record_beside_them_is_stored_as_it_was_sent(outcome: Outcome) -> None:
    well = {topic: sum(sent.kind is None and sent.topic == topic for sent in outcome.sent) for topic in TOPICS}
    values = {sent.value for sent in outcome.sent}
    numbers = {topic: [n for n in range(GOOD) if good(topic, n, 0).value in values] for topic in TOPICS}
    assert {topic: len(found) for topic, found in numbers.items()} == well
    prices, articles = map(good_price, numbers[PRICES.name]), map(good_article, numbers[NEWS.name])
    assert {tuple(row) for row in outcome.prices} == {
        (each.instrument_id, each.trade_date, each.close, each.volume) for each in prices
    }
    assert {tuple(row) for row in outcome.articles} == {
        (each.article_id, each.headline, each.published_at) for each in articles
    }
    assert outcome.windows == well[NEWS.name]


def test_nothing_is_left_to_be_read(outcome: Outcome) -> None:
    assert sum(outcome.ends.values()) == len(outcome.sent)
    assert outcome.committed == outcome.ends
