"""Recipe R3, connection by connection: Postgres stays, and what is asked of it is cut off at the worst moments."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest

from schemas.topics import NEWS, PRICES
from tests.faults.actions import note
from tests.faults.locks import blocked
from tests.faults.postgres_proxy import CommitCutter, commit_cutter
from tests.faults.sending import WRITTEN, close_regions, in_hand, send
from tests.faults.settled import SETTLE_SECONDS, nothing_is_ahead, settle_and_check
from tests.faults.stream import REGION_NAMES, Market, Slice
from tests.faults.workers import CHUNK_RECORDS, STAGES, Crew
from tests.integration.pipeline import Pipeline, until

CUTS = 8
MOST_BETWEEN = 2
"""COMMITs that are answered before the next is not, until there were CUTS of a stage."""
PARTS = 6
TERMINATIONS = 3
"""While a chunk is in hand; it is tried again after each."""
LONGEST_WAIT_SECONDS = 0.5
MARK = "of-a-worker"
TERMINATE = """
    SELECT backend_xid IS NOT NULL AS had_written, pg_terminate_backend(pid)
    FROM pg_stat_activity WHERE application_name = $1
"""


async def test_a_commit_whose_answer_is_lost_has_its_effect_once(
    path: Pipeline, workers: Crew, fresh_database: str, seed: int
) -> None:
    drawn = random.Random(seed)
    async with AsyncExitStack() as stack:
        cutters: dict[str, CommitCutter] = {}

        async def all_are_cut() -> bool:
            workers.check()
            await nothing_is_ahead(path)
            return min(cutter.cut for cutter in cutters.values()) >= CUTS

        for stage in STAGES:
            cutters[stage], url = await stack.enter_async_context(
                commit_cutter(path.endpoints.database_url, drawn, most_between=MOST_BETWEEN, cuts=CUTS)
            )
            workers.start(stage, DATABASE_URL=url)
        parts = Market(seed, path.settings.topic_prefix, instruments=60, days=70, articles=100).slices(PARTS)
        assert least_commits(path, parts) > CUTS * MOST_BETWEEN, "enough for every cut, whatever is drawn"
        for part in parts:
            await send(path, part)
        await until(all_are_cut, f"every stage has lost the answers to {CUTS} COMMITs", SETTLE_SECONDS)
        await settle_and_check(path, workers, replay_into=fresh_database)
    cut = {stage: cutter.cut for stage, cutter in cutters.items()}
    note(f"lost the answers to COMMITs: {cut}", outages=sum(cut.values()))


def least_commits(path: Pipeline, parts: Sequence[Slice]) -> int:
    """How many answered COMMITs every stage needs at least: one for each chunk of all this."""
    sent = Counter(record.topic for part in parts for record in part.records)
    records = {
        "prices": sent[path.services.topic(PRICES.name)],
        "news": sent[path.services.topic(NEWS.name)],
        "contexts": len(parts) * len(REGION_NAMES),
    }
    return min(records[stage] // int(CHUNK_RECORDS[stage]) for stage in STAGES)


@pytest.mark.whole
async def test_backends_that_are_terminated_again_and_again_lose_nothing(
    path: Pipeline, workers: Crew, seed: int
) -> None:
    drawn = random.Random(seed)
    for stage in STAGES:
        workers.start(stage, DATABASE_URL=f"{path.endpoints.database_url}?application_name={MARK}")
    had_written = 0
    for part in Market(seed, path.settings.topic_prefix, instruments=60, days=70, articles=100).slices(4):
        async with in_hand(path, part):
            for _ in range(TERMINATIONS):
                had_written += await terminate(path)
                await nothing_is_ahead(path)
                for table in WRITTEN:
                    await blocked(path, table)
        await close_regions(path, part)
        await asyncio.sleep(drawn.uniform(0, LONGEST_WAIT_SECONDS))
        await terminate(path)  # whatever goes on at that moment
        await nothing_is_ahead(path)
    assert had_written >= 4 * TERMINATIONS
    await settle_and_check(path, workers)


async def terminate(path: Pipeline) -> int:
    """Terminate every backend of the workers; how many of them had written in an open transaction."""
    ended = await path.fetch(TERMINATE, MARK)
    had_written: int = sum(row["had_written"] for row in ended)
    note(f"terminate {len(ended)} backends, {had_written} of which have written", outages=len(ended))
    return had_written
