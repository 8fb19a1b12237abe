"""Connections: one pool a process, its codecs, and which errors are worth waiting for."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import msgspec

from stream_app.errors import Away, Fatal, Retriable
from stream_app.outage import POSTGRES
from stream_app.store.opening import CONNECT_TIMEOUT_SECONDS, open_connection

Connection = Any
"""An asyncpg connection, from a pool or not (asyncpg has no types)."""
Pool = Any
"""An asyncpg pool."""

COMMAND_TIMEOUT_SECONDS = 120.0
ANSWER_SECONDS = 5.0
STALLED_SECONDS = 60.0
"""After which Postgres gives up a client that stopped, or that is gone without a word, where its locks hold others up.

Longer than anything here waits for Kafka under a lock.
"""
JSONB_VERSION = b"\x01"

_RETRIABLE = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,  # this process was stopped, or stood still, for STALLED_SECONDS
    asyncpg.ReadOnlySQLTransactionError,  # a standby, until a failover has made it the primary
)
_AWAY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Of the retriable errors those that tell of the server; the others are of what was asked of it."""
_OF_A_STATEMENT = asyncpg.QueryCanceledError
"""Given up alone, though Postgres has it among the interventions of its operator."""
_CONNECTION_GONE = re.compile(r"clos|terminat|released", re.IGNORECASE)
# What asyncpg says of a connection on which the server has taken its leave and that is not yet closed.
_CONNECTION_GOING = re.compile(r"^cannot switch to state \d+")


def is_retriable(error: BaseException) -> bool:
    """Whether Postgres may answer the same request later: it is away, restarting, full, or undid the transaction."""
    if isinstance(error, asyncpg.InterfaceError):
        return bool(_CONNECTION_GONE.search(str(error))) or _is_going(error)
    return _is_going(error) if isinstance(error, asyncpg.InternalClientError) else isinstance(error, _RETRIABLE)


def _is_going(error: BaseException | None) -> bool:
    """Whether it was raised on a connection that is going, or when that was being dealt with.

    A savepoint's ROLLBACK, say, finds "another operation in progress" then.
    """
    while error is not None:
        if isinstance(error, asyncpg.InternalClientError) and _CONNECTION_GOING.search(str(error)):
            return True
        error = error.__context__
    return False


class KeyStored(Exception):
    """A row that was to be appended has a key that is stored already."""


@asynccontextmanager
async def errors_told_apart() -> AsyncIterator[None]:
    """Turn what asyncpg raises into Away, Retriable or Fatal where the cause is known; let the rest through.

    What ends well is an answer of Postgres, so the block must have asked it something.
    """
    asked_at = time.monotonic()
    async with _errors_translated():
        yield
    POSTGRES.answered(asked_at)


@asynccontextmanager
async def _errors_translated() -> AsyncIterator[None]:
    try:
        yield
    except asyncpg.InvalidCatalogNameError as error:
        raise Fatal(f"Postgres has no such database: {error}.") from error
    except asyncpg.UndefinedTableError as error:
        raise Fatal(f"The database lacks a table ({error}): run `stream-app db upgrade`.") from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        if not is_retriable(error):
            raise
        reason = _told(error)
        if not isinstance(error, _AWAY) or isinstance(error, _OF_A_STATEMENT):
            raise Retriable(f"Postgres refused for now: {reason}") from error
        raise Away(f"Postgres is away: {reason}", service=POSTGRES.service, reason=reason) from error


def _told(error: Exception) -> str:
    """What went wrong; a wait that was given up has its sentence, or is told by its outcome."""
    if isinstance(error, TimeoutError) and error.errno is None:
        return str(error) or "it has not answered in time"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def jsonb(value: object) -> bytes:
    """A value in the binary form of a jsonb column."""
    return JSONB_VERSION + msgspec.json.encode(value)


async def _prepare(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=jsonb,
        decoder=lambda data: msgspec.json.decode(bytes(data)[1:]),
        format="binary",
    )
    if await connection.fetchval("SELECT to_regtype('vector') IS NOT NULL"):
        await connection.set_type_codec("vector", encoder=bytes, decoder=bytes, format="binary")


async def connect(database_url: str) -> Connection:
    """One connection outside any pool, as LISTEN and session locks need it."""
    async with errors_told_apart():
        connection = await open_connection(database_url)
        try:
            await _prepare(connection)
        except BaseException:  # whoever waited for it may have given up
            connection.terminate()
            raise
        return connection


