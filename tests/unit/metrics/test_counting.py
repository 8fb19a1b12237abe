"""What a process counts comes out of its snapshot, and only what is on the list."""

import msgspec
import pytest

from stream_app.metrics.counting import add, observe, set_to, snapshot, timed
from stream_app.metrics.listed import CHUNK_SECONDS, CUT_WAITING, METRICS, NOT_COUNTED, RECORDS, REJECTED
from stream_app.metrics.samples import Family


def value(name: str, **labels: str) -> float:
    """A sample's value; 0 where there is none yet."""
    found = [s.value for family in snapshot() for s in family.samples if s.name == name and dict(s.labels) == labels]
    return found[0] if found else 0.0


def test_counters_grow_and_gauges_are_set() -> None:
    records, rejected = value("stream_app_records_total"), value("stream_app_rejected_records_total", reason="not-json")
    add(RECORDS, 5)
    add(RECORDS)
    add(REJECTED, 2, "not-json")
    assert value("stream_app_records_total") == records + 6
    assert value("stream_app_rejected_records_total", reason="not-json") == rejected + 2
    for seconds in (7.0, 0.0):
        set_to(CUT_WAITING, seconds, "US")
        assert value("stream_app_cut_waiting_seconds", region="US") == seconds


def test_a_histogram_knows_how_often_and_how_long() -> None:
    names = [f"stream_app_chunk_seconds_{end}" for end in ("count", "sum")]
    count, total = (value(name, part="decode") for name in names)
    observe(CHUNK_SECONDS, 0.25, "decode")
    with timed(CHUNK_SECONDS, "decode"):
        pass
    assert value(names[0], part="decode") == count + 2
    assert 0.25 <= value(names[1], part="decode") - total < 5.0


def test_what_fails_is_not_timed() -> None:
    before = value("stream_app_chunk_seconds_count", part="publish")
    with pytest.raises(ZeroDivisionError), timed(CHUNK_SECONDS, "publish"):
        raise ZeroDivisionError
    assert value("stream_app_chunk_seconds_count", part="publish") == before


def test_a_snapshot_holds_what_is_listed_and_travels_as_json() -> None:
    families = snapshot()
    known = {metric.name for metric in METRICS} - {metric.name for metric in NOT_COUNTED}
    assert {family.metric for family in families} == known
    assert [family.metric for family in snapshot([RECORDS])] == [RECORDS.name]
    assert not [s.name for family in families for s in family.samples if s.name.endswith("_created")]
    assert msgspec.json.decode(msgspec.json.encode(families), type=list[Family]) == families
