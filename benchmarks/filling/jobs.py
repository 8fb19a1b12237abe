"""The jobs: the same work by the product, in bulk, and as a script does it, row by row."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from benchmarks.filling import row_by_row
from benchmarks.filling.history import History, write_triggers
from benchmarks.persist import PLAIN, store_vectors
from stream_app.backfill.joint import JointJob, fill_joint
from stream_app.backfill.windows import WindowsJob, fill
from stream_app.contexts.computing import Computing, register_models
from stream_app.contexts.models import KnownModels
from stream_app.garbage import seldom_collected
from stream_app.regime.windows import windows
from stream_app.services import Services
from stream_app.store.article_texts import Selection
from stream_app.store.database import connection, transaction
from stream_app.store.regimes import Wanted

PLAIN_ROWS = 2_000
"""Vectors a transaction of plain upserts."""
ROWS_ONE_BY_ONE = 2_000
"""What a job row by row makes: its rate is that of any number."""

LARGE_TABLES = "numeric_window_embeddings, plain_vectors"


@dataclass(frozen=True, slots=True)
class Done:
    """How many rows of the job's kind were made, and in what time."""

    count: int
    seconds: float


class Untold:
    """Nobody is told how far a job has come."""

    def begin(self, what: str, total: int) -> None:
        """Nothing is said."""

    def advance(self, done: int) -> None:
        """Nothing is said."""


Job = Callable[[Services, History], Awaitable[Done]]


async def windows_computed(services: Services, history: History) -> Done:
    """Windows and their vectors, in memory; no history is made within the time."""
    model, seconds = services.models.numeric[0], 0.0
    for _, closes, volumes in history.prices():
        began = time.perf_counter()
        made = windows(history.priced, closes, volumes, history.days, model.window_days)
        model.embed(made.features, made.rows)
        seconds += time.perf_counter() - began
    return Done(history.instruments * len(history.days), seconds)


async def windows_stored(services: Services, history: History) -> Done:
    """Windows read, computed and stored by the seed command's path."""
    await _empty(services, "numeric_window_embeddings")
    job = WindowsJob(history.names, history.days, services.models.numeric[0])
    count, began = 0, time.perf_counter()
    async for group in fill(services.pool, job, dry_run=False):
        count += group.tally.new
    return Done(count, time.perf_counter() - began)


async def vectors_upserted(services: Services, history: History) -> Done:
    """As many rows of a key and a vector, by COPY and merge."""
    await _empty(services, "plain_vectors")
    count = history.instruments * len(history.days)
    return Done(count, await store_vectors(services.pool, count, PLAIN_ROWS, history.instruments))


async def contexts_computed(services: Services, history: History) -> Done:
    """Contexts with their revisions and regime rows by the live path, which replay takes too; nothing is published."""
    computing = Computing(services, await _waiting(services, history), withheld=True)
    done: list[int] = []
    began = time.perf_counter()
    with seldom_collected():  # as a stage and a replay run
        await computing.finish(history.region_names, done.append)
    return Done(sum(done), time.perf_counter() - began)


async def joint_filled(services: Services, history: History) -> Done:
    """Joint vectors by the seed command, from the regimes that the contexts left."""
    await _empty(services, "joint_embeddings")
    model, days = services.models.joint[0], history.days.tolist()
    job = JointJob(
        Wanted(history.region_names, model.numeric.model_id, None),
        Selection(days[0], days[-1], None, model.text.model_id),
        model,
    )
    began = time.perf_counter()
    report = await fill_joint(services.pool, job, dry_run=False, told=Untold())
    return Done(report.stored.new, time.perf_counter() - began)


async def windows_row_by_row(services: Services, history: History) -> Done:
    """A query, a window and an upsert at a time; of the first ones alone."""
    await _empty(services, "numeric_window_embeddings")
    model = services.models.numeric[0]
    pairs = [(name, day) for name in history.names for day in history.days.tolist()][:ROWS_ONE_BY_ONE]
    async with transaction(services.pool) as conn:
        began = time.perf_counter()
        for name, day in pairs:
            await row_by_row.store_window(conn, model, name, day)
        return Done(len(pairs), time.perf_counter() - began)


async def contexts_row_by_row(services: Services, history: History) -> Done:
    """A day's queries, its context and an upsert into each of three tables at a time; of the first ones alone."""
    models = await _waiting(services, history)
    pairs = [(region, day) for region in history.region_names for day in history.days.tolist()][:ROWS_ONE_BY_ONE]
    async with transaction(services.pool) as conn:
        began = time.perf_counter()
        for region, day in pairs:
            await row_by_row.store_context(conn, models.spaces[0], region, day)
        return Done(len(pairs), time.perf_counter() - began)


async def _waiting(services: Services, history: History) -> KnownModels:
    """Let every trigger wait, with no context of any day."""
    await _empty(services, "day_triggers, late_marks, joint_embedding_revisions, joint_embeddings, regimes")
    async with transaction(services.pool) as conn:
        await write_triggers(conn, services, history)
    models = await register_models(services)
    assert models is not None  # the history registered its text model
    return models


async def _empty(services: Services, tables: str) -> None:
    """Empty a job's tables, and the large ones of the jobs before it, which autovacuum would go through meanwhile."""
    async with connection(services.pool) as conn:
        await conn.execute(PLAIN)
        await conn.execute(f"TRUNCATE {tables}, {LARGE_TABLES}")
        await conn.execute("CHECKPOINT")


JOBS: Mapping[str, Job] = {
    "windows computed": windows_computed,
    "windows computed and stored": windows_stored,
    "plain vector upserts": vectors_upserted,
    "windows row by row": windows_row_by_row,
    "contexts row by row": contexts_row_by_row,
    "contexts computed and stored": contexts_computed,
    "joint vectors filled in": joint_filled,
}
