"""Going on with the logs as they are, knowingly: what that means is found first, and done in one transaction.

Another log becomes a new epoch of its topic and is read from its start. What was applied of the old one stays, below
every cut of the new. Records that a log has lost are noted as never applied, and passed over.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.topics import DAY_CLOSES, NEWS, PRICES
from stream_app.errors import UsageError
from stream_app.kafka import groups
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.groups import group_id
from stream_app.kafka.stages import AssignedLog
from stream_app.positions.comparing import compare
from stream_app.positions.findings import Finding, Kind
from stream_app.positions.named import Named, named_by_triggers
from stream_app.services import Services
from stream_app.store import ended_logs, progress, replays
from stream_app.store.database import Connection, connection, transaction
from stream_app.store.progress import Progress

STAGE_TOPICS = {"prices": PRICES.name, "news": NEWS.name, "contexts": DAY_CLOSES.name}
"""What each stage reads."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is wrong with one topic, and where the database and its log stand.

    `epoch` is the one in which the log is read after it was adopted. `unreachable` are, by region, the days that wait
    for records of the old log: their triggers are superseded by amendments.
    """

    topic: str
    group_id: str
    members: int
    stored: Sequence[Progress]
    starts: Sequence[int]
    findings: Sequence[Finding]
    epoch: int
    unreachable: Mapping[str, Sequence[dt.date]]

    @property
    def is_another_log(self) -> bool:
        """Whether a new epoch begins."""
        return any(finding.kind is Kind.ANOTHER_LOG for finding in self.findings)

    @property
    def new_starts(self) -> dict[int, int]:
        """Where the group begins by partition, as far as that changes."""
        if self.is_another_log:
            return dict(enumerate(self.starts))
        return {finding.partition: finding.end for finding in self.findings}


async def look(services: Services, kafka: KafkaAccess) -> list[Found]:
    """The topics of the stages that a worker would not read on, with what is wrong. Nothing is changed.

    Raises Retriable when the broker or Postgres is away.
    """
    named = await named_by_triggers(services)
    found = [await _look_at(services, kafka, stage, named) for stage in STAGE_TOPICS]
    return [each for each in found if each.findings]


async def _look_at(services: Services, kafka: KafkaAccess, stage: str, named: Named) -> Found:
    topic, group = services.topic(STAGE_TOPICS[stage]), group_id(services.settings.topic_prefix, stage)
    async with connection(services.pool) as conn:
        stored = await progress.of_topic(conn, topic)
    seen = await groups.look_at(kafka, group, topic)
    starts, ends = await services.log.start_offsets(topic), await services.log.end_offsets(topic)
    logs = {n: AssignedLog(seen.committed.get(n), *of_log) for n, of_log in enumerate(zip(starts, ends, strict=True))}
    findings = await compare(services.log, stored, logs, len(starts))
    epoch, unreachable = max((was.log_epoch for was in stored), default=progress.FIRST_EPOCH), {}
    if any(finding.kind is Kind.ANOTHER_LOG for finding in findings):
        at = {was.partition: was.next_offset for was in stored}
        async with connection(services.pool) as conn:
            unreachable = await ended_logs.days_beyond(conn, topic, epoch, at)
        # A restored database may be behind an epoch that the log's triggers name already.
        epoch = max(epoch + 1, named.epochs[topic])
    return Found(topic, group, seen.members, stored, starts, findings, epoch, unreachable)


async def adopt(services: Services, kafka: KafkaAccess, found: Sequence[Found]) -> None:
    """Go on with these logs as they are. Done again it changes nothing, as there is nothing to be found any more.

    Raises UsageError, and nothing is changed, where a worker or a replay runs on them.
    """
    for of_topic in found:
        if of_topic.members:
            raise UsageError(
                f"A worker reads {of_topic.topic}: stop it first. One that was killed stays in its group for "
                f"{services.settings.session_timeout_seconds:g} s."
            )
    named = await named_by_triggers(services)
    async with transaction(services.pool) as conn:
        if await replays.unfinished(conn) is not None:
            raise UsageError(
                "A replay into this database has not finished, and its log is no longer what it began with: replay "
                "into an empty database."
            )
        for of_topic in found:
            await _adopt(conn, services, of_topic, named)
    for of_topic in found:
        await groups.commit(kafka, of_topic.group_id, of_topic.topic, of_topic.new_starts)


async def _adopt(conn: Connection, services: Services, found: Found, named: Named) -> None:
    is_cut = found.topic != services.topic(DAY_CLOSES.name)
    if await ended_logs.lock(conn, found.topic) != found.stored:
        raise UsageError(f"The progress of {found.topic} has changed meanwhile: is a worker running? Look again.")
    if found.is_another_log:
        await ended_logs.begin_epoch(conn, found.topic, found.epoch, found.starts)
        if is_cut:
            await ended_logs.mark_newest_days(conn, found.topic, found.epoch, services.clock.now())
    else:
        for finding in found.findings:
            if finding.kind is Kind.LOST_RECORDS:
                await ended_logs.pass_lost(conn, found.topic, finding.partition, finding.end)
    if not is_cut:
        await ended_logs.publish_triggers_again(conn, named.triggers, all_of_them=found.is_another_log)
