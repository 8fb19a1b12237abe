"""Prints joint regime contexts as CSV: `stream-app show` under the original's name, with the same options."""

import typer

from stream_app.cli.failures import LoneCommand
from stream_app.cli.showing import OPTIONS, show

PROGRAM = "python -m stream_app.scripts.show_joint_regime_context"

command = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
command.command(cls=LoneCommand, epilog=f"Example: [bold]{PROGRAM} {OPTIONS}[/bold]")(show)

if __name__ == "__main__":
    command(prog_name=PROGRAM)
