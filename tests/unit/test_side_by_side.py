"""Jobs side by side: so many at a time, results in order, and nothing left running after an error."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from stream_app.side_by_side import some_at_a_time


async def test_no_more_than_the_limit_run_at_a_time_and_the_results_keep_their_order() -> None:
    running, most = 0, 0

    def job(number: int) -> Callable[[], Awaitable[int]]:
        async def run() -> int:
            nonlocal running, most
            running += 1
            most = max(most, running)
            for _ in range(5 - number):
                await asyncio.sleep(0)
            running -= 1
            return number

        return run

    assert await some_at_a_time([job(number) for number in range(5)], 2) == list(range(5))
    assert most == 2


async def test_an_error_is_raised_after_the_others_have_rolled_back() -> None:
    rolled_back, begun = asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            rolled_back.set()

    async def fails() -> None:
        await begun.wait()
        raise KeyError("no such region")

    async def never_begun() -> None:
        raise AssertionError

    with pytest.raises(KeyError, match="no such region"):
        await some_at_a_time([waits, fails, never_begun], 2)
    assert rolled_back.is_set()


async def test_nothing_to_do_is_done_at_once() -> None:
    assert await some_at_a_time([], 3) == []
