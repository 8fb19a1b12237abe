"""Whether a worker lives and is ready: known by each stage, told to the supervisor, answered over HTTP."""

from stream_app.health.crew import Crew
from stream_app.health.report import StageReport
from stream_app.health.server import served
from stream_app.health.stage import StageHealth
from stream_app.health.telling import telling

__all__ = ["Crew", "StageHealth", "StageReport", "served", "telling"]
