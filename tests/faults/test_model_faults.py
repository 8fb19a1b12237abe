"""Recipe R10: the text model refuses texts, refuses everything, or hangs; what was embedded is not embedded again.

Real workers run a real transformer: its files break it on some words, and torch's hooks (`watched_model`) do the rest.
"""

import datetime as dt
import random
import time
from collections.abc import Iterator, Sequence, Set
from pathlib import Path

import msgspec
import pytest
from tokenizers import Tokenizer

from schemas import NewsArticle, encode
from schemas.topics import NEWS
from stream_app.kafka.producing import Outgoing
from tests.faults.oracle import hash_of, text_of
from tests.faults.settled import SETTLE_SECONDS, in_flight, settle_and_check
from tests.faults.stream import LAST_DAY, REGION_NAMES, Market, Slice
from tests.faults.text_model import NAN_WORD, PANIC_WORD, SHORT_WORD, UNKNOWN_WORD
from tests.faults.watched_model import LOST, SHORT, Tokens, WatchedModel
from tests.faults.workers import STAGES, Crew, crew
from tests.integration.pipeline import Pipeline, article, until

PARTITIONS = 2
CHUNK_RECORDS = 20
DEADLINE_SECONDS = 15.0
END_SECONDS = 20.0
"""How soon after the deadline a process has ended."""
SHORT_SHARE = 0.05
NOON = dt.datetime.combine(LAST_DAY, dt.time(12), dt.UTC)
ERRORS = {
    NAN_WORD: "the model gives numbers that are not finite",
    UNKNOWN_WORD: "index out of range in self",
    PANIC_WORD: "Onig: Regex search error: retry-limit-in-match over",
    SHORT_WORD: f"the model gives vectors of shape (1, {SHORT}), not (1, 384)",
}
"""By what breaks the model on a text, what the text's dead letter says."""


@pytest.fixture
def partitions() -> int:
    """Fewer, so that each holds a run of records."""
    return PARTITIONS


@pytest.fixture
def workers(
    path: Pipeline, text_model: Path, regions_file: Path, tmp_path: Path, model: WatchedModel
) -> Iterator[Crew]:
    """Worker processes whose text model is watched."""
    settings = {"ENCODE_DEADLINE_SECONDS": str(DEADLINE_SECONDS), "CHUNK_RECORDS": str(CHUNK_RECORDS)}
    with crew(path, text_model, regions_file, tmp_path, model.environment, **settings) as made:
        yield made


def with_breaking_words(part: Slice, prefix: str, random_: random.Random) -> Slice:
    """The slice with some articles more, which get a vector that is too short, and one of each word, drawn or not."""
    records: list[Outgoing] = []
    for record in part.records:
        records.append(record)
        if record.topic == prefix + NEWS.name and random_.random() < SHORT_SHARE:
            event = msgspec.json.decode(record.value or b"", type=NewsArticle)
            if event.published_at is not None:
                spoilt = article(f"short-{len(records)}", event.published_at, f"{SHORT_WORD} {text_of(event)}")
                records.append(Outgoing(record.topic, spoilt.article_id.encode(), encode(spoilt)))
    for word in ERRORS:
        broken = article(f"breaking-{len(records)}", NOON, f"{word} {part.closing}")
        records.append(Outgoing(prefix + NEWS.name, broken.article_id.encode(), encode(broken)))
    return Slice(records, part.closing)


async def send(path: Pipeline, part: Slice) -> None:
    """Publish a slice and close its day, without waiting for anything to be applied."""
    await path.services.publisher.publish(part.records)
    for region in REGION_NAMES:
        await path.close(region, part.closing)


class Texts:
    """Every text that is sent, by its content hash; several texts may have the same tokens."""

    def __init__(self, path: Pipeline, text_model: Path, parts: Sequence[Slice]) -> None:
        self._path = path
        tokenizer = Tokenizer.from_file(str(text_model / "tokenizer.json"))
        tokenizer.no_padding()
        news = path.services.topic(NEWS.name)
        records = (record for part in parts for record in part.records if record.topic == news)
        sent = (msgspec.json.decode(record.value or b"", type=NewsArticle) for record in records)
        texts = {hash_of(event): text_of(event) for event in sent if not event.retracted}
        readable = {key: text for key, text in texts.items() if PANIC_WORD not in text}
        self._tokens: dict[bytes, Tokens] = {key: tuple(tokenizer.encode(text).ids) for key, text in readable.items()}
        self.breaking = {key for key, text in texts.items() if any(word in text for word in ERRORS)}
        self.good = set(texts) - self.breaking

    async def embedded(self) -> set[bytes]:
        """The texts whose vectors are stored."""
        return {row["content_hash"] for row in await self._path.fetch("SELECT content_hash FROM text_vectors")}

    def tokens(self, keys: Set[bytes]) -> set[Tokens]:
        """The tokens of these texts, those that no other text has."""
        others = {tokens for key, tokens in self._tokens.items() if key not in keys}
        return {tokens for key, tokens in self._tokens.items() if key in keys} - others


