"""The media types of a page of days, and which of them a client wants."""

import io
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Literal

import pyarrow as pa

from stream_app.export.arrow import record_batch
from stream_app.export.text import CsvContexts
from stream_app.store.exported import DayChunk
from stream_app.web.problems import Refused

Format = Literal["json", "csv", "arrow"]
MEDIA_TYPES: Mapping[Format, str] = {
    "json": "application/json",
    "csv": "text/csv",
    "arrow": "application/vnd.apache.arrow.stream",
}
"""In the order of preference, where a client likes several as much."""
_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


def wanted(asked: Format | None, accept: str) -> Format:
    """The format that was asked for, else the one that the Accept header likes best. Refused (406) for none of them."""
    if asked is not None:
        return asked
    qualities = _qualities(accept)
    likes: dict[Format, float] = {form: _quality(media, qualities) for form, media in MEDIA_TYPES.items()}
    best = max(likes, key=lambda form: likes[form])
    if likes[best] <= 0:
        raise Refused(HTTPStatus.NOT_ACCEPTABLE, f"There are {', '.join(MEDIA_TYPES.values())}; or ask with ?format=.")
    return best


def as_csv(chunk: DayChunk, vectors: bool) -> bytes:
    """The days as `stream-app export --format csv` writes them."""
    file = io.BytesIO()
    CsvContexts(file, vectors).write(chunk)
    return file.getvalue()


def as_arrow(chunk: DayChunk, vectors: bool) -> bytes:
    """The days as one record batch of an Arrow IPC stream, with the columns of the Parquet export."""
    batch, sink = record_batch(chunk, vectors), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return bytes(sink.getvalue())


AS_BYTES: Mapping[Format, Callable[[DayChunk, bool], bytes]] = {"csv": as_csv, "arrow": as_arrow}
"""How the formats that have no place for a cursor are written."""


def _qualities(accept: str) -> dict[str, float]:
    """The media ranges of an Accept header with their weights; one that cannot be read counts as 1."""
    found = {}
    for part in accept.split(",") if accept.strip() else ("*/*",):
        media, *parameters = (each.strip().lower() for each in part.split(";"))
        weights = [each.removeprefix("q=") for each in parameters if each.startswith("q=")]
        found[media] = float(weights[0]) if weights and _WEIGHT.fullmatch(weights[0]) else 1.0
    return found


def _quality(media: str, qualities: Mapping[str, float]) -> float:
    """The weight of the most specific range that holds the media type."""
    ranges = (media, f"{media.partition('/')[0]}/*", "*/*")
    return next((qualities[each] for each in ranges if each in qualities), 0.0)
