"""What can be wrong between a topic's log and what this database has applied of it. Pure: no Kafka, no database."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from stream_app.kafka.stages import AssignedLog
from stream_app.store.progress import Progress

NAMED = 3
"""Findings that a message names; there may be one a partition."""


class Kind(Enum):
    """What a finding asks for."""

    ANOTHER_LOG = auto()
    """The topic was recreated or truncated: its offsets no longer stand for the records that were applied."""
    LOST_RECORDS = auto()
    """The log no longer holds records that were never applied."""
    LOST_COMMIT = auto()
    """The log no longer holds what the group is to read first; the database has applied it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one partition, in a sentence. `first` and `end` are the offsets that are missing, if so."""

    kind: Kind
    topic: str
    partition: int
    sentence: str
    first: int = 0
    end: int = 0


def of_offsets(was: Progress, of_log: AssignedLog) -> Finding | None:
    """What the offsets alone show."""
    where = _name(was)
    if of_log.log_end < was.next_offset:
        return _finding(
            Kind.ANOTHER_LOG,
            was,
            f"{where} ends at offset {of_log.log_end}, but this database has applied it up to {was.next_offset}: the "
            "topic was recreated or truncated.",
        )
    if was.next_offset < of_log.log_start:
        return Finding(
            Kind.LOST_RECORDS,
            was.topic,
            was.partition,
            f"{where} begins at offset {of_log.log_start}, but the next record to apply is {was.next_offset}: the log "
            "has lost records that were never applied.",
            was.next_offset,
            of_log.log_start,
        )
    if of_log.committed is not None and of_log.committed < of_log.log_start:
        return Finding(
            Kind.LOST_COMMIT,
            was.topic,
            was.partition,
            f"{where} begins at offset {of_log.log_start}, but the group has committed {of_log.committed}: the records "
            f"between were applied (the database stands at {was.next_offset}), but perhaps not published.",
            of_log.committed,
            of_log.log_start,
        )
    return None


def another_record(was: Progress) -> Finding:
    """The log holds another record where the newest one that was applied must be."""
    at = was.next_offset - 1 if was.last_offset is None else was.last_offset
    return _finding(
        Kind.ANOTHER_LOG,
        was,
        f"{_name(was)} is not the log that this database was filled from: the record at offset {at} is another one.",
    )


def gone_partition(was: Progress, partitions: int) -> Finding:
    """The topic has fewer partitions than were applied."""
    return _finding(
        Kind.ANOTHER_LOG,
        was,
        f"{_name(was)} is gone, which this database has applied up to {was.next_offset}: the topic was recreated with "
        f"{partitions} partitions.",
    )


def told(findings: Sequence[Finding], adopt: str) -> str:
    """The message that stops a worker. `adopt` is the command that goes on with the log as it is."""
    return f"{named(findings)} {what_to_do(adopt)}"


def named(findings: Sequence[Finding]) -> str:
    """What was found, a sentence each; of many the first, and how many more there are."""
    sentences = " ".join(finding.sentence for finding in findings[:NAMED])
    more = f" So it is with {len(findings) - NAMED} more partitions." if len(findings) > NAMED else ""
    return sentences + more


def what_to_do(adopt: str) -> str:
    """What is to be done about any of them. `adopt` is the command that goes on with the log as it is."""
    return (
        f"Point the worker at the right broker and database, or restore what was lost; or `{adopt}` shows what is to "
        "be done to go on with the log as it is, and does it."
    )


def _finding(kind: Kind, was: Progress, sentence: str) -> Finding:
    return Finding(kind, was.topic, was.partition, sentence)


def _name(was: Progress) -> str:
    return f"{was.topic}[{was.partition}]"
