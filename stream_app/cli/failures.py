"""How a command ends: an expected error is one sentence and an exit code, anything else a bug with its traceback."""
# ruff: noqa: PLC0415 - rich takes 0.1 s to import, and most commands end well

import sys
import traceback
from socket import gaierror
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from stream_app.cli.output import reader_may_leave
from stream_app.errors import Retriable, StreamAppError, UsageError
from stream_app.logs import without_credentials

FAILURE, USAGE, INTERRUPTED = 1, 2, 130
AWAY = (
    "Is it running? `stream-app up` starts both services; STREAM_APP_KAFKA_URL and STREAM_APP_DATABASE_URL name others."
)


def sentence(error: Exception) -> str | None:
    """What to tell the person about an expected error, and what to do; None: it is not expected."""
    match error:
        case typer.TyperException():
            return _of_usage(error)
        case Retriable():
            return f"{str(error).removesuffix('.')}. {AWAY}"
        case StreamAppError():
            return str(error)
        case OSError():
            return _of_system(error)
    return None


def exit_code(error: Exception) -> int:
    """2 where the request itself was wrong, else 1."""
    if isinstance(error, typer.TyperException):
        return error.exit_code
    return USAGE if isinstance(error, UsageError) else FAILURE


def report(error: Exception) -> int:
    """Tell the person on standard error; returns the exit code."""
    told = sentence(error)
    if told is None:
        sys.stderr.write(without_credentials("".join(traceback.format_exception(error))))
    else:
        _in_red("Error: ", without_credentials(told))
    return exit_code(error)


class Ending:
    """Ends a command's process the way this module says; stands before typer's own class among the bases."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Read the command line; `--help` writes meanwhile."""
        with reader_may_leave(sys.stdout):
            return super().make_context(*args, **extra)  # type: ignore[misc] # typer's class comes after this one

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command and exit."""
        extra["standalone_mode"] = False
        try:
            code = super().main(*args, **extra)  # type: ignore[misc] # typer's class comes after this one
        except (typer.Abort, KeyboardInterrupt):
            code = INTERRUPTED
        except Exception as error:
            code = 0 if _is_help(error) else report(error)
        sys.exit(code if isinstance(code, int) else 0)


class LoneCommand(Ending, TyperCommand):
    """A command that is a program of its own."""


class CommandGroup(Ending, TyperGroup):
    """A program of several commands, whose own options may also stand after the command's name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Move this group's options to the front, where typer looks for them."""
        taking_a_value = {
            name for option in self.params for name in option.opts if not getattr(option, "is_flag", True)
        }
        return super().parse_args(ctx, to_the_front(args, taking_a_value))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, whose words may also be joined as the scripts' are: run_numeric_regime."""
        return super().get_command(ctx, cmd_name.replace("_", "-"))


def to_the_front(words: list[str], options: set[str]) -> list[str]:
    """The words with these options and their values first; what follows `--` stays."""
    front, rest = [], []
    left = iter(words)
    for word in left:
        if word == "--":
            rest += [word, *left]
        elif word in options:
            front += [word, *([value] if (value := next(left, None)) is not None else [])]
        elif word.startswith("--") and word.partition("=")[0] in options:
            front.append(word)
        else:
            rest.append(word)
    return front + rest


def _of_system(error: OSError) -> str:
    """A file or the disk is named as what it is; only a connection can be of a service that is away."""
    if isinstance(error, ConnectionError | TimeoutError | gaierror):
        return f"{type(error).__name__}: {error}. {AWAY}"
    of_file = "" if error.filename is None else f"{error.filename!s}: "
    return f"{of_file}{error.strerror or error}."


def _of_usage(error: typer.TyperException) -> str:
    message = error.format_message().rstrip()
    where = getattr(error, "ctx", None)
    full_stop = "" if message.endswith((".", "?", ")")) else "."
    return f"{message}{full_stop}" + (f" Try `{where.command_path} --help`." if where else "")


def _is_help(error: Exception) -> bool:
    """Whether typer answered a command line without words by help, which it has printed by now."""
    return isinstance(error, typer.TyperException) and not error.format_message()


def _in_red(first: str, text: str) -> None:
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, soft_wrap=True, highlight=False).print(Text.assemble((first, "bold red"), text))
