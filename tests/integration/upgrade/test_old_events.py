"""What an older release published is read by this one's schemas: its log by the stages, its topics by consumers."""

from functools import reduce
from operator import or_
from typing import Any

from schemas import Codec, DeadLetter, Rejected
from schemas.topics import TOPICS, TRANSITIONS
from tests.integration.upgrade.dump import Dump

NEWER = {TRANSITIONS.name}
"""Topics of which the first releases know nothing."""


def test_every_event_is_read_and_what_was_rejected_is_rejected_for_the_same_reason(dump: Dump) -> None:
    codecs: dict[str, Codec[Any]] = {topic.name: Codec(reduce(or_, topic.events)) for topic in TOPICS}
    rejected = {}
    letters = {}
    for record in dump.log():
        event = codecs[record.topic].decode(record.value_bytes)
        if isinstance(event, Rejected):
            rejected[dump.topic_prefix + record.topic, record.partition, record.offset] = event.reason
        elif isinstance(event, DeadLetter):
            letters[event.topic, event.partition, event.offset] = event.reason
    assert rejected == letters
    assert set(letters.values()) == {"not-json", "null-value", "not-utf8"}
    assert {record.topic for record in dump.log()} == {topic.name for topic in TOPICS} - NEWER
