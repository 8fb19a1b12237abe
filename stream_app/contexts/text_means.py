"""Days' mean text vectors, kept by what they are the mean of, and the newest text vectors.

Regions that count the same news read it once, and a day that is amended reads only what is new.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from stream_app.errors import Fatal
from stream_app.regime import text
from stream_app.store import texts
from stream_app.store.database import Connection
from stream_app.store.news import Article

KEPT_DAYS = 8_192
"""32 years of sessions; 12.6 MB."""
KEPT_CONTENTS = 32_768
"""Three very busy days; some 55 MB."""

Mean = NDArray[np.float32]
Kept = TypeVar("Kept")


class TextMeans:
    """The means of one text model. Nothing grows stale: a content's stored vector is never replaced."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self._kept: dict[bytes, Mean] = {}
        self._stored: dict[bytes, bytes] = {}

    async def of_days(self, connection: Connection, by_day: Sequence[Sequence[Article]]) -> list[Mean | None]:
        """Each day's mean text vector, float32 (384,); None for a day without news.

        Raises Fatal when an article that was applied has no vector of this model.
        """
        hashes = [[article.content_hash for article in articles] for articles in by_day]
        keys = [hashlib.sha256(b"".join(of_day)).digest() for of_day in hashes]
        found = {key: self._kept[key] for key in keys if key in self._kept}
        lacking = {key: of_day for key, of_day in zip(keys, hashes, strict=True) if of_day and key not in found}
        if lacking:
            found |= await self._read(connection, lacking)
        return [found.get(key) for key in keys]

    async def prepare(self, connection: Connection, articles: Sequence[Article]) -> None:
        """Read the vectors of articles that a day to come will hold."""
        stored = await self._vectors(connection, {article.content_hash for article in articles})
        _keep_newest(self._stored, stored, KEPT_CONTENTS)

    async def _read(self, connection: Connection, lacking: dict[bytes, list[bytes]]) -> dict[bytes, Mean]:
        stored = await self._vectors(connection, {content for of_day in lacking.values() for content in of_day})
        means = await asyncio.to_thread(_means, stored, list(lacking.values()))
        computed = dict(zip(lacking, means, strict=True))
        _keep_newest(self._kept, computed, KEPT_DAYS)
        _keep_newest(self._stored, stored, KEPT_CONTENTS)
        return computed

    async def _vectors(self, connection: Connection, wanted: set[bytes]) -> dict[bytes, bytes]:
        """The vectors of contents, as they are stored."""
        kept = {content: self._stored[content] for content in wanted & self._stored.keys()}
        found = kept | await texts.get(connection, self._fingerprint, wanted - kept.keys())
        if len(found) < len(wanted):
            raise Fatal(
                f"{len(wanted) - len(found)} applied articles have no vector of the text model in text_vectors: "
                "restore the table, or empty the database and let the workers read the topics again."
            )
        return found


def _keep_newest(kept: dict[bytes, Kept], newest: dict[bytes, Kept], largest: int) -> None:
    """Put these last, and drop the first ones beyond the largest number."""
    for key in newest.keys() & kept.keys():
        del kept[key]
    kept |= newest
    for oldest in list(islice(kept, max(0, len(kept) - largest))):
        del kept[oldest]


def _means(stored: dict[bytes, bytes], by_day: Sequence[Sequence[bytes]]) -> NDArray[np.float32]:
    """The mean of each day, none of them empty: (n, 384)."""
    starts = np.concatenate([[0], np.cumsum([len(of_day) for of_day in by_day])])
    return text.day_means(texts.matrix(stored, [content for of_day in by_day for content in of_day]), starts)
