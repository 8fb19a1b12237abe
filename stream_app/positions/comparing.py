"""Holds what the database has applied against the logs as they are."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from schemas.topics import DAY_CLOSES, NEWS, PRICES
from stream_app.endpoints import command
from stream_app.errors import Fatal
from stream_app.kafka.chunks import checksum
from stream_app.kafka.offsets import LogReader
from stream_app.kafka.stages import AssignedLog
from stream_app.positions import ADOPT
from stream_app.positions.findings import Finding, Kind, another_record, gone_partition, of_offsets, told
from stream_app.services import Services
from stream_app.store import progress
from stream_app.store.database import connection
from stream_app.store.progress import Progress

METADATA_SECONDS = 1.0
INPUTS = (PRICES.name, NEWS.name, DAY_CLOSES.name)


async def compare(
    log: LogReader, stored: Sequence[Progress], logs: Mapping[int, AssignedLog], partitions: int
) -> list[Finding]:
    """What is wrong with the partitions of one topic that are in `logs`, and with those that it no longer has.

    Raises Retriable when the broker is away.
    """
    if any(was.partition >= partitions for was in stored):
        # A broker may not have heard of added partitions yet.
        await asyncio.sleep(METADATA_SECONDS)
        partitions = max(partitions, len(await log.start_offsets(stored[0].topic)))
    found: list[Finding] = []
    for was in stored:
        of_log = logs.get(was.partition)
        if was.partition >= partitions:
            found.append(gone_partition(was, partitions))
        elif of_log is not None and (finding := await _of_partition(log, was, of_log)) is not None:
            found.append(finding)
    return found


async def require_same_logs(services: Services) -> None:
    """Raise Fatal, with the command that goes on, where an input is no longer the log that was applied.

    What was lost below the progress is not looked for: it may be in hand. Raises Retriable when a service is away.
    """
    for name in INPUTS:
        topic = services.topic(name)
        async with connection(services.pool) as conn:
            stored = await progress.of_topic(conn, topic)
        starts, ends = await services.log.start_offsets(topic), await services.log.end_offsets(topic)
        logs = {n: AssignedLog(None, *of_log) for n, of_log in enumerate(zip(starts, ends, strict=True))}
        found = await compare(services.log, stored, logs, len(starts))
        if another := [finding for finding in found if finding.kind is Kind.ANOTHER_LOG]:
            raise Fatal(told(another, command(services.settings, ADOPT)))


async def _of_partition(log: LogReader, was: Progress, of_log: AssignedLog) -> Finding | None:
    if of_log.log_end < was.next_offset:
        # The end may have been read before the progress, which another worker has moved on between the two.
        of_log = replace(of_log, log_end=(await log.end_offsets(was.topic))[was.partition])
    if (finding := of_offsets(was, of_log)) is not None:
        return finding
    return None if await _same_record(log, was, of_log) else another_record(was)


async def _same_record(log: LogReader, was: Progress, of_log: AssignedLog) -> bool:
    """Whether the newest applied record is where it was; where none was applied, whether there is none.

    True as well where the log does not hold the place any more.
    """
    if was.last_offset is None:
        if was.next_offset <= of_log.log_start:
            return True
        return await log.record_at(was.topic, was.partition, was.next_offset - 1) is None
    if not of_log.log_start <= was.last_offset < of_log.log_end:
        return True
    record = await log.record_at(was.topic, was.partition, was.last_offset)
    return record is not None and (record.timestamp, checksum(record)) == (was.last_timestamp_ms, was.last_checksum)
