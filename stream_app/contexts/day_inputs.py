"""A batch's inputs, read as of its cut: what live computing and replay share. Batches grow while their articles fit."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.topics import NEWS, PRICES
from stream_app.contexts.batch import Batch
from stream_app.contexts.compose import DayInputs
from stream_app.contexts.day_labels import DayLabel, day_labels, first_session
from stream_app.contexts.inputs import numeric_inputs, read_articles, read_series
from stream_app.contexts.text_means import TextMeans
from stream_app.models import ModelsInUse
from stream_app.services import Services
from stream_app.store.database import Connection
from stream_app.store.news import Article
from stream_app.store.prices import Series

FIRST_TRIGGERS = 8
LARGEST_TRIGGERS = 1_024
BATCH_ARTICLES = 20_000
"""Text vectors read at a time, 1.5 kB each; a single day may have more."""
BATCH_WINDOWS = 16_384
"""Of all instruments and numeric models, 1.5 kB each; a single day of very many instruments may have more."""


class BatchSize:
    """How many triggers to take at a time."""

    def __init__(self) -> None:
        self.triggers = FIRST_TRIGGERS

    def fitting(self, articles: Sequence[Sequence[Article]], windows_a_day: int) -> int:
        """How many of these days to keep, at least one; the next batch is larger only if all fit."""
        total, kept = 0, 0
        for of_day in articles:
            total += len(of_day)
            if kept and (total > BATCH_ARTICLES or (kept + 1) * windows_a_day > BATCH_WINDOWS):
                break
            kept += 1
        self.triggers = min(2 * self.triggers, LARGEST_TRIGGERS) if kept == len(articles) else kept
        return kept


@dataclass(frozen=True, slots=True)
class BatchRows:
    """The rows of a batch: each day's articles in article_id order, and each instrument's prices."""

    batch: Batch
    articles: Sequence[Sequence[Article]]
    series: dict[str, Series]


async def read_rows(
    connection: Connection, services: Services, models: ModelsInUse, batch: Batch, size: BatchSize
) -> BatchRows:
    """Prices and articles as of the cut; of a batch whose articles are too many, those of its first days."""
    articles = await read_articles(connection, batch, services.topic(NEWS.name))
    kept = size.fitting(articles, len(batch.definition.instruments) * len(models.numeric))
    batch = Batch(batch.triggers[:kept], batch.calendar)
    first = first_session(batch.calendar, min(batch.days), models.look_back.history_sessions)
    series = await read_series(connection, batch, services.topic(PRICES.name), first, models.longest_window_days)
    return BatchRows(batch, articles[:kept], series)


async def read_day_inputs(
    connection: Connection, text_means: TextMeans, rows: BatchRows, models: ModelsInUse
) -> dict[str, list[DayInputs]]:
    """By numeric model's id what each trigger's contexts are a function of; the articles are the same for all."""
    batch = rows.batch
    means = await text_means.of_days(connection, rows.articles)
    found = {}
    for model in models.numeric:
        halves = await asyncio.to_thread(numeric_inputs, rows.series, batch.definition.instruments, batch.days, model)
        labels = await _labels(rows, models, model.model_id)
        found[model.model_id] = [
            DayInputs(trigger.event, trigger.known_at, half, of_day, mean, label)
            for trigger, half, of_day, mean, label in zip(
                batch.triggers, halves, rows.articles, means, labels, strict=True
            )
        ]
    return found


async def _labels(rows: BatchRows, models: ModelsInUse, numeric_model_id: str) -> Sequence[DayLabel | None]:
    """Each day's label, where regimes are fitted for the region."""
    labeller = models.labeller(numeric_model_id, rows.batch.region)
    if labeller is None:
        return [None] * len(rows.batch.triggers)
    return await asyncio.to_thread(day_labels, rows.batch, rows.series, labeller)
