"""Opening connections: one way for pools, lone connections and migrations, and what no waiting mends told as such."""

import ssl
from typing import Any

import asyncpg

from stream_app import tls
from stream_app.errors import Fatal, UsageError

CONNECT_TIMEOUT_SECONDS = 10.0
POSTGRES_PEER = tls.Peer(
    service="Postgres",
    address="the database URL",
    authority="sslrootcert in the database URL",
    certificate="sslcert and sslkey in the database URL",
    protocol="sslmode in the database URL",
)
NO_TLS = "rejected SSL upgrade"
"""What asyncpg says of a server that speaks no TLS where sslmode asks for it."""
PASSWORD = "give it in the database URL, by database_password_file or by PGPASSFILE"

_UNKNOWN_PARAMETER = (
    asyncpg.UndefinedObjectError,
    asyncpg.CantChangeRuntimeParamError,
    asyncpg.InvalidParameterValueError,
)
"""The server's answer to a parameter of the URL that asyncpg does not know and so takes for a setting of the server."""


async def open_connection(*args: Any, **options: Any) -> Any:
    """asyncpg's connect, for a URL.

    Raises Fatal where the server refuses this client or this client the server, UsageError for a parameter of the URL
    that means nothing; what else goes wrong is raised as it is.
    """
    try:
        return await asyncpg.connect(*args, timeout=CONNECT_TIMEOUT_SECONDS, **options)
    except (asyncpg.ClientConfigurationError, *_UNKNOWN_PARAMETER) as error:
        raise UsageError(f"The database URL: {_first_line(error)}.") from None
    except asyncpg.InvalidPasswordError as error:
        raise Fatal(f"Postgres refuses the login: {_first_line(error)}; {PASSWORD}.") from error
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise Fatal(
            f"Postgres refuses the login: {_first_line(error)}; its pg_hba.conf says who may connect how."
        ) from error
    except ssl.SSLError as error:
        if not tls.is_final(error):
            raise
        raise Fatal(f"{tls.why(error, POSTGRES_PEER)}.") from error
    except ConnectionError as error:
        if NO_TLS not in str(error):
            raise
        raise Fatal(f"Postgres speaks no TLS, and {POSTGRES_PEER.protocol} asks for it.") from error


def _first_line(error: Exception) -> str:
    """What was said, without the details and hints below it."""
    return str(error).partition("\n")[0].rstrip(".")
