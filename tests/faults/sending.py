"""How a recipe sends its market: a slice of records, and the closing of the day that falls due after it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.faults.actions import note
from tests.faults.locks import blocked, writes_blocked
from tests.faults.settled import nothing_is_ahead
from tests.faults.stream import REGION_NAMES, Slice
from tests.integration.pipeline import Pipeline

WRITTEN = ("prices_daily", "news_articles")
"""What chunks of prices and of news write to."""


async def send(path: Pipeline, part: Slice) -> None:
    """Publish a slice and close its day, without waiting for anything to be applied."""
    await send_records(path, part)
    await close_regions(path, part)


async def send_records(path: Pipeline, part: Slice) -> None:
    """Publish a slice."""
    note(f"send {len(part.records)} records")
    await path.services.publisher.publish(part.records)


async def close_regions(path: Pipeline, part: Slice) -> None:
    """Close the slice's day in every region."""
    note(f"close {part.closing}")
    for region in REGION_NAMES:
        await path.close(region, part.closing)


@asynccontextmanager
async def in_hand(path: Pipeline, part: Slice) -> AsyncIterator[None]:
    """Publish a slice; while the block lasts, a chunk of its prices and one of its news are in an open transaction."""
    async with writes_blocked(path, *WRITTEN):
        await send_records(path, part)
        for table in WRITTEN:
            await blocked(path, table)
        note("a chunk of prices and one of news are in hand")
        await nothing_is_ahead(path)
        yield
