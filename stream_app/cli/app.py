"""The root of `stream-app`: its options for every command, and the commands."""

import importlib
import importlib.util
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from stream_app.cli.choices import Choices
from stream_app.cli.failures import CommandGroup
from stream_app.cli.output import put

COMMANDS = (
    "services",
    "status",
    "database",
    "pruning",
    "adopting",
    "workers",
    "ingesting",
    "closing",
    "backfilling",
    "replaying",
    "registry",
    "showing",
    "exporting",
    "serving",
    "evaluating",
    "regimes",
    "training",
    "letters",
    "demonstrating",
)
"""The modules of the commands, in the order in which help lists them; each has a typer app named `commands`."""
EXAMPLE = "Example: [bold]stream-app up --detach && stream-app db upgrade && stream-app worker[/bold]"

app = typer.Typer(
    name="stream-app",
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(asked: bool) -> None:
    if asked:
        put(f"stream-app {metadata.version('stream-app')}")
        raise typer.Exit


@app.callback(epilog=EXAMPLE)
def stream_app(  # noqa: PLR0913, PLR0917 - typer reads the options from the parameters
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="STREAM_APP_CONFIG",
            help="Settings file (TOML); else stream-app.toml here, if there is one.",
        ),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder of the embedded services and their data.")
    ] = None,
    kafka_url: Annotated[
        str | None, typer.Option(metavar="HOST:PORT[,…]", help="Your own broker instead of the embedded one.")
    ] = None,
    database_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Your own Postgres instead of the embedded one.")
    ] = None,
    regions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Regions file (TOML); else the packaged regions.")
    ] = None,
    topic_prefix: Annotated[str | None, typer.Option(metavar="TEXT", help="Put before every topic and group.")] = None,
    log_level: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="DEBUG, INFO, WARNING or ERROR; logs go to standard error.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_say_version, help="Say which release this is.")
    ] = False,
) -> None:
    """Stream market prices and news into one joint regime context a region a day.

    The options here may stand before or after the command.

    Each is a setting: --data-dir, over STREAM_APP_DATA_DIR, over data_dir in the settings file.
    """
    del version  # answered before any command
    given = {
        "data_dir": data_dir,
        "kafka_url": kafka_url,
        "database_url": database_url,
        "regions": regions,
        "topic_prefix": topic_prefix,
        "log_level": log_level,
    }
    ctx.obj = Choices(config, {name: value for name, value in given.items() if value is not None})


for name in COMMANDS:
    if importlib.util.find_spec(f"stream_app.cli.{name}"):
        app.add_typer(importlib.import_module(f"stream_app.cli.{name}").commands)


def main() -> None:
    """Run `stream-app` with this process's arguments and exit."""
    app()
