"""The `stream-app` command. Heavy modules are imported by the commands that need them, so that `--help` is fast."""

from stream_app.cli.app import main

__all__ = ["main"]
