"""Records of every schema version, of none and of unknown ones on one topic: R8.

The fixtures that must decode for ever are sent as they are; a version that is added brings its own, and is mixed in.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from schemas import Codec, NewsArticle, PriceClose, Rejected
from schemas.topics import NEWS, PRICES
from tests.integration.pipeline import Pipeline, Place
from tests.integration.text_models import QuickModel
from tests.unit.schemas.test_schema_fixtures import FIXTURES

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Mixed:
    """A topic's event, the field of its key, and what tells a row of its table."""

    topic: str
    event: type[Any]
    key_of: str
    natural_key: Callable[[Any], Key]
    table: str
    columns: str

    def fixtures(self, pattern: str) -> list[bytes]:
        """The records of some fixtures, in the order of their names."""
        folder: Path = FIXTURES / self.event.__name__
        return [path.read_bytes().removesuffix(b"\n") for path in sorted(folder.glob(pattern))]


KINDS = [
    Mixed(
        PRICES.name,
        PriceClose,
        "instrument_id",
        lambda event: (event.instrument_id, event.trade_date),
        "prices_daily",
        "instrument_id, trade_date",
    ),
    Mixed(NEWS.name, NewsArticle, "article_id", lambda event: (event.article_id,), "news_articles", "article_id"),
]
TOO_FAR_AHEAD = b'"published_at":"2261-'
"""The one fixture that decodes and that no stage takes before its time."""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.topic))
async def test_records_of_every_version_are_applied_and_unknown_versions_between_them_are_dead_letters(
    place: Place, model: QuickModel, seed: int, kind: Mixed
) -> None:
    accepted = [record for record in kind.fixtures("v[0-9]*.json") if TOO_FAR_AHEAD not in record]
    random.Random(seed).shuffle(accepted)
    unknown = kind.fixtures("rejected/unknown-version/*.json")
    codec: Codec[Any] = Codec(kind.event)
    versions = {json.loads(record).get("schema_version") for record in (*accepted, *unknown)}
    assert {None, 1, 2} <= versions
    async with place.pipeline() as path:
        path.start("prices", "news")
        sent = mixed(accepted, unknown)
        await path.send_raw(kind.topic, 0, *[(key_of(record, kind.key_of), record) for record in sent])
        await path.applied()
        letters = await path.fetch("SELECT reason, value FROM dead_letters ORDER BY log_offset")
        assert {(row["reason"], row["value"]) for row in letters} == {("unknown-version", record) for record in unknown}
        assert len(letters) == len(accepted) * len(unknown)
        events = [codec.decode(record) for record in accepted]
        assert not any(isinstance(event, Rejected) for event in events)
        await check_rows(path, kind, events)
        await path.stop()


def mixed(accepted: Sequence[bytes], unknown: Sequence[bytes]) -> list[bytes]:
    """Each accepted record with all the unknown ones after it."""
    return [record for one in accepted for record in (one, *unknown)]


def key_of(record: bytes, field: str) -> bytes:
    """The key that a producer gives a record; another version may name its field otherwise."""
    return str(json.loads(record).get(field)).encode()


async def check_rows(path: Pipeline, kind: Mixed, events: Sequence[Any]) -> None:
    """The last event of each natural key is current, and all the others are history."""
    current = await path.fetch(f"SELECT {kind.columns}, retracted, metadata FROM {kind.table}")
    found = {tuple(row)[:-2]: tuple(row)[-2:] for row in current}
    assert found == {kind.natural_key(event): (event.retracted, event.metadata) for event in events}
    history = await path.value(f"SELECT count(*) FROM {kind.table.partition('_')[0]}_history")
    assert len(current) + history == len(events)
