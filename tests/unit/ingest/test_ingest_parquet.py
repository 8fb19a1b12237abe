"""Parquet files: what their types become, and what of them is refused."""

import datetime as dt
import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas import PriceClose, Rejected
from stream_app.errors import Fatal, UsageError
from stream_app.ingest import parquet
from stream_app.ingest.columns import renamed
from stream_app.ingest.kinds import NEWS_ARTICLES, PRICE_CLOSES, Kind, with_zero_volumes
from stream_app.ingest.reading import reading
from stream_app.ingest.records import Record, record
from stream_app.ingest.sending import _chunks, look_at_all
from tests.unit.ingest.times import CLOCK, NOW_MS

DAY = dt.date(2008, 9, 15)
NEW_YORK = ZoneInfo("America/New_York")
NOON = dt.datetime(2008, 9, 15, 12, tzinfo=dt.UTC)


def outcomes(path: Path, table: dict[str, Any], kind: Kind[Any]) -> list[Any]:
    """The event of each row of a file with these columns, or the reason why there is none."""
    pq.write_table(pa.table(table), path / "t.parquet")
    (source,) = look_at_all([path / "t.parquet"], kind)
    with reading(source, kind) as found:
        rows = list(found.rows)
        assert [row.line for row in rows] == list(range(1, len(rows) + 1))
        assert found.position.read_bytes == source.size_bytes
    results = [record(row, kind, NOW_MS) for row in rows]
    return [result.event if isinstance(result, Record) else result for result in results]


def prices(path: Path, kind: Kind[Any] = PRICE_CLOSES, **columns: Any) -> list[Any]:
    usual: dict[str, Any] = {"instrument_id": ["SPX.US"], "trade_date": [DAY], "close": [1192.7], "volume": [5]}
    return outcomes(path, usual | columns, kind)


def news(path: Path, **columns: Any) -> list[Any]:
    return outcomes(path, {"article_id": ["a"], "published_at": [NOON], "headline": ["h"]} | columns, NEWS_ARTICLES)


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"trade_date": pa.array([DAY], pa.date64())},
        {"trade_date": pa.array([DAY]).cast(pa.timestamp("ns"))},
        {"trade_date": ["2008-09-15"], "close": ["1192.7"], "volume": ["5"]},
        {"close": pa.array([Decimal("1192.70")], pa.decimal128(12, 2)), "volume": pa.array([5], pa.decimal256(40, 0))},
        {"instrument_id": pa.array(["SPX.US"]).dictionary_encode(), "volume": pa.array([5], pa.uint64())},
        {"instrument_id": pa.array(["SPX.US"], pa.large_string()), "retracted": [False], "currency": [None]},
    ],
)
def test_every_usual_type_of_a_column_gives_the_same_price(tmp_path: Path, columns: dict[str, Any]) -> None:
    assert prices(tmp_path, **columns) == [PriceClose(instrument_id="SPX.US", trade_date=DAY, close=1192.7, volume=5.0)]


def test_times_keep_their_instant_and_their_own_offset(tmp_path: Path) -> None:
    end_of_day = dt.datetime(2008, 9, 15, 23, 59, 59, tzinfo=NEW_YORK)
    for unit in ("s", "ms", "us", "ns"):
        (found,) = news(tmp_path, published_at=pa.array([NOON], pa.timestamp(unit, "UTC")))
        assert found.published_at == NOON
        local = pa.array([end_of_day], pa.timestamp(unit, "America/New_York"))
        (found,) = news(tmp_path, published_at=local, time_precision=["date"])
        assert (found.published_at, found.news_date) == (end_of_day, DAY)


def test_region_tags_come_as_a_list_or_as_text(tmp_path: Path) -> None:
    for regions in ([["US", "EU"]], ["US|EU"], pa.array([["US", "EU"]], pa.large_list(pa.string()))):
        (found,) = news(tmp_path, regions=regions)
        assert found.regions == ("US", "EU")


def test_columns_that_the_event_does_not_know_are_kept_as_json_can_hold_them(tmp_path: Path) -> None:
    (found,) = prices(
        tmp_path,
        at=[NOON],
        paid=[Decimal("1.50")],
        nan=[float("nan")],
        deep=[{"days": [DAY], "raw": b"\xff"}],
        pairs=pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
        span=pa.array([1], pa.duration("us")),
        metadata=[{"desk": "x"}],
    )
    assert found.metadata == {
        "at": "2008-09-15T12:00:00+00:00",
        "paid": "1.50",
        "nan": None,
        "deep": {"days": ["2008-09-15"], "raw": "/w=="},
        "pairs": {"a": 1},
        "span": "0:00:00.000001",
        "desk": "x",
    }


