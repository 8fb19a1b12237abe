"""Dead letters as they are named, chosen and told: their bytes are anybody's, and reach no terminal as they are."""

import datetime as dt
import json
import re
from typing import Any

import pytest

from schemas import DeadLetter, OriginPosition
from stream_app.cli.told_letters import as_json, as_text, visible
from stream_app.store.dead_letters import Letter
from stream_app.store.handled_letters import State
from tests.unit.cli.conftest import Run

ATTACK = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u200b\u2028\x7f\r\b"
NOT_UTF8 = b"\xff\x1b[2J"
PLAIN = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e\u2028]*")


def letter(**changed: Any) -> Letter:
    given: dict[str, Any] = {"key": b"SPX.US", "value": b'{"a":\n1}', "reason": "invalid", "error": "close is missing"}
    made = DeadLetter(
        event_id="0" * 32,
        topic="t.prices.closes",
        log_epoch=1,
        partition=0,
        offset=17,
        timestamp=dt.datetime(2008, 9, 15, 16, tzinfo=dt.UTC),
        **(given | changed),
    )
    return Letter(made, 0)


def test_a_letter_is_shown_whole_with_its_value_as_text() -> None:
    origin = OriginPosition(log_epoch=1, timestamp_ms=0, partition=0, offset=9, checksum=0)
    shown = as_text(letter(origin=origin), State.WAITS, "t.")
    for line in ("prices.closes/1/0/17", "prices.closes/1/0/9", "2008-09-15T16:00:00+00:00", "close is missing", "SPX"):
        assert line in shown
    assert shown.endswith('{"a":\n1}')


@pytest.mark.parametrize("field", ["key", "value", "error", "reason"])
def test_no_control_sequence_of_a_letter_reaches_the_terminal(field: str) -> None:
    hostile = ATTACK if field in ("error", "reason") else ATTACK.encode()
    shown = as_text(letter(**{field: hostile}), State.WAITS, "t.")
    assert r"\x1b]0;owned\x07\x1b[2J" in shown
    assert r"\u202e" in shown
    assert PLAIN.fullmatch(shown)
    told = as_json(letter(**{field: hostile}), State.WAITS, "t.")
    assert PLAIN.fullmatch(told)
    assert told.isascii()


def test_bytes_that_are_no_text_are_shown_in_base64_and_none_as_none() -> None:
    assert "value:          (base64) /xtbMko=" in as_text(letter(value=NOT_UTF8), State.WAITS, "")
    told = json.loads(as_json(letter(key=None, value=NOT_UTF8), State.REQUEUED, ""))
    assert (told["key"], told["value"], told["state"]) == (None, {"base64": "/xtbMko="}, "requeued")
    assert "key:            (none)" in as_text(letter(key=None), State.WAITS, "")


def test_json_has_text_to_the_letter() -> None:
    told = json.loads(as_json(letter(value=ATTACK.encode()), State.WAITS, "t."))
    assert told["value"] == {"text": ATTACK}
    assert told["name"] == "prices.closes/1/0/17"


def test_readable_text_stays_as_it_is() -> None:
    assert visible("Zürich 東京 \\x1b ½") == "Zürich 東京 \\x1b ½"
    assert visible("a\tb\n", kept="\n\t") == "a\tb\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("requeue", "Name letters, or choose them by --reason"),
        ("discard", "or say --all."),
        ("requeue --all --reason not-json", "Name letters, or choose them"),
        ("requeue prices.closes/1/0/17 --since 2025-01-31", "Name letters, or choose them"),
        ("requeue prices.closes/1/0", "is no letter's name, such as prices.closes/1/0/17."),
        ("show prices.closes/1/0/-1", "is no letter's name"),
        ("show prices.closes/9999999999/0/1", "is no letter's name"),
        ("show prices.closes/1/0/9999999999999999999", "is no letter's name"),
        ("show embeddings.text/1/0/1", "it must be of prices.closes or news.articles or regions.day-closes."),
        ("list --topic t.prices.closes", "t.prices.closes: it must be of prices.closes"),
        ("requeue --topic regions.day-closes", "it must be of prices.closes or news.articles."),
        ("requeue regions.day-closes/1/0/0", "it must be of prices.closes or news.articles."),
        ("list --since 2025-02-30", "There is no date 2025-02-30"),
        ("list --since 2025-01-31T16:00", "'2025-01-31T16:00' has no offset: end it with Z for UTC"),
        ("list --since yesterday", "'yesterday' is not of the form YYYY-MM-DDTHH:MM:SSZ."),
        ("list --until 9999-12-31", "9999-12-31 is the last day that there is."),
        ("list --since 2025-02-01 --until 2025-01-31", "--since is after --until."),
        ("list --limit 0", "greater than or equal to 1"),
        ("list --limit 10001", "less than or equal to 10000"),
        ("list --format xml", "'table', 'json', 'csv'"),
    ],
)
def test_a_wrong_request_is_answered_by_one_sentence(run: Run, words: str, told: str) -> None:
    refused = run("dead-letters", *words.split())
    assert refused.exit_code == 2
    assert re.fullmatch(r"Error: [^\n]+\n", refused.stderr)
    assert told in refused.stderr
    assert refused.stdout == ""
