"""What the offsets alone tell of a log, and the message that is made of it."""

import pytest

from stream_app.kafka.stages import AssignedLog
from stream_app.positions.findings import Kind, another_record, gone_partition, of_offsets, told
from stream_app.store.progress import Progress

TOPIC = "prices.closes"
ADOPT = "stream-app log adopt"


def applied(next_offset: int, last_offset: int | None = None) -> Progress:
    """A partition that was applied so far."""
    return Progress(TOPIC, 3, 1, next_offset, last_offset, 0, None, 0)


@pytest.mark.parametrize(
    ("of_log", "kind"),
    [
        (AssignedLog(None, 0, 10), None),
        (AssignedLog(10, 0, 10), None),
        (AssignedLog(4, 4, 11), None),
        (AssignedLog(12, 10, 10), None),
        (AssignedLog(None, 0, 9), Kind.ANOTHER_LOG),
        (AssignedLog(None, 11, 20), Kind.LOST_RECORDS),
        (AssignedLog(2, 11, 20), Kind.LOST_RECORDS),
        (AssignedLog(3, 4, 10), Kind.LOST_COMMIT),
    ],
)
def test_offsets_tell_another_log_lost_records_and_a_lost_commit(of_log: AssignedLog, kind: Kind | None) -> None:
    found = of_offsets(applied(10), of_log)
    assert (None if found is None else found.kind) is kind
    if found is not None and kind is not Kind.ANOTHER_LOG:
        assert (found.first, found.end) == (of_log.committed if kind is Kind.LOST_COMMIT else 10, of_log.log_start)


def test_a_sentence_names_the_partition_and_both_offsets() -> None:
    for of_log, offsets in (
        (AssignedLog(None, 0, 9), ("9", "10")),
        (AssignedLog(None, 11, 20), ("11", "10")),
        (AssignedLog(3, 4, 10), ("4", "3", "10")),
    ):
        found = of_offsets(applied(10), of_log)
        assert found is not None
        assert found.sentence.startswith("prices.closes[3] ")
        assert all(f" {offset}" in found.sentence for offset in offsets)
    assert "the record at offset 7 " in another_record(applied(10, 7)).sentence
    assert "the record at offset 9 " in another_record(applied(10)).sentence
    assert "recreated with 2 partitions" in gone_partition(applied(10), 2).sentence


def test_a_message_names_three_findings_counts_the_rest_and_ends_with_the_command() -> None:
    findings = [another_record(applied(offset)) for offset in range(11, 16)]
    message = told(findings, ADOPT)
    assert [f"offset {offset} " in message for offset in range(10, 15)] == [True, True, True, False, False]
    assert "So it is with 2 more partitions." in message
    assert f"`{ADOPT}`" in message
    assert "more partitions" not in told(findings[:3], ADOPT)
