"""`up` and `down`: the embedded broker and Postgres of the data folder."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli.choices import settings_of
from stream_app.cli.output import put, say

if TYPE_CHECKING:
    from stream_app.config import Settings
    from stream_app.embedded import Endpoints
    from stream_app.embedded.kafka import Kafka
    from stream_app.embedded.postgres import Postgres

WATCH_SECONDS = 1.0
"""How often the foreground looks whether both processes still live."""

commands = typer.Typer()


@commands.command(epilog="Example: [bold]stream-app up --detach[/bold]")
def up(
    ctx: typer.Context,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Leave them running; `stream-app down` ends them.")
    ] = False,
) -> None:
    """Start the embedded Kafka and Postgres.

    Stays until Ctrl-C, which stops both. Data stay in the data folder. What runs already is taken over as it is.
    """
    from stream_app.embedded import running, start

    settings = settings_of(ctx)
    if settings.data_dir.is_dir() and running(settings.data_dir):
        say("Both are running already.")
    asked_to_end = threading.Event()
    if not detach:
        signal.signal(signal.SIGTERM, lambda *_: asked_to_end.set())
    _tell(settings, start(settings.data_dir, say), detach)
    if not detach:
        _stay(settings.data_dir, asked_to_end)


@commands.command(epilog="Example: [bold]stream-app down[/bold]")
def down(ctx: typer.Context) -> None:
    """Stop the embedded Kafka and Postgres. Their data stay."""
    from stream_app.embedded import stop

    data_dir = settings_of(ctx).data_dir
    ran = [service.name for service in _services(data_dir) if service.daemon.process()]
    stop(data_dir)
    say(f"Stopped {' and '.join(ran)}; the data stay in {data_dir}." if ran else f"Nothing is running in {data_dir}.")


def _tell(settings: "Settings", endpoints: "Endpoints", detach: bool) -> None:
    from stream_app.endpoints import command
    from stream_app.logs import without_credentials

    put(f"Kafka     {endpoints.kafka.servers}")
    put(f"Postgres  {without_credentials(endpoints.database_url)}")
    if settings.kafka_url or settings.database_url:
        say("Other commands use the kafka_url or database_url of your settings, not these services.")
    upgrade, worker, url, down = (command(settings, words) for words in ("db upgrade", "worker", "db url", "down"))
    say(f"Next: `{upgrade}`, then `{worker}`. `{url}` prints the URL with its password.")
    say(f"`{down}` stops both." if detach else "Ctrl-C stops both.")


def _stay(data_dir: Path, asked_to_end: threading.Event) -> None:
    """Wait for Ctrl-C or SIGTERM and stop both; a service that ends by itself ends the other. That one is Fatal."""
    from stream_app.embedded import stop
    from stream_app.errors import Fatal

    signal.signal(signal.SIGINT, lambda *_: asked_to_end.set())
    services = _services(data_dir)
    while all(service.daemon.process() for service in services) and not asked_to_end.wait(WATCH_SECONDS):
        pass
    ended = [service.name for service in services if not service.daemon.process()]
    if asked_to_end.is_set():
        say("Stopping …")
    stop(data_dir)
    if not asked_to_end.is_set():
        raise Fatal(f"{' and '.join(ended)} ended, by `stream-app down` or as {data_dir / 'logs'} tells.")


def _services(data_dir: Path) -> "tuple[Kafka, Postgres]":
    from stream_app.embedded.kafka import Kafka
    from stream_app.embedded.postgres import Postgres

    folder = data_dir.resolve()
    return Kafka(folder), Postgres(folder)