BEYOND_PYTHON = 300_000_000_000_000
NOT_UTF8 = pa.array([b"\xff\xfe"]).view(pa.string())


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ({"close": [float("nan")]}, "close is not a finite number"),
        ({"open": [float("nan")]}, "open is not a finite number"),
        ({"volume": [float("inf")]}, "volume is not a finite number"),
        ({"close": ["n/a"]}, "close is not a finite number"),
        ({"close": pa.array([None], pa.float64())}, "close is missing"),
        ({"volume": pa.array([None], pa.float64())}, "volume is missing (0 means unknown)"),
        ({"volume": [""]}, "volume is missing (0 means unknown)"),
        ({"close": [Decimal("-1.5")]}, "close: expected a number >= 1e-30"),
        ({"trade_date": [dt.datetime(2008, 9, 15, 5)]}, "trade_date is a timestamp without a time zone"),  # noqa: DTZ001
        ({"trade_date": [NOON]}, "trade_date: expected a date such as 2024-01-31"),
        ({"trade_date": pa.array([3_000_000], pa.date32())}, "trade_date cannot be read: "),
        ({"instrument_id": [b"SPX.US"]}, "instrument_id is of a binary type; text is needed"),
        ({"instrument_id": [7.5]}, "instrument_id: expected text, got a number"),
        ({"instrument_id": NOT_UTF8}, "instrument_id: 'utf-8' codec can't decode"),
    ],
)
def test_a_value_that_cannot_be_used_is_a_reason(tmp_path: Path, columns: dict[str, Any], error: str) -> None:
    (found,) = prices(tmp_path, **columns)
    assert isinstance(found, Rejected)
    assert found.error.startswith(error)


def test_a_time_without_a_zone_is_a_reason_and_other_rows_are_kept(tmp_path: Path) -> None:
    (found,) = news(tmp_path, published_at=pa.array([NOON], pa.timestamp("ns")))
    assert found == Rejected("invalid", "published_at is a timestamp without a time zone")
    (found,) = news(tmp_path, published_at=pa.array([DAY]).cast(pa.timestamp("ns")))
    assert found.error.startswith("published_at: expected a time with an offset")
    good, bad = prices(
        tmp_path,
        instrument_id=["A", "B"],
        trade_date=pa.array([14_137, 3_000_000], pa.date32()),
        close=[1.0, 1.0],
        volume=[1, 1],
    )
    assert (good.trade_date, bad.reason) == (DAY, "invalid")


def test_columns_are_renamed_and_missing_volumes_are_zero_as_told(tmp_path: Path) -> None:
    kind = renamed(with_zero_volumes(PRICE_CLOSES), ["close=adj", "instrument_id=Id"])
    (found,) = outcomes(tmp_path, {"Id": [7], "Trade_Date": [DAY], "adj": [2.5], "volume": [None]}, kind)
    assert found == PriceClose(instrument_id="7", trade_date=DAY, close=2.5, volume=0.0)


def test_a_file_that_lacks_columns_says_which_it_has_and_which_are_needed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has the columns 'ticker', 'close'; prices also need instrument_id, trade_d"):
        outcomes(tmp_path, {"ticker": ["X"], "close": [1.0]}, PRICE_CLOSES)
    with pytest.raises(UsageError, match="has the columns none; prices also need instrument_id, trade_d"):
        outcomes(tmp_path, {}, PRICE_CLOSES)


def test_many_rows_come_in_order_through_row_groups_and_batches(tmp_path: Path) -> None:
    count = 3 * parquet.BATCH_ROWS + 7
    table = pa.table({"instrument_id": [f"I{n}" for n in range(count)], "trade_date": [DAY] * count})
    table = table.append_column("close", pa.array([1.0] * count)).append_column("volume", pa.array([1] * count))
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=parquet.BATCH_ROWS + 3)
    (source,) = look_at_all([tmp_path / "t.parquet"], PRICE_CLOSES)
    with reading(source, PRICE_CLOSES) as found:
        chunks = list(_chunks(source, found, PRICE_CLOSES, CLOCK))
    events = [each.event.instrument_id for chunk in chunks for each in chunk.records]
    assert events == [f"I{n}" for n in range(count)]
    assert chunks[-1].read_bytes == source.size_bytes


def test_large_rows_are_decoded_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, values = [], parquet._values

    def counted(column: pa.Array) -> list[Any]:
        sizes.append(column.nbytes)
        return values(column)

    monkeypatch.setattr(parquet, "_values", counted)
    bodies = [f"{n}" + "x" * 500_000 for n in range(40)]
    found = news(tmp_path, article_id=list("ab") * 20, published_at=[NOON] * 40, headline=["h"] * 40, body=bodies)
    assert [len(each.body) for each in found] == list(map(len, bodies))
    assert max(sizes) <= parquet.BATCH_BYTES


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda content: content[:-200], "cannot be read"),
        (gzip.compress, "holds Parquet, which can be read from a file only, and not gzipped"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(tmp_path: Path, spoil: Any, told: str) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"article_id": ["a"] * 100}), path)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(UsageError, match=told):
        look_at_all([path], NEWS_ARTICLES)


def test_a_file_that_is_damaged_further_on_says_near_which_row(tmp_path: Path) -> None:
    path, count = tmp_path / "t.parquet", 4_000
    ids, days = [f"instrument {n * n}" for n in range(count)], [DAY] * count
    table = pa.table({"instrument_id": ids, "trade_date": days, "close": [1.0] * count, "volume": [1.0] * count})
    pq.write_table(table, path, row_group_size=1_000)
    content = bytearray(path.read_bytes())
    begins = pq.ParquetFile(path).metadata.row_group(2).column(0).dictionary_page_offset
    content[begins : begins + 200] = b"\xff" * 200
    path.write_bytes(content)
    (source,) = look_at_all([path], PRICE_CLOSES)
    with reading(source, PRICE_CLOSES) as found, pytest.raises(Fatal, match=r"is damaged near row 2,000: "):
        list(_chunks(source, found, PRICE_CLOSES, CLOCK))
