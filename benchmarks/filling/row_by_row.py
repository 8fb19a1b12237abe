"""The same rows as a straightforward script makes them: a query and an INSERT a row, awaited one after the other.

By asyncpg's `fetch` and `execute`, which prepare a statement once and send values in binary, as psycopg does with
`prepare=True, binary=True`; all of a job in one transaction, so that no commit is in the time. The mathematics, the ids
and the bytes are the product's own.
"""

import datetime as dt

import numpy as np

from schemas import encode, event_id
from stream_app.contexts.compose import DayInputs, compose
from stream_app.contexts.inputs import numeric_inputs
from stream_app.contexts.models import ContextModels
from stream_app.models import NumericModel
from stream_app.regime.text import day_means
from stream_app.regime.windows import lookback_days, windows
from stream_app.store import vectors
from stream_app.store.database import Connection
from stream_app.store.news import Article
from stream_app.store.prices import Series
from stream_app.store.revisions import NewContext
from stream_app.store.triggers import COLUMNS, from_row

PRICES = """
    SELECT trade_date, close, volume FROM prices_daily
    WHERE instrument_id = $1 AND trade_date BETWEEN $2 AND $3 AND NOT retracted ORDER BY trade_date
"""
PUT_WINDOW = """
    INSERT INTO numeric_window_embeddings (entity_id, as_of_date, model_id, window_days, window_spec, rows, vector)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (entity_type, entity_id, as_of_date, model_id, window_days) DO UPDATE SET vector = excluded.vector
"""
TRIGGER = f"SELECT {COLUMNS} FROM day_triggers WHERE region = $1 AND as_of = $2"
NEWS = """
    SELECT a.article_id, a.published_at, a.news_date, a.content_hash, v.vector
    FROM news_articles a JOIN text_vectors v ON v.content_hash = a.content_hash AND v.fingerprint = $2
    WHERE a.news_date = $1 AND NOT a.retracted ORDER BY a.article_id
"""
PUT_REVISION = """
    INSERT INTO joint_embedding_revisions (region, as_of_date, model_id, revision, trigger_number, event_id, known_at,
        closed_at, inputs_hash, absent_reason, stale, vector, payload)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
PUT_JOINT = """
    INSERT INTO joint_embeddings (as_of_date, region, entity_scope, model_id, revision, vector)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (joint_type, region, as_of_date, model_id) DO UPDATE SET vector = excluded.vector
"""
PUT_REGIME = """
    INSERT INTO regimes (regime_record_id, as_of_date, region, model_id, instruments, regime_label, confidence,
        regime_embedding, metadata)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (region, as_of_date, model_id, instruments, origin) DO UPDATE SET
        regime_embedding = excluded.regime_embedding
"""


async def store_window(conn: Connection, model: NumericModel, instrument: str, day: dt.date) -> None:
    """Read an instrument's rows, make the window as of a day, and upsert it."""
    window_days = model.window_days
    series = await _series(conn, instrument, day, window_days)
    made = windows(series.dates, series.closes, series.volumes, np.array([day], "datetime64[D]"), window_days)
    row = vectors.to_rows(model.embed(made.features, made.rows))[0]
    spec = {"window_days": window_days, "features": ["close", "volume", "log_return"]}
    await conn.execute(PUT_WINDOW, instrument, day, model.model_id, window_days, spec, int(made.rows[0]), row)


async def store_context(conn: Connection, models: ContextModels, region: str, day: dt.date) -> None:
    """Read what a day's context is made of, make it, and upsert its revision, its joint vector and its regime."""
    trigger = from_row(await conn.fetchrow(TRIGGER, region, day))
    assert trigger.known_at is not None
    instruments = trigger.event.definition.instruments
    series = {name: await _series(conn, name, day, models.numeric.window_days) for name in instruments}
    half = numeric_inputs(series, instruments, [day], models.numeric)[0]
    news = await conn.fetch(NEWS, day, models.text.fingerprint)
    text = vectors.from_rows([row["vector"] for row in news], models.text.dim)
    inputs = DayInputs(
        trigger.event,
        trigger.known_at,
        half,
        [Article(*row[:4]) for row in news],
        day_means(text, np.array([0, len(text)]))[0],
    )
    await _put(conn, compose([inputs], models, {})[0])


async def _series(conn: Connection, instrument: str, day: dt.date, window_days: int) -> Series:
    first = day - dt.timedelta(days=lookback_days(window_days))
    return Series.of(*zip(*await conn.fetch(PRICES, instrument, first, day), strict=True))


async def _put(conn: Connection, made: NewContext) -> None:
    context, numeric_half = made.context, made.numeric
    assert context.vector is not None
    assert numeric_half is not None
    joint, half = vectors.to_rows(np.array([context.vector.numpy(), numeric_half]))
    await conn.execute(
        PUT_REVISION,
        context.region,
        context.as_of,
        context.model_id,
        context.revision,
        context.trigger_number,
        context.event_id,
        context.known_at,
        context.closed_at,
        context.inputs_hash,
        context.absent_reason,
        context.stale,
        joint,
        encode(context),
    )
    scope = {
        "region": context.region,
        "source": "regime+news",
        "numeric_model_id": context.numeric_model_id,
        "text_model_id": context.text_model_id,
    }
    await conn.execute(PUT_JOINT, context.as_of, context.region, scope, context.model_id, context.revision, joint)
    await conn.execute(
        PUT_REGIME,
        event_id("regime", context.region, context.as_of, context.numeric_model_id, "live"),
        context.as_of,
        context.region,
        context.numeric_model_id,
        [window.instrument_id for window in context.instruments],
        context.regime_label,
        context.regime_confidence,
        half,
        {"stale": context.stale},
    )
