"""`replay`: contexts again, from the log or from what is stored."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stream_app.cli.choices import settings_of
from stream_app.cli.dates import iso_date
from stream_app.cli.output import first_days, put, say

if TYPE_CHECKING:
    from stream_app.config import Settings
    from stream_app.embedded import Endpoints
    from stream_app.replay.from_log import Filled
    from stream_app.replay.left import Left
    from stream_app.replay.over_stored import Compared
    from stream_app.replay.redefining import Redefined
    from stream_app.replay.run import Asked

commands = typer.Typer()


@commands.command(epilog="Example: [bold]stream-app replay --from 2008-01-01 --to 2008-12-31 --diff[/bold]")
def replay(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    first: Annotated[
        dt.date | None, typer.Option("--from", parser=iso_date, metavar="DATE", help="The first day; else every one.")
    ] = None,
    last: Annotated[
        dt.date | None, typer.Option("--to", parser=iso_date, metavar="DATE", help="The last day; else every one.")
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Region; may be given several times. Else every one.")
    ] = None,
    publish: Annotated[
        Literal["none", "changed", "all"] | None,
        typer.Option(help="Contexts to publish: of a full database, if not told, the changed; of an empty one none."),
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; say which contexts would change, and why.")] = (
        False
    ),
    recompute: Annotated[
        bool, typer.Option("--recompute", help="Close days again that stand on an older definition of their region.")
    ] = False,
) -> None:
    """Compute contexts again, through the same code as live, while workers go on.

    An empty database is filled from the log, up to its end at the start. One that holds the records reads nothing
    again: each day is computed from them as of the day's own cut. Stopped half-way, what it has done stays done.
    """
    from stream_app.endpoints import find
    from stream_app.replay.over_stored import Publish
    from stream_app.replay.run import Asked
    from stream_app.store.trigger_queue import Days

    days = Days(first or dt.date.min, last or dt.date.max)
    if days.first > days.last:
        raise typer.BadParameter(f"--from {first} lies after --to {last}.")
    if recompute and publish is not None:
        raise typer.BadParameter("--recompute makes new triggers, whose contexts are published; drop --publish.")
    if diff and publish is not None:
        raise typer.BadParameter("--diff writes and publishes nothing; drop --publish.")
    settings = settings_of(ctx)
    asked = Asked(tuple(region or ()), days, None if publish is None else Publish(publish))
    try:
        asyncio.run(_replayed(settings, find(settings), asked, diff, recompute))
    except KeyboardInterrupt:
        if not diff:
            say("Stopped; run the same command again: what is done stays done.")
        raise


async def _replayed(settings: "Settings", endpoints: "Endpoints", asked: "Asked", diff: bool, recompute: bool) -> None:
    from stream_app.cli.progress import bars
    from stream_app.contexts.log_known import require_known_log
    from stream_app.kafka.topics import ensure_topics
    from stream_app.replay import run
    from stream_app.replay.left import left_to_a_worker
    from stream_app.replay.over_stored import Compared
    from stream_app.services import open_services
    from stream_app.store.migrate import check

    await check(endpoints.database_url)
    async with open_services(settings, endpoints) as services:
        for region in asked.regions:
            services.calendar_of(region)
        if diff:
            with bars() as told:
                compared = await run.diff(services, asked, told, redefined=recompute)
            _tell(compared, would=True)
            _tell_left(await left_to_a_worker(services, asked.regions, asked.days))
            return
        await ensure_topics(
            endpoints.kafka, settings.topic_prefix, settings.topic_partitions, settings.topic_replication
        )
        if recompute:
            await require_known_log(services)
            _tell_redefined(await run.recompute(services, asked))
            return
        with bars() as told:
            done = await run.replay(services, asked, told)
        _tell(done, would=False)
        if isinstance(done, Compared):
            _tell_left(await left_to_a_worker(services, asked.regions, asked.days))


def _tell_redefined(done: "Redefined") -> None:
    if done.made:
        say(f"{done.made:,} days close again under today's definitions; a worker computes them.")
    if done.waiting:
        say(f"{done.waiting:,} days were closed again already and wait for a worker; then repeat this command.")
    if not done.made + done.waiting:
        say("Every day stands on today's definitions: nothing to do.")


def _tell(done: "Filled | Compared", would: bool) -> None:
    from stream_app.replay.from_log import Filled

    if isinstance(done, Filled):
        say(f"{done.records:,} records applied, {done.contexts:,} contexts made.")
        if done.encoded:
            say(f"{done.encoded:,} texts had no vector on embeddings.text and were encoded anew.")
        for region, days in done.waiting.items():
            waiting = f"{region}: {len(days):,} days wait for records beyond the end, or were not asked for"
            say(f"{waiting}: {first_days(days)}")
        if done.waiting:
            say("A worker computes and publishes them.")
        return
    for change in done.changed:
        put(f"{change.region} {change.as_of} {change.model_id} revision {change.revision}: {'; '.join(change.why)}")
    verb = "would change" if would else "changed"
    say(f"{done.days:,} days computed again, {len(done.changed):,} {verb}.")
    if first := sum(change.is_first for change in done.changed):
        say(f"{first:,} of these are the first context of their day and model.")


def _tell_left(left: "Left") -> None:
    if left.records:
        say(f"{left.records:,} records wait for a worker: they lie beyond what this database has taken from the log.")
    for region, days in left.days.items():
        say(f"{region}: {len(days):,} days wait for a worker: {first_days(days)}")
    if left.records or left.days:
        say("Start one with `stream-app worker`, which computes and publishes what waits.")
