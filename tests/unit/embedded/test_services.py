"""Whose data folder it is."""

import os
from pathlib import Path

import pytest

from stream_app.embedded import running, start, stop
from stream_app.errors import UsageError


@pytest.mark.parametrize("call", [start, stop, running])
def test_another_users_data_folder_is_refused_in_a_sentence(
    call: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(UsageError, match=r"^The data folder .* belongs to another user; name one of your own\.$"):
        assert callable(call) and call(tmp_path)
    assert list(tmp_path.iterdir()) == []
