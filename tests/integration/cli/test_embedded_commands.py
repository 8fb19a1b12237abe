"""`up`, `down` and `db` on services of their own, and the settings that lead other commands to them."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream_app.embedded import running
from stream_app.embedded.kafka import Kafka
from stream_app.embedded.postgres import Postgres
from tests.conftest import stopped_at_the_end
from tests.integration.cli.conftest import CommandLine

DATA = ".stream-app"
KILL_SECONDS = 30


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """The default data folder of the test's folder; what runs in it is stopped at the end."""
    folder = tmp_path / DATA
    folder.mkdir()
    with stopped_at_the_end(folder):
        yield folder


def test_services_are_started_found_migrated_and_stopped(bare: CommandLine, data_dir: Path) -> None:
    started = bare.run("up --detach")
    found = running(data_dir)
    assert started.returncode == 0
    assert found is not None
    assert f"Kafka     {found.kafka.servers}\n" in started.stdout
    assert "stream-app db upgrade" in started.stderr

    assert bare.run("db url").stdout == f"{found.database_url}\n"
    assert found.database_url not in started.stdout + started.stderr

    again = bare.run("up --detach --kafka-url elsewhere:9092")
    assert (again.returncode, again.stdout) == (0, started.stdout)
    assert "running already" in again.stderr
    assert "not these services" in again.stderr

    assert "run `stream-app db upgrade`" in bare.run_here("db status").stdout
    assert "run `stream-app db upgrade`" in bare.run_here("show").stderr
    refused = bare.run("worker")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.endswith("run `stream-app db upgrade`.\n")
    assert "from revision none to" in bare.run("db upgrade").stdout
    assert "up to date already" in bare.run_here("db upgrade").stdout
    assert "is up to date" in bare.run_here("db status").stdout

    stopped = bare.run("down")
    assert stopped.returncode == 0
    assert stopped.stderr == f"Stopped Kafka and Postgres; the data stay in {DATA}.\n"
    assert running(data_dir) is None
    assert bare.run_here("down").stderr == f"Nothing is running in {DATA}.\n"


def test_up_starts_over_the_stale_lock_of_a_postgres_that_lost_its_power(bare: CommandLine, data_dir: Path) -> None:
    assert bare.run("up --detach").returncode == 0
    first = running(data_dir)
    lock = data_dir / "postgres" / "data" / "postmaster.pid"
    lines = lock.read_text().splitlines()
    for service in (Kafka(data_dir), Postgres(data_dir)):
        process = service.daemon.process()
        assert process is not None
        process.kill()
        process.wait(KILL_SECONDS)
    # after the reboot its pid is another program's, here this test's
    lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert running(data_dir) is None
    again = bare.run("up --detach")
    assert again.returncode == 0, again.stderr
    assert running(data_dir) == first


def test_the_foreground_stops_both_on_ctrl_c(bare: CommandLine, data_dir: Path) -> None:
    with bare.started("up") as up:
        assert up.stderr is not None
        assert any("Ctrl-C stops both" in line for line in up.stderr)
        assert running(data_dir) is not None
        up.send_signal(signal.SIGINT)
        assert up.wait(60) == 0
        assert up.stderr.read() == "Stopping …\n"
    assert running(data_dir) is None


def test_the_foreground_ends_when_somebody_else_stops_the_services(bare: CommandLine, data_dir: Path) -> None:
    with bare.started("up") as up:
        assert up.stderr is not None
        assert any("Ctrl-C stops both" in line for line in up.stderr)
        bare.run("down")
        assert up.wait(60) == 1
        assert "ended, by `stream-app down`" in up.stderr.read()


def test_a_data_folder_that_cannot_be_made_is_refused_in_a_sentence(bare: CommandLine) -> None:
    (bare.folder / "taken").write_text("")
    refused = bare.run_here("up --detach --data-dir taken")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("Error: The data folder taken cannot be made")
