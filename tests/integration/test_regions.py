"""What a region is: its instruments, its languages, which news is its own and on which day that counts."""

import datetime as dt
from pathlib import Path

import msgspec
import numpy as np
import pytest

from schemas import NumericWindowEmbedded
from tests.integration.pipeline import Pipeline, Place, article, close, weekdays
from tests.integration.steps import stepping
from tests.integration.text_models import QuickModel

DAY = dt.date(2008, 9, 15)
NOON = dt.datetime(2008, 9, 15, 12, 0, tzinfo=dt.UTC)
NEW_YORK = dt.timezone(dt.timedelta(hours=-4))
TOKYO = dt.timezone(dt.timedelta(hours=9))
WINDOW_DAYS = 5
REGIONS = """
    [regions.MIX]
    calendar = "XNYS"
    instruments = ["B.US", "A.US", "NEW.US", "NEVER.US"]
    [regions.UK]
    calendar = "XLON"
    instruments = ["A.US"]
    news = "tagged"
    [regions.DE]
    calendar = "XETR"
    instruments = ["A.US"]
    languages = ["de", "En"]
    news = "tagged"
    [regions.UTC]
    calendar = "XNYS"
    instruments = ["A.US"]
    news_day = "utc_date"
"""


@pytest.fixture
def regions(tmp_path: Path) -> Path:
    """A regions file."""
    file = tmp_path / "regions.toml"
    file.write_text(REGIONS)
    return file


def prices_of(instrument: str, rows: int, base: float) -> list[tuple[dt.date, float]]:
    """The last rows of an instrument."""
    return [(day, base + day.day) for day in weekdays(DAY, rows)]


async def numeric_half(path: Pipeline, region: str) -> bytes:
    """A region's numeric half as stored."""
    vector: bytes = await path.value("SELECT regime_embedding FROM regimes WHERE region = $1", region)
    return vector


async def test_a_region_of_several_instruments_is_the_mean_of_those_with_enough_rows(
    place: Place, model: QuickModel, regions: Path
) -> None:
    a, b, new = prices_of("A.US", 5, 100.0), prices_of("B.US", 5, 5000.0), prices_of("NEW.US", 3, 7.0)
    async with (
        place.pipeline(regions=regions, window_days=WINDOW_DAYS) as path,
        stepping(path, model) as steps,
    ):
        for name, rows in (("A.US", a), ("B.US", b), ("NEW.US", new)):
            await path.send(*[close(name, day, price) for day, price in rows])
        await path.send(article("a1", NOON, "A bank fails."))
        await steps.apply()
        await path.close("MIX", DAY)
        await steps.compute()
        [context] = await path.revisions("MIX", DAY)
        [text] = await path.fetch("SELECT vector FROM text_vectors")

    assert [(w.instrument_id, w.rows) for w in context.instruments] == [("B.US", 5), ("A.US", 5)]
    assert context.vector is not None
    closes = [(pa + pb) / 2 for (_, pa), (_, pb) in zip(a, b, strict=True)]
    text_half = np.frombuffer(text["vector"][4:], ">f4")[: 3 * WINDOW_DAYS : 3]
    found = context.vector.numpy()[: 3 * WINDOW_DAYS : 3]
    np.testing.assert_allclose(found, 0.5 * np.array(closes) + 0.5 * text_half, rtol=1e-6)


async def test_prices_of_an_instrument_that_no_region_names_are_stored_and_windowed(
    place: Place, model: QuickModel, regions: Path
) -> None:
    async with (
        place.pipeline(regions=regions, window_days=WINDOW_DAYS) as path,
        stepping(path, model) as steps,
    ):
        await path.send(*[close("OTHER.XX", day, price) for day, price in prices_of("OTHER.XX", 6, 3.0)])
        await steps.apply()
        assert await path.value("SELECT count(*) FROM prices_daily") == 6
        rows = await path.fetch("SELECT rows FROM numeric_window_embeddings ORDER BY as_of_date")
        assert [row["rows"] for row in rows] == [4, 5, 5]


async def test_tags_and_languages_decide_whose_news_it_is_and_gb_is_read_as_uk(
    place: Place, model: QuickModel, regions: Path
) -> None:
    news = {
        "untagged": article("untagged", NOON, "For all."),
        "gb": article("gb", NOON, "For London.", regions=("GB",)),
        "uk-and-us": article("uk-and-us", NOON, "For two.", regions=("US", "UK")),
        "us": article("us", NOON, "For New York.", regions=("US",)),
        "de": article("de", NOON, "Für Berlin.", regions=("DE",), language="DE"),
        "fr": article("fr", NOON, "Pour Paris.", language="fr"),
        "none": article("none", NOON, "Nobody knows.", language=None),
    }
    expected = {
        "MIX": {"untagged", "gb", "uk-and-us", "us"},
        "UK": {"untagged", "gb", "uk-and-us"},
        "DE": {"untagged", "de"},
    }
    async with (
        place.pipeline(regions=regions, window_days=WINDOW_DAYS, amend_interval_seconds=0) as path,
        stepping(path, model) as steps,
    ):
        await path.send(*[close("A.US", day, price) for day, price in prices_of("A.US", 5, 100.0)])
        await steps.apply()
        for region in expected:
            await path.close(region, DAY)
        await steps.compute()
        counted: dict[str, set[str]] = {region: set() for region in expected}
        for name, one in news.items():
            before = {region: await articles(path, region) for region in expected}
            await path.send(one)
            await steps.apply()
            marked = await path.fetch("SELECT region FROM late_marks")
            await steps.close_and_compute()
            await steps.close_and_compute()
            revised = {region for region in expected if await articles(path, region) > before[region]}
            assert {row["region"] for row in marked} == revised
            for region in revised:
                counted[region].add(name)
    assert counted == expected


