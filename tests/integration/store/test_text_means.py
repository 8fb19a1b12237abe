"""Days' mean text vectors, read from Postgres once and kept a while."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pytest

from schemas import DIM
from stream_app.contexts import text_means
from stream_app.contexts.text_means import TextMeans
from stream_app.errors import Fatal
from stream_app.store import texts
from stream_app.store.database import Connection, Pool, connection, transaction
from stream_app.store.news import Article

DAY = dt.date(2008, 9, 15)
CONTENTS = [bytes([number]) * 32 for number in range(3)]
MATRIX = np.random.default_rng(0).normal(size=(3, DIM)).astype(np.float32)


def of_day(*numbers: int) -> list[Article]:
    return [Article(f"a{number}", dt.datetime(2008, 9, 15, tzinfo=dt.UTC), DAY, CONTENTS[number]) for number in numbers]


def mean(*numbers: int) -> bytes:
    """In float64, in the articles' order."""
    total = np.zeros(DIM)
    for number in numbers:
        total += MATRIX[number]
    return (total / len(numbers)).astype(np.float32).tobytes()


@pytest.fixture
async def stored(pool: Pool) -> Pool:
    """A database that holds the contents' vectors."""
    async with transaction(pool) as conn:
        await texts.add(conn, "t1", CONTENTS, MATRIX)
    return pool


async def means_of(made: TextMeans, pool: Pool, *days: Sequence[Article]) -> list[bytes | None]:
    async with connection(pool) as conn:
        return [None if each is None else each.tobytes() for each in await made.of_days(conn, days)]


async def test_a_day_is_the_mean_of_its_articles_and_one_without_news_has_none(stored: Pool) -> None:
    made = TextMeans("t1")
    expected = [mean(2, 0), None, mean(1), mean(0, 0, 1)]
    assert await means_of(made, stored, of_day(2, 0), of_day(), of_day(1), of_day(0, 0, 1)) == expected
    assert await means_of(made, stored, of_day()) == [None]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[set[bytes]]:
    """The contents whose vectors Postgres was asked for, each time."""
    asked: list[set[bytes]] = []
    get = texts.get

    async def watched(conn: Connection, fingerprint: str, hashes: set[bytes]) -> dict[bytes, bytes]:
        if hashes:
            asked.append(hashes)
        return await get(conn, fingerprint, hashes)

    monkeypatch.setattr(texts, "get", watched)
    return asked


async def test_the_same_news_is_read_once(
    stored: Pool, asked: list[set[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_means, "KEPT_DAYS", 2)
    monkeypatch.setattr(text_means, "KEPT_CONTENTS", 0)
    made = TextMeans("t1")
    for _ in range(2):
        assert await means_of(made, stored, of_day(0, 1), of_day(2)) == [mean(0, 1), mean(2)]
    assert asked == [set(CONTENTS)]
    await means_of(made, stored, of_day(1))
    assert await means_of(made, stored, of_day(2), of_day(0, 1)) == [mean(2), mean(0, 1)]
    assert asked[1:] == [{CONTENTS[1]}, {CONTENTS[0], CONTENTS[1]}]


async def test_of_a_day_that_was_prepared_or_computed_only_new_articles_are_read(
    stored: Pool, asked: list[set[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_means, "KEPT_CONTENTS", 2)
    made = TextMeans("t1")
    async with connection(stored) as conn:
        await made.prepare(conn, of_day(0))
    assert await means_of(made, stored, of_day(0, 1)) == [mean(0, 1)]
    assert await means_of(made, stored, of_day(1, 0)) == [mean(1, 0)]
    assert asked == [{CONTENTS[0]}, {CONTENTS[1]}]
    # Two are kept, the newest: the third puts one of them out.
    assert await means_of(made, stored, of_day(0, 1, 2)) == [mean(0, 1, 2)]
    assert asked[2:] == [{CONTENTS[2]}]
    assert await means_of(made, stored, of_day(2), of_day(0), of_day(1)) == [mean(2), mean(0), mean(1)]
    assert len(asked[3]) == 1


async def test_an_applied_article_without_a_vector_of_the_model_is_fatal(stored: Pool) -> None:
    with pytest.raises(Fatal, match=r"^2 applied articles have no vector of the text model in text_vectors: restore"):
        await means_of(TextMeans("another"), stored, of_day(0, 1))
