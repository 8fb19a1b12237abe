"""The database's URL: its form, its password, and whether the files that its TLS parameters name can be used.

The parameters are libpq's (sslmode, sslrootcert, sslcert, sslkey, …), as asyncpg and psql read them, and so are the
variables (PGSSLMODE, …) that stand in for those which it leaves out.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from pydantic import SecretStr

from stream_app import tls
from stream_app.errors import UsageError

SCHEMES = ("postgresql", "postgres")
NOT_VERIFYING = ("disable", "allow", "prefer")
MODES = (*NOT_VERIFYING, "require", "verify-ca", "verify-full")
DEFAULT_MODE = "prefer"


def checked(url: str) -> str:
    """The URL itself. Raises UsageError for another form, or for TLS parameters that cannot be or fit no other.

    No message repeats the URL, which may hold a password.
    """
    parameters = _parameters(_parts(url))
    mode = parameters.get("sslmode") or os.environ.get("PGSSLMODE") or DEFAULT_MODE
    if mode not in MODES:
        raise UsageError(f"The database URL's sslmode is none of {', '.join(MODES)}.")
    if "sslrootcert" in parameters and mode in NOT_VERIFYING:
        raise UsageError(
            f"The database URL has sslrootcert, by which sslmode={mode} verifies nothing; give sslmode=verify-full."
        )
    authority, certificate, key = (_pem(parameters, name) for name in ("sslrootcert", "sslcert", "sslkey"))
    if mode != "disable" and (authority or certificate):
        tls.client_context(authority, certificate, key, parameters.get("sslpassword", ""))
    return url


def with_password(url: str, password: SecretStr) -> str:
    """The URL with this password in it. Raises UsageError where it has one already."""
    parts = _parts(url)
    if parts.password or "password" in _parameters(parts):
        raise UsageError("Both the database URL and database_password_file give a password; leave one out.")
    user, _, hosts = parts.netloc.rpartition("@")
    secret = quote(password.get_secret_value(), safe="")
    return parts._replace(netloc=f"{user.removesuffix(':')}:{secret}@{hosts}").geturl()


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        proper = parts.scheme in SCHEMES and parts.port != 0
    except ValueError:
        proper = False
    # Of a password that holds one of these as it is, a part would be taken for a host or a database, and told as such.
    if not proper or parts.fragment or parts.netloc.count("@") > 1 or "@" in parts.path:
        raise UsageError(
            "The database URL is not of the form postgresql://user@host:port/database. "
            "In a password write %40 for @, %3A for :, %2F for /, %3F for ?, %23 for # and %25 for %."
        )
    return parts


def _parameters(parts: SplitResult) -> dict[str, str]:
    if not parts.query:
        return {}
    try:
        return {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=True).items()}
    except ValueError:
        raise UsageError("The database URL's parameters are not of the form ?name=value&name=value.") from None


def _pem(parameters: Mapping[str, str], name: str) -> tls.PemFile | None:
    if name in parameters:
        return tls.PemFile(Path(parameters[name]), f"{name} in the database URL")
    variable = f"PG{name.upper()}"
    return tls.PemFile(Path(path), variable) if (path := os.environ.get(variable)) else None
