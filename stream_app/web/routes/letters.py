"""Dead letters: what could not be used, and why."""

import datetime as dt
from base64 import b64encode
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field, ValidationInfo, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response

from stream_app.requeuing import LETTER_TOPICS
from stream_app.status.stored import counted_letters
from stream_app.store import handled_letters
from stream_app.store.database import connection
from stream_app.store.dead_letters import letter_time
from stream_app.store.handled_letters import Choice, LetterName, ListedLetter
from stream_app.web import cursors
from stream_app.web.answering import answer
from stream_app.web.answers.operations import BytesTold, LetterPage, LetterTold, ReasonList
from stream_app.web.cursors import AfterLetter
from stream_app.web.documents import documented
from stream_app.web.parameters import Cursor, Flag, Parameters, ReasonCode, Since, Until
from stream_app.web.site import Site, TheSite

LARGEST_PAGE = 1_000
MOST_REASONS = 64


def _has_letters(topic: str) -> str:
    if topic not in LETTER_TOPICS:
        raise PydanticCustomError("topic", "It is none of {topics}.", {"topics": ", ".join(LETTER_TOPICS)})
    return topic


LetterTopic = Annotated[
    str, AfterValidator(_has_letters), WithJsonSchema({"type": "string", "enum": list(LETTER_TOPICS)})
]

router = APIRouter(prefix="/dead-letters", tags=["dead letters"])


class LettersChosen(Parameters):
    """Which letters."""

    reason: Annotated[
        tuple[ReasonCode, ...], Field(max_length=MOST_REASONS, description="Of these reasons; else of any")
    ] = ()
    topic: Annotated[
        tuple[LetterTopic, ...],
        Field(max_length=len(LETTER_TOPICS), description="Of these topics, without their prefix"),
    ] = ()
    since: Annotated[Since | None, Field(description="Received from this date (UTC) or instant on")] = None
    until: Annotated[Until | None, Field(description="Received by this date (UTC), or before this instant")] = None
    handled: Annotated[Flag, Field(description="Also those that were sent again or discarded")] = False

    @field_validator("until")
    @classmethod
    def _is_after_since(cls, until: dt.datetime | None, info: ValidationInfo) -> dt.datetime | None:
        since = info.data.get("since")
        if since is not None and until is not None and until <= since:
            raise PydanticCustomError("span", "It is not after since.")
        return until

    def choice(self, site: Site) -> Choice:
        """The letters that are chosen."""
        topics = [site.services.topic(name) for name in self.topic or LETTER_TOPICS]
        return Choice(topics, self.reason or None, self.since, self.until, handled=self.handled)


class LettersAsked(LettersChosen):
    """Which letters, and how many."""

    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE, description="Letters of a page")] = 100
    cursor: Cursor | None = None

    def before(self) -> tuple[int, LetterName] | None:
        """Where the page begins."""
        if self.cursor is None:
            return None
        after = cursors.read(self.cursor, AfterLetter)
        return after.timestamp_ms, LetterName(after.topic, after.log_epoch, after.partition, after.offset)


@router.get("", **documented(LetterPage, "A page of the letters, the newest first."))
async def letters(request: Request, site: TheSite, asked: Annotated[LettersAsked, Query()]) -> Response:
    """The letters that wait, or all of them. Of a value no more than its beginning is told."""
    choice, before = asked.choice(site), asked.before()
    async with connection(site.services.pool) as conn:
        found = await handled_letters.newest(conn, choice, asked.limit + 1, before)
    newest_first = found[::-1]
    shown = newest_first[: asked.limit]
    more = len(newest_first) > len(shown)
    prefix = site.services.settings.topic_prefix
    return answer(
        request,
        LetterPage(
            letters=[_told(letter, prefix) for letter in shown], next_cursor=_cursor(shown[-1]) if more else None
        ),
    )


@router.get("/reasons", **documented(ReasonList, "How many there are by topic and reason."))
async def reasons(request: Request, site: TheSite, asked: Annotated[LettersChosen, Query()]) -> Response:
    """How many of the chosen letters there are of each topic and reason."""
    async with connection(site.services.pool) as conn:
        counts = await counted_letters(conn, site.services, asked.choice(site))
    return answer(request, ReasonList(reasons=counts, total=sum(each.letters for each in counts)))


def _cursor(letter: ListedLetter) -> str:
    name = letter.name
    return cursors.written(AfterLetter(letter.timestamp_ms, name.topic, name.log_epoch, name.partition, name.offset))


def _told(letter: ListedLetter, prefix: str) -> LetterTold:
    name = letter.name
    topic = name.topic.removeprefix(prefix)
    return LetterTold(
        name=f"{topic}/{name.log_epoch}/{name.partition}/{name.offset}",
        topic=topic,
        log_epoch=name.log_epoch,
        partition=name.partition,
        offset=name.offset,
        received=letter_time(letter.timestamp_ms),
        reason=letter.reason,
        error=letter.error,
        state=letter.state.value,
        value_bytes=letter.value_bytes,
        value=None if letter.beginning is None else _beginning(letter.beginning, letter.value_bytes or 0),
    )


def _beginning(data: bytes, size: int) -> BytesTold:
    """As text where it is UTF-8, a character that was cut at the end left out; else in base64."""
    whole = len(data) == size
    try:
        return BytesTold(text=data.decode(), base64=None, whole=whole)
    except UnicodeDecodeError as error:
        if not whole and error.reason == "unexpected end of data":
            return BytesTold(text=data[: error.start].decode(), base64=None, whole=False)
        return BytesTold(text=None, base64=b64encode(data).decode(), whole=whole)
