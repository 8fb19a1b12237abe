"""A file is there whole or not at all, and none is replaced unasked."""

import os
from pathlib import Path

import pytest

from stream_app.errors import UsageError
from stream_app.export.destination import check, whole_file


def test_a_file_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "contexts.csv"
    path.write_text("older")
    with whole_file(path) as file:
        file.write(b"newer")
        assert path.read_text() == "older"
    assert path.read_text() == "newer"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("stopped", [KeyboardInterrupt, OSError])
def test_what_was_stopped_leaves_nothing_and_an_older_file_as_it_was(
    tmp_path: Path, stopped: type[BaseException]
) -> None:
    path = tmp_path / "contexts.csv"
    path.write_text("older")
    with pytest.raises(stopped), whole_file(path) as file:
        file.write(b"half")
        raise stopped
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced_only_by_force(tmp_path: Path) -> None:
    path = tmp_path / "contexts.csv"
    check(path, force=False)
    path.touch()
    with pytest.raises(UsageError, match=r"contexts\.csv is there already; --force replaces it"):
        check(path, force=False)
    check(path, force=True)


def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe):
        with pytest.raises(UsageError, match="is no regular file"):
            check(path, force=True)
    with pytest.raises(UsageError, match="There is no folder"):
        check(tmp_path / "nowhere" / "contexts.csv", force=True)
