"""`backfill_text_embeddings`: the vectors of articles that lack one, each content encoded once."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from schemas import DIM
from stream_app.backfill.registering import register
from stream_app.backfill.report import Lines
from stream_app.encoding import TextEncoder, by_content
from stream_app.encoding.by_content import NewVectors, encode_by_content
from stream_app.regime.text import content_hash
from stream_app.replay.telling import Told
from stream_app.store import article_texts, texts
from stream_app.store.article_texts import Counts, Lacking, Selection
from stream_app.store.database import Pool, connection, transaction
from stream_app.store.models import Model

PAGE_ARTICLES = 2_000
BATCH_ARTICLES = 512
BATCH_TEXT_BYTES = 1024 * 1024
"""Of one transaction: some seconds of encoding are lost when the command is interrupted."""


@dataclass(frozen=True, slots=True)
class TextJob:
    """Which articles, and at most how many of them are given a vector."""

    selection: Selection
    limit: int


@dataclass(slots=True)
class TextReport:
    """How the articles stood before, how many were given a vector since, and which could not be."""

    before: Counts
    embedded: int = 0
    failures: Lines = field(default_factory=Lines)

    @property
    def left(self) -> int:
        """How many still lack a vector for want of room within the limit."""
        return max(0, self.before.lacking - self.embedded - self.failures.total)


@dataclass(frozen=True, slots=True)
class _Filler:
    """What a batch of articles is worked on with."""

    pool: Pool
    model: Model
    encoder: TextEncoder


async def fill_texts(
    pool: Pool, job: TextJob, load_encoder: Callable[[], Awaitable[TextEncoder]], dry_run: bool, told: Told
) -> TextReport:
    """Give articles a vector in the order of published_at and article_id.

    `told` counts articles. The model is loaded only when an article lacks a vector, and not in a dry run, which says
    how many would get one. Raises Fatal and ModelHung as the encoder does, and Fatal if the model's id stands for
    another model.
    """
    async with connection(pool) as conn:
        report = TextReport(await article_texts.counts(conn, job.selection))
    whole = min(report.before.lacking, job.limit)
    if dry_run:
        report.embedded = whole
    elif whole:
        encoder = await load_encoder()
        try:
            model = Model(job.selection.model_id, "text", DIM, encoder.fingerprint)
            await register(pool, model, dry_run)
            await _fill(_Filler(pool, model, encoder), job, report, told)
        finally:
            encoder.close()
    return report


async def _fill(filler: _Filler, job: TextJob, report: TextReport, told: Told) -> None:
    after = None
    told.begin("articles", min(report.before.lacking, job.limit))
    while page := await _page(filler.pool, job.selection, after):
        for batch in _batches(page):
            within = batch[: job.limit - report.embedded]
            await _embed(filler, within, report)
            told.advance(len(within))
            if report.embedded >= job.limit:
                return
        after = page[-1]


async def _page(pool: Pool, selection: Selection, after: Lacking | None) -> list[Lacking]:
    async with connection(pool) as conn:
        return await article_texts.lacking(conn, selection, after, PAGE_ARTICLES)


def _batches(page: Sequence[Lacking]) -> Iterator[Sequence[Lacking]]:
    """The page in parts of at most so many articles and bytes; a longer text is a part of its own."""
    start, size_bytes = 0, 0
    for index, article in enumerate(page):
        size_bytes += article.text_bytes
        if index > start and (size_bytes > BATCH_TEXT_BYTES or index - start == BATCH_ARTICLES):
            yield page[start:index]
            start, size_bytes = index, article.text_bytes
    yield page[start:]


async def _embed(filler: _Filler, batch: Sequence[Lacking], report: TextReport) -> None:
    """Encode what has no vector yet, then store vectors and the articles' rows in one transaction."""
    new = await _encode_new(filler, batch, report)
    model = filler.model
    async with transaction(filler.pool) as conn:
        await texts.add(conn, model.fingerprint, new.hashes, new.vectors)
        filled = await texts.fill_embeddings(
            conn, model.model_id, model.fingerprint, sorted(article.article_id for article in batch)
        )
    report.embedded += len(filled)
    for article in batch:
        if article.content_hash in new.failures:
            report.failures.add(f"{article.article_id}: {new.failures[article.content_hash]}.")


async def _encode_new(filler: _Filler, batch: Sequence[Lacking], report: TextReport) -> NewVectors:
    async with connection(filler.pool) as conn:
        stored = await texts.get(conn, filler.model.fingerprint, {article.content_hash for article in batch})
        missing = {a.content_hash: a.article_id for a in batch if a.content_hash not in stored}
        read = await article_texts.texts(conn, list(missing.values()))
    for text in read:
        if content_hash(text.text) != text.content_hash:
            report.failures.add(f"{text.article_id}: its content_hash is not the sha256 of its text.")
    wanted = {text.content_hash: text.text for text in read if content_hash(text.text) == text.content_hash}
    return await encode_by_content(filler.encoder, wanted) if wanted else by_content.NONE
