"""I9 live equals replay: the same log, replayed into a fresh database, leaves the same rows to the byte."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.faults.differences import Violations, countable, same
from tests.faults.observed import Observed
from tests.integration.lived import NOT_COMPARED, TABLES


def live_equals_replay(observed: Observed) -> Violations:
    """I9: the canonical dumps of both databases are the same, where a replay was asked for."""
    if observed.replayed is None:
        return
    for table in TABLES:
        again, live = _canonical(observed.replayed[table]), _canonical(observed.tables[table])
        yield from same("I9", f"{table} after a replay", again, live)


def _canonical(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[object, ...]]:
    """Rows whose values compare by their bytes: -0.0 is not 0.0."""
    for row in rows:
        values = (countable(value) for name, value in row.items() if name not in NOT_COMPARED)
        yield tuple(value if isinstance(value, bytes) else repr(value) for value in values)
