"""Logging to standard error: one line an event, as `key=value` or JSON, credentials left out whatever it holds.

What is passed as `extra` stands in the line as fields of their own, for whoever filters or counts by them.
"""

import datetime as dt
import json
import logging
import math
import re
import sys
from collections.abc import Mapping
from typing import Literal

OWN = ("stream_app", "agents")
"""The loggers that the level setting is for; libraries are heard from WARNING on."""
LogFormat = Literal["keyvalue", "json"]
Field = str | int | float | bool | None
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_PLAIN = re.compile(r'[^\s"=\\]+')
_URL_PASSWORD = re.compile(r"(://[^:/@\s]*):\S*@")
_NAMED_PASSWORD = re.compile(r"(password=)[^&\s'\"]+", re.IGNORECASE)


def without_credentials(text: str) -> str:
    """The text with the password of every URL in it replaced by ***."""
    return _NAMED_PASSWORD.sub(r"\1***", _URL_PASSWORD.sub(r"\1:***@", text))


class EventFormatter(logging.Formatter):
    """An event as one line of fields: time, level, stage, message, what was passed as `extra`, and the exception."""

    def __init__(self, stage: str) -> None:
        super().__init__()
        self._stage = stage

    def fields(self, record: logging.LogRecord) -> dict[str, Field]:
        """The event's fields in their order, without credentials."""
        time = dt.datetime.fromtimestamp(record.created, dt.UTC)
        own: dict[str, Field] = {
            "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "stage": self._stage,
            "message": without_credentials(record.getMessage()),
        }
        passed = {name: _plain(value) for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
        if record.exc_info:
            passed["exception"] = without_credentials(self.formatException(record.exc_info))
        return own | {name: value for name, value in passed.items() if name not in own}


class KeyValueFormatter(EventFormatter):
    """`time=… level=… stage=… message=…`, a value with more than plain letters quoted as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one event, without its end."""
        return " ".join(f"{name}={_quoted(value)}" for name, value in self.fields(record).items())


class JsonFormatter(EventFormatter):
    """`{"time": …, "level": …, "stage": …, "message": …}`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one event, without its end."""
        return json.dumps(self.fields(record), ensure_ascii=False)


FORMATTERS: Mapping[LogFormat, type[EventFormatter]] = {"keyvalue": KeyValueFormatter, "json": JsonFormatter}


class StandardError(logging.Handler):
    """Writes to what is standard error at that moment, a line in one piece."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the event; logging itself says what went wrong if that fails."""
        try:
            sys.stderr.write(self.format(record) + "\n")
        except (OSError, ValueError):
            self.handleError(record)


def configure(level: str, stage: str, log_format: LogFormat) -> None:
    """Send every logger of this process to standard error; `stage` is what the lines say of where they come from.

    Calling it again replaces what an earlier call set up.
    """
    handler = StandardError()
    handler.setFormatter(FORMATTERS[log_format](stage))
    handler.addFilter(_concerns_somebody)
    root = logging.getLogger()
    root.handlers = [kept for kept in root.handlers if not isinstance(kept, StandardError)] + [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    for name in OWN:
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(True)


def _concerns_somebody(record: logging.LogRecord) -> bool:
    """False for the loss of a connection that nobody waits for: asyncpg leaves one behind when a connect is cancelled
    just as it is accepted, and the event loop calls it an error."""
    error = record.exc_info[1] if record.exc_info else None  # asyncio has False where there is none
    of_asyncio = record.name == "asyncio" and record.getMessage().startswith("Future exception was never")
    return not (of_asyncio and isinstance(error, ConnectionError))


def _plain(value: object) -> Field:
    """The value as JSON has it, anything else as text; JSON has no NaN and no infinity."""
    if value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return without_credentials(str(value))


def _quoted(value: Field) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
