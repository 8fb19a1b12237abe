"""What the event loop says of things that nobody waits for."""

import asyncio
import gc
import logging
from collections.abc import Iterator

import pytest

from stream_app import logs


@pytest.fixture
def _configured() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.configure("INFO", "all", "keyvalue")
    yield
    root.handlers = before
    root.setLevel(level)
    logging.captureWarnings(False)


async def _leave(error: Exception) -> None:
    asyncio.get_running_loop().create_future().set_exception(error)
    gc.collect()


@pytest.mark.usefixtures("_configured")
def test_the_loss_of_a_connection_that_was_given_up_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(_leave(ConnectionError("unexpected connection_lost() call")))
    assert capsys.readouterr().err == ""
    asyncio.run(_leave(ZeroDivisionError("a bug")))
    told = capsys.readouterr().err
    assert "level=ERROR" in told
    assert "ZeroDivisionError: a bug" in told


async def _complain() -> None:
    asyncio.get_running_loop().call_exception_handler({"message": "no error stands beside this"})


@pytest.mark.usefixtures("_configured")
def test_what_asyncio_says_without_an_error_is_told_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(_complain())
    told = capsys.readouterr().err
    assert "no error stands beside this" in told
    assert "Traceback" not in told
