"""The regime of each of a batch's days, from the numeric vectors of the sessions up to it, as of the same cut."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream_app.contexts.batch import Batch
from stream_app.models import NumericModel, RegimesModel
from stream_app.regime import windows
from stream_app.regime.calendars import SessionCalendar
from stream_app.regime.hysteresis import NO_LABEL, consecutive, label_days
from stream_app.regime.labels import probabilities
from stream_app.regime.numeric import DayMeans
from stream_app.store.prices import Dates, Series, days_of


@dataclass(frozen=True, slots=True)
class DayLabel:
    """A day's label, how probable it is, and the label of the session before; None: there was no vector before."""

    model: RegimesModel
    label: str
    confidence: float
    before: str | None

    @property
    def is_change(self) -> bool:
        """Whether the day begins another regime."""
        return self.before not in (None, self.label)


def first_session(calendar: SessionCalendar, day: dt.date, history_sessions: int) -> dt.date:
    """The first of so many sessions up to the day, itself included; the calendar's first where it knows fewer."""
    at = int(np.searchsorted(calendar.sessions, np.datetime64(day, "D"), side="left"))
    first: dt.date = calendar.sessions[max(0, at + 1 - history_sessions)].item()
    return min(first, day)


def day_labels(batch: Batch, series: dict[str, Series], model: RegimesModel) -> list[DayLabel | None]:
    """The label of each of the batch's days, None for one without any vector; `series` reach back far enough.

    A session without a price of its own changes nothing: its vector is an older one.
    """
    axis, histories = _histories(batch, model.rule.history_sessions)
    vectors, known, priced = _vectors(series, batch.definition.instruments, axis, model.numeric)
    chances = np.full((len(axis), len(model.labels)), np.nan)
    chances[known] = probabilities(model.fitted, vectors[known])
    found = label_days(chances, known & priced, histories, model.rule)
    named = dict(enumerate(model.labels))
    columns = (found.now.tolist(), found.confidence.tolist(), found.before.tolist())
    return [
        None if now == NO_LABEL else DayLabel(model, named[now], sure, named.get(before))
        for now, sure, before in zip(*columns, strict=True)
    ]


def _histories(batch: Batch, history_sessions: int) -> tuple[Dates, NDArray[np.int64]]:
    """The sessions that the batch needs, then its days that are none, and which of all these each day's history is."""
    days = days_of(batch.days)
    sessions = batch.calendar.sessions
    first = days_of([first_session(batch.calendar, min(batch.days), history_sessions)])[0]
    of_batch = sessions[(sessions >= first) & (sessions <= days.max())]
    others = np.setdiff1d(days, of_batch)
    at = np.searchsorted(of_batch, days, side="right") - 1
    is_session = np.isin(days, of_batch)
    histories = consecutive(np.where(is_session, at, at + 1), history_sessions)
    histories[~is_session, -1] = len(of_batch) + np.searchsorted(others, days[~is_session])
    return np.concatenate([of_batch, others]), histories


def _vectors(
    series: dict[str, Series], instruments: Sequence[str], as_ofs: Dates, model: NumericModel
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """The region's numeric vectors (n, 384), which of them there are, and which days have a price of their own."""
    means = DayMeans.of_days(len(as_ofs))
    priced = np.zeros(len(as_ofs), bool)
    for of_instrument in [series[name] for name in instruments if name in series]:
        made = windows.windows(
            of_instrument.dates, of_instrument.closes, of_instrument.volumes, as_ofs, model.window_days
        )
        enough = np.flatnonzero(made.rows >= windows.min_rows(model.window_days))
        means.add(model.embed(made.features[enough], made.rows[enough]), enough)
        priced |= made.last_date == as_ofs
    known = means.instruments > 0
    vectors = np.zeros(means.totals.shape, np.float32)
    vectors[known] = means.means(np.flatnonzero(known))
    return vectors, known, priced
