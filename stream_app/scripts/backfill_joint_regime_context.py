"""`stream-app backfill-joint-regime-context` under the original's name, with the same options."""

import typer

from stream_app.cli.backfilling import JOINT_OPTIONS, backfill_joint_regime_context
from stream_app.cli.failures import LoneCommand

PROGRAM = "python -m stream_app.scripts.backfill_joint_regime_context"

command = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
command.command(cls=LoneCommand, epilog=f"Example: [bold]{PROGRAM} {JOINT_OPTIONS}[/bold]")(
    backfill_joint_regime_context
)

if __name__ == "__main__":
    command(prog_name=PROGRAM)
