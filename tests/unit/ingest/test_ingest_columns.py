"""Columns of other names, volumes that are missing, and headers that do not do."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from schemas import PriceClose, Rejected
from schemas.topics import RECORD_MAX_BYTES
from stream_app.errors import UsageError
from stream_app.ingest.columns import renamed
from stream_app.ingest.kinds import NEWS_ARTICLES, PRICE_CLOSES, Kind, with_zero_volumes
from stream_app.ingest.reading import reading
from stream_app.ingest.records import Record, record
from stream_app.ingest.sending import look_at_all
from tests.unit.ingest.times import NOW_MS

HEADER = "instrument_id,trade_date,close,volume"


def outcomes(path: Path, content: str, kind: Kind[Any]) -> list[Any]:
    """The event of each row, or the reason why there is none."""
    path.write_text(content)
    (source,) = look_at_all([path], kind)
    with reading(source, kind) as found:
        results = [record(row, kind, NOW_MS) for row in found.rows]
    return [result.event if isinstance(result, Record) else result for result in results]


def refused(path: Path, content: str, kind: Kind[Any]) -> str:
    with pytest.raises(UsageError) as raised:
        outcomes(path, content, kind)
    return str(raised.value)


def test_a_field_is_taken_from_the_column_that_is_mapped_to_it(tmp_path: Path) -> None:
    kind = renamed(PRICE_CLOSES, ["instrument_id=Ticker", "trade_date=Date", "close = Adj Close"])
    text = "Date,Ticker, Adj Close ,Volume\n2008-09-15,SPX.US,1192.7,5\n"
    assert outcomes(tmp_path / "p.csv", text, kind) == [
        PRICE_CLOSES.codec.decode(
            b'{"instrument_id":"SPX.US","trade_date":"2008-09-15","close":1192.7,"volume":5}',
        )
    ]
    line = json.dumps({"Ticker": 7, "Date": "2008-09-15", "Adj Close": 2.5, "volume": 1}) + "\n"
    (found,) = outcomes(tmp_path / "p.jsonl", line, kind)
    assert (found.instrument_id, found.close) == ("7", 2.5)


def test_a_column_whose_field_another_one_gives_is_kept_as_metadata(tmp_path: Path) -> None:
    kind = renamed(PRICE_CLOSES, ["close=adj_close", "adjusted_close=open"])
    (found,) = outcomes(tmp_path / "p.csv", f"{HEADER},adj_close,open\nX,2008-09-15,1,5,2,3\n", kind)
    assert (found.close, found.adjusted_close, found.open, found.metadata) == (2.0, 3.0, None, {"close": "1"})
    row = {"instrument_id": "X", "trade_date": "2008-09-15", "close": 1, "volume": 5, "adj_close": 2, "open": 3}
    (found,) = outcomes(tmp_path / "p.jsonl", json.dumps(row), kind)
    assert (found.close, found.adjusted_close, found.open, found.metadata) == (2.0, 3.0, None, {"close": 1})


def test_a_mapped_column_that_the_file_lacks_is_named_with_those_that_it_has(tmp_path: Path) -> None:
    for field in ("close", "currency"):
        told = refused(tmp_path / "p.csv", f"{HEADER}\nX,2008-09-15,1,5\n", renamed(PRICE_CLOSES, [f"{field}=px"]))
        assert "has the columns 'instrument_id', 'trade_date', 'close', 'volume'; --map also needs 'px'." in told


def test_a_json_row_without_the_mapped_column_is_a_reason(tmp_path: Path) -> None:
    line = '{"instrument_id": "X", "trade_date": "2008-09-15", "close": 1, "volume": 5}\n'
    (found,) = outcomes(tmp_path / "p.jsonl", line, renamed(PRICE_CLOSES, ["close=px"]))
    assert found == Rejected("invalid", "close is missing")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["close"], "--map close: write FIELD=COLUMN"),
        (["=px"], "--map =px: write FIELD=COLUMN"),
        (["close="], "--map close=: write FIELD=COLUMN"),
        (["cloze=px"], "prices have no field 'cloze'; their fields are schema_version, instrument_id, trade_date, cl"),
        (["close=a", "close=b"], "'close' is mapped twice."),
        (["close=a", "open=a"], "'a' is mapped twice."),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_in_a_sentence(words: list[str], told: str) -> None:
    with pytest.raises(UsageError) as raised:
        renamed(PRICE_CLOSES, words)
    assert told in str(raised.value)


def test_the_columns_of_news_can_be_renamed_too(tmp_path: Path) -> None:
    kind = renamed(NEWS_ARTICLES, ["article_id=id", "headline=title"])
    (found,) = outcomes(tmp_path / "n.csv", "id,published_at,title\na,2008-09-15T05:00:00Z,h\n", kind)
    assert (found.article_id, found.headline) == ("a", "h")


def test_a_missing_volume_is_rejected_or_zero_as_told(tmp_path: Path) -> None:
    rejected = Rejected("invalid", "volume is missing (0 means unknown)")
    zero = with_zero_volumes(PRICE_CLOSES)
    lines = '{"instrument_id":"X","trade_date":"2008-09-15","close":1}\n' * 2
    for name, text in (
        ("p.csv", f"{HEADER}\nX,2008-09-15,1,\n"),
        ("p.jsonl", lines.replace("1}", '1,"volume":null}', 1)),
    ):
        assert set(outcomes(tmp_path / name, text, PRICE_CLOSES)) == {rejected}
        assert {found.volume for found in outcomes(tmp_path / name, text, zero)} == {0.0}
    (found,) = outcomes(tmp_path / "p.csv", "instrument_id,trade_date,close\nX,2008-09-15,1\n", zero)
    assert found.volume == 0.0


def test_a_volume_that_is_there_stays_and_a_retraction_gets_none(tmp_path: Path) -> None:
    text = f"{HEADER},retracted\nX,2008-09-15,1,5,\nX,2008-09-16,1,NaN,\nX,2008-09-17,,,true\n"
    found = outcomes(tmp_path / "p.csv", text, with_zero_volumes(PRICE_CLOSES))
    assert (found[0].volume, found[1].error) == (5.0, "volume is not a finite number")
    assert isinstance(found[2], PriceClose)
    assert found[2].volume is None


def test_a_record_over_a_mebibyte_is_refused_with_that_reason(tmp_path: Path) -> None:
    article = {"article_id": "a", "published_at": "2008-09-15T05:00:00Z", "body": "x" * RECORD_MAX_BYTES}
    good = article | {"body": "x" * (RECORD_MAX_BYTES - 200)}
    large, kept = outcomes(tmp_path / "n.jsonl", f"{json.dumps(article)}\n{json.dumps(good)}\n", NEWS_ARTICLES)
    assert (large.reason, kept.article_id) == ("too-large", "a")
    assert "the largest is 1048576" in large.error


def test_a_cell_over_a_mebibyte_is_refused_with_that_reason_and_the_next_row_follows(tmp_path: Path) -> None:
    body = "x" * (RECORD_MAX_BYTES + 1)
    text = f"article_id,published_at,body\na,2008-09-15T05:00:00Z,{body}\nb,2008-09-15T05:00:00Z,short\n"
    large, kept = outcomes(tmp_path / "n.csv", text, NEWS_ARTICLES)
    assert (large.reason, kept.article_id) == ("too-large", "b")


@pytest.mark.parametrize(("mark", "told"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_a_table_that_is_not_separated_by_commas_is_said_to_be_so(tmp_path: Path, mark: str, told: str) -> None:
    header = HEADER.replace(",", mark)
    assert f"has {told} between its columns" in refused(tmp_path / "p.csv", f"{header}\n", PRICE_CLOSES)


def test_blanks_around_a_cell_that_names_something_are_no_part_of_the_name(tmp_path: Path) -> None:
    text = "trade_date, instrument_id, close, volume, currency\n2008-09-15, SPX.US , 1192.7, 5, USD\n"
    assert outcomes(tmp_path / "p.csv", text, PRICE_CLOSES) == [
        PriceClose(instrument_id="SPX.US", trade_date=dt.date(2008, 9, 15), close=1192.7, volume=5.0, currency="USD")
    ]
    text = "article_id, published_at, headline, language, source\na , 2008-09-15T05:00:00Z, h , en , wire\n"
    (found,) = outcomes(tmp_path / "n.csv", text, NEWS_ARTICLES)
    assert (found.article_id, found.headline, found.language, found.source) == ("a", " h ", "en", "wire")
    assert outcomes(tmp_path / "p.csv", f"{HEADER}\n  ,2008-09-15,1,5\n", PRICE_CLOSES) == [
        Rejected("invalid", "instrument_id: expected text of length >= 1")
    ]
