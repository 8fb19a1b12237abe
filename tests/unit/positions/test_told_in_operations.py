"""What docs/operations.md quotes of the stops over a topic is what a worker says."""

import re
from pathlib import Path

from schemas.topics import PRICES
from stream_app.kafka.access import KafkaAccess
from stream_app.kafka.stages import AssignedLog
from stream_app.kafka.topics import _complaint
from stream_app.positions.findings import Finding, another_record, gone_partition, of_offsets
from stream_app.store.progress import Progress

ROOT = Path(__file__).parents[3]
QUOTED = re.findall(r"^\| `… (.*?)` \|", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
APPLIED = Progress(PRICES.name, 0, 1, 10, 9, 0, None, 0)


def said() -> list[str]:
    """Every sentence of a worker that stops over a topic."""
    logs = AssignedLog(None, 0, 9), AssignedLog(None, 11, 20), AssignedLog(3, 4, 10)
    found: list[Finding | None] = [of_offsets(APPLIED, of_log) for of_log in logs]
    found += [another_record(APPLIED), gone_partition(APPLIED, 2)]
    wrong = _complaint(KafkaAccess("localhost:9092"), PRICES.name, PRICES, PRICES.configs | {"retention.ms": "1"})
    stage = (ROOT / "agents" / "stage.py").read_text()
    return [each.sentence for each in found if each is not None] + [wrong or "", stage]


def test_every_quoted_stop_is_one_that_a_worker_makes() -> None:
    assert len(QUOTED) == 7
    for words in QUOTED:
        pattern = re.compile(r"\S+".join(map(re.escape, words.split("…"))))
        assert any(pattern.search(sentence) for sentence in said()), words
