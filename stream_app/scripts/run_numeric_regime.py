"""`stream-app run-numeric-regime` under the original's name, with the same options."""

import typer

from stream_app.cli.backfilling import NUMERIC_OPTIONS, run_numeric_regime
from stream_app.cli.failures import LoneCommand

PROGRAM = "python -m stream_app.scripts.run_numeric_regime"

command = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
command.command(cls=LoneCommand, epilog=f"Example: [bold]{PROGRAM} {NUMERIC_OPTIONS}[/bold]")(run_numeric_regime)

if __name__ == "__main__":
    command(prog_name=PROGRAM)
