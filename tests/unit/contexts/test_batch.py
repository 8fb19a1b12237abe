"""Triggers are computed together only while they share a cut and a definition."""

import datetime as dt
from typing import Any

import msgspec
import pytest

from schemas import Definition, RegionDayClosed, TopicCut
from stream_app.contexts.batch import Batch, leading_run
from stream_app.regime.calendars import load_calendar
from stream_app.store.trigger_queue import WaitingTrigger
from stream_app.store.triggers import trigger_id

XNYS = load_calendar("XNYS", dt.date(2010, 12, 31))
US = Definition(calendar="XNYS", instruments=("A",), languages=("EN",), news="all", news_day="session")
CUT = {"prices.closes": TopicCut(epoch=1, offsets=(3,)), "news.articles": TopicCut(epoch=1, offsets=(5,))}
LATER = CUT | {"news.articles": TopicCut(epoch=1, offsets=(6,))}
TAGGED = msgspec.structs.replace(US, news="tagged")


def waiting(day: int, cut: dict[str, TopicCut] = CUT, definition: Definition = US, **more: Any) -> WaitingTrigger:
    as_of, region = dt.date(2008, 9, day), more.pop("region", "UK")
    due = dt.datetime(2008, 9, day, 20, 15, tzinfo=dt.UTC)
    event = RegionDayClosed(
        event_id=trigger_id(region, as_of, 1),
        region=region,
        as_of=as_of,
        number=1,
        closed_at=due,
        cut=cut,
        definition=definition,
        allow_stale=False,
    )
    return WaitingTrigger(event, due, more.pop("learnt", False))


@pytest.mark.parametrize(
    ("triggers", "length"),
    [
        ([waiting(15)], 1),
        ([waiting(15), waiting(16), waiting(15)], 3),
        ([waiting(15), waiting(16, LATER), waiting(17)], 1),
        ([waiting(15), waiting(16), waiting(17, definition=TAGGED)], 2),
        ([waiting(15, LATER), waiting(16)], 1),
    ],
)
def test_a_run_ends_where_the_cut_or_the_definition_changes(triggers: list[WaitingTrigger], length: int) -> None:
    assert list(leading_run(triggers)) == triggers[:length]


def test_a_batch_selects_the_news_from_before_its_first_day_to_its_last_whatever_their_order() -> None:
    selection = Batch([waiting(17), waiting(15), waiting(16)], XNYS).selection()
    assert selection.after == XNYS.news_window(dt.date(2008, 9, 15))[0]
    assert selection.until == XNYS.news_window(dt.date(2008, 9, 17))[1]
    assert (selection.news_day, selection.languages, selection.tags) == ("session", ("EN",), None)


def test_a_batch_under_the_utc_date_rule_selects_by_date() -> None:
    definition = msgspec.structs.replace(US, news_day="utc_date")
    selection = Batch([waiting(17, definition=definition), waiting(15, definition=definition)], XNYS).selection()
    assert (selection.after, selection.until) == (dt.date(2008, 9, 15), dt.date(2008, 9, 17))


def test_a_tagged_region_takes_its_name_and_what_is_read_as_it() -> None:
    assert Batch([waiting(15, definition=TAGGED)], XNYS).selection().tags == ("UK", "GB")
    assert Batch([waiting(15, definition=TAGGED, region="US")], XNYS).selection().tags == ("US",)


def test_one_learnt_trigger_makes_the_batch_look_above_its_cut() -> None:
    assert not Batch([waiting(15)], XNYS).learnt
    assert Batch([waiting(15), waiting(16, learnt=True)], XNYS).learnt
