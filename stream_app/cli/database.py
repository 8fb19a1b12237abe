"""`db upgrade`, `db status`, `db url`: the database's tables, and where it is."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli.choices import settings_of
from stream_app.cli.output import put

if TYPE_CHECKING:
    from schemas import Definition
    from stream_app.store.definitions import OtherDefinition
    from stream_app.store.migrate import MigrationStatus

commands = typer.Typer()
db = typer.Typer(help="Make and inspect the database.")
commands.add_typer(db, name="db", no_args_is_help=True, epilog="Example: [bold]stream-app db upgrade[/bold]")


@db.command(epilog="Example: [bold]stream-app db upgrade[/bold]")
def upgrade(ctx: typer.Context) -> None:
    """Bring the tables to this release. Does nothing where nothing is missing."""
    from stream_app.endpoints import find_database
    from stream_app.store.migrate import NO_TABLES

    database_url = find_database(settings_of(ctx))
    before, after = asyncio.run(_upgraded(database_url))
    if before.up_to_date:
        put(f"The database was up to date already, at revision {after.current}.")
    else:
        put(f"The database went from revision {before.current or NO_TABLES} to {after.current}.")


@db.command(epilog="Example: [bold]stream-app db status --days[/bold]")
def status(
    ctx: typer.Context,
    days: Annotated[bool, typer.Option("--days", help="List each of these days.")] = False,
) -> None:
    """Say whether the tables are up to date, and which days were computed under an older region definition."""
    from stream_app.config import load_regions
    from stream_app.contexts.closing import definition_of
    from stream_app.endpoints import find_database

    settings = settings_of(ctx)
    today = {name: definition_of(region) for name, region in load_regions(settings.regions).items()}
    found, other = asyncio.run(_status(find_database(settings), today))
    put(found.sentence)
    for each in other:
        put(_named(each, list_days=days))
    if found.up_to_date and not other:
        put("Every computed day was computed under today's region definitions.")


@db.command(epilog='Example: [bold]psql "$(stream-app db url)"[/bold]')
def url(ctx: typer.Context) -> None:
    """Print the database's URL with its password, for psql and scripts."""
    from stream_app.endpoints import find_database

    put(find_database(settings_of(ctx)))


async def _upgraded(database_url: str) -> tuple["MigrationStatus", "MigrationStatus"]:
    """Where the database stood, and where it stands after the upgrade."""
    from sqlalchemy.exc import DBAPIError

    from stream_app.errors import Fatal
    from stream_app.store import migrate
    from stream_app.store.database import errors_told_apart

    async with errors_told_apart():
        before = await migrate.status(database_url)
        try:
            return before, await migrate.upgrade(database_url)
        except DBAPIError as error:
            raise Fatal(f"Postgres refused the upgrade, which changed nothing: {_first_line(error)}.") from error


async def _status(
    database_url: str, today: "dict[str, Definition]"
) -> tuple["MigrationStatus", Sequence["OtherDefinition"]]:
    from stream_app.store import definitions, migrate
    from stream_app.store.database import connect, errors_told_apart

    async with errors_told_apart():
        found = await migrate.status(database_url)
        if not found.up_to_date:
            return found, ()
        connection = await connect(database_url)
        try:
            return found, await definitions.computed_under_another(connection, today)
        finally:
            await connection.close()


def _first_line(error: Exception) -> str:
    """What Postgres itself said; the wrapped error adds the statement and its parameters."""
    origin = error.__cause__.__cause__ if error.__cause__ is not None else None
    return str(origin or error).splitlines()[0].rstrip(".")


def _named(other: "OtherDefinition", list_days: bool) -> str:
    from stream_app.status.telling import definition_told

    return "\n".join([definition_told(other), *(f"  {day}" for day in other.days if list_days)])
