"""The embedded services as their user meets them: shared, lasting, and back after whatever ended them."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import TopicPartition

from stream_app.embedded import Endpoints, running, start, stop
from stream_app.embedded.kafka import Kafka
from stream_app.embedded.ports import LOOPBACK
from stream_app.embedded.postgres import Postgres
from stream_app.errors import Fatal, UsageError
from tests.conftest import stopped_at_the_end

TOPIC = "kept"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with a space in it, longer than a unix socket's path may be."""
    deep = tmp_path_factory.mktemp("embedded") / ("deep " * 20).strip() / ("folder " * 10).strip()
    deep.mkdir(parents=True)
    with stopped_at_the_end(deep):
        yield deep


async def write(endpoints: Endpoints, value: bytes) -> None:
    """Leaves the value in a topic and in a table, both made if they are missing."""
    database = await asyncpg.connect(endpoints.database_url)
    await database.execute("CREATE EXTENSION IF NOT EXISTS vector; CREATE TABLE IF NOT EXISTS kept (value bytea)")
    await database.execute("INSERT INTO kept VALUES ($1)", value)
    await database.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=endpoints.kafka.servers)
    await admin.start()
    if TOPIC not in await admin.list_topics():
        await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=endpoints.kafka.servers, enable_idempotence=True) as producer:
        await producer.send_and_wait(TOPIC, value)


async def written(endpoints: Endpoints) -> tuple[list[bytes], list[bytes]]:
    """The values of the table and of the topic, in the order they came."""
    database = await asyncpg.connect(endpoints.database_url)
    rows = [row["value"] for row in await database.fetch("SELECT value FROM kept ORDER BY ctid")]
    await database.close()
    async with AIOKafkaConsumer(bootstrap_servers=endpoints.kafka.servers) as consumer:
        log = TopicPartition(TOPIC, 0)
        consumer.assign([log])
        await consumer.seek_to_beginning(log)
        end = (await consumer.end_offsets([log]))[log]
        return rows, [(await consumer.getone()).value for _ in range(end)]


def kill(*services: Kafka | Postgres) -> None:
    """kill -9, and waits until the kernel has done it."""
    for service in services:
        process = service.daemon.process()
        assert process is not None
        process.kill()
        process.wait(30)


async def test_what_was_written_is_there_after_a_stop_and_a_start_under_the_same_addresses(folder: Path) -> None:
    first = start(folder)
    await write(first, b"before the stop")
    stop(folder)
    assert running(folder) is None
    assert start(folder) == first
    rows, records = await written(first)
    assert rows[-1] == records[-1] == b"before the stop"


def test_a_second_start_gives_the_same_endpoints_and_starts_nothing(folder: Path) -> None:
    first = start(folder)
    said: list[str] = []
    assert start(folder, said.append) == running(folder) == first
    assert said == []


def test_starts_at_the_same_time_share_one_broker_and_one_postgres(folder: Path) -> None:
    stop(folder)
    said: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: start(folder, said.append), range(2))
    assert one == other == running(folder)
    assert said == ["Starting Kafka …", "Starting Postgres …"]


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; one that is dead may stand in the system's table until its parent has looked at it."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


async def test_both_are_back_with_their_data_after_kill_9(folder: Path) -> None:
    first = start(folder)
    await write(first, b"before the kill")
    kill(Kafka(folder), Postgres(folder))
    assert running(folder) is None
    assert start(folder) == first
    rows, records = await written(first)
    assert rows[-1] == records[-1] == b"before the kill"


async def test_a_backend_that_outlived_its_postmaster_is_no_obstacle(folder: Path) -> None:
    database = await asyncpg.connect(start(folder).database_url)
    backend = psutil.Process(await database.fetchval("SELECT pg_backend_pid()"))
    backend.suspend()  # a backend that waits for the disk, say: it cannot notice that its postmaster is gone
    kill(Postgres(folder))
    assert backend.is_running()
    database.terminate()
    start(folder)
    assert not backend.is_running()


def test_pid_files_that_name_other_programs_are_no_obstacle_and_those_are_left_alone(folder: Path) -> None:
    start(folder)
    postmaster_pid = folder / "postgres" / "data" / "postmaster.pid"
    lines = postmaster_pid.read_text().splitlines()
    kill(Kafka(folder), Postgres(folder))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        for name in ("kafka/kafka.pid", "postgres/postgres.pid"):
            (folder / name).write_text(f"{stranger.pid}\n")
        postmaster_pid.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        assert running(folder) is None
        stop(folder)
        assert stranger.poll() is None
        assert start(folder) == running(folder)
        assert stranger.poll() is None
        stranger.communicate(b"\n")


@pytest.mark.parametrize("left", [b"", b"\0" * 64], ids=["empty", "zeros"])
async def test_pid_files_that_a_power_loss_left_broken_are_no_obstacle(folder: Path, left: bytes) -> None:
    first = start(folder)
    await write(first, b"before the power loss")
    kill(Kafka(folder), Postgres(folder))
    for name in ("kafka/kafka.pid", "postgres/postgres.pid", "postgres/data/postmaster.pid"):
        (folder / name).write_bytes(left)
    assert start(folder) == first
    rows, records = await written(first)
    assert rows[-1] == records[-1] == b"before the power loss"


def test_stop_ends_the_processes_and_is_content_where_none_runs(folder: Path) -> None:
    start(folder)
    processes = [Kafka(folder).daemon.process(), Postgres(folder).daemon.process()]
    stop(folder)
    assert not any(process is not None and is_alive(process) for process in processes)
    stop(folder)
    assert running(folder) is None


def test_a_port_that_another_program_took_meanwhile_is_replaced(folder: Path) -> None:
    before = start(folder)
    stop(folder)
    host, port = before.kafka.servers.split(":")
    with socket.create_server((host, int(port))):
        after = start(folder)
        assert after.kafka != before.kafka
        assert after.database_url == before.database_url
    stop(folder)


def test_a_port_lost_between_choice_and_start_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop(folder)
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("stream_app.embedded.postgres.keep_ports", lambda path, count: [port])
        with pytest.raises(Fatal, match=r"^Postgres ended while it started: .*could not create any TCP/IP sockets"):
            start(folder)
    assert Kafka(folder).daemon.process() is None


def test_the_services_survive_ctrl_c_in_the_process_that_started_them(folder: Path) -> None:
    stop(folder)
    code = (
        "import pathlib, sys; from stream_app.embedded import start; start(pathlib.Path(sys.argv[1])); print(); input()"
    )
    command = [sys.executable, "-c", code, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, process_group=0) as starter:
        assert starter.stdout is not None
        starter.stdout.readline()
        os.killpg(starter.pid, signal.SIGINT)
        starter.wait(30)
    assert running(folder) is not None


def test_nothing_runs_in_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    assert running(tmp_path / "nowhere") is None
    stop(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_cannot_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"^The data folder .*file/data cannot be made: Not a directory\.$"):
        start(tmp_path / "file" / "data")
