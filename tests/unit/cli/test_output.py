"""What commands write: CSV to the letter, log lines one an event, and no complaint about a reader that left."""

import datetime as dt
import io
import json
import logging
import math
import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import typer

from stream_app import logs
from stream_app.cli.output import put, say
from stream_app.cli.showing import as_csv
from stream_app.store.shown import ShownContext


def context(day: int, region: str, length: float, episode_id: str | None = None) -> ShownContext:
    vector = np.zeros(384, np.float32)
    vector[0] = length
    return ShownContext(dt.date(2025, 1, day), region, episode_id, "joint-regime-core-v1", vector)


def logged(stage: str, message: str, *arguments: object, log_format: logs.LogFormat = "keyvalue", **extra: Any) -> str:
    record = logging.makeLogRecord({"msg": message, "args": arguments, "levelname": "INFO", "created": 0.5, **extra})
    return logs.FORMATTERS[log_format](stage).format(record)


def test_contexts_are_csv_with_the_header_of_the_original() -> None:
    assert as_csv([context(30, "EU", 12.345678), context(31, "US", 0.5, "crisis, 2")]).splitlines() == [
        "as_of_date,region,episode_id,model_id,dim,l2_norm",
        "2025-01-30,EU,,joint-regime-core-v1,384,12.345678",
        '2025-01-31,US,"crisis, 2",joint-regime-core-v1,384,0.500000',
    ]


def test_without_contexts_the_header_stands_alone() -> None:
    assert as_csv([]) == "as_of_date,region,episode_id,model_id,dim,l2_norm"


def test_a_log_line_is_time_level_stage_and_message() -> None:
    assert logged("prices", "ready") == "time=1970-01-01T00:00:00.500Z level=INFO stage=prices message=ready"


@pytest.mark.parametrize("text", ['it said "no"', "two\nlines", "key=value", "back\\slash", ""])
def test_a_value_with_more_than_plain_letters_is_quoted_as_json(text: str) -> None:
    line = logged("prices", "%s", text)
    assert json.loads(line.partition("message=")[2]) == text
    assert "\n" not in line


def test_a_log_line_as_json_has_the_same_fields() -> None:
    line = logged(
        "prices", 'it said "%s"', "no\nyes", log_format="json", partition=3, seconds=0.5, topic="é", rate=math.nan
    )
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.500Z",
        "level": "INFO",
        "stage": "prices",
        "message": 'it said "no\nyes"',
        "partition": 3,
        "seconds": 0.5,
        "topic": "é",
        "rate": "nan",
    }
    assert "\n" not in line


def test_what_is_passed_as_extra_stands_in_the_line_and_takes_the_place_of_nothing() -> None:
    assert logged("prices", "ready", partitions=8, where=dt.date(2025, 1, 30), why="a b", level="none").split(" ", 1)[
        1
    ] == ('level=INFO stage=prices message=ready partitions=8 where=2025-01-30 why="a b"')


@pytest.mark.parametrize("log_format", ["keyvalue", "json"])
def test_a_traceback_stays_on_its_line(log_format: logs.LogFormat) -> None:
    try:
        raise ValueError("a bug")
    except ValueError as error:
        line = logged("news", "failed", exc_info=(ValueError, error, error.__traceback__), log_format=log_format)
    assert "\n" not in line
    told = json.loads(line)["exception"] if log_format == "json" else json.loads(line.partition("exception=")[2])
    assert "ValueError: a bug" in told


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:s3cr3t@host:1/d", "postgresql://me:***@host:1/d"),
        ("postgresql://me:s3@cr3t@host/d is away", "postgresql://me:***@host/d is away"),
        ("postgresql://host/d?user=me&password=s3cr3t&x=1", "postgresql://host/d?user=me&password=***&x=1"),
        ("127.0.0.1:9092 at 12:30", "127.0.0.1:9092 at 12:30"),
    ],
)
def test_no_credential_is_logged(text: str, shown: str) -> None:
    assert logs.without_credentials(text) == shown
    assert "s3cr3t" not in logged("prices", "connecting to %s", text, log_format="json", url=text)
    assert "s3cr3t" not in logged("prices", "connecting to %s", text, url=text)


def test_the_level_is_for_our_own_loggers_and_libraries_are_heard_from_warning_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("DEBUG", "prices", "keyvalue")
    logs.configure("DEBUG", "prices", "keyvalue")
    logging.getLogger("stream_app.worker").debug("ours")
    logging.getLogger("somebody.else").info("theirs")
    logging.getLogger("somebody.else").warning("warned")
    written = capsys.readouterr()
    assert [line.rpartition("message=")[2] for line in written.err.splitlines()] == ["ours", "warned"]
    assert written.out == ""


def test_a_warning_of_a_library_is_a_log_line(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logs.configure("INFO", "news", "json")
        warnings.warn("old\nand frail", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(False)
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["level"], told["stage"]) == ("WARNING", "news")
    assert "old\nand frail" in told["message"]


@pytest.mark.parametrize("write", [put, say])
def test_a_reader_that_has_left_ends_the_command_without_an_error(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[str], None]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        monkeypatch.setattr("sys.stderr", stream)
        with pytest.raises(typer.Exit) as ended:
            write("a line")
        assert ended.value.exit_code == 0
        monkeypatch.undo()


def test_results_and_words_go_their_own_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    results, words = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stdout", results)
    monkeypatch.setattr("sys.stderr", words)
    put("result")
    say("word")
    assert (results.getvalue(), words.getvalue()) == ("result\n", "word\n")
