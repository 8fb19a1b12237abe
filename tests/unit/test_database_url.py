"""The database's URL: its form, its password, its TLS parameters; what is wrong is told without the password."""

from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from stream_app.database_url import checked, with_password
from stream_app.errors import UsageError
from tests.certificates import Certificates

SECRET = "s3cr3t@/:?#%"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of whoever runs the tests."""
    for name in ("PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://h/d",
        "postgres://u:p%40w@h:5432/d?sslmode=require&application_name=x",
        "postgresql:///d?host=/run/postgresql",
        "postgresql://u@h/d?sslmode=verify-full",
    ],
)
def test_a_proper_url_stays_as_it_is(url: str) -> None:
    assert checked(url) == url


@pytest.mark.parametrize("character", "@/?#")
@pytest.mark.parametrize("port_like", ["s3cr3t", "5432"], ids=["word", "number"])
def test_a_password_that_would_be_taken_for_a_host_or_a_database_is_refused(character: str, port_like: str) -> None:
    with pytest.raises(UsageError, match=r"^The database URL('s parameters are| is) not of the form ") as refused:
        checked(f"postgresql://u:{port_like}{character}s3cr3t@h/d")
    assert "s3cr3t" not in str(refused.value)


def test_the_password_of_a_file_is_put_into_the_url_whatever_it_holds() -> None:
    put = quote(SECRET, safe="")
    for url in ("postgresql://u@h:1/d?sslmode=require", "postgresql://u:@h:1/d?sslmode=require"):
        assert with_password(url, SecretStr(SECRET)) == f"postgresql://u:{put}@h:1/d?sslmode=require"
    assert with_password("postgresql://h/d", SecretStr(SECRET)) == f"postgresql://:{put}@h/d"
    assert checked(with_password("postgresql://u@h/d", SecretStr(SECRET)))


@pytest.mark.parametrize("url", ["postgresql://u:s3cr3t@h/d", "postgresql://u@h/d?password=s3cr3t"])
def test_two_passwords_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="give a password; leave one out") as refused:
        with_password(url, SecretStr("other"))
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ("sslmode=full", "sslmode is none of disable, allow, prefer, require, verify-ca, verify-full"),
        ("sslrootcert=ca.pem", "has sslrootcert, by which sslmode=prefer verifies nothing; give sslmode=verify-full"),
        ("sslmode=disable&sslrootcert=ca.pem", "by which sslmode=disable verifies nothing"),
        (
            "sslmode=verify-full&sslrootcert=absent.pem",
            "sslrootcert in the database URL: absent.pem cannot be read: No",
        ),
        ("sslmode=verify-full&sslrootcert=.", "sslrootcert in the database URL: . cannot be read: Is a directory"),
        ("sslmode=verify-full&sslrootcert=text.pem", "text.pem holds no certificate in PEM form"),
        ("sslmode=require&sslcert=absent.pem&sslkey=client.key", "sslcert in the database URL: absent.pem cannot be"),
        ("sslmode=require&sslcert=client.pem&sslkey=other.key", "other.key is not that of the certificate"),
        ("sslmode", "parameters are not of the form ?name=value&name=value"),
    ],
)
def test_tls_parameters_that_cannot_be_are_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificates: Certificates, parameters: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.pem").write_text("no certificate")
    (tmp_path / "ca.pem").symlink_to(certificates.authority)
    (tmp_path / "client.pem").symlink_to(certificates.client.chain)
    (tmp_path / "client.key").symlink_to(certificates.client.key)
    (tmp_path / "other.key").symlink_to(certificates.server.key)
    with pytest.raises(UsageError) as refused:
        checked(f"postgresql://u:s3cr3t@h/d?{parameters}")
    assert told in str(refused.value)
    assert "s3cr3t" not in str(refused.value)


def test_files_that_fit_are_fine(certificates: Certificates) -> None:
    client = certificates.client
    checked(
        f"postgresql://h/d?sslmode=verify-full&sslrootcert={certificates.authority}"
        f"&sslcert={client.chain}&sslkey={client.key}"
    )


def test_a_file_that_a_variable_of_libpqs_names_is_looked_at_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLROOTCERT", "absent.pem")
    with pytest.raises(UsageError, match=r"^PGSSLROOTCERT: absent\.pem cannot be read"):
        checked("postgresql://h/d?sslmode=verify-full")
    checked("postgresql://h/d?sslmode=disable")
