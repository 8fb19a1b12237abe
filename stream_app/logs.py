"""Logging to standard error: one line an event, `key=value`, credentials left out whatever the message holds."""

import datetime as dt
import json
import logging
import re
import sys

OWN = ("stream_app", "agents")
"""The loggers that the level setting is for; libraries are heard from WARNING on."""
_PLAIN = re.compile(r'[^\s"=\\]+')
_URL_PASSWORD = re.compile(r"(://[^:/@\s]*):\S*@")
_NAMED_PASSWORD = re.compile(r"(password=)[^&\s'\"]+", re.IGNORECASE)


def without_credentials(text: str) -> str:
    """The text with the password of every URL in it replaced by ***."""
    return _NAMED_PASSWORD.sub(r"\1***", _URL_PASSWORD.sub(r"\1:***@", text))


class KeyValueFormatter(logging.Formatter):
    """`time=… level=… stage=… message=…`, and `exception=…` with its traceback, all on one line."""

    def __init__(self, stage: str) -> None:
        super().__init__()
        self._stage = stage

    def format(self, record: logging.LogRecord) -> str:
        """The line of one event, without its end."""
        time = dt.datetime.fromtimestamp(record.created, dt.UTC)
        fields = {
            "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "stage": self._stage,
            "message": without_credentials(record.getMessage()),
        }
        if record.exc_info:
            fields["exception"] = without_credentials(self.formatException(record.exc_info))
        return " ".join(f"{key}={_quoted(value)}" for key, value in fields.items())


class StandardError(logging.Handler):
    """Writes to what is standard error at that moment, a line in one piece."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the event; logging itself says what went wrong if that fails."""
        try:
            sys.stderr.write(self.format(record) + "\n")
        except (OSError, ValueError):
            self.handleError(record)


def configure(level: str, stage: str) -> None:
    """Send every logger of this process to standard error; `stage` is what the lines say of where they come from.

    Calling it again replaces what an earlier call set up.
    """
    handler = StandardError()
    handler.setFormatter(KeyValueFormatter(stage))
    root = logging.getLogger()
    root.handlers = [kept for kept in root.handlers if not isinstance(kept, StandardError)] + [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    for name in OWN:
        logging.getLogger(name).setLevel(level)


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
