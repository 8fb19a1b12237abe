"""An instant on the command line has an offset, or it is refused in a sentence."""

import datetime as dt

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from stream_app.cli.dates import iso_instant
from stream_app.iso8601 import utc

CLOSE = dt.datetime(2008, 9, 15, 20, 15, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2008-09-15T20:15Z", CLOSE),
        ("2008-09-15T20:15:00Z", CLOSE),
        ("2008-09-15 20:15:00+00:00", CLOSE),
        ("2008-09-15T16:15:00-04:00", CLOSE),
        ("2008-09-16T05:15:00.0+09:00", CLOSE),
        ("2008-09-15T20:15:00.000001Z", CLOSE + dt.timedelta(microseconds=1)),
        ("2008-02-29T23:59:59.999Z", dt.datetime(2008, 2, 29, 23, 59, 59, 999_000, tzinfo=dt.UTC)),
    ],
)
def test_an_instant_with_an_offset_is_read_as_what_it_is_in_utc(text: str, instant: dt.datetime) -> None:
    assert iso_instant(text) == instant
    assert iso_instant(text).tzinfo is dt.UTC


@given(st.datetimes(timezones=st.timezones()).filter(lambda instant: 1 < instant.year < 9999))
def test_an_instant_is_read_as_it_was_written(instant: dt.datetime) -> None:
    assert iso_instant(utc(instant)) == instant.astimezone(dt.UTC)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2008-09-15T20:15:00", "has no offset: end it with Z for UTC, or with one such as +01:00."),
        ("2008-09-15 20:15", "has no offset"),
        ("2008-09-15", "is not of the form YYYY-MM-DDTHH:MM:SSZ."),
        ("20:15Z", "is not of the form"),
        ("2008-09-15T20:15:00 UTC", "is not of the form"),
        ("2008-09-15x20:15:00Z", "is not of the form"),
        ("2008-09-15T20:15:00.0000001Z", "is not of the form"),
        ("yesterday", "is not of the form"),
        ("", "is not of the form"),
        ("2007-02-29T20:15:00Z", "There is no time 2007-02-29T20:15:00Z"),
        ("2008-09-15T24:15:00Z", "There is no time"),
        ("2008-12-31T23:59:60Z", "There is no time"),
        ("2008-09-15T20:15:00+24:00", "There is no time"),
        ("0001-01-01T00:00:00+01:00", "There is no time"),
        ("9999-12-31T23:59:59-01:00", "There is no time"),
    ],
)
def test_what_is_no_instant_is_refused_in_a_sentence(text: str, told: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        iso_instant(text)
    assert told in refused.value.message
    assert refused.value.message.endswith(".")
