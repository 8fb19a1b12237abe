"""A context is a pure function of its inputs: what makes a revision, and why a day has no vector."""

import datetime as dt
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from schemas import DayAmended, DayTrigger, Definition, InstrumentWindow, RegionDayClosed, TopicCut, encode
from stream_app.contexts.compose import DayInputs, compose, inputs_hash
from stream_app.contexts.inputs import NumericInputs
from stream_app.contexts.models import ContextModels
from stream_app.encoding import TextModelSpec
from stream_app.errors import Fatal
from stream_app.models import TextModel
from stream_app.models.registry import average, raw_path
from stream_app.store.models import Model
from stream_app.store.news import Article
from stream_app.store.revisions import LastRevision, NewContext
from stream_app.store.triggers import trigger_id

DAY, NEXT = dt.date(2008, 9, 15), dt.date(2008, 9, 16)
DUE = dt.datetime(2008, 9, 15, 20, 15, tzinfo=dt.UTC)
KNOWN_AT = DUE + dt.timedelta(seconds=1)
NUM = replace(raw_path("num", 63), fingerprint="n1")
MODELS = ContextModels(
    joint=replace(average("joint", NUM, TextModel("text", TextModelSpec())), fingerprint="j1"),
    text=Model("text", "text", 384, "t1"),
)
US = Definition(calendar="XNYS", instruments=("A", "B"), languages=("EN",), news="all", news_day="session")
A = InstrumentWindow(instrument_id="A", rows=63, last_date=DAY)
B = InstrumentWindow(instrument_id="B", rows=60, last_date=DAY - dt.timedelta(days=1))
VECTORS = np.arange(2 * 384, dtype=np.float32).reshape(2, 384)
NUMERIC = NumericInputs((A, B), VECTORS, priced=True)
UNPRICED = replace(NUMERIC, priced=False)
TOO_FEW = NumericInputs((), np.zeros((0, 384), np.float32), priced=True)
ARTICLES = [Article("a", DUE, DAY, b"1" * 32), Article("b", DUE, DAY, b"2" * 32)]
TEXT_MEAN = np.linspace(-1, 1, 384, dtype=np.float32)


def trigger(day: dt.date = DAY, number: int = 1, **more: Any) -> DayTrigger:
    given: dict[str, Any] = {
        "closed_at": DUE,
        "cut": {"prices.closes": TopicCut(epoch=1, offsets=(3,))},
        "definition": US,
        "allow_stale": False,
    }
    kind = RegionDayClosed if number == 1 else DayAmended
    event_id = trigger_id("US", day, number)
    return kind(event_id=event_id, region="US", as_of=day, number=number, **(given | more))


INPUTS = DayInputs(trigger(), KNOWN_AT, NUMERIC, ARTICLES, TEXT_MEAN)


def composed(*days: DayInputs, last: dict[dt.date, LastRevision] | None = None) -> list[NewContext]:
    return compose(days, MODELS, {} if last is None else last)


def without_news(inputs: DayInputs) -> DayInputs:
    return replace(inputs, articles=[], text_mean=None)


def test_a_complete_day_has_the_average_of_its_halves() -> None:
    made = composed(INPUTS)[0]
    context, half = made.context, VECTORS.astype(np.float64).mean(axis=0).astype(np.float32)
    assert context.vector is not None
    assert made.numeric is not None
    np.testing.assert_array_equal(made.numeric, half)
    np.testing.assert_array_equal(context.vector.numpy(), (0.5 * half + 0.5 * TEXT_MEAN).astype(np.float32))
    assert (context.revision, context.trigger_number, context.articles) == (1, 1, 2)
    assert (context.closed_at, context.known_at) == (DUE, KNOWN_AT)
    assert (context.instruments, context.numeric_last_date, context.stale) == ((A, B), DAY, False)
    assert (context.regime_label, context.regime_confidence) == ("NEUTRAL", 1.0)
    assert b"regimes_" not in encode(context), "without fitted regimes the bytes are those of older releases"


STALE_ALLOWED = trigger(allow_stale=True)


@pytest.mark.parametrize(
    ("inputs", "reason", "has_numeric"),
    [
        (INPUTS, None, True),
        (without_news(INPUTS), "no-news", True),
        (replace(INPUTS, numeric=TOO_FEW), "insufficient-prices", False),
        (without_news(replace(INPUTS, numeric=TOO_FEW)), "insufficient-prices", False),
        (replace(INPUTS, numeric=UNPRICED), "no-price", False),
        (without_news(replace(INPUTS, numeric=replace(TOO_FEW, priced=False))), "no-price", False),
        (replace(INPUTS, numeric=UNPRICED, trigger=STALE_ALLOWED), None, True),
        (without_news(replace(INPUTS, numeric=UNPRICED, trigger=STALE_ALLOWED)), "no-news", True),
        (replace(INPUTS, numeric=replace(TOO_FEW, priced=False), trigger=STALE_ALLOWED), "no-price", False),
    ],
)
def test_a_day_lacks_a_vector_for_its_first_reason(inputs: DayInputs, reason: str | None, has_numeric: bool) -> None:
    made = composed(inputs)[0]
    assert made.context.absent_reason == reason
    assert (made.context.vector is None) == (reason is not None)
    assert (made.numeric is not None, made.context.regime_label is not None) == (has_numeric, has_numeric)