async def articles(path: Pipeline, region: str) -> int:
    """How many articles a region's last revision counts."""
    return (await path.revisions(region, DAY))[-1].articles


async def test_news_counts_on_the_sessions_or_on_the_date_as_the_region_says(
    place: Place, model: QuickModel, regions: Path
) -> None:
    friday, saturday = dt.date(2008, 9, 12), dt.date(2008, 9, 13)
    news = [
        article("after-friday-close", dt.datetime(2008, 9, 12, 20, 0, 0, 1, tzinfo=dt.UTC), "After the close."),
        article("at-friday-close", dt.datetime(2008, 9, 12, 20, 0, tzinfo=dt.UTC), "At the close."),
        article("weekend", dt.datetime(2008, 9, 13, 9, 0, tzinfo=dt.UTC), "At the weekend."),
        article("monday", NOON, "On Monday."),
        article("date-in-tokyo", dt.datetime(2008, 9, 12, 23, 59, 59, tzinfo=TOKYO), "A date.", time_precision="date"),
        article(
            "date-in-new-york", dt.datetime(2008, 9, 12, 23, 59, 59, tzinfo=NEW_YORK), "A day.", time_precision="date"
        ),
    ]
    async with (
        place.pipeline(regions=regions, window_days=WINDOW_DAYS) as path,
        stepping(path, model) as steps,
    ):
        await path.send(*[close("A.US", day, price) for day, price in prices_of("A.US", 8, 100.0)])
        await path.send(*news)
        await steps.apply()
        await path.close("MIX", friday, DAY)
        await path.close("UTC", friday, saturday, DAY, force=True)
        await steps.compute()
        by_session = {c.as_of: c.articles for c in await path.revisions("MIX", friday, DAY)}
        by_date = {c.as_of: c.articles for c in await path.revisions("UTC", friday, saturday, DAY)}
        closed_at = [c.closed_at for c in await path.revisions("UTC", friday)]

    # Tokyo's date ends at 14:59:59 UTC, before the close in New York; New York's at 03:59:59 UTC on Saturday.
    assert by_session == {friday: 2, DAY: 4}
    assert by_date == {friday: 4, saturday: 1, DAY: 1}
    assert closed_at == [dt.datetime(2008, 9, 13, 0, 15, tzinfo=dt.UTC)]


async def test_windows_are_published_for_young_rows_alone(place: Place, model: QuickModel) -> None:
    today = dt.datetime.now(dt.UTC).date()
    days = [today - dt.timedelta(days=back) for back in range(29, -1, -1)]
    async with (
        place.pipeline(window_days=WINDOW_DAYS, numeric_publish_max_age_days=7) as path,
        stepping(path, model) as steps,
    ):
        await path.send(*[close("BTC.CRYPTO", day, 90_000.0) for day in days])
        await steps.apply()
        published = await windows(path)
        assert await path.value("SELECT count(*) FROM numeric_window_embeddings") == len(days) - 3
    assert sorted(window.as_of for window in published) == days[-8:]


async def windows(path: Pipeline) -> list[NumericWindowEmbedded]:
    """The windows on the topic."""
    records = await path.read("embeddings.numeric")
    return [msgspec.json.decode(record.value, type=NumericWindowEmbedded) for record in records]


async def test_redelivered_records_publish_the_same_bytes_again_and_leave_the_tables_alone(
    place: Place, model: QuickModel
) -> None:
    today = dt.datetime.now(dt.UTC).date()
    days = [today - dt.timedelta(days=back) for back in range(5, -1, -1)]
    tables = ("prices_daily", "prices_history", "news_articles", "news_history", "text_vectors")
    async with (
        place.pipeline(window_days=WINDOW_DAYS) as path,
        stepping(path, model) as steps,
    ):
        await path.send(*[close("BTC.CRYPTO", day, 90_000.0) for day in days])
        await path.send(article("a1", NOON, "A bank fails."), article("a1", NOON, "A bank is saved."))
        await steps.apply()
        before = {table: await path.fetch(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables}
        first = {topic: await path.read(topic) for topic in ("embeddings.numeric", "embeddings.text")}
        encoded = len(model.encoded)
        steps.rewind(steps.prices)
        steps.rewind(steps.news)
        await steps.apply()
        again = {topic: await path.read(topic) for topic in ("embeddings.numeric", "embeddings.text")}
        assert {table: await path.fetch(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables} == before
    assert len(model.encoded) == encoded
    for topic, records in first.items():
        assert len(again[topic]) == 2 * len(records) > 0
        assert {(r.key, r.value) for r in again[topic]} == {(r.key, r.value) for r in records}
