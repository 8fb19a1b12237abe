"""How a difference between what was observed and what was expected is said: one sentence for each kind."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tests.faults.observed import Observed

SHOWN = 3
"""How many examples a violation names."""
VECTOR_HEADER_BYTES = 4

Violations = Iterator[str]


def numbers(vector: bytes) -> NDArray[np.float32]:
    """pgvector's binary form as float32."""
    return np.frombuffer(vector, ">f4", offset=VECTOR_HEADER_BYTES).astype(np.float32)


def countable(value: Any) -> Any:
    """A column's value, jsonb and arrays in a form that can be counted."""
    if isinstance(value, dict):
        return msgspec.json.encode(value, order="sorted")
    return repr(value) if isinstance(value, list) else value


def progress(observed: Observed, topic: str) -> dict[int, int]:
    """How far each partition of a topic (without its prefix) is applied."""
    rows = observed.tables["ingest_progress"]
    return {row["partition"]: row["next_offset"] for row in rows if row["topic"] == observed.prefix + topic}


def same(invariant: str, what: str, found: Iterable[Any], wanted: Iterable[Any]) -> Violations:
    """Both hold the same things, each as often."""
    has, needs = Counter(found), Counter(wanted)
    yield from named(invariant, f"are missing in {what}", [_short(each) for each in needs - has])
    yield from named(invariant, f"are too many or wrong in {what}", [_short(each) for each in has - needs])


def named(invariant: str, what: str, examples: list[Any]) -> Violations:
    """A sentence if there are any examples of what breaks the invariant."""
    if examples:
        yield f"{invariant}: {len(examples)} {what}: {', '.join(map(str, examples[:SHOWN]))}"


def _short(value: Any) -> str:
    """A row for a message: long bytes by their checksum."""
    if isinstance(value, tuple):
        return "(" + ", ".join(_short(each) for each in value) + ")"
    if isinstance(value, bytes) and len(value) > 32:
        return f"sha256:{hashlib.sha256(value).hexdigest()[:8]}"
    return str(value)
