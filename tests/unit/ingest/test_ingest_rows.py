"""What a file's rows become: records that the worker's own decoder takes, or reasons with a line."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from schemas import NewsArticle, PriceClose, Rejected
from schemas.topics import RECORD_MAX_BYTES
from stream_app.errors import UsageError
from stream_app.ingest.files import LINE_MAX_BYTES, look_at
from stream_app.ingest.kinds import NEWS_ARTICLES, PRICE_CLOSES, Kind
from stream_app.ingest.reading import reading
from stream_app.ingest.records import METADATA_MAX_BYTES, METADATA_MAX_COLUMNS, Record, record
from stream_app.ingest.sending import look_at_all
from tests.unit.ingest.times import NOW_MS

HEADER = "instrument_id,trade_date,close,volume"
GOOD = "SPX.US,2008-09-15,1192.7,8279510000"
ARTICLE = {"article_id": "a", "published_at": "2008-09-15T05:00:00Z", "headline": "Lehman fails"}

Outcome = tuple[int, Record[Any] | Rejected]


def outcomes(path: Path, content: str | bytes, kind: Kind[Any]) -> list[Outcome]:
    """Every row of a file with that content: the line it begins on and what became of it."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    source = look_at(path)
    with reading(source, kind) as found:
        return [(row.line, record(row, kind, NOW_MS)) for row in found.rows]


def prices(path: Path, *lines: str) -> list[Outcome]:
    return outcomes(path / "prices.csv", "\n".join(lines) + "\n", PRICE_CLOSES)


def news(path: Path, *articles: dict[str, Any]) -> list[Outcome]:
    return outcomes(path / "news.jsonl", "".join(json.dumps(a) + "\n" for a in articles), NEWS_ARTICLES)


def event(outcome: Outcome) -> Any:
    assert isinstance(outcome[1], Record)
    return outcome[1].event


def errors(found: list[Outcome]) -> list[tuple[int, str]]:
    return [(line, outcome.error) for line, outcome in found if isinstance(outcome, Rejected)]


def test_a_csv_row_is_the_event_that_its_bytes_decode_to(tmp_path: Path) -> None:
    (found,) = prices(tmp_path, HEADER, GOOD)
    assert isinstance(found[1], Record)
    assert found[1].key == b"SPX.US"
    assert PRICE_CLOSES.codec.decode(found[1].value) == event(found)
    assert b'"schema_version":1' in found[1].value
    assert (event(found).close, event(found).volume) == (1192.7, 8279510000.0)


def test_columns_are_found_by_name_without_case_and_in_any_order(tmp_path: Path) -> None:
    (found,) = prices(tmp_path, "Volume, CLOSE ,trade_date,Instrument_ID", "5,2.5,2008-09-15,SPX.US")
    assert event(found) == PRICE_CLOSES.codec.decode(
        b'{"instrument_id":"SPX.US","trade_date":"2008-09-15","close":2.5,"volume":5}'
    )


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    plain = prices(tmp_path, HEADER, GOOD)
    marked = outcomes(tmp_path / "b.csv", b"\xef\xbb\xbf" + f"{HEADER}\r\n{GOOD}\r\n".encode(), PRICE_CLOSES)
    assert marked == plain


def test_gzip_is_known_by_its_content_whatever_the_name(tmp_path: Path) -> None:
    plain = prices(tmp_path, HEADER, GOOD)
    assert outcomes(tmp_path / "p.txt", gzip.compress(f"{HEADER}\n{GOOD}\n".encode()), PRICE_CLOSES) == plain


