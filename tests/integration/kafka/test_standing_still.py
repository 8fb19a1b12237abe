"""The thread that sends the heartbeats stands still, as on a busy machine: told only where it may cost partitions."""

import re
import time
from dataclasses import dataclass

import pytest

from stream_app.config import load_settings
from stream_app.kafka import consuming
from stream_app.kafka.access import KafkaAccess
from tests.integration.kafka.recording import Recorder, Running, stage
from tests.integration.pipeline import until


@dataclass
class Clock:
    """The machine's, put forward by `ahead_seconds`; it counts how often it is asked."""

    ahead_seconds: float = 0.0
    asked: int = 0

    def monotonic(self) -> float:
        """The time in seconds."""
        self.asked += 1
        return time.monotonic() + self.ahead_seconds

    async def put_forward(self, seconds: float) -> None:
        """As if the asking thread had stood still for so long; returns when it has gone on."""
        self.ahead_seconds += seconds
        enough = self.asked + 3

        async def asked() -> bool:
            return self.asked >= enough

        await until(asked, "the clock is asked again")


async def test_a_thread_that_stands_still_is_told_of_where_it_may_cost_the_partitions(
    kafka: KafkaAccess, topic: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, settings, recorder = Clock(), load_settings(), Recorder()
    monkeypatch.setattr(consuming, "time", clock)
    async with Running(kafka, stage(topic, recorder), settings):
        await recorder.until(lambda: len(recorder.logs) == 4)
        await clock.put_forward(settings.session_timeout_seconds / 2)
        assert "stood still" not in caplog.text
        await clock.put_forward(settings.session_timeout_seconds)
    (told,) = [message for message in caplog.messages if "still" in message]
    assert re.fullmatch(r"Heartbeats to Kafka stood still for \d+ s; after 10 s partitions go to another worker", told)
