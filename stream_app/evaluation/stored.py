"""Evaluates what is in the database: contexts of joint models and regimes of numeric models, by their model ids."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stream_app.errors import UsageError
from stream_app.evaluation.analogues import Evaluation, Market, Space, Study, TooFewDays, evaluate, first_after
from stream_app.evaluation.fits import Fit, last_fitted
from stream_app.evaluation.spaces import text_share
from stream_app.store import evaluated, models
from stream_app.store.database import Connection, connect, errors_told_apart
from stream_app.store.evaluated import StoredSpace


@dataclass(frozen=True, slots=True)
class Question:
    """Which models of a region, and the instrument whose volatility they are to foretell.

    `after_fit`: only days are tested on which none of the models is in sample.
    """

    model_ids: Sequence[str]
    region: str
    instrument: str
    study: Study
    after_fit: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """What the database has to answer with."""

    market: Market
    spaces: Mapping[str, StoredSpace]
    numeric_halves: Mapping[str, StoredSpace]
    """Of joint models, by the joint model's id, where the numeric model's regimes are stored."""
    fingerprints: Mapping[str, str]
    """Of the models that are registered."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was known of a model's fit, and on how many of the tested days it is in sample: None where that is not
    known."""

    fit: Fit
    in_sample_days: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The evaluation, by model id what is known of its fit, and of each joint model of which it can be told what share
    of its length is the text's."""

    evaluation: Evaluation
    text_shares: Mapping[str, float]
    judged: Mapping[str, Judged]


async def read(database_url: str, question: Question) -> Stored:
    """Read it all. Raises UsageError for a model or an instrument of which nothing is stored."""
    async with errors_told_apart():
        connection = await connect(database_url)
        try:
            spaces = {name: await _space(connection, question.region, name) for name in question.model_ids}
            halves = {
                name: await evaluated.numeric_space(connection, question.region, space.numeric_model_id)
                for name, space in spaces.items()
                if space.numeric_model_id is not None
            }
            series = await evaluated.closes(connection, question.instrument)
            registered = await models.named(connection, question.model_ids)
        finally:
            await connection.close()
    if not len(series):
        raise UsageError(f"No prices of {question.instrument} are stored.")
    found = {name: half for name, half in halves.items() if half is not None}
    prints = {model.model_id: model.fingerprint for model in registered}
    return Stored(Market(series.dates, series.closes), spaces, found, prints)


def answer(stored: Stored, question: Question, fit_of: Callable[[str, str | None], Fit]) -> Answer:
    """Evaluate what was read: seconds of processor time. `fit_of` tells by id and registered fingerprint what a model
    was fitted on.

    Raises UsageError where there are too few days, and where `after_fit` is asked and it is not known after which.
    """
    fits = {name: fit_of(name, stored.fingerprints.get(name)) for name in stored.spaces}
    fitted_last = last_fitted(fits) if question.after_fit else None
    study = replace(question.study, fitted_last=None if fitted_last is None else np.datetime64(fitted_last, "D"))
    spaces = {name: Space(each.dates, each.vectors) for name, each in stored.spaces.items()}
    try:
        found = evaluate(stored.market, spaces, study)
    except TooFewDays as error:
        raise UsageError(str(error)) from None
    shares = {name: _text_share(stored.spaces[name], half) for name, half in stored.numeric_halves.items()}
    judged = {name: Judged(fit, _in_sample_days(stored.market, found, fit)) for name, fit in fits.items()}
    return Answer(found, {name: share for name, share in shares.items() if share is not None}, judged)


def _in_sample_days(market: Market, found: Evaluation, fit: Fit) -> int | None:
    if fit.unknown is not None:
        return None
    if fit.days is None:
        return 0
    later = market.dates[first_after(market.dates, np.datetime64(fit.days[1], "D")) :]
    return found.days - int(np.isin(found.tested, later).sum())


async def _space(connection: Connection, region: str, model_id: str) -> StoredSpace:
    found = await evaluated.joint_space(connection, region, model_id)
    found = found or await evaluated.numeric_space(connection, region, model_id)
    if found is None:
        raise UsageError(f"Model {model_id} has neither a context nor a regime of region {region}.")
    return found


def _text_share(joint: StoredSpace, numeric: StoredSpace) -> float | None:
    """Over the days that both have; None where there is none."""
    _, of_joint, of_numeric = np.intersect1d(joint.dates, numeric.dates, assume_unique=True, return_indices=True)
    if not len(of_joint):
        return None
    return text_share(joint.vectors[of_joint], numeric.vectors[of_numeric])