@pytest.mark.parametrize(
    ("close", "volume", "error"),
    [
        ("1.5", "", "volume is missing (0 means unknown)"),
        ("", "1", "close is missing"),
        ("NaN", "1", "close is not a finite number"),
        ("1.5", "inf", "volume is not a finite number"),
        ("1_000", "1", "close is not a finite number"),
        ("1e999", "1", "close is not a finite number"),
        ("n/a", "1", "close is not a finite number"),
        ("-5", "1", "close: expected a number >= 1e-30"),
        ("0", "1", "close: expected a number >= 1e-30"),
        ("5", "-1", "volume: expected a number >= 0.0"),
    ],
)
def test_a_number_that_cannot_be_used_is_a_reason(tmp_path: Path, close: str, volume: str, error: str) -> None:
    found = prices(tmp_path, HEADER, f"SPX.US,2008-09-15,{close},{volume}", GOOD)
    assert errors(found) == [(2, error)]
    assert isinstance(event(found[1]), PriceClose)


def test_a_row_of_another_width_is_a_reason_and_an_empty_line_is_no_row(tmp_path: Path) -> None:
    found = prices(tmp_path, "", HEADER, "SPX.US,2008-09-15,1", "", GOOD, GOOD + ",x")
    assert errors(found) == [
        (3, "the row has 3 columns; the header has 4"),
        (6, "the row has 5 columns; the header has 4"),
    ]
    assert found[1][0] == 5


def test_a_quoted_text_over_several_lines_is_one_row_and_lines_are_still_counted(tmp_path: Path) -> None:
    text = 'article_id,published_at,headline,body\na,2008-09-15T05:00:00Z,"x, ""y""","one\ntwo\n"\nb,never,h,\n'
    found = outcomes(tmp_path / "n.csv", text, NEWS_ARTICLES)
    assert (event(found[0]).headline, event(found[0]).body) == ('x, "y"', "one\ntwo\n")
    assert [line for line, _ in found] == [2, 5]
    assert isinstance(found[1][1], Rejected)


def test_a_quote_that_never_closes_swallows_a_bounded_part_of_the_file(tmp_path: Path) -> None:
    lines = [HEADER, 'SPX.US,"2008-09-15,1,1', *[GOOD] * (2 * RECORD_MAX_BYTES // len(GOOD))]
    found = prices(tmp_path, *lines)
    assert len(errors(found)) >= 1
    assert sum(isinstance(outcome, Record) for _, outcome in found) > len(lines) / 4


def test_a_line_that_is_too_long_is_a_reason_and_the_next_line_follows(tmp_path: Path) -> None:
    long = "x" * (LINE_MAX_BYTES + 10)
    found = prices(tmp_path, HEADER, long, GOOD)
    assert errors(found) == [(2, f"the line has over {LINE_MAX_BYTES} bytes")]
    assert found[1][0] == 3
    assert errors(news(tmp_path, ARTICLE | {"body": long}, ARTICLE)) == [
        (1, f"the line has over {LINE_MAX_BYTES} bytes")
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"article_id":"a","published_at":"2008-09-15T05:00:00Z","headline":"\\ud800"}', "not-json"),
        (b'{"article_id":"a","published_at":"2008-09-15T05:00:00Z","headline":"\\u0000"}', "nul-character"),
        (b'{"article_id":"a","published_at":"2008-09-15T05:00:00Z","headline":"\xff"}', "not-utf8"),
        (b'{"article_id":"a","published_at":"2008-09-15T05:00:00Z","headline":NaN}', "not-json"),
        (b'{"article_id":"a",', "not-json"),
        (b'["a"]', "invalid"),
        (b"[" * 100_000, "not-json"),
        (b'{"article_id":"a","published_at":"2008-09-15","headline":"h"}', "invalid"),
        (b'{"article_id":"a","published_at":"2008-09-15T05:00:00Z"}', "invalid"),
        (b'{"article_id":true,"published_at":"2008-09-15T05:00:00Z","headline":"h"}', "invalid"),
    ],
)
def test_a_json_line_that_cannot_be_used_is_a_reason(tmp_path: Path, line: bytes, reason: str) -> None:
    good = json.dumps(ARTICLE).encode()
    found = outcomes(tmp_path / "n.jsonl", good + b"\n" + line + b"\n" + good + b"\n", NEWS_ARTICLES)
    assert isinstance(found[1][1], Rejected)
    assert (found[1][0], found[1][1].reason) == (2, reason)
    assert event(found[2]) == event(found[0])


