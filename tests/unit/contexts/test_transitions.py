"""What of a region's changes of label is new: told once, replaced where it says something else, withdrawn if undone."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import DIM, Codec, RegimeTransition, encode
from stream_app.contexts.compose import compose, inputs_hash
from stream_app.contexts.day_labels import DayLabel
from stream_app.contexts.transitions import new_transitions
from stream_app.models import RegimesModel
from stream_app.regime.hysteresis import Hysteresis
from stream_app.regime.labels import Prototypes
from tests.unit.contexts.test_compose import DAY, INPUTS, KNOWN_AT, MODELS, NEXT, NUM, TOO_FEW, trigger

LABELS = ("CALM", "CRISIS", "NORMAL")
POINTS = Prototypes(np.zeros((3, DIM)), np.arange(3), "euclidean", 1.0)
LABELLER = RegimesModel("regimes", NUM, LABELS, POINTS, Hysteresis(), (), "r1")


def label(now: str, before: str | None, confidence: float = 0.9) -> DayLabel:
    return DayLabel(LABELLER, now, confidence, before)


CRISIS, NO_CHANGE, FIRST = label("CRISIS", "CALM"), label("CALM", "CALM"), label("CRISIS", None)


def made(*labels: DayLabel | None, last: dict[dt.date, RegimeTransition] | None = None) -> list[RegimeTransition]:
    """What a day's triggers make, one after the other."""
    days = [replace(INPUTS, trigger=trigger(number=n), label=each) for n, each in enumerate(labels, start=1)]
    return new_transitions(days, {} if last is None else last)


def test_a_change_is_told_once_and_says_what_it_is() -> None:
    (told,) = made(CRISIS, CRISIS)
    assert (told.region, told.as_of, told.model_id, told.numeric_model_id) == ("US", DAY, "regimes", "num")
    assert (told.from_label, told.to_label, told.confidence) == ("CALM", "CRISIS", 0.9)
    assert (told.revision, told.trigger_number, told.known_at, told.withdrawn) == (1, 1, KNOWN_AT, False)
    assert told.fingerprint == "r1"


@pytest.mark.parametrize("label_of_day", [NO_CHANGE, FIRST, None])
def test_no_change_is_no_transition(label_of_day: DayLabel | None) -> None:
    assert made(label_of_day) == []


def test_a_day_that_changes_no_label_after_all_withdraws_what_it_said_and_only_once() -> None:
    first, withdrawn, again = made(CRISIS, NO_CHANGE, None, CRISIS)
    assert (withdrawn.revision, withdrawn.trigger_number, withdrawn.withdrawn) == (2, 2, True)
    assert (withdrawn.from_label, withdrawn.to_label) == (first.from_label, first.to_label)
    assert (again.revision, again.withdrawn) == (3, False)
    assert len({first.event_id, withdrawn.event_id, again.event_id}) == 3


@given(st.lists(st.sampled_from([CRISIS, label("NORMAL", "CALM"), label("CRISIS", "CALM", 0.8), NO_CHANGE, None])))
def test_the_newest_revision_says_what_the_newest_trigger_found_and_in_batches_as_at_once(
    labels: list[DayLabel | None],
) -> None:
    last: dict[dt.date, RegimeTransition] = {}
    at_once = made(*labels, last=last)
    standing = last.get(DAY)
    found = None if standing is None or standing.withdrawn else (standing.from_label, standing.to_label)
    newest = labels[-1] if labels else None
    assert found == (None if newest is None or not newest.is_change else (newest.before, newest.label))
    assert [each.revision for each in at_once] == list(range(1, len(at_once) + 1))
    kept: dict[dt.date, RegimeTransition] = {}
    days = [replace(INPUTS, trigger=trigger(number=n), label=each) for n, each in enumerate(labels, start=1)]
    assert [event for day in days for event in new_transitions([day], kept)] == at_once


def test_its_bytes_come_back() -> None:
    (told,) = made(CRISIS)
    assert Codec[RegimeTransition](RegimeTransition).decode(encode(told)) == told


def test_a_label_is_in_the_context_and_what_decides_it_in_the_hash_where_regimes_are_fitted_and_only_there() -> None:
    labelled = replace(INPUTS, label=CRISIS)
    (new,) = compose([labelled], MODELS, {})
    assert (new.context.regime_label, new.context.regime_confidence) == ("CRISIS", 0.9)
    assert (new.context.regimes_model_id, new.context.regimes_fingerprint) == ("regimes", "r1")
    (priceless,) = compose([replace(labelled, numeric=TOO_FEW)], MODELS, {})
    assert (priceless.context.regime_label, priceless.context.regimes_model_id) == (None, None)
    others = [NO_CHANGE, FIRST, label("CRISIS", "CALM", 0.8), None]
    others.append(DayLabel(replace(LABELLER, fingerprint="r2"), "CRISIS", 0.9, "CALM"))
    hashes = {inputs_hash(replace(INPUTS, label=each), MODELS) for each in [CRISIS, *others]}
    assert len(hashes) == 6
    assert inputs_hash(replace(INPUTS, label=CRISIS), MODELS) == new.context.inputs_hash


def test_days_do_not_mix() -> None:
    other = replace(INPUTS, trigger=trigger(NEXT), label=CRISIS)
    first = replace(INPUTS, label=CRISIS)
    assert [each.as_of for each in new_transitions([first, other, first], {})] == [DAY, NEXT]
