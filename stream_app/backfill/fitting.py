"""Fits what a `scaled` joint model needs on the halves that are stored of a period."""

import asyncio
from dataclasses import dataclass

import numpy as np

from stream_app.backfill.halves import PairedHalves, chunks, one_a_day, paired
from stream_app.errors import UsageError
from stream_app.models.scalings import Fitted, Half, ScalingWeights
from stream_app.regime.scaled import Scaling
from stream_app.store import article_texts, models, regimes
from stream_app.store.article_texts import Selection
from stream_app.store.database import Connection
from stream_app.store.regimes import Wanted
from stream_app.training.bounds import check_days


@dataclass(frozen=True, slots=True)
class ScalingJob:
    """Fit on the days of these regions that have a regime of the numeric model and texts of the selection."""

    regimes: Wanted
    selection: Selection


async def fit_scaling(connection: Connection, job: ScalingJob) -> ScalingWeights:
    """What is fitted, and on what. UsageError where there are too few days, too many, or several regimes of one."""
    chosen = job.selection
    both = await _halves(connection, job)
    fingerprints = {
        model.model_id: model.fingerprint
        for model in await models.named(connection, (job.regimes.model_id, chosen.model_id))
    }
    try:
        numeric, text = await asyncio.to_thread(lambda: (Scaling.fitted(both.numeric), Scaling.fitted(both.text)))
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
    return ScalingWeights(fitted, Half.of(numeric), Half.of(text))


async def _halves(connection: Connection, job: ScalingJob) -> PairedHalves:
    chosen = job.selection
    with_regime = await regimes.days(connection, job.regimes, chosen.first, chosen.last)
    news = await article_texts.by_day(connection, chosen)
    days = sorted(day for day in set().union(*with_regime.values()) if day in news and news[day].with_vector)
    check_days(len(days) * len(job.regimes.regions), chosen.first, chosen.last)
    found = [paired([], [], [])]
    for chunk in chunks(days, news, len(job.regimes.regions)):
        halves, ambiguous = one_a_day(await regimes.of_days(connection, job.regimes, chunk))
        if ambiguous:
            raise UsageError(
                f"{ambiguous[0][0].region} {ambiguous[0][0].as_of} has regimes of different instruments: "
                "name them with --instrument-id."
            )
        found.append(await asyncio.to_thread(paired, halves, *await article_texts.vectors(connection, chosen, chunk)))
    return PairedHalves(
        [key for part in found for key in part.keys],
        np.concatenate([part.numeric for part in found]),
        np.concatenate([part.text for part in found]),
    )
