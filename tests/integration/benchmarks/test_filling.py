"""The jobs that benchmarks/backfill.py times: in bulk and row by row they come to the same rows."""

from collections.abc import AsyncIterator

import pytest

from benchmarks.filling.history import History, write
from benchmarks.filling.jobs import JOBS
from benchmarks.filling.process import CORE_ALONE, Order, in_own_process
from stream_app.config import load_settings
from stream_app.embedded import Endpoints
from stream_app.services import Services, open_services
from stream_app.store.database import connection

SESSIONS = 20
HISTORY = History(instruments=3, sessions=SESSIONS, regions=2, articles_a_day=2, rows_before=62)
WINDOWS = "SELECT entity_id, as_of_date, rows, window_spec, vector FROM numeric_window_embeddings ORDER BY 1, 2"
CONTEXTS = """
    SELECT payload, r.vector, j.vector, entity_scope, regime_record_id, regime_embedding, g.metadata
    FROM joint_embedding_revisions r JOIN joint_embeddings j USING (region, as_of_date) JOIN regimes g
    USING (region, as_of_date) WHERE absent_reason IS NULL ORDER BY region, as_of_date
"""
JOINTS = "SELECT region, as_of_date, vector FROM joint_embeddings ORDER BY 1, 2"


@pytest.fixture
async def services(endpoints: Endpoints, database_url: str) -> AsyncIterator[Services]:
    """Services over a history of a few weeks."""
    async with open_services(load_settings(CORE_ALONE), Endpoints(endpoints.kafka, database_url)) as made:
        await write(made, HISTORY)
        yield made


async def rows_after(services: Services, job: str, sql: str) -> tuple[int, list[tuple[object, ...]]]:
    """What a job counts, and what it leaves."""
    done = await JOBS[job](services, HISTORY)
    assert done.seconds > 0
    async with connection(services.pool) as conn:
        return done.count, [tuple(row) for row in await conn.fetch(sql)]


@pytest.mark.parametrize(
    ("job", "baseline", "sql", "count"),
    [
        ("windows computed and stored", "windows row by row", WINDOWS, 3 * SESSIONS),
        ("contexts computed and stored", "contexts row by row", CONTEXTS, 2 * SESSIONS),
    ],
)
async def test_both_ways_come_to_the_same_rows(
    services: Services, job: str, baseline: str, sql: str, count: int
) -> None:
    in_bulk = await rows_after(services, job, sql)
    one_by_one = await rows_after(services, baseline, sql)
    assert in_bulk == one_by_one
    assert in_bulk[0] == len(in_bulk[1]) == count


async def test_the_seed_command_fills_in_the_joint_vectors_that_the_contexts_have(services: Services) -> None:
    contexts = await rows_after(services, "contexts computed and stored", JOINTS)
    assert await rows_after(services, "joint vectors filled in", JOINTS) == contexts


async def test_a_job_in_a_process_of_its_own_tells_its_rate_and_its_memory(
    services: Services, endpoints: Endpoints
) -> None:
    place = Endpoints(endpoints.kafka, services.database_url)
    for job in ("windows computed", "plain vector upserts"):
        ran = await in_own_process(Order(job, HISTORY, place))
        assert ran.rate > 0
        assert 2**25 < ran.peak_bytes < 2**31
