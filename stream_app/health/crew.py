"""The health of several stages as their supervisor knows it: from what each of them tells once a second."""

import time
from collections.abc import Sequence

import msgspec

from stream_app.health.report import StageReport
from stream_app.health.stage import START_SECONDS
from stream_app.outage import POSTGRES

_decoder = msgspec.json.Decoder(StageReport)


class Crew:
    """The last report of each stage. `stall_seconds`: a stage that has told nothing for so long is dead."""

    def __init__(self, stages: Sequence[str], stall_seconds: float) -> None:
        self._stall_seconds = stall_seconds
        self._started: dict[str, float] = {}
        self._heard: dict[str, tuple[float, StageReport]] = {}
        self._stages = stages

    def started(self, stage: str) -> None:
        """The stage's process was started."""
        self._started[stage] = time.monotonic()

    def heard(self, stage: str, line: bytes) -> None:
        """The stage has told this."""
        self._heard[stage] = time.monotonic(), _decoder.decode(line)

    def reports(self) -> list[StageReport]:
        """What is known of each stage now; any thread may ask."""
        return [self._report(stage) for stage in self._stages]

    def _report(self, stage: str) -> StageReport:
        now = time.monotonic()
        if (heard := self._heard.get(stage)) is None:
            slow = now - self._started.get(stage, now) > START_SECONDS
            dead = f"has told nothing within {START_SECONDS:.0f} s of its start" if slow else None
            # before it starts a stage the supervisor waits for Postgres
            missing = {"report": "is starting"} if (away := POSTGRES.reason) is None else {"postgres": away}
            return StageReport(stage=stage, dead=dead, missing=missing)
        at, report = heard
        if now - at > self._stall_seconds:
            return msgspec.structs.replace(report, dead=f"has told nothing for {now - at:.0f} s")
        return report
