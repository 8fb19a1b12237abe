"""Tests that wait for a fact wait for it, however the question is put."""

import pytest

from tests.integration.pipeline import until


async def test_a_fact_asked_by_a_lambda_is_waited_for() -> None:
    answers = iter([False, False, True])

    async def fact(number: int) -> bool:
        return next(answers) and number == 3

    assert await until(lambda: fact(3), "the third answer")
    assert list(answers) == []


async def test_a_fact_that_does_not_come_is_named() -> None:
    async def never() -> bool:
        return False

    with pytest.raises(AssertionError, match=r"^not within 0\.1 s: the impossible$"):
        await until(never, "the impossible", 0.1)
