"""Both embedded services of a data folder: started once, shared by every process that names the folder."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from stream_app.embedded.kafka import Kafka
from stream_app.embedded.postgres import Postgres
from stream_app.errors import Fatal, UsageError
from stream_app.kafka.access import KafkaAccess

READY_SECONDS = 90.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Endpoints:
    """How the services are reached; the database by a URL, which may hold its password."""

    kafka: KafkaAccess
    database_url: str = field(repr=False)


def _silent(_message: str) -> None:
    """Says nothing."""


def start(data_dir: Path, say: Callable[[str], None] = _silent) -> Endpoints:
    """Starts what does not run yet and returns when both answer; they outlive the caller until `stop`.

    Safe to call twice and from several processes at once. Raises UsageError or Fatal, a sentence each.
    """
    folder = _prepared(data_dir)
    kafka, postgres = Kafka(folder), Postgres(folder)
    with FileLock(folder / "services.lock"):
        launched = [service for service in (kafka, postgres) if not _comes_up(service)]
        try:
            if kafka in launched:
                _launch_kafka(kafka, say)
            if postgres in launched:
                say("Starting Postgres …")
                postgres.launch()
            for service in launched:
                if not _comes_up(service):
                    raise Fatal(f"{service.name} ended while it started: {service.reason()}.")
        except BaseException:
            for service in launched:
                service.stop()
            raise
    return Endpoints(KafkaAccess(kafka.url), postgres.url)


def stop(data_dir: Path) -> None:
    """Ends both services cleanly; nothing happens where none runs."""
    folder = _owned(data_dir)
    if folder.is_dir():
        with FileLock(folder / "services.lock"):
            Kafka(folder).stop()
            Postgres(folder).stop()


def running(data_dir: Path) -> Endpoints | None:
    """Where the folder's services are reached, if both answer now."""
    kafka, database_url = running_kafka(data_dir), running_postgres(data_dir)
    return None if kafka is None or database_url is None else Endpoints(kafka, database_url)


def running_kafka(data_dir: Path) -> KafkaAccess | None:
    """How the folder's Kafka is reached, if it answers now."""
    kafka = Kafka(_owned(data_dir))
    return KafkaAccess(kafka.url) if kafka.answers() else None


def running_postgres(data_dir: Path) -> str | None:
    """The URL of the folder's database with its password, if it answers now."""
    postgres = Postgres(_owned(data_dir))
    return postgres.url if postgres.answers() else None


def _owned(data_dir: Path) -> Path:
    folder = data_dir.resolve()
    if folder.exists() and os.geteuid() not in (0, folder.stat().st_uid):
        raise UsageError(f"The data folder {data_dir} belongs to another user; name one of your own.")
    return folder


def _prepared(data_dir: Path) -> Path:
    folder = _owned(data_dir)
    try:
        (folder / "logs").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The data folder {data_dir} cannot be made: {error.strerror}.") from None
    return folder


def _launch_kafka(kafka: Kafka, say: Callable[[str], None]) -> None:
    from stream_app.embedded.jars import class_path  # noqa: PLC0415 - jgo takes 0.3 s to import, only a start needs it

    jars = class_path(say)
    say("Starting Kafka …")
    kafka.launch(jars)


def _comes_up(service: Kafka | Postgres) -> bool:
    """Waits for an answer of the service's process; False once there is no process (or none to begin with)."""
    deadline = time.monotonic() + READY_SECONDS
    while service.daemon.process() is not None:
        if service.answers():
            return True
        if time.monotonic() > deadline:
            raise Fatal(f"{service.name} does not answer since {READY_SECONDS:.0f} s: {service.reason()}.")
        time.sleep(POLL_SECONDS)
    return False
