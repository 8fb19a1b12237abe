"""The parameters of the routes: their forms and bounds. What is not named here is refused."""

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Path, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from stream_app import iso8601
from stream_app.web.cursors import LONGEST_CURSOR
from stream_app.web.problems import wrong_parameter

MOST_REGIONS = 64
"""That one question may name."""
REPEATABLE = ("region", "regions", "reason", "topic")
"""Parameters that take several values."""
_NAME = r"^[^|\x00-\x1f\x7f]{1,64}$"
_MODEL = r"^[^|\x00-\x1f\x7f]{1,200}$"


def _read(read: Callable[[str], Any]) -> BeforeValidator:
    """Reads a text by a function whose ValueError is a sentence; a default stays as it is."""

    def reader(given: Any) -> Any:
        if not isinstance(given, str):
            return given
        try:
            return read(given)
        except ValueError as error:
            raise PydanticCustomError("form", "{sentence}", {"sentence": str(error)}) from None

    return BeforeValidator(reader)


def _flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("It is neither true nor false.")
    return text == "true"


Flag = Annotated[bool, _read(_flag)]
Day = Annotated[dt.date, _read(iso8601.date)]
Instant = Annotated[dt.datetime, _read(iso8601.instant)]
_DATE_OR_INSTANT = WithJsonSchema(
    {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}
)
Since = Annotated[dt.datetime, _read(iso8601.beginning), _DATE_OR_INSTANT]
Until = Annotated[dt.datetime, _read(iso8601.ending), _DATE_OR_INSTANT]
ReasonCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
RegionName = Annotated[str, Field(pattern=_NAME)]
ModelId = Annotated[str, Field(pattern=_MODEL, description="A joint model; else the first of joint_models")]
Cursor = Annotated[
    str, Field(min_length=1, max_length=LONGEST_CURSOR, pattern=r"^[A-Za-z0-9_-]+$", description="Of the page before")
]
RegionInPath = Annotated[RegionName, Path(description="A region's exact name")]
DayInPath = Annotated[Day, Path(description="A day, YYYY-MM-DD")]


async def once(request: Request) -> None:
    """Refuse a parameter that stands twice and takes one value: which of them is meant?"""
    names = [name for name, _ in request.query_params.multi_items() if name not in REPEATABLE]
    if len(set(names)) < len(names):
        raise wrong_parameter(max(set(names), key=names.count)[:100], "It may stand there once.")


class Parameters(BaseModel):
    """What a query may have; a route without any takes this itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(Parameters):
    """Days from one to another."""

    start: Annotated[Day | None, Field(description="First day, inclusive")] = None
    end: Annotated[Day | None, Field(description="Last day, inclusive")] = None

    @field_validator("end")
    @classmethod
    def _is_not_before_the_start(cls, end: dt.date | None, info: ValidationInfo) -> dt.date | None:
        start = info.data.get("start")
        if start is not None and end is not None and end < start:
            raise PydanticCustomError("span", "It is before start.")
        return end
