"""A cursor comes back as the place that it stands for, and nothing else is taken for one."""

import datetime as dt
from base64 import urlsafe_b64encode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.web import cursors
from stream_app.web.cursors import AfterArticle, AfterDay, AfterEvents, AfterLetter
from stream_app.web.problems import Refused

INT64 = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=200)
PLACES = st.one_of(
    st.builds(AfterDay, st.dates()),
    st.builds(AfterArticle, TEXTS),
    st.builds(AfterLetter, INT64, TEXTS, st.integers(0, 100), st.integers(0, 100), INT64),
    st.builds(
        AfterEvents, st.none() | st.lists(TEXTS, max_size=3).map(tuple), st.dictionaries(TEXTS, INT64, max_size=3)
    ),
)
KINDS = (AfterDay, AfterArticle, AfterLetter, AfterEvents)


@given(PLACES)
def test_a_cursor_is_read_as_what_was_written_and_as_no_other_kind(place: msgspec.Struct) -> None:
    text = cursors.written(place)
    assert text.isascii() and "=" not in text and "+" not in text and "/" not in text
    for kind in KINDS:
        if kind is type(place):
            assert cursors.read(text, kind) == place
        else:
            with pytest.raises(Refused):
                cursors.read(text, kind)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: urlsafe_b64encode(data).decode()))
def test_anything_else_is_refused_by_the_parameters_name(text: str) -> None:
    with pytest.raises(Refused) as refused:
        cursors.read(text, AfterDay, "articles_cursor")
    (wrong,) = refused.value.problem.errors
    assert (refused.value.problem.status, wrong.name, wrong.where) == (422, "articles_cursor", "query")


@pytest.mark.parametrize(
    "place",
    [
        {"type": "letter", "timestamp_ms": 2**63, "topic": "t", "log_epoch": 1, "partition": 0, "offset": 0},
        {"type": "letter", "timestamp_ms": 0, "topic": "t", "log_epoch": 2**31, "partition": 0, "offset": 0},
        {"type": "letter", "timestamp_ms": 0, "topic": "a\x00b", "log_epoch": 1, "partition": 0, "offset": 0},
    ],
)
def test_what_postgres_could_not_compare_is_no_cursor(place: dict[str, object]) -> None:
    with pytest.raises(Refused):
        cursors.read(urlsafe_b64encode(msgspec.json.encode(place)).decode(), AfterLetter)


def test_the_last_day_that_there_is_can_be_gone_on_after() -> None:
    text = cursors.written(AfterDay(dt.date.max))
    assert cursors.read(text, AfterDay).as_of == dt.date.max
