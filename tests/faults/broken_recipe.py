"""A recipe that breaks, and one that does not: what tests of the rounds run. Not collected by itself."""

from tests.faults.actions import note


def test_that_breaks(seed: int) -> None:
    note(f"kill -9 something chosen by {seed}", kills=1)
    raise AssertionError("a record was lost")


def test_that_passes() -> None:
    note("kill -9 something else", kills=1, recipes=1)
