"""`db prune`: how large the tables are, and removing what nothing depends on."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli.choices import settings_of
from stream_app.cli.database import db
from stream_app.cli.dates import iso_date
from stream_app.cli.output import put, say

if TYPE_CHECKING:
    from stream_app.store.database import Pool

YOUNGEST_DAYS = 90
DELIVERY_DAYS = 7
"""After which a record is not delivered again; until then what it publishes is read from its windows, which stay."""
MAY_GO = {"numeric_window_embeddings": "--windows-before", "dead_letters": "--letters-before"}
"""The tables of which something may go, and how. Every other row is part of an answer."""
STAYS = "stays"

commands = typer.Typer()


@db.command(epilog="Example: [bold]stream-app db prune --windows-before 2015-01-01 --dry-run[/bold]")
def prune(
    ctx: typer.Context,
    windows_before: Annotated[
        dt.date | None,
        typer.Option(parser=iso_date, metavar="DATE", help="Remove numeric windows as of days before this one."),
    ] = None,
    letters_before: Annotated[
        dt.date | None,
        typer.Option(
            parser=iso_date,
            metavar="DATE",
            help="Remove dead letters of before this day that were requeued or discarded.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing; say how much would go.")] = False,
) -> None:
    """Say how large the tables are, and remove what no answer depends on. Workers may go on.

    Versions of prices and news, triggers and revisions stay for ever: what was known at any time is read from them.
    """
    from stream_app.endpoints import find_database
    from stream_app.errors import UsageError

    settings = settings_of(ctx)
    youngest_days = max(YOUNGEST_DAYS, settings.numeric_publish_max_age_days + DELIVERY_DAYS)
    latest = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=youngest_days)
    if windows_before is not None and windows_before > latest:
        raise UsageError(f"Windows of the last {youngest_days:,} days stay: give a date up to {latest}.")
    asyncio.run(_pruned(find_database(settings), windows_before, letters_before, dry_run))


async def _pruned(
    database_url: str, windows_before: dt.date | None, letters_before: dt.date | None, dry_run: bool
) -> None:
    from stream_app.store import housekeeping
    from stream_app.store.database import connection, create_pool
    from stream_app.store.migrate import check

    await check(database_url)
    pool = await create_pool(database_url)
    try:
        if windows_before is not None:
            await _prune_windows(pool, windows_before, dry_run)
        if letters_before is not None:
            await _prune_letters(pool, dt.datetime.combine(letters_before, dt.time(), dt.UTC), dry_run)
        async with connection(pool) as conn:
            for table in await housekeeping.sizes(conn):
                size = f"{table.bytes / 1024**2:,.1f}"
                put(f"{table.name:<28} {size:>12} MiB {table.rows:>13,} rows  {MAY_GO.get(table.name, STAYS)}")
    finally:
        await pool.close()


async def _prune_windows(pool: "Pool", before: dt.date, dry_run: bool) -> None:
    from stream_app.store import housekeeping
    from stream_app.store.database import connection

    if dry_run:
        async with connection(pool) as conn:
            say(f"{await housekeeping.count_windows(conn, before):,} numeric windows would go.")
        return
    gone = sum([removed async for removed in housekeeping.remove_windows(pool, before)])
    say(f"{gone:,} numeric windows are gone; Postgres uses their space again.")


async def _prune_letters(pool: "Pool", before: dt.datetime, dry_run: bool) -> None:
    from stream_app.store import housekeeping
    from stream_app.store.database import connection

    if dry_run:
        async with connection(pool) as conn:
            say(f"{await housekeeping.count_letters(conn, before):,} dead letters would go.")
        return
    gone = sum([removed async for removed in housekeeping.remove_letters(pool, before)])
    say(f"{gone:,} dead letters are gone; they stay on their topic.")
