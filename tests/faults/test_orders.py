"""Closing, late data and revising in any order come to the same: R5."""

import datetime as dt
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from schemas import NewsArticle, PriceClose
from stream_app.clock import FixedClock
from stream_app.embedded import Endpoints
from tests.conftest import created_database
from tests.faults.closing_machine import REGIONS, ClosingMachine
from tests.integration.pipeline import Pipeline, Place, article, close, weekdays
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel

STEPS_A_RUN = 25
RUNS, RUNS_OF_ALL = 5, 60
MORE_SEEDS = 20

OpenPlace = Callable[[], AbstractContextManager[Place]]


@pytest.fixture
def open_place(endpoints: Endpoints, template_database: str, unique_name: str) -> OpenPlace:
    """Opens topics and a migrated database, as often as a test asks."""
    numbers = iter(range(1, 1_000))

    @contextmanager
    def opened() -> Iterator[Place]:
        name = f"{unique_name}-{next(numbers)}"
        with created_database(endpoints, name, template_database) as url:
            yield Place(endpoints, url, f"{name}.")

    return opened


def run_machine(open_place: OpenPlace, folder: Path, seed: int, runs: int) -> list[int]:
    """Run the machine so often from a seed; the highest revision of each run."""
    file = folder / "regions.toml"
    file.write_text(REGIONS)

    class Machine(ClosingMachine):
        pass

    Machine.open_place, Machine.regions_file, Machine.revisions = staticmethod(open_place), file, []
    chosen = settings(
        max_examples=runs,
        stateful_step_count=STEPS_A_RUN,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(hypothesis.seed(seed)(Machine), settings=chosen)
    return Machine.revisions


def run_until_revised(open_place: OpenPlace, folder: Path, seed: int, runs: int, least: int) -> list[int]:
    """Run the machine so often, and some times more from the next seeds until a day has had so many revisions.

    Of 60 runs that one seed drew, it may be that none revised a day twice.
    """
    made = run_machine(open_place, folder, seed, runs)
    for more in range(1, MORE_SEEDS + 1):
        if max(made) >= least:
            break
        made += run_machine(open_place, folder, seed + more, RUNS)
    return made


def test_whatever_the_order_of_events_each_revision_is_that_of_its_cut_and_the_last_that_of_all_inputs(
    open_place: OpenPlace, tmp_path: Path, seed: int
) -> None:
    made = run_until_revised(open_place, tmp_path, seed, RUNS, least=2)
    assert len(made) >= RUNS
    assert max(made) > 1, "days must have been revised, or no order mattered"


@pytest.mark.whole
@pytest.mark.timeout(1_200)
def test_whatever_the_order_of_events_in_many_runs(open_place: OpenPlace, tmp_path: Path, seed: int) -> None:
    assert max(run_until_revised(open_place, tmp_path, seed, RUNS_OF_ALL, least=3)) > 2


DAYS = (dt.date(2008, 9, 12), dt.date(2008, 9, 15), dt.date(2008, 9, 16))
CHUNK = 5
Record = PriceClose | NewsArticle


def key_of(record: Record) -> str:
    """What a record is a version of."""
    return record.article_id if isinstance(record, NewsArticle) else f"{record.instrument_id} {record.trade_date}"


def records() -> list[Record]:
    """Prices and news of some days, half of them with another version or a retraction after them."""
    prices = [close("SPX.US", day, 1200.0 + day.day) for day in weekdays(DAYS[-1], 9)]
    news = [
        article(f"{day} {hour}", dt.datetime.combine(day, dt.time(hour), dt.UTC), f"News of {day} {hour}.")
        for day in DAYS
        for hour in (12, 16, 21)
    ]
    moved = dt.datetime.combine(DAYS[1], dt.time(13), dt.UTC)
    versions: list[Record] = [close("SPX.US", prices[index].trade_date, 900.0 + index) for index in (2, 5, 8)]
    versions += [
        PriceClose(instrument_id="SPX.US", trade_date=prices[4].trade_date, retracted=True),
        article(news[0].article_id, moved, "It was Monday."),
        article(news[4].article_id, moved, "Another headline."),
        NewsArticle(article_id=news[7].article_id, retracted=True),
    ]
    return [*prices, *news, *versions]


def in_another_order(chance: random.Random) -> list[Record]:
    """The same records, the versions of a key in their order."""
    shuffled = records()
    chance.shuffle(shuffled)
    versions: dict[str, Iterator[Record]] = {}
    for record in records():
        versions.setdefault(key_of(record), iter([r for r in records() if key_of(r) == key_of(record)]))
    return [next(versions[key_of(record)]) for record in shuffled]


async def last_inputs(path: Pipeline, steps: Steps, clock: FixedClock, sent: Sequence[Record], closing: int) -> object:
    """Send records a few at a time, close the days after so many of them; what the last revisions are made of."""
    for start in range(0, len(sent), CHUNK):
        if start <= closing < start + CHUNK:
            await path.close("US", *DAYS)
        await path.send(*sent[start : start + CHUNK])
        await steps.apply()
        clock.time += dt.timedelta(seconds=10)
        await steps.close_and_compute()
    for _ in range(3):
        await steps.apply()
        clock.time += dt.timedelta(minutes=10)
        await steps.close_and_compute()
    assert await path.value("SELECT count(*) FROM late_marks") == 0
    rows = await path.fetch("SELECT as_of_date, regime_embedding FROM regimes ORDER BY as_of_date")
    last = {context.as_of: context for context in await path.revisions("US", *DAYS)}
    inputs = {day: (context.inputs_hash, context.articles, context.instruments) for day, context in last.items()}
    assert len(inputs) == len(DAYS)
    return inputs, [tuple(row) for row in rows]


@pytest.mark.whole
async def test_whatever_the_order_of_the_records_the_last_revisions_are_made_of_the_same(
    open_place: OpenPlace, seed: int
) -> None:
    chance = random.Random(seed)
    orders = [(records(), len(records()) - 1), *[(in_another_order(chance), chance.randrange(20)) for _ in range(3)]]
    found = []
    for sent, closing in orders:
        clock = FixedClock(dt.datetime(2008, 9, 17, tzinfo=dt.UTC))
        with open_place() as place:
            async with (
                place.pipeline(clock=clock, window_days=5) as path,
                stepping(path, QuickModel()) as steps,
            ):
                found.append(await last_inputs(path, steps, clock, sent, closing))
    assert found[1:] == [found[0]] * (len(orders) - 1)
