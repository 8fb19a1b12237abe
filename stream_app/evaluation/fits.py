"""On which days models were fitted: on these, and just after them, their figures are in sample."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from stream_app.errors import UsageError

Period = tuple[dt.date, dt.date]
"""The first and the last day, both inclusive."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The days that a model was fitted on; None where nothing of it was fitted, or where that is not known.

    Of a model and its numeric half those that end later count. `unknown` says in half a sentence why it is not known.
    """

    days: Period | None = None
    unknown: str | None = None


def last_fitted(fits: Mapping[str, Fit]) -> dt.date | None:
    """The last day that any of some models, by id, was fitted on; None where none is fitted. UsageError where it is not
    known of all."""
    for model_id, fit in fits.items():
        if fit.unknown is not None:
            said = f"After which days to test is not known of {model_id}: {fit.unknown}; give --from instead."
            raise UsageError(said)
    return max((fit.days[1] for fit in fits.values() if fit.days is not None), default=None)
