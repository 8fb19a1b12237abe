"""The connection that waits for signals, and what becomes of it when Postgres goes away."""

import pytest

from stream_app.errors import Away
from stream_app.outage import POSTGRES
from stream_app.store import signals
from stream_app.store.database import Connection, connect
from stream_app.store.signals import Signal, listening


async def test_a_connection_that_is_lost_before_it_listens_is_worth_waiting_for(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(url: str) -> Connection:
        connection = await connect(url)
        connection.terminate()
        return connection

    monkeypatch.setattr(signals, "connect", lost)
    with pytest.raises(Away):
        async with listening(database_url, Signal()):
            raise AssertionError("it listens on a connection that is lost")


async def test_a_connection_that_is_lost_while_it_listens_ends_it_as_the_work_ended(database_url: str) -> None:
    async with listening(database_url, Signal()) as listener:
        other = await connect(database_url)
        await other.execute("SELECT pg_terminate_backend($1)", listener.get_server_pid())
        await other.close()


async def test_that_a_listener_is_closed_is_no_answer_of_postgres(database_url: str) -> None:
    async with listening(database_url, Signal()) as listener:
        listener.terminate()
        POSTGRES.complain("gone")
    assert POSTGRES.away
    POSTGRES.answered()
