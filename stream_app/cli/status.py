"""`status`: where everything stands, once or live, for people or for machines."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli.choices import COMMAND_LINE, settings_of
from stream_app.cli.output import put

if TYPE_CHECKING:
    from stream_app.cli.told_status import Status
    from stream_app.config import Settings

WELL, PROBLEMS = 0, 1
REFRESH_SECONDS = 2.0

Show = Callable[["Status"], None]

commands = typer.Typer()


@commands.command(epilog="Example: [bold]stream-app status --watch[/bold]")
def status(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look again every two seconds, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="An object a line, for machines.")] = False,
) -> None:
    """Say where everything stands, what is wrong, and what to do.

    The services, how far each stage is behind, each region's days and what they wait for, the models in use, and the
    last contexts. What a service that is away would know is left out.

    Exit code 0: all is well; 1: there are problems. With --watch it is that of the last look.
    """
    from stream_app import logs

    settings = settings_of(ctx)
    if "log_level" not in settings.model_fields_set:
        logs.configure("ERROR", COMMAND_LINE, settings.log_format)  # that a service is away is told in its place
    with _shown(as_json, watch) as show:
        raise typer.Exit(asyncio.run(_watched(settings, show) if watch else _looked(settings, show)))


async def _looked(settings: "Settings", show: Show) -> int:
    """One look; the exit code."""
    from stream_app.cli.told_status import Status
    from stream_app.kafka.outage import quiet_clients
    from stream_app.status.looking import find_places, look_by

    quiet_clients()
    places = await asyncio.to_thread(find_places, settings)
    found = Status.of(await look_by(settings, places), places, settings)
    show(found)
    return PROBLEMS if found.problems else WELL


async def _watched(settings: "Settings", show: Show) -> int:
    """Look until SIGINT or SIGTERM; the exit code of the last look."""
    watching, code = asyncio.current_task(), WELL
    assert watching is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, watching.cancel)
    try:
        while True:
            code = await _looked(settings, show)
            await asyncio.sleep(REFRESH_SECONDS)
    except asyncio.CancelledError:
        return code


@contextmanager
def _shown(as_json: bool, watch: bool) -> Iterator[Show]:
    """How a look is shown: on a screen of its own while it is watched on a terminal, else one after the other."""
    from rich.live import Live

    from stream_app.cli import told_status
    from stream_app.cli.output import reader_may_leave
    from stream_app.ingest.display import console

    if as_json:
        yield lambda found: put(told_status.as_json(found))
    elif watch and sys.stdout.isatty():
        screen = console()
        with Live(console=screen, screen=True, auto_refresh=False, vertical_overflow="crop") as live:
            yield lambda found: live.update(told_status.on_a_screen(screen, found), refresh=True)
    else:

        def show(found: "Status") -> None:
            with reader_may_leave(sys.stdout):
                console().print(told_status.as_sections(found))
            if watch:
                put("")

        yield show
