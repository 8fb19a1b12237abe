"""`news.articles`: articles and their text vectors are stored, vectors are published; a text is encoded once."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agents.placing import Decoded, Placed, Records, dead_letter, decode, rows_of
from agents.stage import Stage
from schemas import (
    Codec,
    NewsArticle,
    Rejected,
    TextEmbedded,
    Vector,
    encode,
    event_id,
    too_far_ahead,
)
from schemas.topics import NEWS, TEXT
from stream_app.contexts.late import marks_of_articles
from stream_app.encoding import TextEncoder, by_content
from stream_app.encoding.by_content import NewVectors, encode_by_content
from stream_app.failpoints import failpoint
from stream_app.kafka.chunks import Chunk, ChunkLimits
from stream_app.kafka.producing import Outgoing
from stream_app.metrics.counting import add, timed
from stream_app.metrics.listed import CHUNK_SECONDS, TEXTS
from stream_app.regime.text import content_hash
from stream_app.services import Services
from stream_app.store import dead_letters, handled_letters, late_marks, models, news, progress, signals, texts, versions
from stream_app.store.database import Connection, connection, transaction
from stream_app.store.models import Model
from stream_app.store.news import ArticleVersion
from stream_app.store.progress import Progress

Article = Placed[NewsArticle]

FIRST_CHUNK_BYTES = 128 * 1024
"""Before the encoder's speed is known: some seconds of encoding on two cores."""
SMALLEST_CHUNK_BYTES = 16 * 1024
SMOOTHING = 0.5
"""The weight of the newest chunk in the encoder's speed; chunks differ in their mix of lengths."""


class NewsArticles(Stage):
    """Keeps news_articles, text_vectors and text_embeddings up to date."""

    def __init__(self, services: Services, encoder: TextEncoder, model: Model, limits: ChunkLimits) -> None:
        super().__init__(services, NEWS.name, Records(Codec(NewsArticle), "article_id", too_far_ahead))
        self._encoder = encoder
        self._model = model
        self._limits = limits
        self._largest_chunk_bytes = limits.bytes
        limits.bytes = min(limits.bytes, FIRST_CHUNK_BYTES)
        self._bytes_a_second: float | None = None

    async def register_models(self) -> None:
        """Note the text model; Fatal if its id stands for another one in this database."""
        async with transaction(self.services.pool) as conn:
            await models.register(conn, self._model)

    def drop_caches(self) -> None:
        """There are none."""

    async def apply(self, chunk: Chunk, was: Progress) -> Decoded[NewsArticle]:
        """Decode; encode new texts; store articles, vectors, marks and dead letters in one transaction; publish."""
        decoded, hashes, new = await self._encoded(chunk, was)
        decoded = self.counted(chunk, decoded)
        async with self.transaction() as conn:
            await progress.move_on(conn, was, decoded.now)
            await dead_letters.put(conn, decoded.letters)
            await handled_letters.mark_returned(conn, self.topic, decoded.returned)
            await self._store(conn, decoded.fresh, hashes, new)
            await signals.notify(conn)
            failpoint("in-transaction")
        failpoint("after-commit")
        with timed(CHUNK_SECONDS, "publish"):
            await self.publish_dead_letters(decoded.new_letters)
            await self._publish(decoded.fresh + decoded.applied)
        return decoded

    async def decoded(self, chunk: Chunk, was: Progress) -> Decoded[NewsArticle]:
        """As every stage; texts that the model cannot read are rejected, too."""
        return (await self._encoded(chunk, was))[0]

    async def _encoded(self, chunk: Chunk, was: Progress) -> tuple[Decoded[NewsArticle], dict[int, bytes], NewVectors]:
        """The chunk told apart, the content hashes of its texts by offset, and the vectors that are new."""
        with timed(CHUNK_SECONDS, "decode"):
            decoded: Decoded[NewsArticle] = decode(chunk, was, self.records)
        failpoint("after-decode")
        hashes = {a.log_offset: content_hash(a.event.text) for a in decoded.fresh if not a.event.retracted}
        new = await self._encode(decoded.fresh, hashes)
        return _without_unencodable(chunk, decoded, hashes, new), hashes, new

    async def _encode(self, articles: Sequence[Article], hashes: dict[int, bytes]) -> NewVectors:
        """Encode the texts whose content has no vector yet, each once."""
        wanted = {hashes[a.log_offset]: a.event.text for a in articles if a.log_offset in hashes}
        async with connection(self.services.pool) as conn:
            stored = await texts.get(conn, self._model.fingerprint, list(wanted))
        missing = {key: text for key, text in wanted.items() if key not in stored}
        add(TEXTS, len(stored), "reused")
        if not missing:
            return by_content.NONE
        started = time.monotonic()
        with timed(CHUNK_SECONDS, "encode"):
            new = await encode_by_content(self._encoder, missing)
        add(TEXTS, len(new.hashes), "computed")
        add(TEXTS, len(new.failures), "failed")
        self._adapt(sum(map(len, missing.values())), time.monotonic() - started)
        return new

    def _adapt(self, size_bytes: int, seconds: float) -> None:
        """Cut the next chunks so that encoding one takes about `encode_chunk_seconds`, at the last ones' speed."""
        speed = size_bytes / max(seconds, 0.001)
        known = speed if self._bytes_a_second is None else self._bytes_a_second
        self._bytes_a_second = SMOOTHING * speed + (1 - SMOOTHING) * known
        wanted = int(self._bytes_a_second * self.services.settings.encode_chunk_seconds)
        self._limits.bytes = min(max(wanted, SMALLEST_CHUNK_BYTES), self._largest_chunk_bytes)

    async def _store(
        self, conn: Connection, fresh: Sequence[Article], hashes: dict[int, bytes], new: NewVectors
    ) -> None:
        if not fresh:
            return
        rows, sent_again = rows_of(fresh, lambda article: _row(article, hashes.get(article.log_offset)))
        merged = await versions.merge(conn, versions.NEWS, rows, sent_again)
        await texts.add(conn, self._model.fingerprint, new.hashes, new.vectors)
        await texts.put_current_embeddings(
            conn, self._model.model_id, self._model.fingerprint, sorted({a.event.article_id for a in fresh})
        )
        replaced, unbeaten = map(news.version, merged.replaced), map(news.version, merged.unbeaten)
        touched = _touched(fresh, list(replaced), list(unbeaten))
        marks = await marks_of_articles(conn, self.topic, touched, self.services.calendar)
        await late_marks.put(conn, marks, self.services.clock.now())

    async def _publish(self, articles: Sequence[Article]) -> None:
        """Publish each article's vector as it is stored."""
        standing = [(a.event.article_id, content_hash(a.event.text)) for a in articles if not a.event.retracted]
        async with connection(self.services.pool) as conn:
            stored = await texts.get(conn, self._model.fingerprint, list({key for _, key in standing}))
        # An article that the model could not encode was applied as a dead letter and has no vector to publish.
        known = [(article_id, key) for article_id, key in standing if key in stored]
        vectors = texts.matrix(stored, [key for _, key in known])
        topic = self.services.topic(TEXT.name)
        await self.services.publisher.publish(
            [
                Outgoing(topic=topic, key=key.hex().encode(), value=encode(self._event(article_id, key, vector)))
                for (article_id, key), vector in zip(known, vectors, strict=True)
            ]
        )

    def _event(self, article_id: str, key: bytes, vector: NDArray[np.float32]) -> TextEmbedded:
        packed, model = Vector.of(vector), self._model
        return TextEmbedded(
            event_id=event_id("text", article_id, key, model.model_id, model.fingerprint, packed.data),
            article_id=article_id,
            content_hash=key.hex(),
            model_id=model.model_id,
            fingerprint=model.fingerprint,
            vector=packed,
        )


