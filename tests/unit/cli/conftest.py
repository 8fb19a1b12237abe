"""A command line in a folder and an environment of its own."""

import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from stream_app.cli.app import app

Run = Callable[..., Result]


@contextmanager
def process_as_before() -> Iterator[None]:
    """Commands set up logging and signals for their whole process, which here is pytest's."""
    root = logging.getLogger()
    handlers, levels = (
        list(root.handlers),
        {name: logging.getLogger(name).level for name in ("", "stream_app", "agents")},
    )
    signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        root.handlers = handlers
        logging.captureWarnings(False)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        for number, handler in signals.items():
            signal.signal(number, handler)


@pytest.fixture(autouse=True)
def leaving_no_trace() -> Iterator[None]:
    """Every test here may run commands."""
    with process_as_before():
        yield


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `stream-app` with these words in an empty folder, without settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("STREAM_APP_"):
            monkeypatch.delenv(name)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words], prog_name="stream-app")
