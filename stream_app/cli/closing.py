"""`close`: closes a region's day by hand, and waits for its context."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli.choices import settings_of
from stream_app.cli.dates import iso_date
from stream_app.cli.output import put, say

if TYPE_CHECKING:
    from stream_app.config import Settings
    from stream_app.embedded import Endpoints
    from stream_app.services import Services

POLL_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 86_400

commands = typer.Typer()


@commands.command(epilog="Example: [bold]stream-app close --region US --as-of 2025-01-31[/bold]")
def close(
    ctx: typer.Context,
    region: Annotated[str, typer.Option(metavar="NAME", help="Region, exactly as in the regions file.")],
    as_of: Annotated[dt.date, typer.Option(parser=iso_date, metavar="DATE", help="The day, a session that is over.")],
    force: Annotated[bool, typer.Option("--force", help="Also a day without a session, or not over yet.")] = False,
    wait: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0, max=LONGEST_WAIT_SECONDS, help="How long to wait for the context."),
    ] = 60.0,
) -> None:
    """Close a region's day and print its context as CSV.

    A worker closes days by itself when they are over; this closes one from before it ran, or early. A day closes once.
    """
    from stream_app.endpoints import find

    settings = settings_of(ctx)
    found = asyncio.run(_closed(settings, find(settings), region, as_of, force, wait))
    if not found:
        raise typer.Exit(1)


async def _closed(  # noqa: PLR0913, PLR0917 - the command's own options
    settings: "Settings", endpoints: "Endpoints", region: str, day: dt.date, force: bool, wait_seconds: float
) -> bool:
    """Whether the context came, or was not waited for."""
    from stream_app.contexts.closing import check_closable, close_days
    from stream_app.contexts.log_known import require_known_log
    from stream_app.kafka.topics import ensure_topics
    from stream_app.services import open_services

    async with open_services(settings, endpoints) as services:
        check_closable(services, region, day, force)
        await ensure_topics(
            endpoints.kafka, settings.topic_prefix, settings.topic_partitions, settings.topic_replication
        )
        await require_known_log(services)
        made = await close_days(services, region, [day], force)
        say(f"Closed {region} {day}." if made else f"{region} {day} was closed already.")
        if not wait_seconds:
            return True
        if await _computed(services, region, day, wait_seconds):
            await _show(services, region, day)
            return True
        say(await _why_not(services, region, day, wait_seconds))
        return False


async def _computed(services: "Services", region: str, day: dt.date, wait_seconds: float) -> bool:
    """Wait until every trigger of the day is computed; False when the time is up."""
    from stream_app.store import triggers
    from stream_app.store.database import connection

    try:
        async with asyncio.timeout(wait_seconds):
            while True:
                async with connection(services.pool) as conn:
                    if not await triggers.unfinished(conn, region, [day]):
                        return True
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        return False


async def _show(services: "Services", region: str, day: dt.date) -> None:
    """Print the day's context, or say why it has none."""
    from stream_app.cli.showing import as_csv
    from stream_app.store import outcomes, shown
    from stream_app.store.database import connection

    model_id = services.settings.joint_models[0]
    async with connection(services.pool) as conn:
        outcome = await outcomes.newest(conn, region, day, model_id)
        found = await shown.contexts(conn, shown.ContextQuery(model_id, [region], day, day))
    if outcome is not None and outcome.absent_reason:
        say(f"{region} {day} has no context: {outcome.absent_reason} (revision {outcome.revision}).")
    elif outcome is not None and outcome.stale:
        say(f"No instrument of {region} has a price on {day}: its context stands on older prices.")
    put(as_csv(found))


async def _why_not(services: "Services", region: str, day: dt.date, wait_seconds: float) -> str:
    from stream_app.store import triggers
    from stream_app.store.database import connection

    async with connection(services.pool) as conn:
        newest = (await triggers.newest(conn, region, [day]))[day].trigger
    waited = f"No context within {wait_seconds:g} s"
    if newest.known_at is None:
        return f"{waited}: no worker seems to be running; start one with `stream-app worker`."
    return f"{waited}: the worker has yet to read everything up to the close; is each of its stages running?"