@pytest.mark.parametrize("cell", [b"\xff\xfe", b"a\x00b"])
def test_bytes_that_are_no_text_in_a_csv_cell_are_a_reason(tmp_path: Path, cell: bytes) -> None:
    padding = b"\n" + GOOD.encode() * 0
    filler = (GOOD + "\n").encode() * 3000  # beyond what is looked at to tell a binary file
    content = HEADER.encode() + b"\n" + filler + cell + b",2008-09-15,1,1" + padding
    rejected = [
        outcome for _, outcome in outcomes(tmp_path / "p.csv", content, PRICE_CLOSES) if isinstance(outcome, Rejected)
    ]
    assert [found.reason for found in rejected] == ["not-utf8" if b"\xff" in cell else "nul-character"]


def test_a_numeric_id_is_text_and_nulls_are_absent(tmp_path: Path) -> None:
    nulls: dict[str, Any] = {"language": None, "body": None, "source": None, "regions": None, "time_precision": None}
    (found,) = news(tmp_path, ARTICLE | nulls | {"article_id": 123, "metadata": None, "retracted": None})
    assert (event(found).article_id, event(found).language, event(found).body) == ("123", None, None)
    (found,) = outcomes(tmp_path / "p.csv", f"{HEADER}\n600519,2008-09-15,1,1\n", PRICE_CLOSES)
    assert event(found).instrument_id == "600519"


def test_an_empty_json_text_stays_empty_and_an_empty_cell_is_null(tmp_path: Path) -> None:
    (found,) = news(tmp_path, ARTICLE | {"body": ""})
    assert event(found).text == "Lehman fails "
    text = "article_id,published_at,headline,body\na,2008-09-15T05:00:00Z,Lehman fails,\n"
    (found,) = outcomes(tmp_path / "n.csv", text, NEWS_ARTICLES)
    assert event(found).text == "Lehman fails"


def test_region_tags_of_a_cell_are_separated_by_bars_or_semicolons(tmp_path: Path) -> None:
    text = "article_id,published_at,headline,regions\na,2008-09-15T05:00:00Z,h,US| EU;JP |\n"
    (found,) = outcomes(tmp_path / "n.csv", text, NEWS_ARTICLES)
    assert event(found).regions == ("US", "EU", "JP")


def test_unknown_columns_are_kept_as_metadata_beside_the_rows_own(tmp_path: Path) -> None:
    (found,) = news(tmp_path, ARTICLE | {"rank": 3, "url": None, "metadata": {"desk": "x", "rank": 1}})
    assert event(found).metadata == {"rank": 1, "url": None, "desk": "x"}
    text = f'{HEADER},region,metadata\n{GOOD},US,"{{""a"": 1}}"\n{GOOD},,\n'
    found, other = outcomes(tmp_path / "p.csv", text, PRICE_CLOSES)
    assert (event(found).metadata, event(other).metadata) == ({"region": "US", "a": 1}, {"region": None})


def test_unknown_columns_beyond_the_bound_are_left_out_and_counted(tmp_path: Path) -> None:
    many = {f"c{number}": 1 for number in range(METADATA_MAX_COLUMNS + 1)}
    for extra in (many, {"c": "x" * METADATA_MAX_BYTES}):
        (found,) = news(tmp_path, ARTICLE | extra)
        assert isinstance(found[1], Record)
        assert found[1].left_out
        assert event(found).metadata is None


def test_a_date_only_article_ends_its_day(tmp_path: Path) -> None:
    bare, local = news(
        tmp_path,
        ARTICLE | {"published_at": "2008-09-15", "time_precision": "date"},
        ARTICLE | {"published_at": "2008-09-15T23:59:59-04:00", "time_precision": "date"},
    )
    assert event(bare).published_at.isoformat() == "2008-09-15T23:59:59+00:00"
    assert str(event(local).news_date) == "2008-09-15"


