"""What cannot be used reaches the dead letters whole, and the good records beside it are applied."""

import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from schemas import DayTrigger, Definition, RegionDayClosed, encode
from schemas.topics import DEAD_LETTER_MAX_BYTES, DEAD_LETTERS, RECORD_MAX_BYTES
from stream_app.contexts.cut import read_cut
from stream_app.store.triggers import trigger_id
from tests.integration.pipeline import Pipeline, Place, article, close, until, weekdays
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel

DAY = dt.date(2008, 9, 15)
NOON = dt.datetime(2008, 9, 15, 16, 0, tzinfo=dt.UTC)
GOOD_PRICE = (b"SPX.US", encode(close("SPX.US", DAY, 1192.7)))
GOOD_ARTICLE = (b"a1", encode(article("a1", NOON, "A bank fails.")))


@asynccontextmanager
async def workplace(place: Place, model: QuickModel) -> AsyncIterator[tuple[Pipeline, Steps]]:
    """Nothing applied yet."""
    async with place.pipeline(window_days=5) as path, stepping(path, model) as steps:
        yield path, steps


def price(**changed: object) -> bytes:
    """A price's JSON with fields that its schema may refuse."""
    whole = {"instrument_id": "SPX.US", "trade_date": "2008-09-12", "close": 1.0, "volume": 1.0}
    return msgspec.json.encode(whole | changed)


BAD_PRICES = [
    (b"SPX.US", b"no json", "not-json"),
    (b"SPX.US", price().replace(b"1.0", b"NaN"), "not-json"),
    (b"SPX.US", b"\xff\xfe", "not-utf8"),
    (b"SPX.US", None, "null-value"),
    (b"SPX.US", price(close=-1.0), "invalid"),
    (b"SPX.US", price(close="NaN"), "invalid"),
    (b"SPX.US", price(trade_date="2008-09-31"), "invalid"),
    (b"SPX.US", price(schema_version=99), "unknown-version"),
    (b"SPX.US", price(currency="\u0000"), "nul-character"),
    (b"SPX.US", b" " * RECORD_MAX_BYTES + price(), "too-large"),
    (None, price(), "no-key"),
    (b"", price(), "key-differs"),
    (b"DAX.EU", price(), "key-differs"),
    (b"\xff", price(), "key-differs"),
]


async def test_prices_that_cannot_be_used_are_dead_letters_with_their_bytes_and_their_neighbours_are_applied(
    place: Place, model: QuickModel
) -> None:
    last = (b"DAX.EU", price(instrument_id="DAX.EU"))
    async with workplace(place, model) as (path, steps):
        await path.send_raw("prices.closes", 1, GOOD_PRICE, *[(key, value) for key, value, _ in BAD_PRICES], last)
        chunks = [chunk async for chunk in steps.chunks(steps.prices)]
        assert [len(chunk.records) for chunk in chunks] == [len(BAD_PRICES) + 2], "good and bad must share a chunk"
        await steps.apply(steps.prices)
        letters = sorted(await path.dead_letters(), key=lambda letter: letter.offset)
        stored = await path.fetch("SELECT instrument_id FROM prices_daily ORDER BY instrument_id")
        keys = {record.key.decode() for record in await path.read(DEAD_LETTERS.name)}
        topic = path.services.topic("prices.closes")

    assert [(letter.key, letter.value, letter.reason) for letter in letters] == BAD_PRICES
    assert [(x.topic, x.partition, x.offset) for x in letters] == [(topic, 1, n + 1) for n in range(len(BAD_PRICES))]
    sent_at = [record.timestamp for record in chunks[0].records][1:-1]
    assert [letter.timestamp for letter in letters] == [dt.datetime.fromtimestamp(at / 1000, dt.UTC) for at in sent_at]
    assert all(letter.error for letter in letters)
    assert keys == {f"{topic}|1|{n + 1}" for n in range(len(BAD_PRICES))}
    assert [row["instrument_id"] for row in stored] == ["DAX.EU", "SPX.US"]


