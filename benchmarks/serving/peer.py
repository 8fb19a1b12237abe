"""The same pages as FastAPI's own tutorial makes them: a pydantic model a row, which FastAPI checks and encodes.

It has one route and no more: no entity tag, no token, no Host check, no limit of anything.
"""

import datetime as dt
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI, Request
from pydantic import BaseModel

DATABASE = "BENCHMARK_DATABASE_URL"
"""The variable with the database's URL: no command line shows a password."""
PAGE = """
    SELECT DISTINCT ON (as_of_date) summary FROM joint_embedding_revisions
    WHERE region = $1 AND model_id = $2 AND as_of_date <= $3 ORDER BY as_of_date DESC, revision DESC LIMIT $4
"""


class Row(BaseModel):
    """What the product's rows have."""

    region: str
    as_of: dt.date
    origin: str = "live"
    revision: int
    known_at: dt.datetime
    closed_at: dt.datetime
    model_id: str
    numeric_model_id: str
    text_model_id: str
    regime_label: str | None
    regime_confidence: float | None
    regimes_model_id: str | None = None
    stale: bool
    absent_reason: str | None
    articles: int
    numeric_last_date: dt.date | None
    instruments: list[str]
    l2_norm: float | None


class Page(BaseModel):
    """Some of a region's days."""

    contexts: list[Row]


@asynccontextmanager
async def pooled(app: FastAPI) -> AsyncIterator[None]:
    """A pool of as many connections as the product's."""
    async with asyncpg.create_pool(os.environ[DATABASE], min_size=0, max_size=8) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=pooled)


@app.get("/api/v1/regions/{region}/contexts")
async def contexts(request: Request, region: str, model_id: str, end: dt.date, limit: int = 100) -> Page:
    """A page."""
    rows = await request.app.state.pool.fetch(PAGE, region, model_id, end, limit)
    return Page(contexts=[row(json.loads(each["summary"])) for each in rows])


def row(told: dict[str, Any]) -> Row:
    """The row of a summary."""
    return Row(**told | {"instruments": [window["instrument_id"] for window in told["instruments"]]})


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["BENCHMARK_PORT"]), http="h11", log_level="warning", access_log=False)
