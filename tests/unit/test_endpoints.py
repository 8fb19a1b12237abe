"""How the services are reached by the settings: a login and TLS for Kafka, a password for the database's URL."""

import logging
from pathlib import Path

import pytest

from stream_app.config import Settings, load_settings
from stream_app.endpoints import find
from stream_app.errors import UsageError
from tests.certificates import Certificates

URL = "postgresql://me@h/d"
SASL = {"kafka_sasl_mechanism": "SCRAM-SHA-512", "kafka_username": "me"}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file and no variable of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"STREAM_APP_{name.upper()}", raising=False)


def settings(**given: object) -> Settings:
    """Settings of services of one's own."""
    return load_settings({"kafka_url": "h:9093", "database_url": URL, **given})


def test_without_more_kafka_is_spoken_to_in_plaintext() -> None:
    assert find(settings()).kafka.arguments() == {"bootstrap_servers": "h:9093", "security_protocol": "PLAINTEXT"}


def test_a_login_and_tls_become_the_arguments_of_every_client(certificates: Certificates, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cr3t\n")
    given = SASL | {"kafka_password_file": tmp_path / "password", "kafka_ca_file": certificates.authority}
    access = find(settings(kafka_security_protocol="SASL_SSL", **given)).kafka
    assert access.arguments() == {
        "bootstrap_servers": "h:9093",
        "security_protocol": "SASL_SSL",
        "ssl_context": access.tls,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "me",
        "sasl_plain_password": "s3cr3t",
    }
    assert access.tls is not None
    assert access.tls.check_hostname
    assert "s3cr3t" not in repr(access)


def test_each_protocol_is_told_by_what_there_is(certificates: Certificates) -> None:
    login, authority = SASL | {"kafka_password": "s3cr3t"}, {"kafka_ca_file": str(certificates.authority)}
    for protocol, given in {"SSL": authority, "SASL_PLAINTEXT": login, "SASL_SSL": login | authority}.items():
        assert find(settings(kafka_security_protocol=protocol, **given)).kafka.protocol == protocol


def test_the_databases_password_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cr3t@\n")
    found = find(settings(database_password_file=tmp_path / "password"))
    assert found.database_url == "postgresql://me:s3cr3t%40@h/d"
    assert "s3cr3t" not in repr(found)


def test_a_password_that_travels_in_the_clear_is_told(caplog: pytest.LogCaptureFixture) -> None:
    find(settings(kafka_security_protocol="SASL_PLAINTEXT", **SASL, kafka_password="s3cr3t"))
    assert caplog.messages == []
    plain = SASL | {"kafka_sasl_mechanism": "PLAIN", "kafka_password": "s3cr3t"}
    with caplog.at_level(logging.WARNING):
        find(settings(kafka_security_protocol="SASL_PLAINTEXT", **plain))
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("Kafka's password travels in the clear")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({**SASL, "kafka_security_protocol": "SASL_SSL", "kafka_password_file": "absent"}, "kafka_password_file: abs"),
        (
            {"kafka_security_protocol": "SSL", "kafka_ca_file": "absent"},
            "kafka_ca_file: absent cannot be read: No such",
        ),
        ({"database_password_file": "absent"}, "database_password_file: absent cannot be read: No such file"),
    ],
)
def test_a_file_that_is_not_there_is_one_sentence(given: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        find(settings(**given))
    assert str(refused.value).startswith(told)
