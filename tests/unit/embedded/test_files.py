"""Small files of the data folder, and what is read out of a log for a message."""

from pathlib import Path

import pytest

from stream_app.embedded.files import complaint, write_atomically


def test_a_written_file_is_its_owners_alone_and_replaces_what_a_crash_left(tmp_path: Path) -> None:
    (tmp_path / "password.new").write_text("half")
    write_atomically(tmp_path / "password", "old")
    write_atomically(tmp_path / "password", "whole")
    assert (tmp_path / "password").read_text() == "whole"
    assert (tmp_path / "password").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["password"]


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("starting\nFATAL:  the port is taken.\nshut down\n", "FATAL:  the port is taken"),
        ("one\nBindException: first\nBindException: second\n\n", "BindException: second"),
        ("one\ntwo\n\n", "two"),
        ("", "it logged nothing"),
        ("x" * 1_000, "x" * 300),
    ],
)
def test_a_log_complains_with_its_last_error_or_else_its_last_line(tmp_path: Path, log: str, said: str) -> None:
    (tmp_path / "log").write_text(log)
    assert complaint(tmp_path / "log") == said


def test_a_missing_log_says_nothing(tmp_path: Path) -> None:
    assert complaint(tmp_path / "log") == "it logged nothing"
