"""I5 of windows: each recent one is published, and the newest event of it says what is stored."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec

from schemas import NumericWindowEmbedded, Vector, encode, event_id
from schemas.topics import NUMERIC
from tests.faults.differences import Violations, named, numbers
from tests.faults.observed import Observed
from tests.faults.oracle import ONE_DAY, WINDOW_ROWS, Oracle

WindowKey = tuple[str, dt.date, str]
"""Instrument, day and numeric model."""


def windows_published(observed: Observed, oracle: Oracle) -> Violations:
    """I5: the copies of an event are the same, the newest of a window is what is stored, and no recent one lacks it."""
    fingerprints = {row["model_id"]: row["fingerprint"] for row in observed.tables["models"]}
    rows = observed.tables["numeric_window_embeddings"]
    stored = {_key(row): _event(row, fingerprints[row["model_id"]]) for row in rows}
    copies: dict[str, set[bytes]] = defaultdict(set)
    newest: dict[WindowKey, bytes] = {}
    for record in observed.logs[NUMERIC.name]:
        value = record.value or b""
        event = msgspec.json.decode(value, type=NumericWindowEmbedded)
        copies[event.event_id].add(value)
        newest[event.instrument_id, event.as_of, event.model_id] = value
        if record.key != event.instrument_id.encode():
            yield f"I5: the window of {event.instrument_id} {event.as_of} is published by the key {record.key!r}"
    different = [name for name, values in copies.items() if len(values) > 1]
    yield from named("I5", "are windows of which different bytes are published", different)
    outdated = [key for key, value in newest.items() if key in stored and value != stored[key]]
    yield from named("I5", "are windows whose newest event is not what is stored", outdated)
    recent = _recent(observed, oracle)
    unpublished = [key for key in stored if key not in newest and key[1] >= recent.get(key[0], dt.date.max)]
    yield from named("I5", "are recent windows that were never published", unpublished)


def _recent(observed: Observed, oracle: Oracle) -> dict[str, dt.date]:
    """By instrument the first day whose window is published whenever one of its prices comes."""
    newest_ms: dict[str, int] = defaultdict(int)
    for version in oracle.prices.good:
        name = version.event.instrument_id
        newest_ms[name] = max(newest_ms[name], version.timestamp_ms)
    age = observed.windows_published_days * ONE_DAY
    return {name: dt.datetime.fromtimestamp(ms / 1000, dt.UTC).date() - age for name, ms in newest_ms.items()}


def _key(row: Mapping[str, Any]) -> WindowKey:
    return row["entity_id"], row["as_of_date"], row["model_id"]


def _event(row: Mapping[str, Any], fingerprint: str) -> bytes:
    """What a stored window's event must be."""
    instrument_id, as_of, model_id = _key(row)
    vector = Vector.of(numbers(row["vector"]))
    return encode(
        NumericWindowEmbedded(
            event_id=event_id("window", instrument_id, as_of, model_id, WINDOW_ROWS, fingerprint, vector.data),
            instrument_id=instrument_id,
            as_of=as_of,
            window_days=WINDOW_ROWS,
            rows=row["rows"],
            model_id=model_id,
            fingerprint=fingerprint,
            vector=vector,
        )
    )
