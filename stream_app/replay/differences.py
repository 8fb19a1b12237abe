"""In what a context that was computed again differs from the stored one."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from schemas import InstrumentWindow, JointRegimeContext


@dataclass(frozen=True, slots=True)
class Difference:
    """A context that came out differently: the revision it has or would get, and what of its inputs changed.

    `is_first`: its model had none of the day.
    """

    region: str
    as_of: dt.date
    model_id: str
    revision: int
    why: tuple[str, ...]
    is_first: bool


def difference(before: JointRegimeContext | None, after: JointRegimeContext) -> Difference:
    """What changed; `before` None: there is no context of this model."""
    why = tuple(_why(before, after)) if before is not None else (f"there was none of {after.model_id}",)
    return Difference(after.region, after.as_of, after.model_id, after.revision, why, before is None)


def _why(before: JointRegimeContext, after: JointRegimeContext) -> Iterator[str]:
    told = False
    for what in (*_of_models(before, after), *_of_windows(before, after), *_of_outcome(before, after)):
        told = True
        yield what
    if not told and before.vector != after.vector:
        yield "the contents of prices or articles, or a model's fingerprint"
    elif not told:
        yield "contents or a model's fingerprint, which leave the vector as it was"


def _of_models(before: JointRegimeContext, after: JointRegimeContext) -> Iterator[str]:
    if before.definition != after.definition:
        yield "the region's definition"
    for was, now in (
        (before.numeric_model_id, after.numeric_model_id),
        (before.text_model_id, after.text_model_id),
    ):
        if was != now:
            yield f"the model {was} -> {now}"
    if (before.regimes_model_id, before.regimes_fingerprint) != (after.regimes_model_id, after.regimes_fingerprint):
        yield f"the regimes {before.regimes_model_id or 'none'} -> {after.regimes_model_id or 'none'}"


def _of_windows(before: JointRegimeContext, after: JointRegimeContext) -> Iterator[str]:
    was = {window.instrument_id: window for window in before.instruments}
    now = {window.instrument_id: window for window in after.instruments}
    for name in sorted(was.keys() | now.keys()):
        if was.get(name) != now.get(name):
            yield f"the window of {name}: {_rows(was.get(name))} -> {_rows(now.get(name))}"


def _rows(window: InstrumentWindow | None) -> str:
    return "none" if window is None else f"{window.rows} rows to {window.last_date}"


def _of_outcome(before: JointRegimeContext, after: JointRegimeContext) -> Iterator[str]:
    if before.articles != after.articles:
        yield f"articles: {before.articles} -> {after.articles}"
    if before.stale != after.stale:
        yield f"stale: {before.stale} -> {after.stale}"
    if before.absent_reason != after.absent_reason:
        yield f"absent: {before.absent_reason or 'no'} -> {after.absent_reason or 'no'}"
