"""Brings a database to the newest revision of `migrations/`, and says where it stands."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

import migrations
from stream_app.errors import Fatal
from stream_app.store.database import connect, errors_told_apart
from stream_app.store.opening import open_connection

LOCK_KEY = 0x73747265616D  # "stream"
"""The advisory lock that lets one upgrade run at a time."""
NO_TABLES = "none"
"""What stands for the revision of a database without tables."""


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """The database's revision (None: no table yet) and the newest one of this release.

    Where `known` is false a newer release has upgraded the database.
    """

    current: str | None
    newest: str
    known: bool

    @property
    def up_to_date(self) -> bool:
        """Whether nothing is to be done."""
        return self.current == self.newest

    @property
    def sentence(self) -> str:
        """Where the database stands, and what to do where that is not here."""
        if self.up_to_date:
            return f"The database is up to date, at revision {self.current}."
        at = f"The database is at revision {self.current or NO_TABLES}"
        if self.known:
            return f"{at}, this release needs {self.newest}: run `stream-app db upgrade`."
        return f"{at} of a newer release, this one knows them up to {self.newest}: install the newer one."


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    return config


def _engine(database_url: str) -> AsyncEngine:
    """SQLAlchemy reads a URL in a way of its own, without libpq's parameters, so it is given connections instead."""
    return create_async_engine(
        "postgresql+asyncpg://", async_creator=partial(open_connection, database_url), poolclass=NullPool
    )


async def upgrade(database_url: str) -> MigrationStatus:
    """Run the missing migrations, one process at a time; an up-to-date database is left as it is.

    Raises Fatal where a newer release has upgraded it, Retriable while Postgres is away.
    """
    if (before := await status(database_url)).up_to_date:
        return before
    if not before.known:
        raise Fatal(before.sentence)

    def run(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    engine = _engine(database_url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()
    return await status(database_url)


async def status(database_url: str) -> MigrationStatus:
    """Where the database stands. Raises Retriable while Postgres is away."""
    revisions = [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]
    async with errors_told_apart():
        connection = await connect(database_url)
        try:
            current = None
            if await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL"):
                current = await connection.fetchval("SELECT version_num FROM alembic_version")
        finally:
            await connection.close()
    return MigrationStatus(current, newest=revisions[0], known=current is None or current in revisions)


async def check(database_url: str) -> None:
    """Raise Fatal, with what mends it, unless the database is this release's; Retriable as `status`."""
    at = await status(database_url)
    if not at.up_to_date:
        raise Fatal(at.sentence)
