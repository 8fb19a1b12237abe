"""`log adopt`: going on with logs that are not what this database was filled from."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli.choices import settings_of
from stream_app.cli.output import put, say

if TYPE_CHECKING:
    from stream_app.config import Settings
    from stream_app.embedded import Endpoints
    from stream_app.positions.adopting import Found
    from stream_app.positions.findings import Finding

SHOWN_DAYS = 5

commands = typer.Typer()
log = typer.Typer(help="Hold the database against the logs on the broker.")
commands.add_typer(log, name="log", no_args_is_help=True, epilog="Example: [bold]stream-app log adopt[/bold]")


@log.command(epilog="Example: [bold]stream-app log adopt --yes[/bold]")
def adopt(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; else only tell what is to be done.")] = False,
) -> None:
    """Go on with the logs as they are, where a worker refuses to.

    A topic that was recreated or truncated is read from its start as a log of its own; what was applied of the old one
    stays, as older. Records that a log has lost are noted as never applied. Stop the workers first.

    Without --yes nothing is changed, and the exit code is 1 where there is something to do.
    """
    from stream_app.endpoints import find

    settings = settings_of(ctx)
    found = asyncio.run(_adopted(settings, find(settings), yes))
    if not found:
        put("Every topic is the log that this database was filled from, and holds what is to be read: nothing to do.")
    for each in found:
        put("\n".join(_told(each)))
    if found and yes:
        say("Done. Start the workers.")
    elif found:
        say("Nothing was changed: stop the workers and repeat this with --yes.")
        raise typer.Exit(1)


async def _adopted(settings: "Settings", endpoints: "Endpoints", yes: bool) -> "list[Found]":
    """What is to be done, and with `yes` was done."""
    from stream_app.errors import UsageError
    from stream_app.kafka.topics import ensure_topics, missing_topics
    from stream_app.positions import adopting
    from stream_app.services import open_services
    from stream_app.store.migrate import check

    await check(endpoints.database_url)
    prefix, kafka = settings.topic_prefix, endpoints.kafka
    if not yes and (missing := await missing_topics(kafka, prefix)):
        raise UsageError(
            f"The broker lacks {' and '.join(missing)}. If topic_prefix is right, --yes makes what is missing, empty."
        )
    await ensure_topics(kafka, prefix, settings.topic_partitions, settings.topic_replication)
    async with open_services(settings, endpoints) as services:
        found = await adopting.look(services, endpoints.kafka)
        if yes and found:
            await adopting.adopt(services, endpoints.kafka, found)
        return found


def _told(found: "Found") -> list[str]:
    lines = [finding.sentence for finding in found.findings]
    if found.is_another_log:
        begins = ", ".join(f"{partition} at {start}" for partition, start in found.new_starts.items())
        lines.append(f"  {found.topic} becomes epoch {found.epoch} and is read from its start: partition {begins}.")
        lines.append("  What was applied of the old log stays, as older than anything in the new one.")
        for region, days in found.unreachable.items():
            shown = ", ".join(map(str, days[:SHOWN_DAYS])) + (" …" if len(days) > SHOWN_DAYS else "")
            lines.append(f"  {region}: {len(days):,} days wait for records of the old log; amendments replace: {shown}")
        return lines
    return [*lines, *(f"  {line}" for line in map(_of_lost, found.findings))]


def _of_lost(finding: "Finding") -> str:
    from stream_app.positions.findings import Kind

    where = f"{finding.topic}[{finding.partition}]"
    if finding.kind is Kind.LOST_RECORDS:
        return f"Offsets {finding.first} to {finding.end - 1} of {where} are noted as never applied (lost_records)."
    return f"The group is set to offset {finding.end} of {where}."
