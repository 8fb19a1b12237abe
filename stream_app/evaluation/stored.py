"""Evaluates what is in the database: contexts of joint models and regimes of numeric models, by their model ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stream_app.errors import UsageError
from stream_app.evaluation.analogues import Evaluation, Market, Space, Study, TooFewDays, evaluate
from stream_app.evaluation.spaces import text_share
from stream_app.store import evaluated
from stream_app.store.database import Connection, connect, errors_told_apart
from stream_app.store.evaluated import StoredSpace


@dataclass(frozen=True, slots=True)
class Question:
    """Which models of a region, and the instrument whose volatility they are to foretell."""

    model_ids: Sequence[str]
    region: str
    instrument: str
    study: Study


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """What the database has to answer with."""

    market: Market
    spaces: Mapping[str, StoredSpace]
    numeric_halves: Mapping[str, StoredSpace]
    """Of joint models, by the joint model's id, where the numeric model's regimes are stored."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The evaluation, and of each joint model of which it can be told what share of its length is the text's."""

    evaluation: Evaluation
    text_shares: Mapping[str, float]


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
        finally:
            await connection.close()
    if not len(series):
        raise UsageError(f"No prices of {question.instrument} are stored.")
    found = {name: half for name, half in halves.items() if half is not None}
    return Stored(Market(series.dates, series.closes), spaces, found)


def answer(stored: Stored, study: Study) -> Answer:
    """Evaluate what was read: seconds of processor time. Raises UsageError where there are too few days."""
    spaces = {name: Space(each.dates, each.vectors) for name, each in stored.spaces.items()}
    try:
        found = evaluate(stored.market, spaces, study)
    except TooFewDays as error:
        raise UsageError(str(error)) from None
    shares = {name: _text_share(stored.spaces[name], half) for name, half in stored.numeric_halves.items()}
    return Answer(found, {name: share for name, share in shares.items() if share is not None})


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
