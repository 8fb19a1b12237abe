"""How far the pipeline is: what the database has applied against where Kafka's logs end, and what is wrong."""

from collections.abc import Iterator, Sequence

from stream_app.endpoints import command
from stream_app.positions import ADOPT
from stream_app.requeuing import LETTER_TOPICS
from stream_app.store import handled_letters, pipeline_state, replays
from stream_app.store.database import connection
from stream_app.store.handled_letters import Choice
from stream_app.store.pipeline_state import Applied, LastClose, Waiting
from stream_app.web.answers.operations import (
    Backlog,
    Broker,
    CloseTold,
    PartitionLag,
    PipelineState,
    ReasonTold,
    StageLag,
)
from stream_app.web.letter_counts import told_counts
from stream_app.web.site import STAGES, Site

STANDS_SECONDS = 60.0
"""Work that nobody has gone on with for so long is a problem."""


async def read(site: Site) -> PipelineState:
    """How far the pipeline is now."""
    services, ends = site.services, await site.log_ends.now()
    topics = {stage: services.topic(name) for stage, name in STAGES.items()}
    async with connection(services.pool) as conn:
        applied = await pipeline_state.applied(conn, list(topics.values()))
        waiting = await pipeline_state.waiting(conn)
        closes = await pipeline_state.last_closes(conn)
        letters = await handled_letters.counts(conn, Choice([services.topic(name) for name in LETTER_TOPICS]))
        replaying = await replays.unfinished(conn) is not None
    stages = [_stage(stage, topic, applied, ends.by_topic.get(topic)) for stage, topic in topics.items()]
    told_letters = told_counts(letters, services.settings.topic_prefix)
    return PipelineState(
        kafka=Broker(answers=ends.why_not is None, why_not=ends.why_not),
        stages=stages,
        backlog=Backlog(triggers=waiting.triggers, contexts=waiting.contexts, marks=waiting.marks),
        last_closes=[_close(each) for each in closes],
        dead_letters=told_letters,
        problems=[
            *([] if ends.why_not is None else [ends.why_not]),
            *(["A replay fills this database, and no worker runs before it has finished."] if replaying else []),
            *_other_logs(stages, command(services.settings, ADOPT)),
            *_standing(stages),
            *_uncomputed(waiting),
            *_letters(told_letters, command(services.settings, "dead-letters list")),
        ],
    )


def _stage(stage: str, topic: str, applied: Sequence[Applied], ends: Sequence[int] | None) -> StageLag:
    by_partition = {each.partition: each for each in applied if each.topic == topic}
    numbers = sorted({*by_partition, *range(len(ends or ()))})
    partitions = [
        _partition(number, by_partition.get(number), ends[number] if ends and number < len(ends) else None)
        for number in numbers
    ]
    lag = None if ends is None else sum(each.lag or 0 for each in partitions)
    return StageLag(stage=stage, topic=topic, lag=lag, partitions=partitions)


def _partition(number: int, applied: Applied | None, end: int | None) -> PartitionLag:
    """A partition that no worker has read yet is applied up to 0."""
    at = 0 if applied is None else applied.next_offset
    return PartitionLag(
        partition=number,
        applied=at,
        end=end,
        lag=None if end is None else max(end - at, 0),
        idle_seconds=None if applied is None else round(applied.idle_seconds, 1),
    )


def _close(each: LastClose) -> CloseTold:
    return CloseTold(
        region=each.region,
        as_of=each.as_of,
        number=each.number,
        closed_at=each.closed_at,
        known_at=each.known_at,
        computed=each.computed,
    )


def _other_logs(stages: Sequence[StageLag], adopt: str) -> Iterator[str]:
    """A log that ends below what was applied of it is another one."""
    for stage in stages:
        for each in stage.partitions:
            if each.end is not None and each.end < each.applied:
                yield (
                    f"{stage.topic}[{each.partition}] ends at offset {each.end}, but {each.applied} records of it are "
                    f"applied: it is another log. `{adopt}` shows what is to be done."
                )


def _standing(stages: Sequence[StageLag]) -> Iterator[str]:
    for stage in stages:
        idle = [each.idle_seconds for each in stage.partitions if each.lag]
        if idle and all(each is None or each > STANDS_SECONDS for each in idle):
            yield (
                f"The {stage.stage} stage has {stage.lag:,} records to apply, and has applied none for over "
                f"{STANDS_SECONDS:g} s: is a worker running?"
            )


def _uncomputed(waiting: Waiting) -> Iterator[str]:
    if waiting.oldest_seconds is not None and waiting.oldest_seconds > STANDS_SECONDS:
        yield (
            f"{waiting.triggers:,} closes and amendments wait to be computed, the oldest for "
            f"{waiting.oldest_seconds:,.0f} s: /api/v1/regions says what for."
        )


def _letters(counts: Sequence[ReasonTold], listing: str) -> Iterator[str]:
    if total := sum(each.letters for each in counts):
        yield f"{total:,} records could not be used: `{listing}` shows them."
