"""Which regime holds: a label stays until others have beaten it for some sessions in a row.

A finite state machine over the sessions up to a day, started anew for each day a fixed number of sessions back, so that
a day's label is a function of those sessions alone. Once one label has led all others for twice as many sessions in a
row as a change takes, it holds, whatever came before: where the machine was started matters no longer.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream_app.regime.labels import Floats

NO_LABEL = -1
CONFIDENCE_DECIMALS = 6
"""Of a stored confidence: what exp() gives beyond them differs from one processor to the next."""

Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """When a label changes.

    A session challenges the label that holds if another one is more probable by `margin` at least. After
    `confirm_sessions` such sessions in a row the label takes over that was, of the others, the most probable over them.
    The machine starts `history_sessions` sessions back, the day included, with the first one's most probable label.
    """

    confirm_sessions: int = 5
    margin: float = 0.1
    history_sessions: int = 63

    def __post_init__(self) -> None:
        """Raises ValueError for what the machine cannot follow."""
        if not 1 <= self.confirm_sessions < self.history_sessions <= LARGEST_HISTORY_SESSIONS:
            raise ValueError(
                f"confirm_sessions ({self.confirm_sessions}) is to be at least 1 and below history_sessions "
                f"({self.history_sessions}), which is to be at most {LARGEST_HISTORY_SESSIONS}"
            )
        if not 0 <= self.margin < 1:
            raise ValueError(f"margin ({self.margin}) is to be from 0 to below 1")


LARGEST_HISTORY_SESSIONS = 512
"""Two years; each is a window more to compute for a day that closes."""


@dataclass(frozen=True, slots=True, eq=False)
class DayLabels:
    """The labels of days, as indices; NO_LABEL where no session had a vector."""

    now: Labels
    """(n,)."""
    before: Labels
    """(n,): of the session before."""
    confidence: Floats
    """(n,): how probable the label is by the newest vector; 0 without a label."""


def follow(probabilities: Floats, present: NDArray[np.bool_], rule: Hysteresis) -> Labels:
    """The label that holds after each session: (n, h, labels) and (n, h) -> (n, h); NO_LABEL before the first vector.

    A session that is not present changes nothing.
    """
    count, sessions, labels = probabilities.shape
    rows = np.arange(count)
    held = np.full(count, NO_LABEL)
    streak, sums = np.zeros(count, np.int64), np.zeros((count, labels))
    found = np.empty((count, sessions), np.int64)
    for session in range(sessions):
        chances, seen = probabilities[:, session], present[:, session]
        best = chances.argmax(axis=1)
        held = np.where(seen & (held == NO_LABEL), best, held)
        lead = chances[rows, best] - chances[rows, held]
        challenged = (best != held) & (lead >= rule.margin)
        streak = np.where(seen, np.where(challenged, streak + 1, 0), streak)
        sums = np.where(seen[:, None], np.where(challenged[:, None], sums + chances, 0.0), sums)
        changed = seen & (streak >= rule.confirm_sessions)
        others = sums.copy()
        others[rows, held] = -1.0
        held = np.where(changed, others.argmax(axis=1), held)
        streak = np.where(changed, 0, streak)
        sums = np.where(changed[:, None], 0.0, sums)
        found[:, session] = held
    return found


def consecutive(days: Labels, sessions: int) -> Labels:
    """The sessions up to each of the days (n,), both by their index: (n, sessions), -1 before the first one."""
    indices: Labels = np.maximum(days[:, None] + np.arange(1 - sessions, 1), -1)
    return indices


def label_days(probabilities: Floats, present: NDArray[np.bool_], histories: Labels, rule: Hysteresis) -> DayLabels:
    """The labels of days from their sessions: (sessions, labels), (sessions,) and (n, h), the day's own session last.

    Of a history an index of -1 is no session. Where none of them is present the day is labelled by its own vector
    alone, as if it were; a session without any vector has NaN.
    """
    seen = (histories >= 0) & present[histories]
    seen[:, -1] |= ~seen.any(axis=1) & np.isfinite(probabilities[histories[:, -1]]).all(axis=1)
    held = follow(probabilities[histories], seen, rule)
    newest = histories.shape[1] - 1 - seen[:, ::-1].argmax(axis=1)
    now, rows = held[:, -1], np.arange(len(histories))
    confidence = probabilities[histories[rows, newest], now].round(CONFIDENCE_DECIMALS)
    return DayLabels(now, held[:, -2], np.where(now == NO_LABEL, 0.0, confidence))
