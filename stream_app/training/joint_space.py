"""Trains a joint space on pairs and measures it on the days that it was not fitted on."""

import datetime as dt
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from stream_app.errors import UsageError
from stream_app.regime import joint
from stream_app.regime.projected import Projection
from stream_app.training.comparing import swap_share
from stream_app.training.contrastive import Learned, Recipe, Told, learn
from stream_app.training.pairs import Pairs
from stream_app.training.period import METADATA
from stream_app.training.recall import Recall, recalls
from stream_app.training.split import time_split

LEAST_TRAIN_DAYS = 250
"""A year of sessions."""
LEAST_VALIDATION_DAYS = 60
SHOWN_K = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """The models of the halves, the calendar days between both sides, how it is learned, and what the database knows
    these models by."""

    numeric_model_id: str
    text_model_id: str
    embargo_days: int
    recipe: Recipe
    numeric_fingerprint: str | None = None
    text_fingerprint: str | None = None


class Side(msgspec.Struct, frozen=True):
    """The pairs that are fitted on, or measured on: how many, on how many days, from when to when."""

    pairs: int
    days: int
    first: dt.date
    last: dt.date

    @classmethod
    def of(cls, pairs: Pairs) -> "Side":
        """What these pairs are."""
        days: list[dt.date] = np.unique(pairs.days).tolist()
        return cls(len(pairs), len(days), days[0], days[-1])


class Trained(msgspec.Struct, frozen=True):
    """How a joint space was trained, and what it is worth on the validation days."""

    numeric_model_id: str
    text_model_id: str
    regions: list[str]
    train: Side
    validation: Side
    embargo_days: int
    recipe: Recipe
    epochs: int
    epoch: int
    train_loss: float
    validation_loss: float
    recalls: list[Recall]
    swap_share: float
    swap_share_of_average: float
    numeric_fingerprint: str | None = None
    text_fingerprint: str | None = None

    @property
    def verdict(self) -> str:
        """In a sentence, whether it has learned anything that holds beyond the days it was fitted on."""
        shown = next(each for each in self.recalls if each.k == SHOWN_K)
        found = (
            f"On the days measured on, {shown.share:.1%} of the texts find their own day among the {SHOWN_K} most "
            f"alike; by chance {shown.chance:.1%} would (p = {shown.p_value:.2g})"
        )
        doubt = "" if shown.beats_chance else " What was learned does not hold beyond the days fitted on."
        return f"{found}.{doubt}"


def train(pairs: Pairs, plan: Plan, told: Told) -> tuple[bytes, Trained]:
    """The weights as a safetensors file, and what came of it; the same pairs and plan give the same bytes on one
    machine.

    Raises UsageError where the days are too few, or leave nothing to measure on.
    """
    split = time_split(pairs.days, plan.embargo_days)
    fitted, measured = pairs.take(split.train), pairs.take(split.validation)
    _check(fitted, measured, plan.embargo_days)
    learned = learn(fitted, measured, plan.recipe, told)
    trained = _measured(learned, fitted, measured, plan)
    return to_bytes(learned.arrays, trained), trained


def to_bytes(arrays: dict[str, NDArray[np.float32]], trained: Trained) -> bytes:
    """A safetensors file of the arrays that tells how they were trained."""
    told = msgspec.json.encode(msgspec.to_builtins(trained), order="sorted").decode()
    return save(arrays, {METADATA: told})


def figures(trained: Trained) -> bytes:
    """All figures as JSON, for a program to read."""
    return msgspec.json.format(msgspec.json.encode(trained), indent=2) + b"\n"


def _measured(learned: Learned, fitted: Pairs, measured: Pairs, plan: Plan) -> Trained:
    projection = Projection.of_arrays(learned.arrays)
    found = recalls(projection.text(measured.text), projection.numeric(measured.numeric), measured.regions)
    return Trained(
        numeric_model_id=plan.numeric_model_id,
        text_model_id=plan.text_model_id,
        regions=np.unique(np.concatenate([fitted.regions, measured.regions])).tolist(),
        train=Side.of(fitted),
        validation=Side.of(measured),
        embargo_days=plan.embargo_days,
        recipe=plan.recipe,
        epochs=len(learned.validation_losses),
        epoch=learned.epoch,
        train_loss=learned.train_losses[learned.epoch - 1],
        validation_loss=learned.validation_losses[learned.epoch - 1],
        recalls=found,
        swap_share=swap_share(projection.join, measured),
        swap_share_of_average=swap_share(joint.joint, measured),
        numeric_fingerprint=plan.numeric_fingerprint,
        text_fingerprint=plan.text_fingerprint,
    )


def _check(fitted: Pairs, measured: Pairs, embargo_days: int) -> None:
    to_fit, to_measure = len(np.unique(fitted.days)), len(np.unique(measured.days))
    if to_fit < LEAST_TRAIN_DAYS or to_measure < LEAST_VALIDATION_DAYS:
        raise UsageError(
            f"There are {to_fit:,} days with both halves to fit on and {to_measure:,} to measure on, {embargo_days} "
            f"days of embargo between them; {LEAST_TRAIN_DAYS} and {LEAST_VALIDATION_DAYS} are needed: fill in more "
            "history, or ask for a longer period or a shorter embargo."
        )