async def test_a_text_that_breaks_the_model_is_a_dead_letter_and_its_article_is_not_counted(
    place: Place, model: QuickModel
) -> None:
    model.breaking = {"This breaks the model."}
    broken = article("a2", NOON, "This breaks the model.")
    async with workplace(place, model) as (path, steps):
        await path.send(*[close("SPX.US", day, 1200.0) for day in weekdays(DAY, 5)])
        await path.send_raw("news.articles", 0, GOOD_ARTICLE, (b"a2", encode(broken)))
        await steps.apply()
        await path.close("US", DAY)
        await steps.compute()
        context = (await path.revisions("US", DAY))[0]
        [letter] = await path.dead_letters()
        embedded = [record.key for record in await path.read("embeddings.text")]
        steps.rewind(steps.news)
        await steps.apply(steps.news)
        assert len(await path.dead_letters()) == 1

    assert (letter.reason, letter.key, letter.value) == ("not-encodable", b"a2", encode(broken))
    assert "cannot read" in letter.error
    assert context.articles == 1
    assert len(embedded) == 1


async def test_an_article_that_was_good_stays_as_it_was_when_its_correction_breaks_the_model(
    place: Place, model: QuickModel
) -> None:
    model.breaking = {"This breaks the model."}
    async with workplace(place, model) as (path, steps):
        await path.send(article("a1", NOON, "A bank fails."))
        await steps.apply()
        await path.send(article("a1", NOON, "This breaks the model."))
        await steps.apply()
        assert [letter.reason for letter in await path.dead_letters()] == ["not-encodable"]
        assert await path.value("SELECT headline FROM news_articles") == "A bank fails."


async def good_trigger(path: Pipeline) -> RegionDayClosed:
    """A trigger that anybody may publish."""
    return RegionDayClosed(
        event_id=trigger_id("US", DAY, 1),
        region="US",
        as_of=DAY,
        number=1,
        closed_at=dt.datetime(2008, 9, 15, 20, 15, tzinfo=dt.UTC),
        cut=await read_cut(path.services),
        definition=Definition(
            calendar="XNYS", instruments=("SPX.US",), languages=("EN",), news="all", news_day="session"
        ),
        allow_stale=False,
    )


def with_definition(trigger: DayTrigger, **changed: object) -> DayTrigger:
    """The trigger for a region defined otherwise."""
    return msgspec.structs.replace(trigger, definition=msgspec.structs.replace(trigger.definition, **changed))


def without_news(trigger: DayTrigger) -> DayTrigger:
    """The trigger with a cut of one topic."""
    cut = {topic: part for topic, part in trigger.cut.items() if topic.endswith("prices.closes")}
    return msgspec.structs.replace(trigger, cut=cut)


@pytest.mark.parametrize(
    ("spoilt", "error"),
    [
        (without_news, "the cut"),
        (lambda trigger: with_definition(trigger, calendar="MOON"), "no exchange calendar 'MOON'"),
        (lambda trigger: msgspec.structs.replace(trigger, as_of=dt.date(1901, 1, 1)), "1985"),
        (lambda trigger: msgspec.structs.replace(trigger, as_of=dt.date(2201, 1, 1)), "2035"),
    ],
    ids=["a-topic-is-missing", "unknown-calendar", "before-the-calendar", "after-the-calendar"],
)
async def test_a_trigger_that_can_never_be_computed_is_a_dead_letter_and_does_not_stop_its_region(
    place: Place, model: QuickModel, spoilt: Callable[[DayTrigger], DayTrigger], error: str
) -> None:
    async with workplace(place, model) as (path, steps):
        trigger = await good_trigger(path)
        await path.send_raw("regions.day-closes", 0, (b"US", encode(spoilt(trigger))), (b"US", encode(trigger)))
        await steps.apply()
        await steps.compute()
        [letter] = await path.dead_letters()
        assert letter.topic == path.services.topic("regions.day-closes")
        assert letter.reason == "invalid"
        assert error in letter.error
        assert [context.as_of for context in await path.revisions("US", DAY)] == [DAY]


