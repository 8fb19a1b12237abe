"""A history that is sent again re-embeds the windows it touches and revises the days it changes, each once."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence

import numpy as np

from schemas import PriceClose
from stream_app.clock import FixedClock
from stream_app.contexts.closer import Closer
from stream_app.regime.calendars import load_calendar
from stream_app.regime.windows import min_rows
from stream_app.store.database import connection
from tests.integration.lived import settled
from tests.integration.pipeline import Pipeline, Place, article, close
from tests.integration.text_models import QuickModel

NAME, OTHER = "SPX.US", "NDX.US"
SPLIT_ROWS, ROWS_SINCE = 5_000, 300
WINDOW_ROWS = 63
PART_ROWS = 500
SESSIONS = load_calendar("XNYS", dt.date(2035, 12, 31)).sessions_between(dt.date(2002, 1, 1), dt.date(2024, 6, 28))
ROWS = SESSIONS[-(SPLIT_ROWS + ROWS_SINCE) :]
BEFORE, SINCE = ROWS[:SPLIT_ROWS], ROWS[SPLIT_ROWS:]
TOUCHED = ROWS[: SPLIT_ROWS + WINDOW_ROWS - 1]
CHANGED_DAYS = [*BEFORE[100::500], *BEFORE[-60:], *SINCE[: WINDOW_ROWS - 1 : 6]]
OTHER_DAYS = [SINCE[WINDOW_ROWS - 1], *SINCE[-9:]]
DAYS = sorted(CHANGED_DAYS + OTHER_DAYS)
SETTLE_SECONDS, INTERVAL_SECONDS = 5.0, 300.0
A_SATURDAY = dt.datetime(2024, 7, 6, 12, tzinfo=dt.UTC)

# Postgres itself counts what is written to the windows, and in which transaction.
AUDIT = """
    CREATE TABLE written (entity_id text, as_of_date date, transaction xid8 DEFAULT pg_current_xact_id());
    CREATE FUNCTION note_window() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO written VALUES (NEW.entity_id, NEW.as_of_date); RETURN NULL; END $$;
    CREATE TRIGGER note AFTER INSERT OR UPDATE ON numeric_window_embeddings FOR EACH ROW EXECUTE FUNCTION note_window();
"""


def closes(name: str, days: Sequence[dt.date], factor: float = 1.0) -> list[PriceClose]:
    """Closes that rise by one a row."""
    return [close(name, day, factor * (1_000.0 + ROWS.index(day)), 1e6) for day in days]


async def closed_history(path: Pipeline) -> None:
    """Every row of two instruments, an article a day, and the days closed; each at its first revision."""
    path.start("prices", "news", "contexts")
    await path.send(*closes(NAME, ROWS), *closes(OTHER, ROWS[-100:]))
    await path.send(
        *[article(str(day), dt.datetime.combine(day, dt.time(13), dt.UTC), f"News of {day}.") for day in DAYS]
    )
    await path.applied()
    await path.close("US", *DAYS)
    await settled(path)
    assert await revisions(path) == dict.fromkeys(DAYS, 1)


async def revisions(path: Pipeline) -> dict[dt.date, int]:
    """How many revisions each day has."""
    return dict(Counter(context.as_of for context in await path.revisions("US", *DAYS)))


async def test_a_history_sent_again_in_many_chunks_rewrites_the_windows_it_touches_and_revises_each_day_it_changes_once(
    place: Place, model: QuickModel
) -> None:
    clock = FixedClock(A_SATURDAY)
    settings = {"amend_settle_seconds": SETTLE_SECONDS, "amend_interval_seconds": INTERVAL_SECONDS}
    async with place.pipeline(clock=clock, closer_poll_seconds=0.05, chunk_records=PART_ROWS, **settings) as path:
        await closed_history(path)
        async with connection(path.services.pool) as conn:
            await conn.execute(AUDIT)
        adjusted = closes(NAME, BEFORE, factor=0.5)
        for start in range(0, SPLIT_ROWS, PART_ROWS):
            await path.send(*adjusted[start : start + PART_ROWS])
            await path.applied()
            await Closer(path.services).run_once()
        assert await path.value("SELECT count(*) FROM day_triggers WHERE number > 1") == 0, "more may be to come"
        clock.time += dt.timedelta(seconds=SETTLE_SECONDS)
        await settled(path)
        await path.stop()

        assert await revisions(path) == dict.fromkeys(DAYS, 1) | dict.fromkeys(CHANGED_DAYS, 2)
        amended = await path.fetch("SELECT as_of FROM day_triggers WHERE number > 1")
        assert sorted(row["as_of"] for row in amended) == sorted(CHANGED_DAYS)
        assert len(await path.contexts()) == len(DAYS) + len(CHANGED_DAYS)
        await check_windows(path)


async def check_windows(path: Pipeline) -> None:
    """Just the touched windows were written, each once a chunk that touches it, and they hold the adjusted closes."""
    rows = await path.fetch("SELECT entity_id, as_of_date, transaction FROM written")
    written = Counter((row["entity_id"], row["as_of_date"]) for row in rows)
    assert set(written) == {(NAME, day) for day in TOUCHED[min_rows(WINDOW_ROWS) - 1 :]}
    chunks = len({row["transaction"] for row in rows})
    assert chunks >= SPLIT_ROWS // PART_ROWS
    assert len(rows) == len(written) + (chunks - 1) * (WINDOW_ROWS - 1), "those across a chunk's end are written twice"
    stored = await path.value(
        "SELECT vector FROM numeric_window_embeddings WHERE entity_id = $1 AND as_of_date = $2", NAME, BEFORE[-1]
    )
    first_close = np.frombuffer(stored[4:8], ">f4")[0]
    assert first_close == np.float32(0.5 * (1_000 + SPLIT_ROWS - WINDOW_ROWS))
