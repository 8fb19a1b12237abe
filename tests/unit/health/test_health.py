"""What the health endpoint answers: who lives, what is missing where, also while an event loop stands still."""

import asyncio
import json
import os
import socket
import time
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from typing import Any

import msgspec
import pytest

from stream_app import outage
from stream_app.errors import UsageError
from stream_app.health import Crew, StageHealth, StageReport, served, telling
from stream_app.health import crew as health_crew
from stream_app.health import server as health_server
from stream_app.health import stage as health_stage
from stream_app.kafka.chunks import TP, ChunkLimits
from stream_app.kafka.ledger import Ledger

STALL_SECONDS = 0.3
DEADLINE_SECONDS = 20.0
WELL = StageReport(stage="prices", partitions=4)


def answer(port: int, path: str) -> tuple[int, dict[str, Any]]:
    """The status and the answer."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)) as asking:
        asking.request("GET", path)
        response = asking.getresponse()
        return response.status, json.load(response)


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


async def beaten(health: StageHealth) -> None:
    """Let the health note once how its event loop and its partitions stand."""
    beating = asyncio.ensure_future(health.beat())
    await asyncio.sleep(0)
    beating.cancel()


def reading(*partitions: int) -> Ledger:
    """A ledger that reads these partitions."""
    ledger = Ledger(ChunkLimits(10, 1_000))
    tps = [TP("prices", partition) for partition in partitions]
    ledger.assign(tps)
    ledger.open(dict.fromkeys(tps, 0))
    return ledger


async def test_a_stage_is_ready_once_its_partitions_are_read() -> None:
    health = StageHealth("prices", STALL_SECONDS)
    assert health.report().missing == {"partitions": "are not assigned and read yet"}
    ledger = reading(0, 3)
    health.reads_by(ledger)
    await beaten(health)
    assert (health.report().ready, health.report().partitions) == (True, 2)
    ledger.assign([TP("prices", 0)])
    await beaten(health)
    assert not health.report().ready


async def test_a_stage_whose_topic_is_read_by_others_alone_stands_by_and_is_ready() -> None:
    health = StageHealth("prices", STALL_SECONDS)
    health.reads_by(reading())
    await beaten(health)
    assert (health.report().ready, health.report().partitions) == (True, 0)


@pytest.mark.parametrize("service", [outage.POSTGRES, outage.KAFKA], ids=["postgres", "kafka"])
async def test_a_stage_is_not_ready_while_a_service_is_away(
    service: outage.Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_grace_seconds", 0.0)
    health = StageHealth("prices", DEADLINE_SECONDS)
    health.reads_by(reading(0))
    await beaten(health)
    service.complain("gone")
    assert health.report().missing == {service.service.lower(): "has not answered for 0 s"}
    service.answered()
    assert health.report().ready


def test_a_worker_waits_for_postgres_before_it_starts_its_stages() -> None:
    crew = Crew(["news"], DEADLINE_SECONDS)
    outage.POSTGRES.complain("gone")
    assert crew.reports()[0].missing == {"postgres": "has not answered for 0 s"}
    outage.POSTGRES.answered()
    assert crew.reports()[0].missing == {"report": "is starting"}


async def test_a_stage_is_not_ready_while_its_model_is_loaded() -> None:
    health = StageHealth("news", STALL_SECONDS)
    health.reads_by(reading(0))
    await beaten(health)
    health.loading_model()
    assert health.report().missing == {"model": "is being loaded"}
    health.model_loaded()
    assert health.report().ready


async def test_a_stage_whose_event_loop_stands_still_is_not_alive_and_says_so_itself(port: int) -> None:
    health = StageHealth("prices", STALL_SECONDS)
    health.reads_by(reading(0))
    with served("127.0.0.1", port, lambda: [health.report()]):
        await beaten(health)
        assert answer(port, "/livez") == (200, {"alive": True, "stages": {"prices": {"alive": True}}})
        deadline = time.monotonic() + DEADLINE_SECONDS
        # This coroutine is the event loop's; while it asks, nothing else of the loop runs.
        while (status_and_body := answer(port, "/livez"))[0] == 200:
            assert time.monotonic() < deadline
        assert status_and_body[1]["stages"]["prices"]["why"].startswith("its event loop has not run for")
        assert answer(port, "/readyz")[0] == 503
        await beaten(health)
        assert answer(port, "/livez")[0] == 200


async def test_a_worker_is_ready_when_all_its_stages_are(port: int) -> None:
    crew = Crew(["prices", "news"], DEADLINE_SECONDS)
    crew.heard("prices", msgspec.json.encode(WELL))
    with served("127.0.0.1", port, crew.reports):
        status, body = answer(port, "/readyz")
        assert (status, body["ready"]) == (503, False)
        assert body["stages"]["prices"] == {"ready": True, "partitions": 4, "missing": {}}
        assert body["stages"]["news"] == {"ready": False, "partitions": None, "missing": {"report": "is starting"}}
        assert answer(port, "/livez")[0] == 200
        crew.heard("news", msgspec.json.encode(StageReport(stage="news", partitions=0)))
        assert answer(port, "/readyz")[0] == 200


def test_a_stage_that_tells_nothing_any_more_is_not_alive() -> None:
    crew = Crew(["prices"], STALL_SECONDS)
    crew.heard("prices", msgspec.json.encode(WELL))
    assert crew.reports() == [WELL]
    deadline = time.monotonic() + DEADLINE_SECONDS
    while crew.reports()[0].dead is None:
        assert time.monotonic() < deadline
    assert (crew.reports()[0].dead or "").startswith("has told nothing for")
    assert not crew.reports()[0].ready


def test_a_stage_that_does_not_begin_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    health, crew = StageHealth("prices", STALL_SECONDS), Crew(["prices"], STALL_SECONDS)
    crew.started("prices")
    assert [health.report().dead, crew.reports()[0].dead] == [None, None]
    for module in (health_stage, health_crew):
        monkeypatch.setattr(module, "START_SECONDS", 0.0)
    assert health.report().dead == "its event loop has not begun to run within 0 s"
    assert crew.reports()[0].dead == "has told nothing within 0 s of its start"


def test_a_stage_tells_its_supervisor_a_line_at_a_time() -> None:
    hearing, told = os.pipe()
    with open(hearing, "rb") as lines, telling(told, lambda: WELL):
        assert [msgspec.json.decode(lines.readline(), type=StageReport) for _ in range(2)] == [WELL, WELL]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GARBAGE\r\n\r\n",
        bytes(range(256)),
        b"\x16\x03\x01",
        b"GET /livez HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
    ],
    ids=["no-http", "bytes", "tls", "long-header"],
)
def test_what_is_no_http_gets_400_and_no_line_in_the_log(
    port: int, caplog: pytest.LogCaptureFixture, request_bytes: bytes
) -> None:
    with served("127.0.0.1", port, lambda: [WELL]), caplog.at_level("INFO"):
        with socket.create_connection(("127.0.0.1", port), DEADLINE_SECONDS) as connection:
            connection.sendall(request_bytes)
            assert connection.recv(12).endswith(b" 400")
        assert answer(port, "/livez")[0] == 200
    assert caplog.messages == []


def test_a_connection_over_the_bound_closes_the_oldest_and_is_answered(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_server, "MOST_CONNECTIONS", 3)
    with served("127.0.0.1", port, lambda: [WELL]), ExitStack() as stack:
        kept = [stack.enter_context(closing(HTTPConnection("127.0.0.1", port))) for _ in range(4)]
        for connection in kept:
            connection.request("GET", "/livez")
            assert connection.getresponse().read()
        assert kept[0].sock.recv(1) == b""
        kept[1].request("GET", "/livez")
        assert kept[1].getresponse().status == 200


def test_a_connection_that_asks_nothing_is_closed(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_server, "IDLE_SECONDS", 0.05)
    with (
        served("127.0.0.1", port, lambda: [WELL]),
        socket.create_connection(("127.0.0.1", port), DEADLINE_SECONDS) as silent,
    ):
        silent.sendall(b"GET /livez HTTP/1.1\r\n")
        assert silent.recv(1) == b""


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = rf"^The health port 127\.0\.0\.1:{port} cannot be opened: Address already in use\.$"
        with pytest.raises(UsageError, match=said):
            served("127.0.0.1", port, list).__enter__()


def test_a_host_that_does_not_exist_is_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"^The health port no\.such\.host\.invalid:0 cannot be opened: [^\n]+\.$"):
        served("no.such.host.invalid", 0, list).__enter__()


def test_without_a_port_nothing_is_served() -> None:
    with served("127.0.0.1", None, list):
        pass
