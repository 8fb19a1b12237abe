"""New contexts as server-sent events."""

import logging
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from pydantic import Field
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Receive, Scope, Send

from stream_app.errors import Retriable
from stream_app.outage import say_waiting
from stream_app.web import cursors
from stream_app.web.cursors import AfterEvents
from stream_app.web.feed import Feed
from stream_app.web.follower import Follower
from stream_app.web.parameters import MOST_REGIONS, Parameters, RegionName
from stream_app.web.site import TheSite

PING_SECONDS = 15
SEND_SECONDS = 30.0
"""A client that takes nothing for so long is let go."""
RETRY_MILLISECONDS = 2_000
LONGEST_ID = 65_536
DESCRIPTION = """Each new revision of a context, as it is stored: `event: context`, its header as JSON in `data`.

`id` says where the stream is, of every region that it follows. A client that hands the last one back in the header
Last-Event-ID is told what was stored meanwhile, whether that is much or little. A comment comes each 15 seconds.
"""

log = logging.getLogger(__name__)
router = APIRouter(tags=["events"])


class EventsAsked(Parameters):
    """Which regions are followed."""

    region: Annotated[
        tuple[RegionName, ...], Field(max_length=MOST_REGIONS, description="These regions; else all")
    ] = ()


class EventStream(EventSourceResponse):
    """A follower's stream. However it ends, the follower leaves."""

    def __init__(self, feed: Feed, follower: Follower) -> None:
        super().__init__(_events(feed, follower), ping=PING_SECONDS, send_timeout=SEND_SECONDS)
        self._feed = feed
        self._follower = follower

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client or the server has enough."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._feed.leave(self._follower)


@router.get(
    "/events",
    response_model=None,
    description=DESCRIPTION,
    responses={
        200: {
            "description": "The stream; the data of an event `context` is a ContextHeader.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def events(
    site: TheSite,
    asked: Annotated[EventsAsked, Query()],
    last_event_id: Annotated[str | None, Header(max_length=LONGEST_ID, description="Go on after this event")] = None,
) -> EventStream:
    """New contexts of some regions or all."""
    after = cursors.read(last_event_id, AfterEvents, "Last-Event-ID", "header") if last_event_id else None
    follower = await site.feed.join(tuple(dict.fromkeys(asked.region)) or None, after)
    return EventStream(site.feed, follower)


async def _events(feed: Feed, follower: Follower) -> AsyncIterator[ServerSentEvent]:
    yield ServerSentEvent(id=_id(follower), retry=RETRY_MILLISECONDS)
    try:
        async for told in feed.told(follower):
            yield ServerSentEvent(data=told.header.decode(), event="context", id=_id(follower))
    except Retriable as error:
        say_waiting(log, "a stream of new contexts ends, and its client begins anew", error)


def _id(follower: Follower) -> str:
    regions = None if follower.regions is None else tuple(follower.regions)
    at = {region: at for region, at in follower.at.items() if follower.wants(region)}
    return cursors.written(AfterEvents(regions, at))
