"""Expected errors are one sentence and an exit code; anything else is a bug and shows its traceback."""

import re

import pytest
import typer
from typer.testing import CliRunner, Result

from stream_app.cli.failures import LoneCommand
from stream_app.errors import Fatal, Retriable, StreamAppError, UsageError
from tests.unit.cli.conftest import Run

NUMERIC = "run-numeric-regime --region US --instrument-id A"
SECRET_URL = "postgresql://me:s3cr3t@host/d"


def ended_by(error: BaseException) -> Result:
    """What a program shows whose command raises `error`."""
    program = typer.Typer()

    @program.command(cls=LoneCommand)
    def fail() -> None:
        raise error

    return CliRunner().invoke(program, [])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("No."), 2),
        (Fatal("No."), 1),
        (Retriable("No."), 1),
        (StreamAppError("No."), 1),
        (FileNotFoundError(2, "No such file or directory", "prices.csv"), 1),
        (PermissionError(13, "Permission denied", "prices.csv"), 1),
        (ConnectionRefusedError(111, "Connection refused"), 1),
        (TimeoutError(), 1),
    ],
)
def test_an_expected_error_is_told_on_standard_error(error: Exception, code: int) -> None:
    shown = ended_by(error)
    assert shown.exit_code == code
    assert re.fullmatch(r"Error: .+\n", shown.stderr)
    assert shown.stdout == ""


def test_a_service_that_is_away_is_followed_by_what_to_do() -> None:
    assert "stream-app up" in ended_by(Retriable("Postgres is away.")).stderr


def test_a_full_disk_is_not_taken_for_a_service_that_is_away() -> None:
    assert ended_by(OSError(28, "No space left on device")).stderr == "Error: No space left on device.\n"
    assert "stream-app up" in ended_by(ConnectionRefusedError(111, "Connection refused")).stderr
    refused = ended_by(Retriable("Postgres is away: Connect call failed ('127.0.0.1', 1)")).stderr
    assert "('127.0.0.1', 1). Is it running?" in refused


def test_an_unknown_error_shows_its_traceback() -> None:
    shown = ended_by(ZeroDivisionError("a bug"))
    assert shown.exit_code == 1
    assert "Traceback" in shown.stderr
    assert "ZeroDivisionError: a bug" in shown.stderr


@pytest.mark.parametrize("error", [Fatal(f"{SECRET_URL} refuses."), ZeroDivisionError(SECRET_URL)])
def test_no_password_is_told(error: Exception) -> None:
    assert "s3cr3t" not in ended_by(error).stderr


def test_ctrl_c_is_no_error_but_exit_code_130() -> None:
    shown = ended_by(KeyboardInterrupt())
    assert shown.exit_code == 130
    assert shown.output == ""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("show --start 2025-02-30", "There is no date 2025-02-30: day is out of range for month."),
        ("show --start 30.1.2025", "'30.1.2025' is not of the form YYYY-MM-DD."),
        ("show --end 2025-W05-5", "'2025-W05-5' is not of the form YYYY-MM-DD."),
        ("show --start 2025-01-02 --end 2025-01-01", "--start 2025-01-02 is after --end 2025-01-01."),
        ("show --limit 0", "greater than or equal to 1"),
        ("show --regon US", "--region"),
        ("close --region US", "Missing option '--as-of'."),
        ("close --region US --as-of 2025-01-31 --wait -1", "--wait"),
        ("worker --stage nine", "prices"),
        (f"{NUMERIC}", "Give either --as-of DATE or --date-range START END."),
        (f"{NUMERIC} --as-of 2025-01-31 --date-range 2025-01-01 2025-01-31", "Give either --as-of DATE or"),
        (f"{NUMERIC} --date-range 2025-01-31 2025-01-30", "--date-range 2025-01-31 2025-01-30 ends before it starts."),
        (f"{NUMERIC} --date-range 2025-01-31", "'--date-range' requires 2 arguments"),
        (f"{NUMERIC} --as-of 2025-01-31 --window-days 129", "the largest window is 128 rows."),
        (f"{NUMERIC} --as-of 2025-01-31 --window-days 0", "the largest window is 128 rows."),
        (f"{NUMERIC} --date-range 2025-02-01 2025-02-02", "XNYS has no session from 2025-02-01 to 2025-02-02."),
        (f"{NUMERIC} --date-range 1984-01-01 2025-02-02", "1984-01-01 is outside calendar XNYS"),
        ("run-numeric-regime --region us --instrument-id A --as-of 2025-01-31", "There is no region us; there are"),
        ("run-numeric-regime --region US --as-of 2025-01-31", "Missing option '--instrument-id'."),
        ("backfill-text-embeddings --language EN", "Give either --as-of DATE or --date-range START END."),
        ("backfill-text-embeddings --as-of 2025-01-31 --limit 0", "greater than or equal to 1"),
        ("backfill-joint-regime-context --as-of 2025-01-31", "Missing option '--region'."),
        ("backfill-joint-regime-context --region US --as-of 2025-01-31", "STREAM_APP_DATABASE_URL"),
        ("show --format xml", "'csv', 'table', 'json'"),
        ("nine", "No such command 'nine'."),
        ("db url --config absent.toml", "There is no settings file absent.toml."),
        ("db url", "`stream-app up` starts both services"),
        ("worker", "`stream-app up` starts both services"),
        ("show", "STREAM_APP_DATABASE_URL"),
        ("db url --database-url localhost:5432", "not of the form postgresql://user@host:port/database."),
        ("db url --database-url postgresql://h:port/d", "not of the form postgresql://"),
        ("worker --kafka-url kafka://h:1 --database-url postgresql://h/d", "not of the form host:port"),
        ("worker --kafka-url h:1,h:65536 --database-url postgresql://h/d", "not of the form host:port"),
        ("worker --kafka-url h:0 --database-url postgresql://h/d", "not of the form host:port"),
        ("db status --regions absent.toml --database-url postgresql://h/d", "absent.toml cannot be read"),
        ("show --log-level LOUD", "log_level"),
    ],
)
def test_a_wrong_request_is_answered_by_one_sentence_and_exit_code_2(run: Run, words: str, told: str) -> None:
    refused = run(*words.split())
    assert refused.exit_code == 2
    assert re.fullmatch(r"Error: [^\n]+\n", refused.stderr)
    assert told in refused.stderr
    assert refused.stdout == ""
