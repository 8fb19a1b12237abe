"""`--known-at`: what the person is told of an answer as of an instant."""

import datetime as dt
from typing import TYPE_CHECKING

import typer

from stream_app.cli.dates import iso_instant
from stream_app.cli.output import say
from stream_app.iso8601 import utc

if TYPE_CHECKING:
    from stream_app.clock import Clock
    from stream_app.store.chosen import Chosen, LeftOut

KNOWN_AT = typer.Option(
    parser=iso_instant,
    metavar="INSTANT",
    help="What was known then: ISO 8601 with an offset, as 2008-09-15T20:30:00Z; else what is known now.",
)


def tell_left_out(chosen: "Chosen", left_out: "LeftOut | None", clock: "Clock") -> None:
    """What the answer cannot tell of, what nobody could read then, and what may still change it, on standard error;
    nothing where it is as of now."""
    known_at = chosen.known_at
    if known_at is None or left_out is None:
        return
    if left_out.filled_in:
        say(
            f"Left out {_days(left_out.filled_in)} that a seed command filled in: when they were known is not recorded."
        )
    if left_out.added_later and left_out.model_since:
        say(
            f"{_days(left_out.added_later)} closed before {chosen.model_id} was added to this database, at "
            f"{utc(left_out.model_since.replace(microsecond=0))}: each counts as known from its close, "
            "though its context was computed later."
        )
    if left_out.waiting:
        say(
            f"Of {_days(left_out.waiting)} that had closed or been amended by {utc(known_at)} the context is still "
            "to be computed: ask again once a worker has."
        )
    if known_at > clock.now():
        say(f"{utc(known_at)} is still to come: this is what is known now.")


def of_instant(known_at: dt.datetime | None, left_out: "LeftOut | None") -> str:
    """How a sentence that nothing was found goes on."""
    if known_at is None or left_out is None:
        return ""
    first = f"; the first was known at {utc(left_out.earliest)}" if left_out.earliest else ""
    return f" as known at {utc(known_at)}{first}"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"
