"""`stream-app backfill-text-embeddings` under the original's name, with the same options."""

import typer

from stream_app.cli.backfilling import TEXT_OPTIONS, backfill_text_embeddings
from stream_app.cli.failures import LoneCommand

PROGRAM = "python -m stream_app.scripts.backfill_text_embeddings"

command = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
command.command(cls=LoneCommand, epilog=f"Example: [bold]{PROGRAM} {TEXT_OPTIONS}[/bold]")(backfill_text_embeddings)

if __name__ == "__main__":
    command(prog_name=PROGRAM)
