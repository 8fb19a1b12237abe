"""Work for a thread, done ahead of its use."""

import asyncio
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Ahead(Generic[Item]):
    """The items of an iterator, each made in a thread while the one before is used; the first is begun at once."""

    def __init__(self, items: Iterator[Item]) -> None:
        self._items = items
        self._begun = self._begin()

    def _begin(self) -> asyncio.Task[Item | None]:
        return asyncio.create_task(asyncio.to_thread(next, self._items, None))

    def __aiter__(self) -> "Ahead[Item]":
        return self

    async def __anext__(self) -> Item:
        """The next item."""
        item = await self._begun
        if item is None:
            raise StopAsyncIteration
        self._begun = self._begin()
        return item
