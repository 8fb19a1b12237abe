"""What a stage's process knows of its own health: noted by its event loop, asked by another thread."""

import asyncio
import time
from collections.abc import Iterator, Mapping

from stream_app.health.report import StageReport
from stream_app.kafka.chunks import TP
from stream_app.kafka.ledger import Ledger
from stream_app.metrics import counting
from stream_app.metrics.listed import LAG, OUTAGES, PARTITIONS, SERVICE_UP
from stream_app.metrics.samples import Family, gauge
from stream_app.outage import KAFKA, POSTGRES

BEAT_SECONDS = 0.5
START_SECONDS = 120.0
"""How long a process may take until its event loop runs for the first time."""


class StageHealth:
    """The health of one stage. `stall_seconds`: an event loop that has not run for so long is dead."""

    def __init__(self, stage: str, stall_seconds: float) -> None:
        self.stage = stage
        self._stall_seconds = stall_seconds
        self._began = time.monotonic()
        self._beaten: float | None = None
        self._ledger: Ledger | None = None
        self._partitions: int | None = None
        self._lags: Mapping[TP, int] = {}
        self._loads_model = False

    def loading_model(self) -> None:
        """The stage needs a model, which is not loaded yet."""
        self._loads_model = True

    def model_loaded(self) -> None:
        """The model is there."""
        self._loads_model = False

    def reads_by(self, ledger: Ledger) -> None:
        """The stage runs, and this is where its partitions stand."""
        self._ledger = ledger

    async def beat(self) -> None:
        """Note each half second that the event loop runs, and what it reads, for ever."""
        while True:
            if self._ledger is not None:
                self._partitions, self._lags = self._ledger.reading, self._ledger.lags()
            self._beaten = time.monotonic()
            await asyncio.sleep(BEAT_SECONDS)

    def report(self) -> StageReport:
        """What is known now; any thread may ask."""
        missing = {
            "partitions": "are not assigned and read yet" if self._partitions is None else None,
            "postgres": POSTGRES.reason,
            "kafka": KAFKA.reason,
            "model": "is being loaded" if self._loads_model else None,
        }
        return StageReport(
            stage=self.stage,
            dead=self._dead(),
            partitions=self._partitions,
            missing={name: why for name, why in missing.items() if why is not None},
            metrics=(*counting.snapshot(), *self._known()),
        )

    def _known(self) -> Iterator[Family]:
        """What nobody counts, as it is now."""
        yield gauge(PARTITIONS, {(): self._partitions or 0})
        yield gauge(LAG, {(str(tp.partition),): lag for tp, lag in self._lags.items()})
        yield gauge(SERVICE_UP, {(each.service,): float(not each.told) for each in (KAFKA, POSTGRES)})
        yield gauge(OUTAGES, {(each.service,): each.times for each in (KAFKA, POSTGRES)})

    def _dead(self) -> str | None:
        now, beaten = time.monotonic(), self._beaten
        if beaten is None and now - self._began > START_SECONDS:
            return f"its event loop has not begun to run within {START_SECONDS:.0f} s"
        if beaten is not None and now - beaten > self._stall_seconds:
            return f"its event loop has not run for {now - beaten:.0f} s"
        return None