def passed(model: WatchedModel, pid: int) -> set[Tokens]:
    """The texts of which a process made forward passes."""
    return {tokens for each in model.passes() if each.pid == pid for tokens in each.texts}


async def test_a_text_that_breaks_the_model_is_a_dead_letter_and_its_neighbours_are_embedded_once(
    path: Pipeline, workers: Crew, model: WatchedModel, text_model: Path, seed: int
) -> None:
    drawn, prefix = random.Random(seed), path.settings.topic_prefix
    market = Market(seed, prefix, instruments=8, days=66, articles=600)
    parts = [with_breaking_words(part, prefix, drawn) for part in market.slices(2)]
    texts = Texts(path, text_model, parts)
    first = {stage: workers.start(stage) for stage in STAGES}["news"]
    for part in parts:
        await send(path, part)
    enough = await in_flight(path, NEWS.name) * drawn.uniform(0.5, 0.9)

    async def some_is_done() -> bool:
        workers.check()
        return await in_flight(path, NEWS.name) < enough

    await until(some_is_done, "some of the news is embedded", SETTLE_SECONDS)
    await first.kill()
    assert await in_flight(path, NEWS.name) > 0, "nothing was in flight when the worker was killed"
    before = await texts.embedded()
    second = workers.start("news")
    await settle_and_check(path, workers)

    after = await texts.embedded()
    assert set() < before < after <= texts.good
    assert passed(model, second.pid) & texts.tokens(before) == set()
    assert passed(model, second.pid) >= texts.tokens(after - before)
    good, breaking = texts.tokens(texts.good), texts.tokens(texts.breaking)
    assert any(good & set(each.texts) and breaking & set(each.texts) for each in model.passes()), "no batch was broken"
    found = set()
    for row in await path.fetch("SELECT value, error FROM dead_letters WHERE reason = 'not-encodable'"):
        text = text_of(msgspec.json.decode(row["value"], type=NewsArticle))
        words = [word for word in ERRORS if word in text]
        (told,) = [word for word in words if row["error"] == ERRORS[word]]
        found.add(told)
    assert found == set(ERRORS)


@pytest.mark.whole
async def test_a_model_that_refuses_everything_ends_its_worker_and_no_text_is_a_dead_letter_for_that(
    path: Pipeline, workers: Crew, model: WatchedModel, text_model: Path, seed: int
) -> None:
    market = Market(seed, path.settings.topic_prefix, instruments=8, days=66, articles=120)
    parts = market.slices(2)
    texts = Texts(path, text_model, parts)
    news = {stage: workers.start(stage) for stage in STAGES}["news"]
    await send(path, parts[0])
    await path.applied()
    letters = await path.value("SELECT count(*) FROM dead_letters WHERE reason = 'not-encodable'")
    with model.failing():
        await send(path, parts[1])
        assert f"fails on a known good sentence too ({LOST})" in await workers.fails(news)
        assert f"cannot be used: it is no encoder, or it fails: {LOST}" in await workers.fails(workers.start("news"))
    assert await path.value("SELECT count(*) FROM dead_letters WHERE reason = 'not-encodable'") == letters
    before = await texts.embedded()
    third = workers.start("news")
    await settle_and_check(path, workers)
    assert passed(model, third.pid) & texts.tokens(before) == set()
    assert set() < before < await texts.embedded() <= texts.good


@pytest.mark.whole
async def test_a_model_that_hangs_ends_its_worker_at_the_deadline_and_what_was_embedded_is_not_embedded_again(
    path: Pipeline, workers: Crew, model: WatchedModel, text_model: Path, seed: int
) -> None:
    parts = Market(seed, path.settings.topic_prefix, instruments=8, days=66, articles=120).slices(2)
    texts = Texts(path, text_model, parts)
    news = {stage: workers.start(stage) for stage in STAGES}["news"]
    await send(path, parts[0])
    await path.applied()
    with model.hanging():
        await send(path, parts[1])
        assert f"The text model did not answer within {DEADLINE_SECONDS:g} s." in await workers.fails(news)
        ended = time.monotonic()
        hung = [each for each in model.passes() if each.hung]
        assert hung
        assert DEADLINE_SECONDS <= ended - hung[0].at_seconds < DEADLINE_SECONDS + END_SECONDS
    before = await texts.embedded()
    third = workers.start("news")
    await settle_and_check(path, workers)
    assert passed(model, third.pid) & texts.tokens(before) == set()
    assert set() < before < await texts.embedded() <= texts.good


@pytest.mark.whole
async def test_a_model_that_hangs_when_it_is_loaded_ends_its_worker_at_the_deadline(
    path: Pipeline, workers: Crew, model: WatchedModel
) -> None:
    with model.hanging():
        assert f"The text model was not loaded within {DEADLINE_SECONDS:g} s." in await workers.fails(
            workers.start("news")
        )
    assert [each.hung for each in model.passes()] == [True]
    for stage in STAGES:
        workers.start(stage)
    await path.send(article("n1", NOON, "A bank fails."))
    await settle_and_check(path, workers)
