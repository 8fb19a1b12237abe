"""Who may ask: the names under which the server is known, and the token."""

import hmac
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass

from pydantic import SecretStr

from stream_app.config import Settings
from stream_app.errors import UsageError
from stream_app.secret_files import read_secret

FEWEST_CHARACTERS = 16
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
SCHEME = b"bearer "


@dataclass(frozen=True, slots=True)
class Access:
    """`hosts` are the names, in small letters and without a port, that a request may give as its host; None: any."""

    hosts: Collection[str] | None = LOOPBACK_NAMES
    token: SecretStr | None = None

    def knows_host(self, header: bytes) -> bool:
        """Whether a Host header names this server, with whatever port."""
        return self.hosts is None or _name(header.decode("latin-1").lower()) in self.hosts

    def admits(self, authorization: bytes) -> bool:
        """Whether an Authorization header has the token; how long that takes tells nothing of it."""
        if self.token is None:
            return True
        scheme, given = authorization[: len(SCHEME)].lower(), authorization[len(SCHEME) :].strip()
        return hmac.compare_digest(given, self.token.get_secret_value().encode()) and scheme == SCHEME


def access(settings: Settings) -> Access:
    """Who may ask as the settings say. UsageError where strangers might, or where the token cannot be one."""
    token = settings.serve_token
    if settings.serve_token_file is not None:
        token = read_secret(settings.serve_token_file, "serve_token_file")
    if token is not None:
        _check(token)
    here = is_loopback(settings.serve_host)
    if not here and token is None:
        raise UsageError(
            f"serve_host {settings.serve_host} may be reached from other machines, so the API needs a token: "
            "set serve_token_file or STREAM_APP_SERVE_TOKEN."
        )
    named = {_name(name.lower()) for name in (settings.serve_host, *settings.serve_hosts)}
    return Access(named | LOOPBACK_NAMES if here or settings.serve_hosts else None, token)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a listening address; of a name other than localhost that is not known."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _check(token: SecretStr) -> None:
    text = token.get_secret_value()
    if len(text) < FEWEST_CHARACTERS or not text.isascii() or not text.isprintable() or " " in text:
        raise UsageError(f"The token must be at least {FEWEST_CHARACTERS} ASCII characters without a space.")


def _name(host: str) -> str:
    """A host without its port; an IPv6 address in brackets, as it stands in a URL."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return f"[{host}]" if host.count(":") > 1 else host.partition(":")[0]
