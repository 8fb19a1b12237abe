"""Recipe R12: a worker that is asked to end drains, commits, and exits with 0 within its deadline.

What is committed when it has ended is all that it has applied, so nothing is delivered again.
"""

import signal
import time

import pytest

from schemas import Codec, NewsArticle
from schemas.topics import NEWS, TEXT
from stream_app.kafka.stage import STOP_SECONDS
from tests.faults.observed import STAGE_TOPICS, Observed, committed_offsets
from tests.faults.oracle import decoded
from tests.faults.sending import close_regions, in_hand, send
from tests.faults.settled import applied, settle_and_check
from tests.faults.stream import Market
from tests.faults.workers import STAGES, Crew
from tests.integration.pipeline import Pipeline

SHORT_DRAIN_SECONDS = 1.0


async def records_applied(path: Pipeline) -> int:
    """How many records all stages have applied."""
    return sum([sum((await applied(path, topic)).values()) for topic in STAGE_TOPICS.values()])


def texts_published_again(observed: Observed) -> int:
    """How many records of embeddings.text there are besides one for each article that was applied."""
    codec: Codec[NewsArticle] = Codec(NewsArticle)
    applied_ones = decoded(observed.logs[NEWS.name], codec, lambda event: event.article_id).good
    return len(observed.logs[TEXT.name]) - sum(not version.event.retracted for version in applied_ones)


async def test_sigterm_drains_what_is_in_hand_and_nothing_of_it_is_delivered_again(
    path: Pipeline, workers: Crew, seed: int
) -> None:
    parts = Market(seed, path.settings.topic_prefix, instruments=60, days=66, articles=200).slices(2)
    at_work = [workers.start(stage) for stage in STAGES]
    await send(path, parts[0])
    await path.applied()
    async with in_hand(path, parts[1]):
        before = await records_applied(path)
        for worker in at_work:
            worker.send(signal.SIGTERM)
        began = time.monotonic()
    assert [await worker.ended() for worker in at_work] == [0, 0, 0]
    assert time.monotonic() - began < path.settings.drain_seconds
    assert await records_applied(path) > before, "a chunk was in hand"
    committed = await committed_offsets(path)
    assert committed == {
        (topic, partition): offset
        for topic in STAGE_TOPICS.values()
        for partition, offset in (await applied(path, topic)).items()
    }
    for stage in STAGES:
        workers.start(stage)
    await close_regions(path, parts[1])
    assert texts_published_again(await settle_and_check(path, workers)) == 0


@pytest.mark.whole
async def test_sigterm_leaves_a_chunk_that_does_not_end_and_it_is_delivered_again(
    path: Pipeline, workers: Crew, seed: int
) -> None:
    parts = Market(seed, path.settings.topic_prefix, instruments=20, days=66, articles=60).slices(2)
    at_work = [workers.start(stage, DRAIN_SECONDS=str(SHORT_DRAIN_SECONDS)) for stage in STAGES]
    await send(path, parts[0])
    await path.applied()
    async with in_hand(path, parts[1]):
        before = await records_applied(path)
        for worker in at_work:
            worker.send(signal.SIGTERM)
        began = time.monotonic()
        assert [await worker.ended() for worker in at_work] == [0, 0, 0]
        assert time.monotonic() - began < SHORT_DRAIN_SECONDS + STOP_SECONDS + 1
        given_up = [worker.stage for worker in at_work if "was not waited for any longer" in worker.tail()]
        assert given_up == ["prices", "news"]
    for stage in STAGES:
        workers.start(stage)
    await close_regions(path, parts[1])
    await settle_and_check(path, workers)
    assert await records_applied(path) > before
