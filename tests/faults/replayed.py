"""I9 live equals replay: the same log, replayed into a fresh database, leaves the same rows to the byte."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.faults.differences import Violations, countable, same
from tests.faults.observed import Observed
from tests.integration.lived import TABLES


def live_equals_replay(observed: Observed) -> Violations:
    """I9: the canonical dumps of both databases are the same, where a replay was asked for."""
    if observed.replayed is None:
        return
    for table, columns in TABLES.items():
        names = columns.split(", ")
        yield from same(
            "I9",
            f"{table} after a replay",
            _canonical(observed.replayed[table], names),
            _canonical(observed.tables[table], names),
        )


def _canonical(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Iterator[tuple[object, ...]]:
    """Rows whose values compare by their bytes: -0.0 is not 0.0."""
    for row in rows:
        values = (countable(row[name]) for name in names)
        yield tuple(value if isinstance(value, bytes) else repr(value) for value in values)
