"""`worker`: the stages, each a process of its own, or one of them in this process."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVarTuple, Unpack

import typer

from stream_app.cli.choices import choices_of, settings_of
from stream_app.cli.failures import exit_code, sentence
from stream_app.cli.leaving import ENDING_SIGNALS, leave_at_signals

if TYPE_CHECKING:
    from stream_app.config import Settings
    from stream_app.embedded import Endpoints

STANDARD_INPUT = 0
KILLED = 128 + signal.SIGKILL
Arguments = TypeVarTuple("Arguments")

log = logging.getLogger(__name__)
commands = typer.Typer()


class StageName(StrEnum):
    """The stages of a worker."""

    PRICES = "prices"
    NEWS = "news"
    CONTEXTS = "contexts"


@commands.command(epilog="Example: [bold]stream-app worker --stage news[/bold]")
def worker(
    ctx: typer.Context,
    stage: Annotated[StageName | None, typer.Option(help="Run this stage alone; else each as a process.")] = None,
    max_rejected_ratio: Annotated[
        float | None,
        typer.Option(metavar="R", min=0, max=1, help="Stop when more of the last records are rejected; 1: never."),
    ] = None,
    max_rejected_in_a_row: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Stop when more records are rejected in a row; 0: never.")
    ] = None,
    supervised: Annotated[
        int | None, typer.Option(hidden=True, help="Tell this descriptor of health, and end when standard input does.")
    ] = None,
) -> None:
    """Keep windows, embed news and compute contexts from what arrives on Kafka.

    Runs until Ctrl-C or SIGTERM, which let it finish what is in hand; a second Ctrl-C kills. More workers share the
    work. It stops by itself when too much of what arrives cannot be used.
    """
    from stream_app.endpoints import find

    leave_at_signals()
    limits = {"max_rejected_ratio": max_rejected_ratio, "max_rejected_in_a_row": max_rejected_in_a_row}
    settings = settings_of(ctx, "worker" if stage is None else stage, limits)
    try:
        endpoints = find(settings)
        if stage is None:
            code = _all_stages(settings, endpoints, choices_of(ctx).environment(limits))
        else:
            code = _one_stage(settings, endpoints, stage, supervised)
    except Exception as error:
        if settings.log_format == "keyvalue":
            raise
        code = _log_end(error)  # a program reads the lines, and a sentence for people would be none
    raise typer.Exit(code)


def _all_stages(settings: "Settings", endpoints: "Endpoints", environment: dict[str, str]) -> int:
    """Wait for the database, so that what is wrong with it is said once and not by each stage; then run them."""
    from stream_app.health import Crew, served
    from stream_app.outage import while_away
    from stream_app.store.ready import check
    from stream_app.supervisor import supervise

    crew = Crew(list(StageName), settings.health_stall_seconds)
    with served(settings.health_host, settings.health_port, crew.reports):
        asyncio.run(while_away(lambda: check(endpoints.database_url)))
        return asyncio.run(supervise({name: ["worker", "--stage", name] for name in StageName}, environment, crew))


def _one_stage(settings: "Settings", endpoints: "Endpoints", name: str, supervised: int | None) -> int:
    """Run the stage; what ends it is a log line like everything else that it says."""
    from stream_app.health import StageHealth, served, telling

    health = StageHealth(name, settings.health_stall_seconds)
    if supervised is None:
        known = served(settings.health_host, settings.health_port, lambda: [health.report()])
    else:
        threading.Thread(target=_end_with_standard_input, daemon=True).start()
        known = telling(supervised, health.report)
    # A supervisor gets the terminal's second Ctrl-C itself; what it passes on is not a second one.
    loop_factory = SecondSignalKills if supervised is None else asyncio.SelectorEventLoop
    try:
        with known, asyncio.Runner(loop_factory=loop_factory) as runner:
            from stream_app.worker import run_reporting

            runner.run(_until_asked(run_reporting(settings, endpoints, health)))
    except Exception as error:
        return _log_end(error)
    return 0


def _log_end(error: Exception) -> int:
    """Tell in a line what ended this process, a bug with its traceback; returns the exit code."""
    told = sentence(error)
    if told is None:
        log.critical("ended by a bug", exc_info=error)
    else:
        log.critical("%s", told)
    return exit_code(error)


async def _until_asked(stage: Any) -> None:
    """Run the stage's coroutine. A signal that comes before it listens for signals itself ends it at once."""
    running = asyncio.ensure_future(stage)
    for number in ENDING_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    await asyncio.wait([running])
    if running.cancelled():
        os._exit(0)  # a text model that a thread is loading would hold up an ordinary end
    running.result()


class SecondSignalKills(asyncio.SelectorEventLoop):
    """An event loop on which the second signal ends the process, whoever handles the first."""

    def __init__(self) -> None:
        super().__init__()
        self._arrived = 0

    def add_signal_handler(self, sig: int, callback: Callable[[Unpack[Arguments]], Any], *args: *Arguments) -> None:
        """Handle the first signal by `callback`."""
        super().add_signal_handler(sig, self._handle, callback, args)

    def _handle(self, callback: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._arrived += 1
        if self._arrived > 1:
            os._exit(KILLED)
        callback(*args)


def _end_with_standard_input() -> None:
    while os.read(STANDARD_INPUT, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
