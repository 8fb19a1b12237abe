"""What was shown at an instant is what is told as known at it ever after, from this database or one filled anew."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from schemas import NewsArticle, PriceClose
from stream_app.replay.from_log import Filled
from stream_app.replay.over_stored import Compared
from stream_app.replay.run import Asked, replay
from stream_app.store import chosen, exported, shown
from stream_app.store.database import connection
from stream_app.store.exported import ExportQuery
from stream_app.store.shown import ContextQuery
from stream_app.store.trigger_queue import EVERY_DAY
from tests.integration.lived import DAYS, LIVE, at, first_records, late_records, settled
from tests.integration.pipeline import Pipeline, Place, article, close
from tests.integration.replay.shown import Counted
from tests.integration.text_models import QuickModel

MILLISECOND = dt.timedelta(milliseconds=1)
"""Of Kafka's clock, and so of known_at."""
Told = tuple[Sequence[tuple[object, ...]], Sequence[tuple[object, ...]]]
"""What export and show tell: the contexts with their bytes, and the vectors with their bytes."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant, and what was told then."""

    instant: dt.datetime
    told: Told


async def told(path: Pipeline, known_at: dt.datetime | None) -> Told:
    """What export (absent days included) and show tell, as known at an instant or as of now."""
    model_id = path.settings.joint_models[0]
    days: list[tuple[object, ...]] = []
    async with exported.snapshot(path.endpoints.database_url) as conn:
        async for chunk in exported.chunks(conn, ExportQuery(model_id, known_at=known_at, absent=True)):
            days += [
                (day.region, day.as_of, day.context, None if day.vector is None else day.vector.tobytes())
                for day in chunk.days
            ]
    async with connection(path.services.pool) as conn:
        contexts = await shown.contexts(conn, ContextQuery(model_id, known_at=known_at))
        left_out = await chosen.left_out(conn, ContextQuery(model_id, known_at=known_at))
    assert left_out is None or (left_out.filled_in, left_out.waiting) == (0, 0)
    return days, [(each.region, each.as_of_date, each.vector.tobytes()) for each in contexts]


async def lived_moments(path: Pipeline) -> AsyncIterator[Moment]:
    """Days that close one after the other, late news, corrections and retractions; what is told after each."""
    path.start("prices", "news", "contexts")
    await path.send(*first_records())
    await path.close("US", *DAYS[:2])
    yield await moment(path)
    third = DAYS[2]
    for record in (*late_records(), article("later still", at(third, 14), "Before the close of the third day.")):
        await path.send(record)
        yield await moment(path)
        if record == late_records()[2]:
            await path.close("US", third)
            yield await moment(path)
    await path.send(*taken_back(third))
    yield await moment(path)
    await path.send(close("SPX.US", third, 1300.0))
    yield await moment(path)
    await path.stop()


def taken_back(day: dt.date) -> list[PriceClose | NewsArticle]:
    """A day's price and its news, so that it has neither."""
    news = [NewsArticle(article_id=article_id, retracted=True) for article_id in (f"{day}-15", f"{day}-18")]
    return [PriceClose(instrument_id="SPX.US", trade_date=day, retracted=True), *news]


async def moment(path: Pipeline) -> Moment:
    """Wait until all is computed; then the time, and what is told."""
    await settled(path)
    return Moment(dt.datetime.now(dt.UTC), await told(path, None))


async def test_no_later_fact_changes_what_was_known_at_an_instant_also_in_an_emptied_and_replayed_database(
    place: Place, emptied: Place, model: QuickModel
) -> None:
    async with place.pipeline(**LIVE) as path:
        moments = [each async for each in lived_moments(path)]
        assert len({repr(each.told) for each in moments}) > 8, "facts must have come in, or nothing could leak"
        for each in moments:
            assert await told(path, each.instant) == each.told
        stored = await path.fetch("SELECT * FROM joint_embedding_revisions ORDER BY known_at, as_of_date")
        known_at = sorted({row["known_at"] for row in stored})
        edges = [instant + shift for instant in known_at for shift in (-MILLISECOND, 0 * MILLISECOND, MILLISECOND)]
        answers = [await told(path, instant) for instant in edges]
        assert answers[0] == ([], []), "before the first day closed nothing was known"
    async with emptied.pipeline(**LIVE) as path:
        assert isinstance(await replay(path.services, Asked((), EVERY_DAY, None), Counted()), Filled)
        for each in moments:
            assert await told(path, each.instant) == each.told
        assert [await told(path, instant) for instant in edges] == answers


async def test_each_instants_answer_holds_what_had_arrived_by_then_and_nothing_that_came_after(
    place: Place, model: QuickModel
) -> None:
    """Looked at from the inputs: the articles and the price of each answer's contexts, not its revisions."""
    late = [article(f"late-{number}", at(DAYS[0], 14), f"Late news {number}.") for number in range(3)]
    async with place.pipeline(**LIVE) as path:
        path.start("prices", "news", "contexts")
        await path.send(*first_records())
        await path.close("US", DAYS[0])
        await settled(path)
        instants = [dt.datetime.now(dt.UTC)]
        for record in late:
            await path.send(record)
            await settled(path)
            instants.append(dt.datetime.now(dt.UTC))
        await path.stop()
        for number, instant in enumerate(instants):
            (days, _) = await told(path, instant)
            ((_, _, context, _),) = days
            assert getattr(context, "articles", None) == 3 + number


async def test_what_a_replay_changes_was_not_known_before_it_also_where_an_amendment_had_changed_nothing(
    place: Place, model: QuickModel
) -> None:
    async with place.pipeline(**LIVE) as path:
        path.start("prices", "news", "contexts")
        await path.send(*first_records())
        await path.close("US", DAYS[0])
        await settled(path)
        await path.send(first_records()[5])
        before = await moment(path)
        await path.stop()
        assert await path.value("SELECT count(*) FROM day_triggers") == 2
        assert await path.value("SELECT max(revision) FROM joint_embedding_revisions") == 1
        await path.fetch("UPDATE prices_daily SET close = close + 1")
        replayed = await replay(path.services, Asked((), EVERY_DAY, None), Counted())
        assert isinstance(replayed, Compared)
        assert replayed.changed
        assert await told(path, None) != before.told
        assert await told(path, before.instant) == before.told
        assert await told(path, dt.datetime.now(dt.UTC)) == await told(path, None)
