"""Fits what a `scaled` joint model needs on the halves that are stored of a period, and on the articles behind them."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import DIM
from stream_app.backfill.halves import Key, PairedHalves, by_day, chunks, one_a_day, paired
from stream_app.errors import UsageError
from stream_app.models.scalings import Fitted, Half, ScalingWeights, TextHalf
from stream_app.regime import text
from stream_app.regime.scaled import Scaling, TextScaling
from stream_app.store import article_texts, models, regimes, vectors
from stream_app.store.article_texts import Selection
from stream_app.store.database import Connection
from stream_app.store.regimes import Wanted
from stream_app.training.bounds import check_days, no_vectors


@dataclass(frozen=True, slots=True)
class ScalingJob:
    """Fit on the days of these regions that have a regime of the numeric model and texts of the selection."""

    regimes: Wanted
    selection: Selection


async def fit_scaling(connection: Connection, job: ScalingJob) -> ScalingWeights:
    """What is fitted, and on what. UsageError where there are too few days, too many, or several regimes of one."""
    chosen = job.selection
    both, spreads = await _halves(connection, job)
    fingerprints = {
        model.model_id: model.fingerprint
        for model in await models.named(connection, (job.regimes.model_id, chosen.model_id))
    }
    try:
        numeric = await asyncio.to_thread(Scaling.fitted, both.numeric)
        texts = await asyncio.to_thread(TextScaling.fitted, both.text, both.articles, spreads)
    except ValueError as error:
        raise UsageError(
            f"From {chosen.first} to {chosen.last} {error}; fill in more with `stream-app run-numeric-regime "
            f"--model-id {job.regimes.model_id}` and `stream-app backfill-text-embeddings`."
        ) from None
    days = sorted({day for _, day in both.keys})
    fitted = Fitted(
        job.regimes.model_id,
        fingerprints[job.regimes.model_id],
        chosen.model_id,
        fingerprints[chosen.model_id],
        sorted({region for region, _ in both.keys}),
        days[0],
        days[-1],
        len(both.keys),
    )
    return ScalingWeights(fitted, Half.of(numeric), TextHalf.of(texts))


async def _halves(connection: Connection, job: ScalingJob) -> tuple[PairedHalves, NDArray[np.float64]]:
    """The days that have both halves, and how far each one's articles lie apart."""
    chosen = job.selection
    with_regime = await regimes.days(connection, job.regimes, chosen.first, chosen.last)
    if lacking := [region for region in job.regimes.regions if region not in with_regime]:
        raise no_vectors(job.regimes.model_id, lacking[0], chosen.first, chosen.last)
    news = await article_texts.by_day(connection, chosen)
    days = sorted(day for day in set().union(*with_regime.values()) if day in news and news[day].with_vector)
    check_days(len(days) * len(job.regimes.regions), chosen.first, chosen.last)
    found, spreads = [paired([], [], [])], [np.zeros(0)]
    for chunk in chunks(days, news, len(job.regimes.regions)):
        halves, ambiguous = one_a_day(await regimes.of_days(connection, job.regimes, chunk))
        if ambiguous:
            raise UsageError(
                f"{ambiguous[0][0].region} {ambiguous[0][0].as_of} has regimes of different instruments: "
                "name them with --instrument-id."
            )
        news_days, rows = await article_texts.vectors(connection, chosen, chunk)
        found.append(await asyncio.to_thread(paired, halves, news_days, rows))
        spreads.append(await asyncio.to_thread(_spreads, found[-1].keys, news_days, rows))
    both = PairedHalves(
        [key for part in found for key in part.keys],
        np.concatenate([part.numeric for part in found]),
        np.concatenate([part.text for part in found]),
        np.concatenate([part.articles for part in found]),
    )
    return both, np.concatenate(spreads)


def _spreads(keys: Sequence[Key], news_days: Sequence[dt.date], rows: Sequence[bytes]) -> NDArray[np.float64]:
    names, starts = by_day(news_days)
    of_days = dict(zip(names, text.day_spreads(vectors.from_rows(rows, DIM), starts), strict=True))
    return np.array([of_days[day] for _, day in keys])
