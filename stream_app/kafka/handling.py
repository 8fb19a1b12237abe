"""One run of a stage: its chunks go through its handler one by one, and here it is decided when the run ends."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Protocol

from stream_app.config import Settings
from stream_app.errors import Fatal, OwnershipLost, Retriable
from stream_app.kafka.chunks import TP, Chunk
from stream_app.kafka.ledger import Ledger
from stream_app.kafka.stages import Stage

logger = logging.getLogger(__name__)


class ChunkEvent(Protocol):
    """What Faust hands to an agent for a chunk."""

    @property
    def value(self) -> Chunk: ...
    def ack(self) -> bool: ...


class StageRun:
    """What the transport and the agent of a stage share while it runs."""

    def __init__(self, stage: Stage, settings: Settings) -> None:
        self.stage = stage
        self.settings = settings
        self.ledger = Ledger(stage.limits)
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._changed = asyncio.Event()
        self._turn = asyncio.Lock()

    async def until_ended(self) -> None:
        """Returns when the run shall stop, raises when it failed."""
        await asyncio.shield(self._ended)

    def stop(self) -> None:
        """Let the run end in good order."""
        if not self._ended.done():
            self._ended.set_result(None)

    def fail(self, error: BaseException) -> None:
        """Let the run end with this error; nothing begins any more."""
        if not self._ended.done():
            self._ended.set_exception(error)
        self.ledger.close()
        self.changed()

    def changed(self) -> None:
        """The ledger has changed: wake what waits for that."""
        self._changed.set()

    async def wait_for_change(self, seconds: float) -> None:
        """Wait until the ledger changes, for so long at most."""
        self._changed.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    async def wait_until_handled(self, seconds: float) -> bool:
        """Wait until no chunk is in its handler, for so long at most; whether that came true."""
        deadline = time.monotonic() + seconds
        while self.ledger.in_flight():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            await self.wait_for_change(left)
        return True

    async def handle(self, event: ChunkEvent) -> None:
        """Take one chunk through the stage's handler and ack it; an error of the handler ends the run."""
        chunk = event.value
        async with self._turn:
            if self._ended.done() or not self.ledger.begin(chunk):
                return
            try:
                await self.stage.hooks.handle(chunk)
            except OwnershipLost as error:
                if self.ledger.current(chunk):
                    # left unacked and never read again, the partition would stand still in silence
                    self.fail(Fatal(f"{_name(chunk)} was given up although it is still this worker's: {error}"))
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # Faust lets an agent that ends by one be, and nothing is read any more
                self.fail(error)
            else:
                self.ledger.handled(chunk)
                event.ack()
        self.changed()

    async def tell_idle(self, positions: Mapping[TP, int]) -> None:
        """Tell the stage how far its partitions at rest are read, between two chunks."""
        for tp, position in positions.items():
            async with self._turn:
                if self._ended.done() or not self.ledger.is_news(tp, position):
                    continue
                try:
                    await self.stage.hooks.idle(tp, position)
                except (OwnershipLost, Retriable) as error:
                    logger.info("The end of %s[%d] is told to the stage later: %s", *tp, error)
                except Exception as error:
                    self.fail(error)
                else:
                    self.ledger.idled(tp, position)


def _name(chunk: Chunk) -> str:
    return f"{chunk.topic}[{chunk.partition}] {chunk.first_offset}-{chunk.last_offset}"
