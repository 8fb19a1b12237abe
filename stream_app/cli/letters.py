"""`dead-letters`: see what could not be used, send it again, or say that nothing is to be done with it."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stream_app.cli.asking import ask_database
from stream_app.cli.choices import settings_of
from stream_app.cli.dates import beginning, ending
from stream_app.cli.output import put, say

if TYPE_CHECKING:
    from stream_app.config import Settings
    from stream_app.requeuing import Requeued
    from stream_app.store.handled_letters import Choice

LARGEST_LIMIT = 10_000
NAMES = typer.Argument(metavar="NAME", help="Letters as `dead-letters list` names them.", show_default=False)
REASON = typer.Option("--reason", metavar="CODE", help="Reason, such as future-date; may be given several times.")
TOPIC = typer.Option("--topic", metavar="NAME", help="Topic, without its prefix; may be given several times.")
SINCE = typer.Option("--since", parser=beginning, metavar="TIME", help="Received from this date (UTC) or time on.")
UNTIL = typer.Option("--until", parser=ending, metavar="TIME", help="Received by this date (UTC), or before this time.")
EVERY = typer.Option("--all", help="Every letter that waits.")
HANDLED = "Also those that were sent again or discarded."
DRY_RUN = typer.Option("--dry-run", help="Change nothing; say how many it would be.")

Texts = list[str] | None
Time = dt.datetime | None

commands = typer.Typer()
dead_letters = typer.Typer(help="See what could not be used, and send it again or discard it.")
commands.add_typer(
    dead_letters,
    name="dead-letters",
    no_args_is_help=True,
    epilog="Example: [bold]stream-app dead-letters list --reason future-date[/bold]",
)


@dead_letters.command("list", epilog="Example: [bold]stream-app dead-letters list --since 2025-01-31[/bold]")
def list_letters(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    reasons: Annotated[Texts, REASON] = None,
    topics: Annotated[Texts, TOPIC] = None,
    since: Annotated[Time, SINCE] = None,
    until: Annotated[Time, UNTIL] = None,
    handled: Annotated[bool, typer.Option("--handled", help=HANDLED)] = False,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=LARGEST_LIMIT, help="The newest so many.")] = 100,
    form: Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="How to print them.")] = "table",
) -> None:
    """List the letters that wait, the newest last.

    A letter's name is its record's place: topic, log epoch, partition and offset.
    """
    from stream_app.cli.chosen_letters import Wanted
    from stream_app.cli.told_letters import print_list
    from stream_app.requeuing import LETTER_TOPICS
    from stream_app.store import handled_letters

    settings = settings_of(ctx)
    choice = Wanted(None, reasons, topics, since, until).choice(settings.topic_prefix, LETTER_TOPICS, handled)
    print_list(
        ask_database(settings, lambda conn: handled_letters.newest(conn, choice, limit)), settings.topic_prefix, form
    )


@dead_letters.command("show", epilog="Example: [bold]stream-app dead-letters show prices.closes/1/0/17[/bold]")
def show_letter(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The letter, as `dead-letters list` names it.")],
    form: Annotated[Literal["text", "json"], typer.Option("--format", help="How to print it.")] = "text",
) -> None:
    """Print one letter whole.

    Its key and value are shown as text where they are UTF-8, else in base64. What a terminal would obey is written out.
    """
    from stream_app.cli.chosen_letters import letter_name
    from stream_app.cli.told_letters import as_json, as_text
    from stream_app.errors import UsageError
    from stream_app.requeuing import LETTER_TOPICS
    from stream_app.store import handled_letters

    settings = settings_of(ctx)
    wanted = letter_name(settings.topic_prefix, LETTER_TOPICS, name)
    found = ask_database(settings, lambda conn: handled_letters.read(conn, [wanted]))
    if not found:
        raise UsageError(f"There is no dead letter {name}.")
    put((as_json if form == "json" else as_text)(*found[0], settings.topic_prefix))


@dead_letters.command(epilog="Example: [bold]stream-app dead-letters requeue --reason future-date --dry-run[/bold]")
def requeue(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    names: Annotated[Texts, NAMES] = None,
    reasons: Annotated[Texts, REASON] = None,
    topics: Annotated[Texts, TOPIC] = None,
    since: Annotated[Time, SINCE] = None,
    until: Annotated[Time, UNTIL] = None,
    every: Annotated[bool, EVERY] = False,
    again: Annotated[bool, typer.Option("--again", help=HANDLED)] = False,
    dry_run: Annotated[bool, DRY_RUN] = False,
) -> None:
    """Send the records of letters again: prices and news, to the topic they came from.

    A worker uses them as if they had been good when they first came: a correction that has come since stays current.
    What it rejects again is a new letter. A command that was interrupted may be repeated. Triggers of
    regions.day-closes are not sent again, as each belongs to its time.
    """
    from stream_app.cli.chosen_letters import Wanted
    from stream_app.cli.told_letters import tell_requeued, tell_would
    from stream_app.requeuing import REQUEUED_TOPICS

    wanted = Wanted(names, reasons, topics, since, until)
    wanted.require_any(every)
    settings = settings_of(ctx)
    choice = wanted.choice(settings.topic_prefix, REQUEUED_TOPICS, handled=again)
    _look_at_named(settings, choice)
    if dry_run:
        tell_would("sent again", _counted(settings, choice), settings.topic_prefix)
    else:
        tell_requeued(asyncio.run(_requeued(settings, choice)), settings.topic_prefix)


@dead_letters.command(epilog="Example: [bold]stream-app dead-letters discard --reason not-json[/bold]")
def discard(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    names: Annotated[Texts, NAMES] = None,
    reasons: Annotated[Texts, REASON] = None,
    topics: Annotated[Texts, TOPIC] = None,
    since: Annotated[Time, SINCE] = None,
    until: Annotated[Time, UNTIL] = None,
    every: Annotated[bool, EVERY] = False,
    dry_run: Annotated[bool, DRY_RUN] = False,
) -> None:
    """Say that nothing is to be done with letters: they wait no longer. They stay in the table and on the topic."""
    from stream_app.cli.chosen_letters import Wanted
    from stream_app.cli.told_letters import tell_discarded, tell_would
    from stream_app.requeuing import LETTER_TOPICS
    from stream_app.store import handled_letters

    wanted = Wanted(names, reasons, topics, since, until)
    wanted.require_any(every)
    settings = settings_of(ctx)
    choice = wanted.choice(settings.topic_prefix, LETTER_TOPICS)
    _look_at_named(settings, choice)
    if dry_run:
        tell_would("discarded", _counted(settings, choice), settings.topic_prefix)
    else:
        tell_discarded(ask_database(settings, lambda conn: handled_letters.discard(conn, choice)))


def _look_at_named(settings: "Settings", choice: "Choice") -> None:
    """Tell of named letters that nothing is done with; UsageError where there is none of a name."""
    from stream_app.cli.told_letters import name_of
    from stream_app.errors import UsageError
    from stream_app.store import handled_letters

    if choice.names is None:
        return
    names = choice.names
    found = ask_database(settings, lambda conn: handled_letters.read(conn, names))
    states = {handled_letters.LetterName(*letter.place): state for letter, state in found}
    for name in names:
        told = name_of(name, settings.topic_prefix)
        if name not in states:
            raise UsageError(f"There is no dead letter {told}.")
        if states[name] is not handled_letters.State.WAITS and not choice.handled:
            say(f"{told} was {states[name]} before: nothing is done with it.")


def _counted(settings: "Settings", choice: "Choice") -> dict[tuple[str, str], int]:
    from stream_app.store import handled_letters

    return ask_database(settings, lambda conn: handled_letters.counts(conn, choice))


async def _requeued(settings: "Settings", choice: "Choice") -> "Requeued":
    from stream_app.endpoints import find
    from stream_app.requeuing import requeue as send_again
    from stream_app.services import open_services
    from stream_app.store.migrate import check

    endpoints = find(settings)
    await check(endpoints.database_url)
    async with open_services(settings, endpoints) as services:
        return await send_again(services, choice)
