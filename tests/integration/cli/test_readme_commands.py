"""The README's commands and its Python example, run as they are written."""

import csv
import gzip
import re
import subprocess
import sys
from pathlib import Path

from stream_app.sample import NEWS, PRICES
from tests.conftest import stopped_at_the_end
from tests.integration.cli.conftest import CommandLine

README = (Path(__file__).parents[3] / "README.md").read_text()
LAST_DAY = "2008-09-30"
SCRIPT_SECONDS = 240


def block(language: str, containing: str) -> str:
    """The README's code block of a language that holds some words."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return next(code for code in found if containing in code)


def write_files(folder: Path) -> None:
    """The files that the README's commands name: the sample's S&P 500 up to a day, and its news."""
    with gzip.open(PRICES, "rt", newline="") as source, (folder / "closes.csv").open("w", newline="") as target:
        rows = csv.DictReader(source)
        writer = csv.DictWriter(target, rows.fieldnames or ())
        writer.writeheader()
        writer.writerows(
            row for row in rows if row["instrument_id"] == "SPX.US" and "2008-05" < row["trade_date"] <= LAST_DAY
        )
    (folder / "news.jsonl").write_bytes(NEWS.read_bytes())


def write_command(folder: Path) -> None:
    """`stream-app` in `folder`, for whatever Python runs the tests."""
    command = folder / "stream-app"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m stream_app "$@"\n')
    command.chmod(0o755)


def first_line(code: str, environment: dict[str, str]) -> str:
    """The first line that a program prints; it is ended after that."""
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.kill()
    return line


def test_live_use_and_reading_the_topic_work_as_written(bare: CommandLine) -> None:
    folder = bare.folder
    write_files(folder)
    write_command(folder)
    environment = bare.environment | {"PATH": f"{folder}:{bare.environment['PATH']}", "HF_HUB_OFFLINE": "1"}
    script = "\n".join(["set -e", block("sh", "stream-app up"), "kill %1", "wait %1"])
    with stopped_at_the_end(folder / ".stream-app"):
        ran = subprocess.run(
            ["bash", "-c", script],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SCRIPT_SECONDS,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        assert re.search(r"^2008-09-15,US,,joint-regime-core-v1,384,\d+\.\d{6}$", ran.stdout, re.MULTILINE)
        kafka = re.search(r"^Kafka\s+(\S+)", ran.stdout, re.MULTILINE)
        assert kafka
        line = first_line(block("python", "AIOKafkaConsumer"), environment | {"STREAM_APP_KAFKA_URL": kafka[1]})
        assert re.match(r"US 2008-09-15 revision 1 norm \d+\.\d{6}", line)
