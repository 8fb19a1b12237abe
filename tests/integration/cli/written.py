"""Commands as the documents have them: their code blocks, the files that they name, and a shell that runs them."""

import csv
import gzip
import re
import shlex
import subprocess
import sys
from pathlib import Path

from typer.testing import Result

from stream_app.sample import NEWS, PRICES
from tests.integration.cli.conftest import CommandLine

ROOT = Path(__file__).parents[3]
LAST_DAY = "2008-09-30"
SCRIPT_SECONDS = 240


def block(document: str, language: str, containing: str) -> str:
    """The document's code block of a language that holds some words."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", document, re.DOTALL)
    return next(code for code in found if containing in code)


def write_files(folder: Path) -> None:
    """The files that the commands name: the sample's S&P 500 up to a day, and its news."""
    with gzip.open(PRICES, "rt", newline="") as source, (folder / "closes.csv").open("w", newline="") as target:
        rows = csv.DictReader(source)
        writer = csv.DictWriter(target, rows.fieldnames or ())
        writer.writeheader()
        writer.writerows(
            row for row in rows if row["instrument_id"] == "SPX.US" and "2008-05" < row["trade_date"] <= LAST_DAY
        )
    (folder / "news.jsonl").write_bytes(NEWS.read_bytes())


def write_commands(folder: Path) -> None:
    """`stream-app` and `python` in `folder`, of whatever Python runs the tests."""
    for name, words in {"stream-app": "-m stream_app ", "python": ""}.items():
        command = folder / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n')
        command.chmod(0o755)


def run_script(bare: CommandLine, *lines: str) -> "subprocess.CompletedProcess[str]":
    """Run lines of shell in an otherwise empty folder; fails with what they said if one of them does."""
    write_files(bare.folder)
    write_commands(bare.folder)
    ran = subprocess.run(
        ["bash", "-c", "\n".join(["set -e", *lines])],
        cwd=bare.folder,
        env=environment_of(bare),
        capture_output=True,
        text=True,
        timeout=SCRIPT_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran


def run_here(commands: CommandLine, script: str) -> list[Result]:
    """Run a block's lines in this process, which has imported everything already; fails with what they said if one of
    them does. A line sets a variable or is one of our commands."""
    done = []
    for line in script.splitlines():
        program, *words = shlex.split(line, comments=True)
        if program == "export":
            commands.environment.update({name: value for name, _, value in (word.partition("=") for word in words)})
            continue
        assert program == "stream-app", line
        done.append(commands.run_here(shlex.join(words)))
        assert done[-1].exit_code == 0, done[-1].stderr
    return done


def environment_of(bare: CommandLine) -> dict[str, str]:
    """In which these commands are found."""
    return bare.environment | {"PATH": f"{bare.folder}:{bare.environment['PATH']}", "HF_HUB_OFFLINE": "1"}
