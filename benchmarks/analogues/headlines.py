"""The mean text vector of each New York session's headlines; vectors are kept in a file, the sentences nowhere."""

import asyncio
import datetime as dt
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.encoding import TextEncoder
from stream_app.encoding.spec import TextModelSpec
from stream_app.regime.calendars import load_calendar
from stream_app.regime.text import day_means

CALENDAR_END = dt.date(2017, 12, 31)
TOKEN_BUDGET = 1_024
DEADLINE_SECONDS = 600.0
BATCH_TEXTS = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class SessionTexts:
    """Sessions (n,), datetime64[D] ascending, the mean vectors of their headlines (n, 384), and of how many (n,)."""

    dates: NDArray[np.datetime64]
    means: NDArray[np.float32]
    articles: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Headline:
    """A headline and when it was published, UTC."""

    article_id: str
    published: dt.datetime
    text: str


def session_texts(headlines: Path, a_day: int | None, cache: Path) -> SessionTexts:
    """Of each session's headlines, the first `a_day` by id, or all. All are encoded once, at 60 a second."""
    told = _read(headlines)
    vectors = _vectors(told, cache)
    instants = np.array([each.published.replace(tzinfo=None) for each in told], "datetime64[us]")
    sessions = np.asarray(load_calendar("XNYS", CALENDAR_END).session_of(instants), "datetime64[D]")
    return by_session(sessions, vectors, a_day)


def by_session(sessions: NDArray[np.datetime64], vectors: NDArray[np.float32], a_day: int | None) -> SessionTexts:
    """Of articles in the order of their ids: the session of each (m,), and its vector (m, 384)."""
    order = np.argsort(sessions, kind="stable")
    starts = _starts(sessions[order])
    places = np.arange(len(order)) - np.repeat(starts[:-1], np.diff(starts))
    chosen = order if a_day is None else order[places < a_day]
    starts = _starts(sessions[chosen])
    return SessionTexts(sessions[chosen][starts[:-1]], day_means(vectors[chosen], starts), np.diff(starts))


def _starts(sorted_days: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Where each day begins, and the end."""
    return np.append(np.flatnonzero(np.append(True, sorted_days[1:] != sorted_days[:-1])), len(sorted_days))


def _read(headlines: Path) -> list[Headline]:
    """In the order of their ids."""
    with gzip.open(headlines, "rt", encoding="utf-8") as lines:
        articles = [json.loads(line) for line in lines]
    found = [
        Headline(
            each["article_id"], dt.datetime.fromisoformat(each["published_at"]).astimezone(dt.UTC), each["headline"]
        )
        for each in articles
    ]
    return sorted(found, key=lambda each: each.article_id)


def _vectors(told: Sequence[Headline], cache: Path) -> NDArray[np.float32]:
    """From the file, if it is of these headlines, or encoded now and kept there."""
    ids = np.array([each.article_id for each in told])
    if cache.exists():
        with np.load(cache) as kept:
            if np.array_equal(kept["ids"], ids):
                vectors: NDArray[np.float32] = kept["vectors"]
                return vectors
    encoded = asyncio.run(_encode([each.text for each in told]))
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez(cache, ids=ids, vectors=encoded)
    return encoded


async def _encode(texts: list[str]) -> NDArray[np.float32]:
    encoder = TextEncoder.load(TextModelSpec(), TOKEN_BUDGET, DEADLINE_SECONDS)
    vectors = np.empty((len(texts), DIM), np.float32)
    try:
        for start in range(0, len(texts), BATCH_TEXTS):
            encoded = await encoder.encode(texts[start : start + BATCH_TEXTS])
            vectors[start : start + BATCH_TEXTS] = encoded.vectors
    finally:
        encoder.close()
    return vectors
