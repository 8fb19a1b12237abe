"""Where the inputs' logs end, asked of Kafka once for all who ask at about the same time, and never for long."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stream_app.errors import Away, Fatal, Retriable
from stream_app.services import Services

FRESH_SECONDS = 1.0
ANSWER_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Ends:
    """By topic (on the wire) the end of each partition; where Kafka did not answer none, and why."""

    by_topic: Mapping[str, Sequence[int]]
    why_not: str | None = None


class LogEnds:
    """Asks for the ends of some topics."""

    def __init__(self, services: Services, topics: Sequence[str]) -> None:
        self._services = services
        self._topics = topics
        self._asking = asyncio.Lock()
        self._known: tuple[float, Ends] | None = None

    async def now(self) -> Ends:
        """The ends, at most a second old."""
        async with self._asking:
            if self._known is None or time.monotonic() - self._known[0] > FRESH_SECONDS:
                self._known = time.monotonic(), await self._ask()
            return self._known[1]

    async def _ask(self) -> Ends:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return Ends({topic: await self._services.log.end_offsets(topic) for topic in self._topics})
        except TimeoutError:
            return Ends({}, f"Kafka has not answered for {ANSWER_SECONDS:g} s.")
        except Away as error:
            return Ends({}, f"Kafka does not answer: {error.reason}.")
        except (Retriable, Fatal) as error:
            return Ends({}, str(error))
