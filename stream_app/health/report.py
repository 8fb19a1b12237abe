"""What is known of a stage's health at one moment, and what the endpoints make of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from stream_app.metrics.exposition import exposition
from stream_app.metrics.listed import STAGE_ALIVE, STAGE_READY
from stream_app.metrics.samples import Family, gauge


class StageReport(msgspec.Struct, frozen=True, kw_only=True):
    """One stage. It lives if nothing says that it is dead, and is ready if nothing is missing."""

    stage: str
    dead: str | None = None
    """Why it should be started anew."""
    partitions: int | None = None
    """How many it reads; 0 where other workers have them all, None before it was given its share."""
    missing: Mapping[str, str] = {}
    """What it waits for (partitions, postgres, kafka, model, report) and why."""
    metrics: tuple[Family, ...] = ()
    """What its process has counted, and what is known of it."""

    @property
    def ready(self) -> bool:
        """Whether it does its work."""
        return self.dead is None and not self.missing


def liveness(reports: Sequence[StageReport]) -> tuple[bool, dict[str, Any]]:
    """Whether every stage lives, and the answer that says so."""
    stages = {report.stage: {"alive": report.dead is None} | _why(report.dead) for report in reports}
    alive = all(report.dead is None for report in reports)
    return alive, {"alive": alive, "stages": stages}


def readiness(reports: Sequence[StageReport]) -> tuple[bool, dict[str, Any]]:
    """Whether every stage is ready, and the answer that says what is missing where."""
    stages = {
        report.stage: {"ready": report.ready, "partitions": report.partitions, "missing": dict(report.missing)}
        | _why(report.dead)
        for report in reports
    }
    ready = all(report.ready for report in reports)
    return ready, {"ready": ready, "stages": stages}


def metrics(reports: Sequence[StageReport]) -> bytes:
    """What Prometheus reads. A stage that is dead is told to be so, and nothing else of it: it may be long past."""
    return exposition(
        {report.stage: [*_judged(report), *(report.metrics if report.dead is None else ())] for report in reports}
    )


def _judged(report: StageReport) -> Iterator[Family]:
    yield gauge(STAGE_ALIVE, {(): float(report.dead is None)})
    yield gauge(STAGE_READY, {(): float(report.ready)})


def _why(dead: str | None) -> dict[str, str]:
    return {} if dead is None else {"why": dead}
