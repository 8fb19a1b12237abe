"""Only this machine asks without a token, and only under the server's own names."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from stream_app.config import Settings
from stream_app.errors import UsageError
from stream_app.web.access import Access, access, is_loopback

TOKEN = "0123456789abcdef"


def settings(**given: Any) -> Settings:
    return Settings.model_validate(given)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST"])
def test_a_loopback_address_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    assert access(settings(serve_host=host)).token is None
    assert access(settings(serve_host=host)).knows_host(f"[{host}]:1".encode() if ":" in host else host.encode())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "db.example.org", "localhost.example.org", "1"])
def test_any_other_address_is_refused_without_one(host: str) -> None:
    with pytest.raises(UsageError, match=f"serve_host {host} may be reached from other machines"):
        access(settings(serve_host=host))
    assert access(settings(serve_host=host, serve_token=TOKEN)).token is not None


def test_a_token_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    assert access(settings(serve_token_file=path)).admits(f"Bearer {TOKEN}".encode())


@pytest.mark.parametrize("text", ["short", "fifteen-letters", "with a space in it, long", "umläute-sind-nicht-ascii"])
def test_a_token_that_a_header_cannot_carry_or_that_is_short_is_refused_without_being_told(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text(text)
    with pytest.raises(UsageError, match="at least 16 ASCII characters") as refused:
        access(settings(serve_token_file=path))
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    ("header", "is_admitted"),
    [
        (f"Bearer {TOKEN}", True),
        (f"bearer   {TOKEN} ", True),
        (f"Bearer {TOKEN}x", False),
        (f"Bearer {TOKEN[:-1]}", False),
        (f"Basic {TOKEN}", False),
        (TOKEN, False),
        ("Bearer ", False),
        ("", False),
        ("Bearer \xff", False),
    ],
)
def test_a_request_is_admitted_by_the_whole_token_alone(header: str, is_admitted: bool) -> None:
    assert Access(token=SecretStr(TOKEN)).admits(header.encode("latin-1")) is is_admitted
    assert Access().admits(header.encode("latin-1"))


@pytest.mark.parametrize(
    ("host", "is_known"),
    [
        ("localhost", True),
        ("LocalHost:8765", True),
        ("127.0.0.1:1", True),
        ("[::1]", True),
        ("[::1]:8765", True),
        ("[::2]:8765", False),
        ("::1", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("evil.example#localhost", False),
        ("localhost@evil.example", False),
        ("", False),
    ],
)
def test_on_this_machine_its_names_alone_are_known(host: str, is_known: bool) -> None:
    assert access(settings()).knows_host(host.encode()) is is_known


def test_other_names_are_known_where_they_are_named() -> None:
    named = access(settings(serve_hosts="contexts.example.org,10.0.0.7"))
    assert (
        named.knows_host(b"Contexts.Example.Org:443")
        and named.knows_host(b"10.0.0.7")
        and named.knows_host(b"localhost")
    )
    assert not named.knows_host(b"example.org")


def test_beyond_this_machine_any_name_is_known_unless_some_are_named() -> None:
    assert access(settings(serve_host="0.0.0.0", serve_token=TOKEN)).knows_host(b"any.example.org")
    named = access(settings(serve_host="0.0.0.0", serve_token=TOKEN, serve_hosts="contexts.example.org"))
    assert not named.knows_host(b"any.example.org")
