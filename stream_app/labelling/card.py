"""What a fit says of itself: a card in Markdown, and the table that puts it into a models file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stream_app.labelling.fit import Days, Fitted
from stream_app.regime.hysteresis import Hysteresis, consecutive, label_days
from stream_app.regime.labels import Prototypes, probabilities
from stream_app.regime.volatility import SESSIONS_A_YEAR
from stream_app.training import written

PERCENT = 100


@dataclass(frozen=True, slots=True)
class Named:
    """What a fit is called and what it is of."""

    model_id: str
    numeric_model_id: str
    region: str
    said: str
    """How it was fitted, in words."""


def algorithm(fitted: Fitted) -> str:
    """What the models file calls it."""
    return "prototypes" if isinstance(fitted[1], Prototypes) else "mixture"


def table(named: Named, fitted: Fitted, weights: Path) -> str:
    """The TOML table for the models file; `weights` as it stands there."""
    rule = Hysteresis()
    return written.table(
        named.model_id,
        kind="regimes",
        algorithm=algorithm(fitted),
        inputs=[named.numeric_model_id],
        weights=weights.as_posix(),
        regions=[named.region],
        confirm_sessions=rule.confirm_sessions,
        margin=rule.margin,
        history_sessions=rule.history_sessions,
    )


def card(named: Named, days: Days, fitted: Fitted) -> str:
    """What was fitted on what, and how it labels the days that it was fitted on, with the default hysteresis."""
    labels, rule = fitted[0], Hysteresis()
    indices = np.arange(len(days.days))
    of_days = label_days(
        probabilities(fitted[1], days.vectors),
        np.ones(len(indices), bool),
        consecutive(indices, rule.history_sessions),
        rule,
    )
    changes = int(((of_days.now != of_days.before) & (of_days.before >= 0)).sum())
    rows = [_row(label, days, of_days.now == index) for index, label in enumerate(labels)]
    return "\n".join(
        [
            f"# {named.model_id}",
            "",
            f"Regimes of {named.region}: labels of its vectors of {named.numeric_model_id}, fitted by "
            f"`stream-app regimes fit`: {named.said}.",
            "",
            f"- Fitted on {len(days.days)} days from {days.days[0]} to {days.days[-1]}.",
            f"- With {rule.confirm_sessions} sessions to confirm a change, a margin of {rule.margin} and "
            f"{rule.history_sessions} sessions of history these days have {changes} changes of label, "
            f"{changes * SESSIONS_A_YEAR / len(days.days):.1f} in 252 days.",
            "",
            "| label | share of these days | their realised volatility over 21 sessions |",
            "| --- | --- | --- |",
            *rows,
            "",
            "These figures are of the days it was fitted on: they say what it found, not how good it is.",
            "",
        ]
    )


def _row(label: str, days: Days, chosen: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> str:
    volatility = days.volatility[chosen & np.isfinite(days.volatility)]
    mean = f"{PERCENT * volatility.mean():.1f} %" if len(volatility) else ""
    return f"| {label} | {PERCENT * chosen.mean():.1f} % | {mean} |"


def words(windows: Sequence[object], how: str) -> str:
    """How prototypes were fitted."""
    return f"prototypes by {how}, of " + ", ".join(map(str, windows))
