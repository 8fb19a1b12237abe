"""Facts read as parts of sentences."""

from typing import Any

import pytest

from stream_app.status.facts import Waiting, WaitsFor
from stream_app.status.telling import span_told, waiting_told
from stream_app.store.progress import Behind
from tests.unit.status.facts import CLOSED_AT, MONDAY, NOW


@pytest.mark.parametrize(
    ("waits_for", "given", "told"),
    [
        (WaitsFor.CLOSER, {}, "2008-09-15 is to be closed by a worker since 2008-09-15 20:15 UTC"),
        (WaitsFor.CLOSER, {"days": 3}, "2008-09-15 and 2 more are to be closed by a worker since 2008-09-15 20:15 UTC"),
        (WaitsFor.CUT, {}, "2008-09-15 waits for the ends of Kafka's topics"),
        (WaitsFor.LOG, {"number": 2}, "2008-09-15 (amended) waits to be read back from regions.day-closes"),
        (
            WaitsFor.RECORDS,
            {"behind": [Behind("prices.closes", 1, 1_200, 13_000)]},
            "2008-09-15 waits for prices.closes[1] at 1,200 of 13,000",
        ),
        (WaitsFor.COMPUTING, {"days": 1_001}, "2008-09-15 and 1,000 more are to be computed by a worker"),
        (WaitsFor.PRICE, {"until": NOW}, "2008-09-15 waits for a price until 2008-09-15 21:00 UTC"),
    ],
)
def test_a_waiting_day_says_what_for(waits_for: WaitsFor, given: dict[str, Any], told: str) -> None:
    usual: dict[str, Any] = {"as_of": MONDAY, "number": 1, "days": 1, "since": CLOSED_AT}
    assert waiting_told(Waiting(waits_for, **usual | given)) == told


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.4, "0 s"), (119.0, "119 s"), (120.0, "2 min"), (7_200.0, "2 h"), (200_000.0, "2 days")]
)
def test_a_span_is_told_in_one_unit(seconds: float, told: str) -> None:
    assert span_told(seconds) == told