def _without_unencodable(
    chunk: Chunk, decoded: Decoded[NewsArticle], hashes: dict[int, bytes], new: NewVectors
) -> Decoded[NewsArticle]:
    """The articles whose text has no vector are dead letters."""
    if not new.failures:
        return decoded
    records = {record.offset: record for record in chunk.records}
    failed = [(a, hashes[a.log_offset]) for a in decoded.fresh if hashes.get(a.log_offset) in new.failures]
    letters = [
        dead_letter(
            chunk.topic, records[a.log_offset], a.position, Rejected("not-encodable", new.failures[key]), a.origin
        )
        for a, key in failed
    ]
    fresh = [a for a in decoded.fresh if hashes.get(a.log_offset) not in new.failures]
    return replace(decoded, fresh=fresh, letters=decoded.letters + letters)


def _row(article: Article, key: bytes | None) -> tuple[object, ...]:
    e = article.event
    return (
        e.article_id,
        e.published_at,
        e.news_date,
        e.time_precision,
        e.source,
        e.language,
        e.headline,
        e.body,
        list(e.regions),
        key,
        e.metadata,
        e.retracted,
        *article.position,
    )


def _touched(
    fresh: Sequence[Article], replaced: Sequence[ArticleVersion], unbeaten: Sequence[ArticleVersion]
) -> list[ArticleVersion]:
    """The versions before and after this chunk, each at the place of the article's newest record in it.

    An older version of the chunk counts too: a cut may lie between two records of one chunk. Where a newer record of
    another partition was applied before, what arrives now is below it, and a cut may lie between those two: so the
    arriving versions also stand at the place of the newer one, which takes the article from their days.
    """
    arrived = [
        ArticleVersion(
            article_id=a.event.article_id,
            published_at=a.event.published_at,
            news_date=a.event.news_date,
            language=a.event.language,
            tags=a.event.regions,
            log_epoch=a.log_epoch,
            log_partition=a.log_partition,
            log_offset=a.log_offset,
        )
        for a in fresh
    ]
    newest = {version.article_id: version for version in arrived}
    newer = {version.article_id: version for version in unbeaten}
    below_newer = [version for version in arrived if version.article_id in newer]
    return [_placed(version, newest[version.article_id]) for version in [*arrived, *replaced]] + [
        _placed(version, newer[version.article_id]) for version in below_newer
    ]


def _placed(version: ArticleVersion, at: ArticleVersion) -> ArticleVersion:
    """A version at another one's place in the log."""
    return replace(version, log_epoch=at.log_epoch, log_partition=at.log_partition, log_offset=at.log_offset)
