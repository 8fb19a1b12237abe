"""Where a context comes from, told as its trigger's cut has it: not as prices and news are now."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from schemas import InstrumentWindow, JointRegimeContext, Trigger
from schemas.topics import NEWS, PRICES
from stream_app.contexts.batch import news_of_days
from stream_app.regime.calendars import OutsideCalendar
from stream_app.regime.windows import LARGEST_WINDOW_DAYS, lookback_days
from stream_app.store import exported, lineage, models, pages, prices
from stream_app.store.database import Connection
from stream_app.store.exported import ExportedDay, context_of
from stream_app.store.lineage import DayQuery, StoredRevision
from stream_app.store.pages import PageQuery
from stream_app.store.prices import EMPTY
from stream_app.store.triggers import StoredTrigger, TriggerKey
from stream_app.web import cursors
from stream_app.web.answers.contexts import (
    ArticleTold,
    ContextDetail,
    ModelPrint,
    NumericHalf,
    Reason,
    RevisionTold,
    TextHalf,
    TopicOffsets,
    TriggerTold,
    WindowTold,
)
from stream_app.web.cursors import AfterArticle
from stream_app.web.problems import Refused
from stream_app.web.rows import rows
from stream_app.web.site import Site

SHOWN_REVISIONS = 100
SHOWN_INSTRUMENTS = 1_000
DATED_INSTRUMENTS = 16
"""Of so many instruments the dates of the window's rows are told."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which day, with its vector or without, and which of its articles."""

    day: DayQuery
    vectors: bool
    articles_after: str
    articles_limit: int


async def read(conn: Connection, site: Site, asked: Asked) -> ContextDetail | None:
    """The day's newest revision with where it comes from; None where there is none."""
    query = asked.day
    found = await pages.page(
        conn, PageQuery(query.model_id, query.region, query.as_of, query.as_of, query.known_at, limit=1)
    )
    if not found:
        return None
    context = context_of(found[0])
    day = exported.day(found[0], context, None)
    trigger = None
    if context is not None:
        trigger = await lineage.trigger(conn, TriggerKey(context.region, context.as_of, context.trigger_number))
    return ContextDetail(
        context=rows(found, asked.vectors)[0],
        trigger=None if trigger is None else _trigger(trigger),
        numeric=None if context is None else await _numeric(conn, site, context, trigger),
        text=None if context is None else await _text(conn, site, context, trigger, asked),
        models=await _models(conn, day),
        revisions=[_revision(each) for each in await lineage.revisions(conn, query, SHOWN_REVISIONS)],
    )


def _trigger(stored: StoredTrigger) -> TriggerTold:
    event = stored.event
    return TriggerTold(
        event_id=event.event_id,
        number=event.number,
        kind="close" if event.number == 1 else "amendment",
        closed_at=event.closed_at,
        known_at=stored.known_at,
        allow_stale=event.allow_stale,
        cut=[
            TopicOffsets(topic=topic, epoch=part.epoch, offsets=part.offsets)
            for topic, part in sorted(event.cut.items())
        ],
        definition=event.definition,
    )


async def _numeric(
    conn: Connection, site: Site, context: JointRegimeContext, trigger: StoredTrigger | None
) -> NumericHalf:
    shown, dated = context.instruments[:SHOWN_INSTRUMENTS], context.instruments[:DATED_INSTRUMENTS]
    dates = {} if trigger is None else await _window_dates(conn, site, dated, trigger.event)
    return NumericHalf(
        last_date=context.numeric_last_date,
        instruments=[
            WindowTold(
                instrument_id=window.instrument_id,
                rows=window.rows,
                last_date=window.last_date,
                dates=dates.get(window.instrument_id),
            )
            for window in shown
        ],
        instruments_total=len(context.instruments),
    )


async def _window_dates(
    conn: Connection, site: Site, windows: Sequence[InstrumentWindow], event: Trigger
) -> dict[str, list[dt.date]]:
    """The dates of each window's rows: the last ones up to the day, as they stood at the cut."""
    cut = event.cut.get(site.services.topic(PRICES.name))
    if cut is None or not windows:
        return {}
    first = event.as_of - dt.timedelta(days=lookback_days(LARGEST_WINDOW_DAYS))
    names = [window.instrument_id for window in windows]
    series = await prices.series_as_of(conn, names, first, event.as_of, cut)
    return {
        window.instrument_id: series.get(window.instrument_id, EMPTY).tail(window.rows).dates.tolist()
        for window in windows
    }


async def _text(
    conn: Connection, site: Site, context: JointRegimeContext, trigger: StoredTrigger | None, asked: Asked
) -> TextHalf:
    found = [] if trigger is None or not context.articles else await _articles(conn, site, trigger.event, asked)
    shown = found[: asked.articles_limit]
    more = len(found) > len(shown)
    return TextHalf(
        total=context.articles,
        articles=shown,
        next_cursor=cursors.written(AfterArticle(shown[-1].article_id)) if more else None,
    )


async def _articles(conn: Connection, site: Site, event: Trigger, asked: Asked) -> list[ArticleTold]:
    """The day's articles as they stood at the cut, one more than are asked for."""
    cut = event.cut.get(site.services.topic(NEWS.name))
    if cut is None:
        return []
    try:
        calendar = await asyncio.to_thread(site.services.calendar, event.definition.calendar)
        selection = news_of_days(event.region, event.definition, calendar, [event.as_of])
    except (OutsideCalendar, ValueError) as error:
        raise Refused(HTTPStatus.CONFLICT, f"The day's news is not known: {error}") from None
    found = await lineage.articles(conn, selection, cut, asked.articles_after, asked.articles_limit + 1)
    return [
        ArticleTold(
            article_id=each.article_id,
            headline=each.headline,
            source=each.source,
            published_at=each.published_at,
            language=each.language,
            url=each.url if each.url is not None and each.url.startswith(("https://", "http://")) else None,
        )
        for each in found
    ]


async def _models(conn: Connection, day: ExportedDay) -> list[ModelPrint]:
    named = filter(None, (day.model_id, day.numeric_model_id, day.text_model_id))
    return [
        ModelPrint(model_id=model.model_id, kind=model.kind, fingerprint=model.fingerprint)
        for model in await models.named(conn, list(named))
    ]


def _revision(stored: StoredRevision) -> RevisionTold:
    reason: Reason = "replay" if stored.recomputed else "close" if stored.trigger_number == 1 else "amendment"
    return RevisionTold(
        revision=stored.revision,
        trigger_number=stored.trigger_number,
        reason=reason,
        known_at=stored.known_at,
        stored_at=stored.stored_at,
        inputs_hash=stored.inputs_hash,
        absent_reason=stored.absent_reason,
        stale=stored.stale,
    )
