"""Work done at the same time, some of many jobs."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Result = TypeVar("Result")


async def some_at_a_time(jobs: Iterable[Callable[[], Awaitable[Result]]], limit: int) -> list[Result]:
    """Run jobs, at most `limit` at a time; their results, in order.

    The first error is raised once the others, which it cancels, have ended: no transaction of theirs stays open.
    """
    places = asyncio.Semaphore(limit)

    async def run(job: Callable[[], Awaitable[Result]]) -> Result:
        async with places:
            return await job()

    tasks = [asyncio.create_task(run(job)) for job in jobs]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            if not task.cancelling():  # a second time would break off its rollback
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