async def close_what_may_be_lost(connection: Connection) -> None:
    """Close a connection outside any pool; of one that is lost nothing is told, and that it closes is no answer."""
    with suppress(Away):
        async with _errors_translated():
            await connection.close()


async def create_pool(database_url: str, size: int = 8, reading_seconds: float | None = None) -> Pool:
    """A pool of at most `size` connections; nothing is opened before it is asked for.

    A transaction in which nothing is asked for STALLED_SECONDS is rolled back, and its connection closed.

    With `reading_seconds` the connections only read: Postgres refuses to write, and gives up a statement that takes
    longer. Nobody leaves anything behind in one then, so that none is reset, which saves a round trip a question.
    """
    settings = {"idle_in_transaction_session_timeout": f"{1000 * STALLED_SECONDS:.0f}ms"}
    if reading_seconds is not None:
        settings |= {
            "statement_timeout": f"{1000 * reading_seconds:.0f}ms",
            "default_transaction_read_only": "on",
        }
    async with _errors_translated():
        return await asyncpg.create_pool(
            database_url,
            min_size=0,
            max_size=size,
            connect=open_connection,
            init=_prepare,
            reset=None if reading_seconds is None else _leave_as_it_is,
            connection_class=asyncpg.Connection if reading_seconds is None else _ReadingConnection,
            command_timeout=COMMAND_TIMEOUT_SECONDS,
            server_settings=settings,
        )


async def _leave_as_it_is(_: Connection) -> None:
    """In place of resetting a connection."""


class _ReadingConnection(asyncpg.Connection):  # type: ignore[misc]
    """Of a pool that only reads: it is closed where its user gives up waiting.

    Given back alive it would be waited for until a server that hangs has answered after all. A worker's is waited for:
    what it has asked for may hold locks until it ends.
    """

    __slots__ = ()


def _is_lost(acquired: Connection, error: BaseException) -> bool:
    """Whether a connection is to be closed as it is: a ROLLBACK or a reset would be waited for, or fail."""
    given_up = isinstance(error, (TimeoutError, asyncio.CancelledError))
    return (given_up and isinstance(acquired._con, _ReadingConnection)) or _is_going(error)


@asynccontextmanager
async def _acquired(pool: Pool) -> AsyncIterator[Connection]:
    """A connection of the pool."""
    async with pool.acquire() as acquired:
        try:
            yield acquired
        except BaseException as error:
            if _is_lost(acquired, error):
                acquired.terminate()
            raise


@asynccontextmanager
async def connection(pool: Pool) -> AsyncIterator[Connection]:
    """A connection of the pool, each statement a transaction of its own."""
    async with errors_told_apart(), _acquired(pool) as acquired:
        yield acquired


async def ask(pool: Pool) -> None:
    """Whether Postgres answers now: raises Away where it does not, or not within 5 s.

    A new connection has time of its own: it takes a dozen answers, and from a slow server more than 5 s.
    """
    async with errors_told_apart(), pool.acquire(timeout=CONNECT_TIMEOUT_SECONDS + ANSWER_SECONDS) as acquired:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await acquired.fetchval("SELECT 1")
        except TimeoutError:
            acquired.terminate()
            raise TimeoutError(f"it has not answered in {ANSWER_SECONDS:g} s") from None
        except asyncio.CancelledError:
            acquired.terminate()
            raise


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A connection of the pool in a READ COMMITTED transaction, committed on leaving, rolled back on an error."""
    async with errors_told_apart(), _acquired(pool) as acquired:
        opened = acquired.transaction()
        await opened.start()
        try:
            yield acquired
        except BaseException as error:
            if not _is_lost(acquired, error):
                await opened.rollback()
            raise
        await opened.commit()


@asynccontextmanager
async def appending(connection: Connection) -> AsyncIterator[None]:
    """A part of an open transaction that adds rows which are likely new: KeyStored, and none was added, if one is not.

    COPY into a table writes a page of rows at a time; a merge through a temporary table writes each row twice.
    """
    try:
        async with connection.transaction():  # a savepoint
            yield
    except asyncpg.UniqueViolationError as error:
        raise KeyStored(error.detail) from error
