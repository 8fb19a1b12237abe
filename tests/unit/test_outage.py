"""A service that is away is told once a process, whoever waits for it; what else is refused is told each time."""

import logging
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from stream_app import outage
from stream_app.errors import Away, Retriable
from stream_app.outage import KAFKA, POSTGRES, Outage, say_waiting, while_away

GONE = Away("Postgres is away: gone", service="Postgres", reason="gone")
log = logging.getLogger("stream_app.test")


@pytest.fixture(autouse=True)
def here() -> Iterator[None]:
    """Postgres is not away before and after the test."""
    POSTGRES.answered()
    yield
    POSTGRES.answered()


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What a user reads."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]


def test_of_many_who_wait_one_line_tells_and_one_tells_the_end(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "stream_app"):
        for what in ("closing waits", "computing waits", "prices[0] is tried again") * 3:
            say_waiting(log, what, GONE)
        POSTGRES.answered()
        POSTGRES.answered()
    assert said(caplog) == [
        "Postgres does not answer, trying again until it does: gone",
        "Postgres answers again after 0 s",
    ]
    assert "closing waits: Postgres is away: gone" in caplog.messages


def test_a_service_that_answers_but_refuses_is_told_by_each_who_waits(caplog: pytest.LogCaptureFixture) -> None:
    say_waiting(log, "closing waits", Retriable("the disk is full"))
    say_waiting(log, "closing waits", Retriable("the disk is full"))
    assert said(caplog) == ["closing waits: the disk is full"] * 2
    assert not POSTGRES.away


def test_an_answer_to_what_was_asked_before_it_went_is_not_its_return(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "stream_app"):
        asked_at = time.monotonic()
        say_waiting(log, "closing waits", GONE)
        POSTGRES.answered(asked_at)
        assert POSTGRES.away
        POSTGRES.answered(time.monotonic())
    assert len(said(caplog)) == 2


def test_a_complaint_within_the_grace_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    service = Outage("Kafka", grace_seconds=60)
    service.complain("a leader moves")
    assert (service.away, service.told, service.reason) == (True, False, None)
    service.answered()
    assert said(caplog) == []


def test_an_outage_is_recalled_each_ten_seconds(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, seconds = Outage("Kafka", grace_seconds=2), iter(range(24))
    monkeypatch.setattr("stream_app.outage.time", SimpleNamespace(monotonic=lambda: next(seconds)))
    for _ in range(24):
        service.complain("gone")
    assert said(caplog) == [
        "Kafka does not answer, trying again until it does: gone",
        "Kafka has not answered for 12 s: gone",
        "Kafka has not answered for 22 s: gone",
    ]


async def test_what_all_waits_for_is_told_at_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage, "LONGEST_WAIT_SECONDS", 0.0)
    outcomes = iter([Away("Kafka is away: gone", service="Kafka", reason="gone")] * 2)

    async def work() -> None:
        for error in outcomes:
            raise error
        KAFKA.answered()

    with caplog.at_level(logging.DEBUG, "stream_app"):
        await while_away(work)
    assert said(caplog) == [
        "Kafka does not answer, trying again until it does: gone",
        "Kafka answers again after 0 s",
    ]


async def test_what_is_away_is_waited_for_and_anything_else_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "LONGEST_WAIT_SECONDS", 0.0)
    outcomes = iter([GONE, Retriable("full"), ValueError("a bug")])

    async def work() -> None:
        raise next(outcomes)

    with pytest.raises(ValueError, match="a bug"):
        await while_away(work)
