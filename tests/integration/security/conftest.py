"""Services with TLS and logins, started once for these tests, and commands that reach them so."""

import contextlib
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stream_app.embedded.jars import class_path
from stream_app.embedded.postgres import USER
from stream_app.outage import KAFKA, POSTGRES
from tests.certificates import Certificates, Pair
from tests.conftest import stopped_at_the_end
from tests.integration.cli.conftest import CommandLine, without_settings
from tests.integration.security.services import KAFKA_USER, SecuredKafka, SecuredPostgres, TlsFront

START_SECONDS = 90.0
POLL_SECONDS = 0.05
TOPIC_PREFIX = "secured."
"""Of these tests' one database, which is filled from these topics alone."""


@dataclass(frozen=True, slots=True)
class Secured:
    """Both services, and Postgres's fronts: one with a good certificate, one with one that has expired."""

    kafka: SecuredKafka
    postgres: SecuredPostgres
    front: TlsFront
    expired_front: TlsFront
    certificates: Certificates

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody may be shown."""
        return self.kafka.password, self.postgres.password

    @property
    def verified(self) -> str:
        """Parameters of a URL by which Postgres's certificate and host name are verified."""
        return f"sslmode=verify-full&sslrootcert={self.certificates.authority}"

    def settings(self, folder: Path) -> dict[str, str]:
        """Settings by which both are reached, with the passwords in files."""
        files = {"kafka-password": self.kafka.password, "database-password": self.postgres.password}
        for name, secret in files.items():
            (folder / name).write_text(f"{secret}\n")
        return {
            "KAFKA_URL": self.kafka.servers("SECURED"),
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_USERNAME": KAFKA_USER,
            "KAFKA_PASSWORD_FILE": str(folder / "kafka-password"),
            "KAFKA_CA_FILE": str(self.certificates.authority),
            "DATABASE_URL": self.front.url(self.verified, user=USER),
            "DATABASE_PASSWORD_FILE": str(folder / "database-password"),
        }


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Secured]:
    """The embedded services, configured so."""
    folder = tmp_path_factory.mktemp("secured")
    (folder / "logs").mkdir()
    kafka = SecuredKafka(folder, certificates.server, certificates.expired, certificates.authority)
    postgres = SecuredPostgres(folder)
    with stopped_at_the_end(folder):
        kafka.launch(class_path(lambda _: None))
        postgres.launch()
        for service in (postgres, kafka):
            _wait_for(service)
        with _front(certificates.server, postgres) as front, _front(certificates.expired, postgres) as expired:
            yield Secured(kafka, postgres, front, expired, certificates)


@pytest.fixture(autouse=True)
def _as_if_nothing_was_away() -> Iterator[None]:
    """What this process was refused in a test says nothing of the next one."""
    yield
    for outage in (KAFKA, POSTGRES):
        outage.answered()


@pytest.fixture
def commands(secured: Secured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Commands with these settings in their environment, at the level at which everything is logged."""
    monkeypatch.chdir(tmp_path)
    bare = without_settings(tmp_path)
    more = {"TOPIC_PREFIX": TOPIC_PREFIX, "TOPIC_PARTITIONS": "2", "LOG_LEVEL": "DEBUG"}
    settings = {f"STREAM_APP_{name}": value for name, value in (secured.settings(tmp_path) | more).items()}
    return CommandLine(tmp_path, bare.environment | settings)


def _wait_for(service: SecuredKafka | SecuredPostgres) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not service.answers():
        assert service.daemon.process() is not None, service.reason()
        assert time.monotonic() < deadline, service.reason()
        time.sleep(POLL_SECONDS)


def _front(pair: Pair, postgres: SecuredPostgres) -> contextlib.AbstractContextManager[TlsFront]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.chain, pair.key)
    return TlsFront(context, postgres.port).served()
