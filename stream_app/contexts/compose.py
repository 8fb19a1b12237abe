"""Contexts from their inputs: pure functions. The same inputs give the same bytes."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import DIM, AbsentReason, DayTrigger, JointRegimeContext, Vector, encode, event_id
from stream_app.contexts.day_labels import DayLabel
from stream_app.contexts.inputs import NumericInputs
from stream_app.contexts.models import ContextModels
from stream_app.models.definitions import JointModel
from stream_app.regime.numeric import DayMeans
from stream_app.store.news import Article
from stream_app.store.revisions import LastRevision, NewContext

Half = NDArray[np.float32] | None
"""A vector, float32 (384,); None where a day has none."""
NEUTRAL = "NEUTRAL"
NEUTRAL_CONFIDENCE = 1.0
"""The original's regime where no prototypes are fitted (PARITY.md)."""


@dataclass(frozen=True, slots=True)
class DayInputs:
    """All that a trigger's context in one joint space is a function of, beside the models.

    `text_mean` is float32 (384,).
    """

    trigger: DayTrigger
    known_at: dt.datetime
    numeric: NumericInputs
    articles: Sequence[Article]
    text_mean: NDArray[np.float32] | None
    label: DayLabel | None = None
    """None where no regimes are fitted, or the day has no vector."""

    @property
    def absent_reason(self) -> AbsentReason | None:
        """Why the day has no vector; None if it has one."""
        if not self.numeric.priced and not self.trigger.allow_stale:
            return "no-price"
        if not self.numeric.instruments:
            return "insufficient-prices" if self.numeric.priced else "no-price"
        return None if self.articles else "no-news"

    @property
    def has_regime(self) -> bool:
        """Whether the day has a numeric half, also where it has no vector for want of news."""
        return self.absent_reason in (None, "no-news")

    @property
    def stale(self) -> bool:
        """Whether the newest price is older than the day."""
        return not self.numeric.priced


def inputs_hash(inputs: DayInputs, models: ContextModels) -> str:
    """What decides whether a trigger makes a revision: windows, articles, definition, models, label, outcome's kind.

    No offsets, positions or times are in it, so the same inputs hash alike however and whenever they arrived.
    """
    digest = hashlib.sha256()
    digest.update(encode(inputs.trigger.definition))
    for model in (models.numeric, models.text, models.joint):
        digest.update(f"|{model.model_id}={model.fingerprint}".encode())
    digest.update(f"|stale={inputs.stale}|absent={inputs.absent_reason}|".encode())
    for window, vector in zip(inputs.numeric.instruments, inputs.numeric.vectors, strict=True):
        digest.update(encode(window))
        digest.update(vector.astype("<f4", copy=False).tobytes())
    digest.update(encode([(article.article_id, article.content_hash) for article in inputs.articles]))
    if (of_day := inputs.label) is not None and inputs.has_regime:
        labelled = (of_day.model.model_id, of_day.model.fingerprint, of_day.label, of_day.confidence, of_day.before)
        digest.update(encode(labelled))
    return digest.hexdigest()


def compose(days: Sequence[DayInputs], models: ContextModels, last: dict[dt.date, LastRevision]) -> list[NewContext]:
    """The revisions of one joint space that these triggers of one region make, in their order.

    A trigger whose inputs did not change makes none. `last` holds each day's newest revision so far and is brought up
    to date. Fatal where the joint model makes a vector that is not finite.
    """
    changed = []
    for inputs in days:
        hashed = inputs_hash(inputs, models)
        before = last.get(inputs.trigger.as_of, LastRevision(0, ""))
        if hashed != before.inputs_hash:
            last[inputs.trigger.as_of] = LastRevision(before.revision + 1, hashed)
            changed.append((inputs, last[inputs.trigger.as_of]))
    halves = _halves([inputs for inputs, _ in changed])
    joints = _joints([inputs for inputs, _ in changed], halves, models.joint)
    return [
        NewContext(_context(inputs, models, revision, joint_vector), half)
        for (inputs, revision), half, joint_vector in zip(changed, halves, joints, strict=True)
    ]


def _halves(days: Sequence[DayInputs]) -> list[Half]:
    """The numeric half of each day: the mean over its instruments, in their order."""
    known = [index for index, inputs in enumerate(days) if inputs.has_regime]
    counts = np.array([len(days[index].numeric.vectors) for index in known], np.int64)
    means = DayMeans.of_days(len(known))
    for place in range(counts.max(initial=0)):
        having = np.flatnonzero(counts > place)
        means.add(np.array([days[known[at]].numeric.vectors[place] for at in having.tolist()]), having)
    return _spread(means.means(np.arange(len(known))), known, len(days))


def _joints(days: Sequence[DayInputs], halves: Sequence[Half], model: JointModel) -> list[Half]:
    """The joint vector of each day that is not absent."""
    present = [index for index, inputs in enumerate(days) if inputs.absent_reason is None]
    numeric_halves = np.array([halves[index] for index in present], np.float32).reshape(-1, DIM)
    text_halves = np.array([days[index].text_mean for index in present], np.float32).reshape(-1, DIM)
    articles = np.array([len(days[index].articles) for index in present], np.int64)
    names = [(days[index].trigger.region, days[index].trigger.as_of) for index in present]
    return _spread(model.joined(numeric_halves, text_halves, articles, names), present, len(days))


def _spread(rows: NDArray[np.float32], places: Sequence[int], count: int) -> list[Half]:
    """The rows at their places among `count`."""
    found: list[Half] = [None] * count
    for place, row in zip(places, rows, strict=True):
        found[place] = row
    return found


def _context(inputs: DayInputs, models: ContextModels, revision: LastRevision, vector: Half) -> JointRegimeContext:
    trigger, windows = inputs.trigger, inputs.numeric
    label, confidence = _regime(inputs)
    labeller = inputs.label.model if inputs.label is not None and inputs.has_regime else None
    return JointRegimeContext(
        event_id=event_id(
            "context", trigger.region, trigger.as_of, models.joint.model_id, revision.revision, revision.inputs_hash
        ),
        region=trigger.region,
        as_of=trigger.as_of,
        model_id=models.joint.model_id,
        revision=revision.revision,
        trigger_number=trigger.number,
        closed_at=trigger.closed_at,
        known_at=inputs.known_at,
        numeric_model_id=models.numeric.model_id,
        text_model_id=models.text.model_id,
        definition=trigger.definition,
        instruments=windows.instruments,
        numeric_last_date=windows.last_date,
        stale=inputs.stale,
        articles=len(inputs.articles),
        regime_label=label,
        regime_confidence=confidence,
        inputs_hash=revision.inputs_hash,
        absent_reason=inputs.absent_reason,
        vector=None if vector is None else Vector.of(vector),
        regimes_model_id=None if labeller is None else labeller.model_id,
        regimes_fingerprint=None if labeller is None else labeller.fingerprint,
    )


def _regime(inputs: DayInputs) -> tuple[str | None, float | None]:
    """Label and confidence of a day with a numeric half."""
    if not inputs.has_regime:
        return None, None
    if inputs.label is None:
        return NEUTRAL, NEUTRAL_CONFIDENCE
    return inputs.label.label, inputs.label.confidence