async def test_dead_letters_that_a_crash_left_unpublished_are_sent_when_the_stage_runs_again(
    place: Place, model: QuickModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object) -> None:
        raise ConnectionAbortedError("the worker died here")

    async with place.pipeline(republish_seconds=0.2) as path:
        await path.send_raw("prices.closes", 0, (b"SPX.US", b"no json"), GOOD_PRICE)
        async with stepping(path, model) as steps:
            monkeypatch.setattr(steps.prices, "publish_dead_letters", crash)
            with pytest.raises(ConnectionAbortedError):
                await steps.apply(steps.prices)
        assert await path.dead_letters() == []
        assert await path.value("SELECT count(*) FROM dead_letters WHERE NOT published") == 1
        path.start("prices")

        async def sent() -> bool:
            left: int = await path.value("SELECT count(*) FROM dead_letters WHERE NOT published")
            return left == 0

        await until(sent, "the dead letter is published")
        [letter] = await path.dead_letters()
        assert (letter.reason, letter.value) == ("not-json", b"no json")
        assert await path.value("SELECT count(*) FROM prices_daily") == 1


@pytest.mark.parametrize("large", ["key", "value"])
async def test_a_compressed_record_too_large_for_the_dead_letters_topic_is_kept_whole_in_the_table(
    place: Place, model: QuickModel, large: str
) -> None:
    blank = b" " * 3 * DEAD_LETTER_MAX_BYTES
    bad = (blank, price()) if large == "key" else (b"SPX.US", blank)
    async with workplace(place, model) as (path, steps):
        await path.send_raw("prices.closes", 0, bad, GOOD_PRICE, compression="gzip")
        await steps.apply(steps.prices)
        [letter] = await path.dead_letters()
        [stored] = await path.fetch("SELECT key, value, error, published FROM dead_letters")
        assert await path.value("SELECT count(*) FROM prices_daily") == 1
    assert (stored["key"], stored["value"], stored["published"]) == (*bad, True)
    assert (letter.offset, letter.key, letter.value) == (0, None, None)
    assert letter.reason == ("key-differs" if large == "key" else "too-large")
    assert letter.error.startswith(stored["error"])
    assert "the table dead_letters and the record itself have them" in letter.error


BAD_TRIGGERS: list[tuple[dict[str, object], str, str]] = [
    ({"cut": ...}, "invalid", "cut is missing"),
    ({"as_of": None}, "invalid", "as_of: expected a date"),
    ({"closed_at": "2008-09-15T20:15:00"}, "invalid", "closed_at: expected a time with an offset"),
    ({"region": ""}, "invalid", "region: expected text"),
    ({"schema_version": 99}, "unknown-version", "schema_version is 99"),
]


async def test_what_is_no_trigger_is_a_dead_letter_and_the_day_beside_it_is_computed(
    place: Place, model: QuickModel
) -> None:
    async with workplace(place, model) as (path, steps):
        trigger = encode(await good_trigger(path))
        whole = msgspec.json.decode(trigger)
        bad = [
            msgspec.json.encode({name: value for name, value in (whole | changed).items() if value is not ...})
            for changed, _, _ in BAD_TRIGGERS
        ]
        await path.send_raw("regions.day-closes", 0, *[(b"US", value) for value in [*bad, b"no json", trigger]])
        await steps.apply()
        await steps.compute()
        letters = sorted(await path.dead_letters(), key=lambda letter: letter.offset)
        assert [context.as_of for context in await path.revisions("US", DAY)] == [DAY]
    assert [letter.value for letter in letters] == [*bad, b"no json"]
    for letter, (_, reason, error) in zip(letters, [*BAD_TRIGGERS, ({}, "not-json", "malformed")], strict=True):
        assert letter.reason == reason
        assert error in letter.error
