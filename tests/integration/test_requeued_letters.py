"""Dead letters that are sent again: versions go by the original's place, cuts and lateness by the record's own."""

import datetime as dt
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import pytest

import stream_app.requeuing
from schemas import PriceClose, Rejected
from schemas.topics import DAY_CLOSES, NEWS, PRICES
from stream_app.errors import Fatal, UsageError
from stream_app.replay.run import replay
from stream_app.requeuing import LETTER_TOPICS, REQUEUED_TOPICS, Requeued, requeue
from stream_app.store import handled_letters, process_lock
from stream_app.store.database import connection
from stream_app.store.handled_letters import Choice, LetterName
from stream_app.store.process_lock import ProcessLock
from tests.integration.lived import dump
from tests.integration.pipeline import Pipeline, Place, article, close, weekdays
from tests.integration.replay.shown import Counted
from tests.integration.replay.test_from_log import ALL
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel

DAY = dt.date(2008, 9, 15)
NOON = dt.datetime(2008, 9, 15, 16, 0, tzinfo=dt.UTC)
BREAKING = "This breaks the model."
FIRST, LETTER, CORRECTED = 1000, 1100, 1300
CURRENT = "SELECT close FROM prices_daily WHERE instrument_id = 'SPX.US' AND trade_date = $1"
OLDER = "SELECT close FROM prices_history WHERE trade_date = $1 ORDER BY log_offset"
WAITING = "SELECT count(*) FROM dead_letters WHERE requeued_at IS NULL AND discarded_at IS NULL"


@asynccontextmanager
async def workplace(place: Place, model: QuickModel, **settings: Any) -> AsyncIterator[tuple[Pipeline, Steps]]:
    async with (
        place.pipeline(window_days=5, amend_interval_seconds=0, **settings) as path,
        stepping(path, model) as steps,
    ):
        yield path, steps


@contextmanager
def older_release(steps: Steps) -> Iterator[None]:
    """A stage that does not know yet what a close of LETTER means."""

    def refuse(event: PriceClose, _received_ms: int) -> Rejected | None:
        return Rejected("unknown-version", "not yet") if event.close == LETTER else None

    records = steps.prices.records
    steps.prices.records = replace(records, check=refuse)
    yield
    steps.prices.records = records


async def send_again(path: Pipeline, **chosen: Any) -> Requeued:
    topics = [path.services.topic(name) for name in REQUEUED_TOPICS]
    return await requeue(path.services, Choice(**({"topics": topics} | chosen)))


async def closed_with_a_letter(path: Pipeline, steps: Steps, *after: PriceClose) -> None:
    """A week of prices and an article; the day's second price is a dead letter; what comes `after`; the day closes."""
    with older_release(steps):
        await path.send(*[close("SPX.US", day, FIRST) for day in weekdays(DAY, 8)], article("a1", NOON, "A bank."))
        await path.send(close("SPX.US", DAY, LETTER), *after)
        await steps.apply()
    await path.close("US", DAY)
    await steps.compute()


async def newest_close(path: Pipeline) -> int:
    """The close that the day's newest context was made with."""
    context = (await path.revisions("US", DAY))[-1]
    assert context.vector is not None
    return round(2 * float(context.vector.numpy()[4 * 3]))  # the other half, the text's, is below 1


async def test_what_is_good_by_now_counts_from_when_it_is_sent_again_and_amends_its_day(
    place: Place, model: QuickModel
) -> None:
    async with workplace(place, model) as (path, steps):
        await closed_with_a_letter(path, steps)
        assert await newest_close(path) == FIRST
        done = await send_again(path)
        assert dict(done.sent) == {(path.services.topic(PRICES.name), "unknown-version"): 1}
        await steps.apply()
        assert await path.value(CURRENT, DAY) == LETTER
        await steps.close_and_compute()
        await steps.compute()
        first, second = await path.revisions("US", DAY)
        assert (first.trigger_number, second.trigger_number) == (1, 2)
        assert await newest_close(path) == LETTER
        assert await path.value(WAITING) == 0


async def test_a_correction_that_has_come_since_stays_current_and_no_context_changes(
    place: Place, model: QuickModel
) -> None:
    async with workplace(place, model) as (path, steps):
        await closed_with_a_letter(path, steps, close("SPX.US", DAY, CORRECTED))
        await send_again(path)
        await steps.apply()
        assert await path.value(CURRENT, DAY) == CORRECTED
        assert [row["close"] for row in await path.fetch(OLDER, DAY)] == [FIRST, LETTER]
        await steps.close_and_compute()
        await steps.compute()
        assert await path.value("SELECT max(number) FROM day_triggers") == 2, "the record was late and made a mark"
        assert len(await path.revisions("US", DAY)) == 1
        assert await newest_close(path) == CORRECTED


