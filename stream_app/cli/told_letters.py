"""How dead letters are told. Their bytes are anybody's: what a terminal would obey is written out."""
# ruff: noqa: PLC0415 - rich takes 0.1 s to import, and not every command needs it

import csv
import datetime as dt
import io
import json
import sys
import unicodedata
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from stream_app.cli.filled import DRY_RUN
from stream_app.cli.output import put, reader_may_leave, say

if TYPE_CHECKING:
    from schemas import OriginPosition
    from stream_app.requeuing import Requeued
    from stream_app.store.dead_letters import Letter
    from stream_app.store.handled_letters import LetterName, ListedLetter, State

HEADER = ("name", "received", "reason", "state", "value_bytes", "error")
NOTHING = "No dead letter is as you asked."
OBEYED = ("Cc", "Cf", "Zl", "Zp")
"""The categories of characters that a terminal acts upon: controls, directions of writing, line ends."""


def visible(text: str, kept: str = "") -> str:
    """The text with every character that a terminal acts upon written out, as \\x1b; those of `kept` stay."""
    return "".join(
        char if char in kept or unicodedata.category(char) not in OBEYED else _written_out(char) for char in text
    )


def _written_out(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def print_list(letters: Sequence["ListedLetter"], prefix: str, form: Literal["table", "json", "csv"]) -> None:
    """Letters by name, without their bytes."""
    rows = [_row(letter, prefix) for letter in letters]
    match form:
        case "csv":
            put(_as_csv(rows))
        case "json":
            lines = [json.dumps(dict(zip(HEADER, row, strict=True))) for row in rows]
            put("[" + ",\n ".join(lines) + "]")
        case "table":
            _print_table(rows)
    if not letters:
        say(NOTHING)


def name_of(name: "LetterName", prefix: str) -> str:
    """A letter's name, as the commands take it."""
    return _place(name.topic, name.log_epoch, name.partition, name.offset, prefix)


def _row(letter: "ListedLetter", prefix: str) -> tuple[Any, ...]:
    name = letter.name
    place = name_of(name, prefix)
    return place, _time(letter.timestamp_ms), letter.reason, str(letter.state), letter.value_bytes, letter.error


def _place(topic: str, log_epoch: int, partition: int, offset: int, prefix: str) -> str:
    return f"{topic.removeprefix(prefix)}/{log_epoch}/{partition}/{offset}"


def _time(timestamp_ms: int) -> str:
    time = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=timestamp_ms)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _shown(field: object) -> str:
    return "" if field is None else visible(str(field))


def _as_csv(rows: Sequence[tuple[Any, ...]]) -> str:
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(HEADER)
    lines.writerows([_shown(field) for field in row] for row in rows)
    return written.getvalue().removesuffix("\n")


def _print_table(rows: Sequence[tuple[Any, ...]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from stream_app.ingest.display import console

    table = Table(box=None, pad_edge=False)
    for column in HEADER:
        table.add_column(column, overflow="fold", no_wrap=column == "name")
    table.columns[HEADER.index("value_bytes")].justify = "right"
    for row in rows:
        table.add_row(*(Text(_shown(field)) for field in row))
    with reader_may_leave(sys.stdout):
        console().print(table)


def as_text(letter: "Letter", state: "State", prefix: str) -> str:
    """A letter whole, its value last."""
    event = letter.event
    lines = {
        "name": _place(event.topic, event.log_epoch, event.partition, event.offset, prefix),
        "topic": event.topic,
        "log epoch": event.log_epoch,
        "partition": event.partition,
        "offset": event.offset,
        "received": event.timestamp.isoformat(),
        "first stood at": None if event.origin is None else _origin(event.topic, event.origin, prefix),
        "reason": event.reason,
        "error": event.error,
        "state": state,
        "key": _bytes_told(event.key),
        "value": _bytes_told(event.value, kept="\n\t"),
    }
    return "\n".join(
        f"{name + ':':<16}{line if name == 'value' else visible(str(line))}"
        for name, line in lines.items()
        if line is not None
    )


def _origin(topic: str, origin: "OriginPosition", prefix: str) -> str:
    return _place(topic, origin.log_epoch, origin.partition, origin.offset, prefix)


def _bytes_told(data: bytes | None, kept: str = "") -> str:
    if data is None:
        return "(none)"
    try:
        return visible(data.decode(), kept)
    except UnicodeDecodeError:
        return f"(base64) {b64encode(data).decode()}"


def as_json(letter: "Letter", state: "State", prefix: str) -> str:
    """A letter whole as an object, in ASCII. Key and value are `{"text": …}`, `{"base64": …}` or null."""
    event = letter.event
    told = {
        "name": _place(event.topic, event.log_epoch, event.partition, event.offset, prefix),
        "topic": event.topic,
        "log_epoch": event.log_epoch,
        "partition": event.partition,
        "offset": event.offset,
        "received": event.timestamp.isoformat(),
        "first_stood_at": None if event.origin is None else _origin(event.topic, event.origin, prefix),
        "reason": event.reason,
        "error": event.error,
        "state": str(state),
        "key": _bytes_object(event.key),
        "value": _bytes_object(event.value),
    }
    return json.dumps(told, indent=2).replace("\x7f", "\\u007f")


def _bytes_object(data: bytes | None) -> dict[str, str] | None:
    if data is None:
        return None
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(data).decode()}


def tell_would(verb: str, counts: Mapping[tuple[str, str], int], prefix: str) -> None:
    """What a command would do."""
    if not counts:
        say(NOTHING)
        return
    put(DRY_RUN)
    _tell_counts(counts, prefix)
    put(f"{sum(counts.values()):,} dead letters {verb}.")


def tell_requeued(done: "Requeued", prefix: str) -> None:
    """What was sent again, and what was not."""
    if not done.sent and not done.too_large:
        say(NOTHING)
        return
    _tell_counts(done.sent, prefix)
    put(f"{done.sent.total():,} dead letters sent again.")
    if done.sent:
        say("A worker reads them; `stream-app dead-letters list` shows what it rejects again.")
    if done.too_large:
        say(f"{done.too_large:,} are larger than any record may be, and were left.")


def tell_discarded(count: int) -> None:
    """What was discarded."""
    put(f"{count:,} dead letters discarded.")


def _tell_counts(counts: Mapping[tuple[str, str], int], prefix: str) -> None:
    for (topic, reason), count in sorted(Counter(counts).items()):
        put(f"{topic.removeprefix(prefix)} {reason}: {count:,}")
