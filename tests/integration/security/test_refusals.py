"""What a service or a client refuses ends in one sentence that names the service and what to do, and no secret."""

import gc
import json
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from tests.integration.cli.conftest import CommandLine
from tests.integration.security.conftest import Secured
from tests.integration.security.services import OVER_TLS_ALONE

WRONG = "wr0ng-s3cr3t"
WITHOUT_LOGIN = {"KAFKA_SASL_MECHANISM": "", "KAFKA_USERNAME": "", "KAFKA_PASSWORD_FILE": ""}
IN_PLAINTEXT = {**WITHOUT_LOGIN, "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT", "KAFKA_CA_FILE": ""}
WITH_WRONG_PASSWORD = {"KAFKA_PASSWORD": WRONG, "KAFKA_PASSWORD_FILE": ""}

Changes = Callable[[Secured], Mapping[str, str]]

OF_KAFKA: dict[str, tuple[Changes, str]] = {
    "a wrong password": (
        lambda _: WITH_WRONG_PASSWORD,
        "Kafka refuses the login (Authentication failed during authentication due to invalid credentials with SASL "
        "mechanism SCRAM-SHA-512); see kafka_username and kafka_password (or kafka_password_file).",
    ),
    "an unknown user": (lambda _: {"KAFKA_USERNAME": "nobody"}, "Kafka refuses the login (Authentication failed"),
    "another mechanism": (
        lambda _: {"KAFKA_SASL_MECHANISM": "SCRAM-SHA-256"},
        "Kafka does not take a login of this kind; see kafka_sasl_mechanism.",
    ),
    "an unknown authority": (
        lambda secured: {"KAFKA_CA_FILE": str(secured.certificates.stranger)},
        "Kafka's certificate is not accepted: unable to get local issuer certificate; kafka_ca_file has to name a file "
        "with the authority that signed it.",
    ),
    "another host's certificate": (
        lambda secured: {"KAFKA_URL": secured.kafka.servers("SECURED", host="127.0.0.1")},
        "Kafka's certificate is not accepted: IP address mismatch, certificate is not valid for '127.0.0.1'; kafka_url",
    ),
    "an expired certificate": (
        lambda secured: {"KAFKA_URL": secured.kafka.servers("EXPIRED")},
        "Kafka's certificate is not accepted: certificate has expired; the server needs a new one.",
    ),
    "no certificate of its own": (
        lambda secured: {
            **WITHOUT_LOGIN,
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_URL": secured.kafka.servers("MUTUAL"),
        },
        "Kafka does not accept this client's certificate",
    ),
    "a client in plaintext": (lambda _: IN_PLAINTEXT, "as it does to a client of another kafka_security_protocol."),
    "a login in plaintext": (
        lambda _: {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_CA_FILE": ""},
        "as it does to a client of another kafka_security_protocol.",
    ),
    "a login where none is taken": (
        lambda secured: {
            "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_CA_FILE": "",
            "KAFKA_URL": secured.kafka.url,
        },
        "Kafka takes no login on this listener; see kafka_security_protocol.",
    ),
    "TLS where there is none": (
        lambda secured: {"KAFKA_URL": secured.kafka.servers("CLEAR")},
        "kafka_security_protocol",
    ),
}
OF_POSTGRES: dict[str, tuple[Callable[[Secured], str], str]] = {
    "a wrong password": (
        lambda secured: secured.front.url(secured.verified, password=WRONG),
        'Postgres refuses the login: password authentication failed for user "stream_app"; give it in the database',
    ),
    "no password": (
        lambda secured: secured.front.url(secured.verified),
        "Postgres refuses the login: ",
    ),
    "an unknown authority": (
        lambda secured: secured.front.url(f"sslmode=verify-full&sslrootcert={secured.certificates.stranger}"),
        "Postgres's certificate is not accepted: unable to get local issuer certificate; sslrootcert in the database "
        "URL has to name a file with the authority that signed it.",
    ),
    "another host's certificate": (
        lambda secured: secured.front.url(secured.verified, host="127.0.0.1"),
        "Postgres's certificate is not accepted: IP address mismatch, certificate is not valid for '127.0.0.1'; the "
        "database URL has to name a host that it was made for.",
    ),
    "an expired certificate": (
        lambda secured: secured.expired_front.url(secured.verified),
        "Postgres's certificate is not accepted: certificate has expired; the server needs a new one.",
    ),
    "a client in plaintext": (
        lambda secured: f"postgresql://{OVER_TLS_ALONE}@127.0.0.1:{secured.postgres.port}/stream_app?sslmode=disable",
        'Postgres refuses the login: no pg_hba.conf entry for host "127.0.0.1", user "tls_alone", database '
        '"stream_app", no encryption; its pg_hba.conf says who may connect how.',
    ),
    "TLS where there is none": (
        lambda secured: f"postgresql://stream_app@localhost:{secured.postgres.port}/stream_app?{secured.verified}",
        "Postgres speaks no TLS, and sslmode in the database URL asks for it.",
    ),
    "a parameter that nobody knows": (
        lambda secured: secured.front.url(f"{secured.verified}&channel_bind=require"),
        'The database URL: unrecognized configuration parameter "channel_bind".',
    ),
}


def changed(commands: CommandLine, changes: Mapping[str, str]) -> CommandLine:
    """The commands with other settings."""
    return replace(
        commands, environment=commands.environment | {f"STREAM_APP_{name}": value for name, value in changes.items()}
    )


def check_no_secret(secured: Secured, told: str) -> None:
    """Fail where a password stands in what was told."""
    assert [secret for secret in (*secured.secrets, WRONG) if secret in told] == []


@pytest.mark.parametrize("case", OF_KAFKA)
def test_what_kafka_or_its_client_refuses_is_one_sentence(secured: Secured, commands: CommandLine, case: str) -> None:
    changes, sentence = OF_KAFKA[case]
    (commands.folder / "prices.csv").write_text("instrument_id,trade_date,close,volume\nSPX.US,2008-09-15,1200,1\n")
    ended = changed(commands, changes(secured)).run_here("ingest prices prices.csv")
    assert ended.exit_code == 1
    told = [line for line in ended.stderr.splitlines() if line.startswith("Error: ")]
    assert told == ended.stderr.splitlines()[-1:]
    assert sentence in told[0]
    assert "Traceback" not in ended.output
    check_no_secret(secured, ended.output)


@pytest.fixture
def _collected() -> Iterator[None]:
    """A login that fails over TLS leaves a transport that its loop had no time to close, as the command's end does."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.usefixtures("_collected")
@pytest.mark.parametrize("case", OF_POSTGRES)
@pytest.mark.parametrize("words", ["db status", "db upgrade", "show"])
def test_what_postgres_or_its_client_refuses_is_one_sentence(
    secured: Secured, commands: CommandLine, case: str, words: str
) -> None:
    url, sentence = OF_POSTGRES[case]
    with_password = "parameter" in case
    files = {} if with_password else {"DATABASE_PASSWORD_FILE": ""}
    ended = changed(commands, {"DATABASE_URL": url(secured)} | files).run_here(words)
    assert ended.exit_code == (2 if with_password else 1)
    assert ended.stderr.startswith(f"Error: {sentence}")
    assert ended.stderr.count("\n") == 1
    check_no_secret(secured, ended.output)


@pytest.mark.usefixtures("_collected")
@pytest.mark.parametrize("form", ["keyvalue", "json"])
def test_a_worker_that_is_refused_ends_with_one_line_of_the_log(
    secured: Secured, commands: CommandLine, form: str
) -> None:
    assert commands.run_here("db upgrade").exit_code == 0
    for changes, service in (
        (WITH_WRONG_PASSWORD, "Kafka"),
        (
            {"DATABASE_URL": secured.front.url(secured.verified, password=WRONG), "DATABASE_PASSWORD_FILE": ""},
            "Postgres",
        ),
    ):
        ended = changed(commands, {**changes, "LOG_FORMAT": form}).run_here("worker --stage prices")
        assert ended.exit_code == 1
        last = ended.stderr.splitlines()[-1]
        assert f"{service} refuses the login" in last
        assert json.loads(last)["level"] == "CRITICAL" if form == "json" else "level=CRITICAL" in last
        assert ended.stderr.count("CRITICAL") == 1
        check_no_secret(secured, ended.output)


def test_a_worker_that_kafka_hangs_up_on_waits_and_says_what_may_be_wrong(
    secured: Secured, commands: CommandLine
) -> None:
    assert commands.run_here("db upgrade").exit_code == 0
    with changed(commands, IN_PLAINTEXT).started("worker --stage prices") as worker:
        assert worker.stderr is not None
        lines: list[str] = []
        for line in worker.stderr:
            lines.append(line)
            if "Kafka does not answer" in line:
                break
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
    assert "as it does to a client of another kafka_security_protocol" in lines[-1]
    check_no_secret(secured, "".join(lines))


def test_help_shows_no_setting_that_is_secret(secured: Secured, commands: CommandLine) -> None:
    with_passwords = {
        "KAFKA_PASSWORD": secured.kafka.password,
        "KAFKA_PASSWORD_FILE": "",
        "DATABASE_URL": secured.front.url(secured.verified, password=secured.postgres.password),
        "DATABASE_PASSWORD_FILE": "",
    }
    for words in ("--help", "worker --help", "ingest prices --help", "db url --help"):
        shown = changed(commands, with_passwords).run_here(words)
        assert shown.exit_code == 0
        check_no_secret(secured, shown.output)
