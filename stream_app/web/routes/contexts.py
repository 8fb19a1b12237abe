"""The contexts of a region, a page at a time, and one of them with where it comes from."""

import asyncio
import datetime as dt
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from stream_app.store import chosen, pages
from stream_app.store.chosen import Chosen
from stream_app.store.database import Connection, connection
from stream_app.store.lineage import DayQuery
from stream_app.store.pages import PageQuery
from stream_app.web import cursors, formats, lineage
from stream_app.web.answering import answer, tagged
from stream_app.web.answers.contexts import ContextDetail, ContextPage, LeftOut
from stream_app.web.cursors import AfterArticle, AfterDay
from stream_app.web.documents import documented
from stream_app.web.formats import MEDIA_TYPES, Format
from stream_app.web.known import require_known
from stream_app.web.parameters import Cursor, DayInPath, Flag, Instant, ModelId, Parameters, RegionInPath, Span
from stream_app.web.problems import Refused
from stream_app.web.rows import rows
from stream_app.web.site import TheSite

ONE_DAY = dt.timedelta(days=1)
LARGEST_PAGE = 1_000
LARGE_PAGE = 200
"""A page of more days is made in a thread."""
LARGEST_ARTICLES = 500
KNOWN_AT = Field(description="As it was known at this instant, as `show --known-at` has it; else as it is known now")
VECTORS = Field(description="With each day's vector")
TABLES = {
    MEDIA_TYPES["csv"]: {"type": "string", "description": "The columns of `stream-app export`, with a header"},
    MEDIA_TYPES["arrow"]: {"type": "string", "format": "binary", "description": "An Arrow IPC stream of these columns"},
}
CONFLICTS: Mapping[int, str] = {
    HTTPStatus.CONFLICT: "The calendar with which the day closed no longer tells which news it has."
}

router = APIRouter(tags=["contexts"])


class PageAsked(Span):
    """Which days, and how they are told."""

    model_id: ModelId | None = None
    known_at: Annotated[Instant | None, KNOWN_AT] = None
    absent: Annotated[Flag, Field(description="Also the days that have no vector")] = True
    vectors: Annotated[Flag, VECTORS] = False
    order: Annotated[Literal["asc", "desc"], Field(description="desc: the newest day first")] = "desc"
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE, description="Days of a page")] = 100
    cursor: Cursor | None = None
    format: Annotated[Format | None, Field(description="Over what the Accept header says")] = None

    def query(self, model_id: str, region: str, form: Format) -> PageQuery:
        """The page that is asked for, and a day more."""
        first, last = self.start or dt.date.min, self.end or dt.date.max
        if self.cursor is not None:
            after = cursors.read(self.cursor, AfterDay).as_of
            if self.order == "asc":
                first = max(first, after + ONE_DAY if after < dt.date.max else after)
            else:
                last = min(last, after - ONE_DAY if after > dt.date.min else after)
        whole = self.vectors or form != "json"
        return PageQuery(model_id, region, first, last, self.known_at, self.absent, self.limit + 1, self.order, whole)


class DetailAsked(Parameters):
    """How a day is told."""

    model_id: ModelId | None = None
    known_at: Annotated[Instant | None, KNOWN_AT] = None
    vectors: Annotated[Flag, VECTORS] = False
    articles_limit: Annotated[int, Field(ge=1, le=LARGEST_ARTICLES, description="Articles told at a time")] = 50
    articles_cursor: Cursor | None = None


@router.get("/regions/{region}/contexts", **documented(ContextPage, "A page of the region's days.", TABLES))
async def contexts(
    request: Request, site: TheSite, region: RegionInPath, asked: Annotated[PageAsked, Query()]
) -> Response:
    """The region's days, each by its newest revision. CSV and Arrow have the next page in the Link header alone."""
    form = formats.wanted(asked.format, request.headers.get("accept", ""))
    query = asked.query(site.model_id(asked.model_id), region, form)
    async with connection(site.services.pool) as conn:
        found = await pages.page(conn, query)
        if not found and asked.cursor is None:
            await require_known(conn, site, region, query.model_id)
        left_out = await _left_out(conn, query) if asked.cursor is None else None
    shown, more = found[: asked.limit], len(found) > asked.limit
    next_cursor = cursors.written(AfterDay(shown[-1]["as_of_date"])) if more else None
    link = {"Link": _next_link(request, next_cursor)} if next_cursor else None
    if form != "json":
        body = await asyncio.to_thread(lambda: formats.AS_BYTES[form](pages.chunk(shown), asked.vectors))
        return tagged(request, body, MEDIA_TYPES[form], link)
    large = len(shown) > LARGE_PAGE
    told = ContextPage(
        region=region,
        model_id=query.model_id,
        known_at=asked.known_at,
        contexts=await asyncio.to_thread(rows, shown, asked.vectors) if large else rows(shown, asked.vectors),
        next_cursor=next_cursor,
        left_out=left_out,
    )
    return answer(request, told, link)


@router.get("/regions/{region}/contexts/{as_of}", **documented(ContextDetail, "The day.", problems=CONFLICTS))
async def context(
    request: Request, site: TheSite, region: RegionInPath, as_of: DayInPath, asked: Annotated[DetailAsked, Query()]
) -> Response:
    """A day's newest revision, and where it comes from: prices and articles as they stood at its trigger's cut."""
    day = DayQuery(site.model_id(asked.model_id), region, as_of, asked.known_at)
    after = "" if asked.articles_cursor is None else _article(asked.articles_cursor)
    async with connection(site.services.pool) as conn:
        found = await lineage.read(conn, site, lineage.Asked(day, asked.vectors, after, asked.articles_limit))
        if found is None:
            await require_known(conn, site, region, day.model_id)
            then = "" if asked.known_at is None else " that was known then"
            raise Refused(HTTPStatus.NOT_FOUND, f"{region} has no context of {day.model_id} on {as_of}{then}.")
    return answer(request, found)


def _article(cursor: str) -> str:
    return cursors.read(cursor, AfterArticle, "articles_cursor").article_id


async def _left_out(conn: Connection, query: PageQuery) -> LeftOut | None:
    found = await chosen.left_out(conn, Chosen(query.model_id, [query.region], query.first, query.last, query.known_at))
    if found is None:
        return None
    return LeftOut(filled_in=found.filled_in, waiting=found.waiting, earliest=found.earliest)


def _next_link(request: Request, cursor: str) -> str:
    """The next page as RFC 8288 has it, relative to this server."""
    kept = [each for each in request.url.query.split("&") if each and not each.startswith("cursor=")]
    return f'<{request.scope["raw_path"].decode()}?{"&".join([*kept, f"cursor={cursor}"])}>; rel="next"'
