"""How the pipeline stands, looked at once for all who ask at about the same time."""

import asyncio
import time

from stream_app.services import Services
from stream_app.status.facts import PipelineFacts
from stream_app.status.looking import Places, look

FRESH_SECONDS = 2.0
ANSWER_SECONDS = 4.0
"""For each service: three in a row must end before a request is given up."""


class Looks:
    """Looks at Kafka and Postgres."""

    def __init__(self, services: Services, places: Places) -> None:
        self._services = services
        self._places = places
        self._looking = asyncio.Lock()
        self._last: tuple[float, PipelineFacts] | None = None

    async def now(self) -> PipelineFacts:
        """Everything, as it was two seconds ago at most."""
        async with self._looking:
            if self._last is None or time.monotonic() - self._last[0] > FRESH_SECONDS:
                facts = await look(self._services, self._places, ANSWER_SECONDS)
                self._last = time.monotonic(), facts
            return self._last[1]
