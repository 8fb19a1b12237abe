"""When too many records are rejected: in a row, and of the last ones, over all partitions of a worker."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.rejection_limits import Counting, Passed, RejectionLimits, Tally
from stream_app.config import Settings
from stream_app.store.progress import Progress

NONE = Progress("prices.closes", 0, 1, 0, None, 0, None, 0)
LIMITS = RejectionLimits(ratio=0.5, in_a_row=5, window_records=40, minimum_records=10)
IN_A_ROW, RATIO = replace(LIMITS, ratio=1.0), replace(LIMITS, in_a_row=0)
BAD, GOOD = "-", "+"


def passed(records: str, limits: RejectionLimits = LIMITS, was: Progress = NONE, *others: Progress) -> Passed | None:
    """Which record of a partition passes a limit, + being a good and - a bad one."""
    rejected = {offset for offset, record in enumerate(records) if record == BAD}
    return Counting(limits, was, others).add(range(len(records)), rejected)


def after(records: str, limits: RejectionLimits = LIMITS, was: Progress = NONE) -> Progress:
    counting = Counting(limits, was, ())
    counting.add(range(len(records)), {offset for offset, record in enumerate(records) if record == BAD})
    return counting.tally.of(was)


def test_as_many_in_a_row_as_the_limit_pass_and_the_next_one_does_not() -> None:
    assert passed(5 * BAD + GOOD + 5 * BAD, IN_A_ROW) is None
    assert passed(7 * GOOD + 6 * BAD + GOOD, IN_A_ROW) == Passed(12, "6 records in a row were rejected, more than 5")
    assert passed(6 * BAD, IN_A_ROW) == Passed(5, "6 records in a row were rejected, more than 5")


def test_the_ratio_is_looked_at_from_the_minimum_on() -> None:
    assert passed("+----+---") is None
    assert passed("+----+----") == Passed(9, "8 of the last 10 records were rejected, more than 50%")
    assert passed(100 * "+-") is None
    assert passed(20 * "+-" + BAD) == Passed(40, "11 of the last 21 records were rejected, more than 50%")


def test_only_the_last_records_count() -> None:
    assert passed(1_000 * GOOD + 6 * "--+", RATIO) is None
    assert passed(1_000 * GOOD + 9 * "--+", RATIO) == Passed(
        1_021, "15 of the last 22 records were rejected, more than 50%"
    )
    assert (
        passed(20 * "--+" + 1_000 * GOOD + "--+", replace(LIMITS, in_a_row=0), after(1_000 * BAD + 60 * GOOD))
        is not None
    )


def test_no_limit_is_none() -> None:
    assert passed(10_000 * BAD, RejectionLimits(1.0, 0, 40, 10)) is None
    assert passed(10_000 * BAD, RejectionLimits(0.99, 0, 40, 10)) is not None


def test_what_was_counted_before_goes_on() -> None:
    stopped = after(2 * GOOD + 5 * BAD)
    assert stopped.rejected_in_a_row == 5
    assert passed(BAD, IN_A_ROW, stopped) == Passed(0, "6 records in a row were rejected, more than 5")
    assert passed(GOOD + 5 * BAD, IN_A_ROW, stopped) is None


def test_the_ratio_is_of_all_partitions_of_a_worker_and_a_run_of_one() -> None:
    healthy, junk = after(10 * GOOD), after(6 * BAD)
    assert passed("+----+----", LIMITS, NONE, healthy) is None
    assert passed("+----+----", RATIO, NONE, junk) is not None
    assert passed(5 * BAD + 100 * GOOD + 5 * BAD, IN_A_ROW, NONE, junk) is None


@given(st.lists(st.booleans(), max_size=300), st.data())
def test_what_is_counted_does_not_depend_on_where_the_log_is_cut_into_chunks(
    bad: list[bool], data: st.DataObject
) -> None:
    records = "".join(BAD if each else GOOD for each in bad)
    at = data.draw(st.integers(0, len(records)))
    assert after(records[at:], was=after(records[:at])) == after(records)


@given(st.lists(st.booleans(), min_size=1, max_size=300))
def test_the_counts_are_those_of_the_last_records(bad: list[bool]) -> None:
    tally = Tally(NONE, half_records=20)
    for each in bad:
        tally.add(1, rejected=each)
    assert min(len(bad), 20) <= tally.records <= 40
    assert tally.rejected == sum(bad[-tally.records :])
    run = 0
    while run < len(bad) and bad[-1 - run]:
        run += 1
    assert tally.in_a_row == run


def test_the_defaults_let_a_hundred_in_a_row_of_each_kind_and_thirty_per_cent_pass() -> None:
    limits = RejectionLimits.of(Settings())
    assert passed(13 * (GOOD + 100 * BAD) + GOOD, limits) is None
    assert passed(10_000 * "+-+", limits) is None
    assert passed(1_001 * BAD, limits) is not None
    assert passed(10_000 * "--+", limits) is not None


@pytest.mark.parametrize("half_records", [1, 7])
def test_a_window_that_shrank_because_partitions_came_goes_on_with_what_it_has(half_records: int) -> None:
    tally = Tally(after(30 * BAD, RATIO), half_records)
    tally.add(20 * half_records, rejected=False)
    assert (tally.rejected, tally.records <= 2 * half_records) == (0, True)
