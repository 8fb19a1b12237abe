"""Help reads well on every level: what the command does, its options, an example."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from stream_app import scripts
from stream_app.cli.app import app
from tests.unit.cli.conftest import Run

SCRIPTS = Path(scripts.__path__[0])


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every group and command with the words that lead to it."""
    yield path, group
    if isinstance(group, TyperGroup):
        for name, command in group.commands.items():
            yield from commands(command, (*path, name))


EVERY = list(commands(get_command(app)))


@pytest.mark.parametrize(("path", "command"), EVERY, ids=[" ".join(path) or "stream-app" for path, _ in EVERY])
def test_every_level_explains_itself_with_an_example(run: Run, path: tuple[str, ...], command: Any) -> None:
    shown = run(*path, "--help")
    assert shown.exit_code == 0
    assert shown.stderr == ""
    assert "Usage: " + " ".join(("stream-app", *path)) in shown.stdout
    assert "Example: " in shown.stdout
    assert all(option.help for option in command.params if not option.hidden)


def test_the_commands_of_the_product_are_there() -> None:
    paths = {" ".join(path) for path, _ in EVERY}
    assert {"up", "down", "db upgrade", "db status", "db url", "worker", "close", "show", "export"} <= paths
    assert {"run-numeric-regime", "backfill-text-embeddings", "backfill-joint-regime-context"} <= paths


@pytest.mark.parametrize("script", sorted(path.stem for path in SCRIPTS.glob("[!_]*.py")))
def test_every_script_is_a_command_too_with_the_same_options(run: Run, script: str) -> None:
    command = importlib.import_module(f"stream_app.scripts.{script}").command
    alone, shown = CliRunner().invoke(command, ["--help"]), run(script, "--help")
    assert (alone.exit_code, shown.exit_code) == (0, 0)
    assert f"python -m stream_app.scripts.{script} --" in " ".join(alone.stdout.split())
    options = re.findall(r"--[a-z-]+", alone.stdout.split("Example:")[0])
    assert options == re.findall(r"--[a-z-]+", shown.stdout.split("Example:")[0])


@pytest.mark.parametrize("words", [(), ("db",)])
def test_no_words_are_answered_by_help(run: Run, words: tuple[str, ...]) -> None:
    shown = run(*words)
    assert shown.exit_code == 0
    assert "Usage: " in shown.stdout
    assert shown.stderr == ""


def test_what_only_a_supervisor_says_is_not_shown(run: Run) -> None:
    assert "supervised" not in run("worker", "--help").stdout