def test_a_retraction_needs_only_its_key(tmp_path: Path) -> None:
    (found,) = outcomes(tmp_path / "n.csv", "article_id,retracted\na,true\n", NEWS_ARTICLES)
    assert event(found) == NewsArticle(article_id="a", retracted=True)
    (found,) = outcomes(tmp_path / "p.csv", "instrument_id,trade_date,retracted\nX,2008-09-15,1\n", PRICE_CLOSES)
    assert event(found).retracted


def _refused(path: Path, content: bytes, kind: Kind[Any] = PRICE_CLOSES) -> str:
    path.write_bytes(content)
    with pytest.raises(UsageError) as raised:
        look_at_all([path], kind)
    return str(raised.value)


def test_a_header_that_lacks_columns_says_which_it_has_and_which_are_needed(tmp_path: Path) -> None:
    told = _refused(tmp_path / "p.csv", b"Date,Close,ticker\n2008-09-15,1,X\n")
    assert "has the columns 'Date', 'Close', 'ticker'; prices also need instrument_id, trade_date, volume" in told


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty."),
        (b" \n\n", "is empty."),
        (gzip.compress(b"", mtime=0), "is empty."),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is not a text file"),
        (HEADER.encode("utf-16"), "is not a text file"),
        (f"{HEADER},Börse\n{GOOD},Xetra\n".encode("latin-1"), "is not in UTF-8, as its header shows"),
        (gzip.compress(b"x" * 1000, mtime=0)[:20], "cannot be read"),
        (b'[{"article_id": "a"}]', "is one JSON array"),
        (f"{HEADER},close\n".encode(), "has the column 'close' more than once."),
    ],
)
def test_a_file_that_cannot_be_ingested_is_refused_in_a_sentence(tmp_path: Path, content: bytes, told: str) -> None:
    assert told in _refused(tmp_path / "file", content)


def test_a_missing_file_and_a_folder_are_refused_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text(f"{HEADER}\n{GOOD}\n")
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(UsageError, match=r"There is no file|is a folder"):
            look_at_all([tmp_path / "good.csv", path], PRICE_CLOSES)


def test_a_date_too_far_ahead_of_now_is_a_reason(tmp_path: Path) -> None:
    found = prices(tmp_path, HEADER, "SPX.US,2008-09-27,1,1", "SPX.US,2008-09-28,1,1", "SPX.US,2208-09-15,1,1", GOOD)
    assert [isinstance(outcome, Record) for _, outcome in found] == [True, False, False, True]
    (article,) = news(tmp_path, ARTICLE | {"published_at": "2080-09-15T05:00:00Z"})
    rejected = [outcome for _, outcome in [*found, article] if isinstance(outcome, Rejected)]
    assert {outcome.reason for outcome in rejected} == {"future-date"}
    assert "trade_date is 2008-09-28" in rejected[0].error


def test_a_quote_that_never_closes_is_named_where_it_takes_the_rest_of_the_file(tmp_path: Path) -> None:
    found = prices(tmp_path, HEADER, GOOD, 'SPX.US,2008-09-16,"1,1', GOOD)
    assert errors(found) == [(3, "a quote in the row never closes, so the rest of the file belongs to the row")]


@pytest.mark.parametrize(
    ("last", "told"),
    [
        ('"SPX.US",2008-09-17,1,1', "the row is not CSV: ',' expected after '\"'"),
        ('SPX.US,2008-09-17,1,1"', "the row has 2 columns; the header has 4"),
        (GOOD, "a quote in the row never closes, so the rest of the file belongs to the row"),
    ],
)
def test_a_row_that_a_stray_quote_makes_of_many_lines_is_told_with_its_first_and_last(
    tmp_path: Path, last: str, told: str
) -> None:
    lines = [HEADER, GOOD, 'SPX.US,"2008-09-16,1,1', *[GOOD] * 9, last]
    (tmp_path / "p.csv").write_text("\n".join(lines) + "\n")
    with reading(look_at(tmp_path / "p.csv"), PRICE_CLOSES) as found:
        rows = list(found.rows)
    assert [row.place for row in rows] == ["2", "3-13"]
    assert rows[1].fields == Rejected("invalid", told)
