"""`serve`: the read API over HTTP."""
# ruff: noqa: PLC0415 - heavy modules are imported by the command that needs them, so that --help is fast

import asyncio
from typing import Annotated

import typer

from stream_app.cli.choices import settings_of
from stream_app.cli.leaving import leave_at_signals

commands = typer.Typer()


@commands.command(epilog="Example: [bold]stream-app serve --port 8080[/bold]")
def serve(
    ctx: typer.Context,
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Where to listen; beyond this machine it needs a token.")
    ] = None,
    port: Annotated[int | None, typer.Option(metavar="N", min=0, max=65_535, help="0 takes a free one.")] = None,
) -> None:
    """Answer questions about contexts, regions and the pipeline over HTTP, and show them on a page. It only reads.

    The page is at /, for a browser; the API is under /api/v1, its OpenAPI document at /api/v1/openapi.json. It listens
    on 127.0.0.1 alone unless you say otherwise; from other machines every request of the API must have the token of
    serve_token_file.

    Runs until Ctrl-C or SIGTERM.
    """
    from stream_app.endpoints import find
    from stream_app.web.serving import serve as answer

    leave_at_signals()
    settings = settings_of(ctx, "serve", {"serve_host": host, "serve_port": port})
    asyncio.run(answer(settings, find(settings)))