def test_a_day_computed_without_a_price_of_its_own_says_so() -> None:
    context = composed(replace(INPUTS, numeric=UNPRICED, trigger=STALE_ALLOWED))[0].context
    assert (context.stale, context.numeric_last_date) == (True, DAY)


MOVED = [replace(a, published_at=DUE - dt.timedelta(hours=1), news_date=NEXT) for a in ARTICLES]


@pytest.mark.parametrize(
    "same",
    [
        replace(INPUTS, trigger=trigger(number=7)),
        replace(INPUTS, trigger=trigger(cut={"prices.closes": TopicCut(epoch=2, offsets=(9, 9))})),
        replace(INPUTS, trigger=trigger(closed_at=DUE + dt.timedelta(days=1))),
        replace(INPUTS, trigger=STALE_ALLOWED),
        replace(INPUTS, known_at=KNOWN_AT + dt.timedelta(days=1)),
        replace(INPUTS, articles=MOVED),
    ],
    ids=["number", "cut", "closed_at", "allow_stale", "known_at", "times of articles"],
)
def test_offsets_positions_and_times_make_no_revision(same: DayInputs) -> None:
    assert inputs_hash(same, MODELS) == inputs_hash(INPUTS, MODELS)
    last = {DAY: LastRevision(1, inputs_hash(INPUTS, MODELS))}
    assert composed(same, last=last) == []


def other_definition(**more: Any) -> DayInputs:
    return replace(INPUTS, trigger=trigger(definition=msgspec.structs.replace(US, **more)))


ONE_BIT = VECTORS.copy()
ONE_BIT[1, 200] = np.nextafter(ONE_BIT[1, 200], np.float32(0))
OTHER_ROWS = msgspec.structs.replace(B, rows=61)


@pytest.mark.parametrize(
    "other",
    [
        replace(INPUTS, numeric=replace(NUMERIC, vectors=ONE_BIT)),
        replace(INPUTS, numeric=replace(NUMERIC, instruments=(A, OTHER_ROWS))),
        replace(INPUTS, numeric=NumericInputs((A,), VECTORS[:1], priced=True)),
        replace(INPUTS, numeric=UNPRICED),
        replace(INPUTS, numeric=UNPRICED, trigger=STALE_ALLOWED),
        without_news(INPUTS),
        replace(INPUTS, articles=ARTICLES[:1]),
        replace(INPUTS, articles=[ARTICLES[0], replace(ARTICLES[1], content_hash=b"3" * 32)]),
        replace(INPUTS, articles=[ARTICLES[0], replace(ARTICLES[1], article_id="c")]),
        other_definition(calendar="XLON"),
        other_definition(instruments=("B", "A")),
        other_definition(languages=("EN", "DE")),
        other_definition(news="tagged"),
        other_definition(news_day="utc_date"),
    ],
)
def test_whatever_else_differs_makes_a_revision(other: DayInputs) -> None:
    last = {DAY: LastRevision(4, inputs_hash(INPUTS, MODELS))}
    assert [made.context.revision for made in composed(other, last=last)] == [5]


@pytest.mark.parametrize("part", ["numeric", "text", "joint"])
@pytest.mark.parametrize("field", ["model_id", "fingerprint"])
def test_another_model_makes_a_revision(part: str, field: str) -> None:
    model = replace(getattr(MODELS, part), **{field: "another"})
    joint = replace(MODELS.joint, numeric=model) if part == "numeric" else MODELS.joint
    others = replace(MODELS, joint=joint) if part == "numeric" else replace(MODELS, **{part: model})
    assert inputs_hash(INPUTS, others) != inputs_hash(INPUTS, MODELS)


def test_a_vector_that_is_not_finite_ends_it_and_names_model_and_day() -> None:
    joint = replace(MODELS.joint, join=lambda numeric, text, articles: numeric * np.float32(3e38) * np.float32(10))
    with pytest.raises(Fatal, match=r"^joint makes no finite vector of US 2008-09-15: "):
        compose([INPUTS], replace(MODELS, joint=joint), {})


def test_several_triggers_of_a_day_in_one_batch_count_on() -> None:
    last = {DAY: LastRevision(2, "before")}
    fewer, second = replace(INPUTS, articles=ARTICLES[:1], trigger=trigger(number=2)), trigger(NEXT)
    made = composed(
        INPUTS,
        replace(INPUTS, trigger=second),
        replace(INPUTS, trigger=trigger(number=2)),
        fewer,
        replace(INPUTS, trigger=trigger(number=3)),
        last=last,
    )
    found = [(m.context.as_of, m.context.revision, m.context.trigger_number) for m in made]
    assert found == [(DAY, 3, 1), (NEXT, 1, 1), (DAY, 4, 2), (DAY, 5, 3)]
    assert last[DAY] == LastRevision(5, inputs_hash(INPUTS, MODELS))


def test_the_same_inputs_give_the_same_bytes_and_each_revision_an_id_of_its_own() -> None:
    first, again = composed(INPUTS)[0].context, composed(INPUTS)[0].context
    assert encode(first) == encode(again)
    second = composed(INPUTS, last={DAY: LastRevision(1, "before")})[0].context
    other_day = composed(replace(INPUTS, trigger=trigger(NEXT)))[0].context
    assert len({first.event_id, second.event_id, other_day.event_id}) == 3
