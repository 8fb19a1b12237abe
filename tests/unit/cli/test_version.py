"""`--version` says what pyproject.toml says, which is the one place of it, and what the changelog is about."""

import tomllib
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

ROOT = Path(__file__).parents[3]
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_the_version_is_the_one_of_the_project(run: Run) -> None:
    shown = run("--version")
    assert (shown.exit_code, shown.stdout, shown.stderr) == (0, f"stream-app {VERSION}\n", "")


@pytest.mark.parametrize("words", [("--version", "--config", "no-such-file"), ("--version", "worker")])
def test_it_is_said_before_anything_else_is_looked_at(run: Run, words: tuple[str, ...]) -> None:
    assert run(*words).stdout == f"stream-app {VERSION}\n"


def test_the_changelog_tells_of_it() -> None:
    newest = (ROOT / "CHANGELOG.md").read_text().split("\n## ")[1]
    assert VERSION.partition(".dev")[0] in newest