async def test_a_text_that_the_model_reads_by_now_is_counted_and_its_newer_version_stays(
    place: Place, model: QuickModel
) -> None:
    model.breaking = {BREAKING}
    async with workplace(place, model) as (path, steps):
        await path.send(*[close("SPX.US", day, FIRST) for day in weekdays(DAY, 8)])
        await path.send(article("a1", NOON, BREAKING), article("a2", NOON, BREAKING), article("a2", NOON, "Corrected."))
        await steps.apply()
        await path.close("US", DAY)
        await steps.compute()
        model.breaking = set()
        done = await send_again(path, reasons=["not-encodable"])
        assert done.sent.total() == 2
        await steps.apply()
        await steps.close_and_compute()
        await steps.compute()
        assert [context.articles for context in await path.revisions("US", DAY)] == [1, 2]
        rows = await path.fetch("SELECT article_id, headline FROM news_articles ORDER BY article_id")
        assert [tuple(row) for row in rows] == [("a1", BREAKING), ("a2", "Corrected.")]
        assert await path.value("SELECT headline FROM news_history") == BREAKING


async def test_what_is_rejected_again_is_a_new_letter_that_names_the_first_and_alone_waits(
    place: Place, model: QuickModel
) -> None:
    async with workplace(place, model) as (path, steps):
        await path.send_raw(PRICES.name, 1, (b"SPX.US", b"no json"), (None, b"\xff"))
        await steps.apply()
        for _ in range(2):
            assert (await send_again(path)).sent.total() == 2
            await steps.apply()
        letters = sorted(await path.dead_letters(), key=lambda letter: letter.offset)
        assert [letter.offset for letter in letters] == [0, 1, 2, 3, 4, 5]
        assert [(x.key, x.value, x.reason) for x in letters[4:]] == [(x.key, x.value, x.reason) for x in letters[:2]]
        assert [letter.origin and letter.origin.offset for letter in letters] == [None, None, 0, 1, 0, 1]
        assert {letter.origin.timestamp_ms for letter in letters if letter.origin} == {
            int(letter.timestamp.timestamp() * 1000) for letter in letters[:2]
        }
        waiting = await path.fetch("SELECT log_offset FROM dead_letters WHERE requeued_at IS NULL ORDER BY log_offset")
        assert [row["log_offset"] for row in waiting] == [4, 5]


class Died(Exception):
    """The command's process is gone."""


