"""The mean text vector of each New York session's headlines; vectors are kept in a file, the sentences nowhere."""

import asyncio
import datetime as dt
import gzip
import json
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.encoding import TextEncoder
from stream_app.encoding.spec import TextModelSpec
from stream_app.evaluation.analogues import Space
from stream_app.regime.calendars import load_calendar
from stream_app.regime.text import day_means

CALENDAR_END = dt.date(2017, 12, 31)
TOKEN_BUDGET = 1_024
DEADLINE_SECONDS = 600.0
BATCH_TEXTS = 1_000


def session_means(headlines: Path, a_day: int | None, cache: Path) -> Space:
    """The mean vector of each session's headlines, the first `a_day` by id, or all; encoded once, at 60 a second."""
    if not cache.exists():
        sessions, texts = _by_session(headlines, a_day)
        encoded = asyncio.run(_encode(texts))
        starts = np.append(np.flatnonzero(np.append(True, sessions[1:] != sessions[:-1])), len(sessions))
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache, dates=sessions[starts[:-1]], vectors=day_means(encoded, starts))
    with np.load(cache) as kept:
        return Space(kept["dates"], kept["vectors"])


def _by_session(headlines: Path, a_day: int | None) -> tuple[NDArray[np.datetime64], list[str]]:
    """Each headline's session and its text, by session and article id."""
    calendar = load_calendar("XNYS", CALENDAR_END)
    with gzip.open(headlines, "rt", encoding="utf-8") as lines:
        articles = [json.loads(line) for line in lines]
    published = [dt.datetime.fromisoformat(each["published_at"]).astimezone(dt.UTC) for each in articles]
    instants = np.array([each.replace(tzinfo=None) for each in published], "datetime64[us]")
    of_day: dict[np.datetime64, list[tuple[str, str]]] = {}
    for session, article in zip(calendar.session_of(instants), articles, strict=True):
        of_day.setdefault(session, []).append((article["article_id"], article["headline"]))
    chosen = [(day, text) for day in sorted(of_day) for _, text in islice(sorted(of_day[day]), a_day)]
    return np.array([day for day, _ in chosen], "datetime64[D]"), [text for _, text in chosen]


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
