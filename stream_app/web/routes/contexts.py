"""The contexts of a region, a page at a time."""

import datetime as dt
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from schemas import Vector
from stream_app.export.columns import values
from stream_app.store import pages
from stream_app.store.database import connection
from stream_app.store.exported import DayChunk
from stream_app.store.pages import PageQuery
from stream_app.web import cursors
from stream_app.web.answering import answer
from stream_app.web.answers import ContextPage
from stream_app.web.documents import documented
from stream_app.web.parameters import Cursor, Flag, InPath, Instant, ModelId, Span, Whole
from stream_app.web.site import TheSite

ONE_DAY = dt.timedelta(days=1)
LARGEST_PAGE = 1_000

router = APIRouter(tags=["contexts"])


class AfterDay(msgspec.Struct, frozen=True, tag="day"):
    """A page of days goes on after this one."""

    as_of: dt.date


class PageAsked(Span):
    """Which days, and how they are told."""

    model_id: ModelId | None = None
    known_at: Annotated[Instant | None, Field(description="What was known then; else what is known now")] = None
    absent: Annotated[Flag, Field(description="Also the days that have no vector")] = True
    vectors: Annotated[Flag, Field(description="With each day's vector")] = False
    order: Annotated[Literal["asc", "desc"], Field(description="desc: the newest day first")] = "desc"
    limit: Annotated[Whole, Field(ge=1, le=LARGEST_PAGE, description="Days of a page")] = 100
    cursor: Cursor | None = None

    def query(self, model_id: str, region: str) -> PageQuery:
        """The page that is asked for, and a day more."""
        first, last = self.start or dt.date.min, self.end or dt.date.max
        if self.cursor is not None:
            after = cursors.read(self.cursor, AfterDay).as_of
            if self.order == "asc":
                first = max(first, after + ONE_DAY)
            else:
                last = min(last, after - ONE_DAY)
        return PageQuery(model_id, region, first, last, self.known_at, self.absent, self.limit + 1, self.order)


@router.get("/regions/{region}/contexts", **documented(ContextPage, "A page of the region's days."))
async def contexts(request: Request, site: TheSite, region: InPath, asked: Annotated[PageAsked, Query()]) -> Response:
    """The region's days, each by its newest revision."""
    query = asked.query(site.model_id(asked.model_id), region)
    async with connection(site.services.pool) as conn:
        found = await pages.page(conn, query)
    days, more = found.days[: asked.limit], len(found.days) > asked.limit
    next_cursor = cursors.written(AfterDay(days[-1].as_of)) if more else None
    rows = _rows(DayChunk(days, found.vectors[: asked.limit]), asked.vectors)
    return answer(request, ContextPage(region=region, model_id=query.model_id, contexts=rows, next_cursor=next_cursor))


def _rows(chunk: DayChunk, with_vectors: bool) -> list[dict[str, object]]:
    told = values(chunk)
    rows: list[dict[str, object]] = [dict(zip(told, row, strict=True)) for row in zip(*told.values(), strict=True)]
    if with_vectors:
        for row, day in zip(rows, chunk.days, strict=True):
            row["vector"] = None if day.vector is None else Vector.of(day.vector)
    return rows