async def test_a_command_that_dies_between_sending_and_marking_sends_nothing_twice(
    place: Place, model: QuickModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(name: str) -> None:
        raise Died(name)

    async with workplace(place, model) as (path, steps):
        await closed_with_a_letter(path, steps)
        with monkeypatch.context() as patch, pytest.raises(Died, match="letters-sent"):
            patch.setattr(stream_app.requeuing, "failpoint", die)
            await send_again(path)
        assert await path.value(WAITING) == 1
        assert (await send_again(path)).sent.total() == 0
        assert await path.value(WAITING) == 0
        await steps.apply()
        assert await path.value(CURRENT, DAY) == LETTER


async def test_a_record_that_comes_back_marks_its_letter_though_nobody_else_did(
    place: Place, model: QuickModel
) -> None:
    async with workplace(place, model) as (path, steps):
        await closed_with_a_letter(path, steps)
        await send_again(path)
        await path.fetch("UPDATE dead_letters SET requeued_at = NULL")
        await steps.apply()
        assert await path.value(WAITING) == 0


async def test_a_record_that_is_sent_twice_is_a_second_version_that_changes_nothing(
    place: Place, model: QuickModel
) -> None:
    async with workplace(place, model) as (path, steps):
        await closed_with_a_letter(path, steps)
        for _ in range(3):
            assert (await send_again(path, handled=True)).sent.total() == 1
        await steps.apply()
        await steps.close_and_compute()
        await steps.compute()
        before = await dump(path)
        assert (await send_again(path)).sent.total() == 0
        assert (await send_again(path, handled=True)).sent.total() == 1
        await steps.apply()
        await steps.close_and_compute()
        await steps.compute()
        after = await dump(path)
        for table in ("numeric_window_embeddings", "joint_embedding_revisions", "joint_embeddings", "regimes"):
            assert after[table] == before[table] != []
        assert [row["close"] for row in await path.fetch(OLDER, DAY)] == [FIRST, LETTER, LETTER, LETTER]
        assert await path.value(CURRENT, DAY) == LETTER


async def test_original_and_copies_in_one_chunk_come_to_the_same_as_one_by_one(
    place: Place, emptied: Place, model: QuickModel
) -> None:
    async with workplace(place, model) as (path, steps):
        await closed_with_a_letter(path, steps, close("SPX.US", weekdays(DAY, 8)[3], CORRECTED))
        await path.send_raw(PRICES.name, 0, (b"SPX.US", b"no json"))
        await path.send(article("a2", NOON, "Another bank."))
        await steps.apply()
        await send_again(path)
        await steps.apply()
        await send_again(path)
        await steps.apply()
        await path.send(close("SPX.US", DAY, CORRECTED))
        await steps.apply()
        await steps.close_and_compute()
        await steps.compute()
        live = await dump(path)
    # As live, the replay does not know what a close of LETTER means when it first sees one.
    with pytest.MonkeyPatch.context() as patch:
        seen: set[float] = set()

        def refuse_the_first(event: PriceClose, _received_ms: int) -> Rejected | None:
            first = event.close == LETTER and LETTER not in seen
            seen.add(event.close or 0.0)
            return Rejected("unknown-version", "not yet") if first else None

        patch.setattr("agents.price_closes.too_far_ahead", refuse_the_first)
        async with emptied.pipeline(window_days=5, chunk_records=1_000) as path:
            await replay(path.services, ALL, Counted())
            replayed = await dump(path)
    assert {name: rows for name, rows in replayed.items() if rows != live[name]} == {}


@pytest.mark.parametrize("again", [False, True])
async def test_a_letter_that_waits_no_longer_is_sent_only_on_request(
    place: Place, model: QuickModel, again: bool
) -> None:
    async with workplace(place, model) as (path, steps):
        await closed_with_a_letter(path, steps)
        async with connection(path.services.pool) as conn:
            choice = Choice([path.services.topic(name) for name in LETTER_TOPICS])
            assert await handled_letters.discard(conn, choice) == 1
            assert await handled_letters.discard(conn, choice) == 0
        assert (await send_again(path, handled=again)).sent.total() == (1 if again else 0)


async def test_letters_are_chosen_by_name_reason_topic_and_time(place: Place, model: QuickModel) -> None:
    async with workplace(place, model) as (path, steps):
        await path.send_raw(PRICES.name, 1, (b"SPX.US", b"no json"), (b"SPX.US", None))
        await path.send_raw(NEWS.name, 0, (b"a", b"no json"))
        await path.send_raw(DAY_CLOSES.name, 0, (b"US", b"no json"))
        await steps.apply()
        prices, news, closes = (path.services.topic(name) for name in LETTER_TOPICS)
        everything = [prices, news, closes]

        async def found(**chosen: Any) -> list[tuple[str, int]]:
            async with connection(path.services.pool) as conn:
                listed = await handled_letters.newest(conn, Choice(**({"topics": everything} | chosen)), 10)
            assert [letter.timestamp_ms for letter in listed] == sorted(letter.timestamp_ms for letter in listed)
            return sorted((letter.name.topic, letter.name.offset) for letter in listed)

        each = sorted([(prices, 0), (prices, 1), (news, 0), (closes, 0)])
        assert await found() == each
        assert await found(reasons=["null-value"]) == [(prices, 1)]
        assert await found(topics=[news]) == [(news, 0)]
        assert await found(names=[LetterName(prices, 1, 1, 0), LetterName(prices, 1, 0, 7)]) == [(prices, 0)]
        first = min(letter.timestamp for letter in await path.dead_letters())
        assert await found(since=first) == each
        assert await found(until=first) == []
        assert await found(until=first + dt.timedelta(days=1)) == each
        async with connection(path.services.pool) as conn:
            assert len(await handled_letters.newest(conn, Choice(everything), 2)) == 2


async def test_more_letters_than_a_batch_are_all_sent_once_and_those_that_come_back_are_not_sent_again(
    place: Place, model: QuickModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_app.requeuing, "BATCH_LETTERS", 7)
    async with workplace(place, model) as (path, steps):
        await path.send_raw(PRICES.name, 1, *[(b"SPX.US", b"no json %d" % number) for number in range(20)])
        await steps.apply()
        sent, applied = path.services.publisher.publish, 0

        async def published_and_read_at_once(records: Any) -> None:
            nonlocal applied
            await sent(records)
            if records and records[0].topic.endswith(PRICES.name):
                applied += 1
                await steps.apply()

        monkeypatch.setattr(path.services.publisher, "publish", published_and_read_at_once)
        assert (await send_again(path)).sent.total() == 20
        assert applied == 3
        assert len(await path.read(PRICES.name)) == 40


async def test_a_letter_larger_than_any_record_is_left_and_told(place: Place, model: QuickModel) -> None:
    async with workplace(place, model) as (path, steps):
        blank = b" " * 3 * 1024 * 1024
        await path.send_raw(PRICES.name, 0, (b"SPX.US", blank), (b"SPX.US", b"no json"), compression="gzip")
        await steps.apply()
        done = await send_again(path)
        assert (done.sent.total(), done.too_large) == (1, 1)
        assert await path.value(WAITING) == 1


async def test_two_commands_do_not_send_at_once(place: Place, model: QuickModel) -> None:
    async with workplace(place, model) as (path, _), connection(path.services.pool) as conn:
        async with process_lock.held(conn, ProcessLock.REQUEUEING) as locked:
            assert locked
            with pytest.raises(UsageError, match="being sent again already"):
                await send_again(path)
        assert (await send_again(path)).sent.total() == 0


async def test_letters_of_another_log_are_not_sent(place: Place, model: QuickModel) -> None:
    async with workplace(place, model) as (path, steps):
        await closed_with_a_letter(path, steps)
        await path.fetch(
            "UPDATE ingest_progress SET next_offset = 99 WHERE topic = $1", path.services.topic(PRICES.name)
        )
        before = await path.services.log.end_offsets(path.services.topic(PRICES.name))
        with pytest.raises(Fatal, match="these letters are of another log"):
            await send_again(path)
        assert await path.services.log.end_offsets(path.services.topic(PRICES.name)) == before
