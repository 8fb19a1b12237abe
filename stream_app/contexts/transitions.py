"""Changes of a region's label: what of them is new, from the labels of days and what was said of those days before."""

import datetime as dt
from collections.abc import Mapping, Sequence

import msgspec

from schemas import RegimeTransition, event_id
from stream_app.contexts.compose import DayInputs
from stream_app.contexts.day_labels import DayLabel
from stream_app.models import ModelsInUse
from stream_app.store import transitions
from stream_app.store.database import Connection


async def changes(
    connection: Connection, by_model: Mapping[str, Sequence[DayInputs]], in_use: ModelsInUse
) -> list[RegimeTransition]:
    """The revisions that a batch of a region makes, from its inputs by numeric model, where regimes are fitted."""
    made = []
    for numeric_model_id, days in by_model.items():
        region, as_ofs = days[0].trigger.region, [day.trigger.as_of for day in days]
        if (labeller := in_use.labeller(numeric_model_id, region)) is not None:
            last = await transitions.last(connection, region, labeller.model_id, as_ofs)
            made += new_transitions(days, last)
    return made


def new_transitions(days: Sequence[DayInputs], last: dict[dt.date, RegimeTransition]) -> list[RegimeTransition]:
    """The revisions that these triggers make, in their order; one that says what the last revision says makes none.

    `last` holds each day's newest revision so far and is brought up to date.
    """
    made = []
    for inputs in days:
        was = last.get(inputs.trigger.as_of)
        standing = was if was is not None and not was.withdrawn else None
        label = inputs.label if inputs.label is not None and inputs.label.is_change else None
        if _says(standing) == (None if label is None else (label.before, label.label, label.confidence)):
            continue
        if label is not None:
            new = _transition(inputs, label, 1 if was is None else was.revision + 1)
        else:
            assert standing is not None  # else both said that there is none
            new = _withdrawn(inputs, standing)
        last[inputs.trigger.as_of] = new
        made.append(new)
    return made


def _says(standing: RegimeTransition | None) -> tuple[str, str, float] | None:
    return None if standing is None else (standing.from_label, standing.to_label, standing.confidence)


def _transition(inputs: DayInputs, label: DayLabel, revision: int) -> RegimeTransition:
    assert label.before is not None  # else it is no change
    trigger, model = inputs.trigger, label.model
    said = (label.before, label.label, label.confidence)
    return RegimeTransition(
        event_id=event_id("transition", trigger.region, trigger.as_of, model.model_id, revision, *said),
        region=trigger.region,
        as_of=trigger.as_of,
        model_id=model.model_id,
        revision=revision,
        trigger_number=trigger.number,
        known_at=inputs.known_at,
        numeric_model_id=model.numeric.model_id,
        from_label=label.before,
        to_label=label.label,
        confidence=label.confidence,
        fingerprint=model.fingerprint,
    )


def _withdrawn(inputs: DayInputs, standing: RegimeTransition) -> RegimeTransition:
    revision = standing.revision + 1
    return msgspec.structs.replace(
        standing,
        event_id=event_id("transition", standing.region, standing.as_of, standing.model_id, revision, "withdrawn"),
        revision=revision,
        trigger_number=inputs.trigger.number,
        known_at=inputs.known_at,
        withdrawn=True,
    )
