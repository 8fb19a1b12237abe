"""A state machine over the real log and database: records, stages, closes, clocks and restarts in any order.

What a run comes to is held against the oracle, which knows of no order: the last revision of each day is that of all
inputs, and every revision before it that of the records below its cut.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from schemas import NewsArticle, PriceClose
from stream_app.clock import FixedClock
from stream_app.store.database import transaction
from stream_app.store.trigger_queue import go_live
from tests.faults.checker import check
from tests.faults.observed import STAGE_TOPICS, Observed, observe
from tests.faults.oracle import Oracle, hash_of
from tests.faults.settled import LEFT_TO_DO
from tests.integration.pipeline import Pipeline, Place, article, close, weekdays
from tests.integration.steps import Steps, stepping
from tests.integration.text_models import QuickModel

REGIONS = """
[regions.US]
calendar = "XNYS"
instruments = ["A", "B"]

[regions.UTC]
calendar = "XNYS"
instruments = ["B"]
languages = ["EN", "DE"]
news = "tagged"
news_day = "utc_date"
"""
WEDNESDAY, FRIDAY, MONDAY = SESSIONS = (dt.date(2008, 11, 26), dt.date(2008, 11, 28), dt.date(2008, 12, 1))
TUESDAY, SATURDAY = dt.date(2008, 11, 25), dt.date(2008, 11, 29)
CLOSES = {
    TUESDAY: dt.datetime(2008, 11, 25, 21, tzinfo=dt.UTC),
    WEDNESDAY: dt.datetime(2008, 11, 26, 21, tzinfo=dt.UTC),
    FRIDAY: dt.datetime(2008, 11, 28, 18, tzinfo=dt.UTC),
    MONDAY: dt.datetime(2008, 12, 1, 21, tzinfo=dt.UTC),
}
"""The Tuesday before and the sessions around Thanksgiving, as New York published them."""
ROWS = weekdays(dt.date(2008, 11, 25), 62)
INSTANTS = [
    instant + more * dt.timedelta(microseconds=1)
    for instant in (*CLOSES.values(), dt.datetime(2008, 11, 29, tzinfo=dt.UTC), dt.datetime(2008, 12, 2, tzinfo=dt.UTC))
    for more in (-1, 0, 1)
] + [dt.datetime(2008, 11, 27, 15, tzinfo=dt.UTC), dt.datetime(2008, 11, 30, 12, tzinfo=dt.UTC)]
SETTLE_SECONDS, INTERVAL_SECONDS = 5.0, 60.0
ROUNDS = 12

Done = TypeVar("Done")

instruments = st.sampled_from("AB")
price_days = st.sampled_from((ROWS[0], ROWS[-30], ROWS[-1], *SESSIONS))
article_ids = st.sampled_from(("n1", "n2", "n3", "n4"))
regions = st.sampled_from(("US", "UTC"))


class ClosingMachine(RuleBasedStateMachine):
    """One worker's stages, a step at a time."""

    open_place: ClassVar[Callable[[], AbstractContextManager[Place]]]
    """Topics and a database for a run of their own."""
    regions_file: ClassVar[Path]
    revisions: ClassVar[list[int]]
    """The highest revision of each run."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._outer = ExitStack()
        self._inner = AsyncExitStack()
        self._clock = FixedClock(CLOSES[WEDNESDAY] + dt.timedelta(minutes=1))
        self._model = QuickModel()
        place = self._outer.enter_context(type(self).open_place())
        self._path, self._steps = self._run(self._open(place))

    def _run(self, work: Coroutine[Any, Any, Done]) -> Done:
        return self._runner.run(work)

    async def _open(self, place: Place) -> tuple[Pipeline, Steps]:
        """Months of prices, the regions live, and every day closed with an article, so that all that comes is late."""
        settings = {"amend_settle_seconds": SETTLE_SECONDS, "amend_interval_seconds": INTERVAL_SECONDS}
        path = await self._inner.enter_async_context(
            place.pipeline(clock=self._clock, regions=self.regions_file, **settings)
        )
        steps = await self._inner.enter_async_context(stepping(path, self._model))
        async with transaction(path.services.pool) as conn:
            await go_live(conn, list(path.services.regions), self._clock.now() - dt.timedelta(minutes=2))
        rows = [*ROWS, *SESSIONS]
        await path.send(*[close(name, day, 100.0 + index) for name in "AB" for index, day in enumerate(rows)])
        await path.send(*[article(f"n{n}", CLOSES[day], "Up.") for n, day in enumerate(SESSIONS, start=1)])
        await steps.apply()
        for region in path.services.regions:
            await path.close(region, *SESSIONS, force=True)
        await steps.compute()
        return path, steps

    @rule(name=instruments, day=price_days, price=st.sampled_from((50.0, 100.0, 200.0)))
    def send_price(self, name: str, day: dt.date, price: float) -> None:
        """A price, or a correction of one."""
        self._run(self._path.send(close(name, day, price)))

    @rule(name=instruments, day=price_days)
    def retract_price(self, name: str, day: dt.date) -> None:
        """A price is taken back, whether or not there is one."""
        self._run(self._path.send(PriceClose(instrument_id=name, trade_date=day, retracted=True)))

    @rule(
        article_id=article_ids,
        published_at=st.sampled_from(INSTANTS),
        headline=st.sampled_from(("Up.", "Down.")),
        language=st.sampled_from(("en", "de")),
        tags=st.sampled_from(((), ("US",), ("UTC",))),
    )
    def send_article(
        self, article_id: str, published_at: dt.datetime, headline: str, language: str, tags: tuple[str, ...]
    ) -> None:
        """An article, or another version of it on whatever day."""
        self._run(self._path.send(article(article_id, published_at, headline, language=language, regions=tags)))

    @rule(article_id=article_ids)
    def retract_article(self, article_id: str) -> None:
        """An article is taken back, whether or not there is one."""
        self._run(self._path.send(NewsArticle(article_id=article_id, retracted=True)))

    @rule(prices=st.booleans(), news=st.booleans())
    def apply(self, prices: bool, news: bool) -> None:
        """One stage or both apply what their topics hold."""
        stages = [stage for stage, asked in ((self._steps.prices, prices), (self._steps.news, news)) if asked]
        if stages:
            self._run(self._steps.apply(*stages))

    @rule(region=regions, day=st.sampled_from((TUESDAY, SATURDAY)))
    def close_by_hand(self, region: str, day: dt.date) -> None:
        """Another day is closed, if it is not yet, a weekend's too."""
        self._run(self._path.close(region, day, force=True))

    @rule(minutes=st.sampled_from((0.05, 1.0, 60.0, 13 * 60.0, 24 * 60.0)))
    def wait(self, minutes: float) -> None:
        """Time passes, and the closer looks what is due."""
        self._clock.time += dt.timedelta(minutes=minutes)
        self._run(self._steps.closer.run_once())

    @rule()
    def compute(self) -> None:
        """The triggers of the log are stored, and what can be computed is."""
        self._run(self._steps.compute())

    @rule(stage=st.sampled_from(("prices", "news", "triggers")))
    def deliver_again(self, stage: str) -> None:
        """What the log holds is delivered, and will be again from its start."""
        again = getattr(self._steps, stage)
        self._run(self._steps.apply(again))
        self._steps.rewind(again)

    @rule()
    def restart(self) -> None:
        """Another worker takes over, with no caches and what the database says of progress."""
        self._steps = self._run(self._inner.enter_async_context(stepping(self._path, self._model)))

    def teardown(self) -> None:
        """Let everything come to rest, then hold it against the oracle."""
        try:
            observed = self._run(self._at_rest())
            self.revisions.append(max(row["revision"] for row in observed.tables["joint_embedding_revisions"]))
            check(observed)
            ahead = looks_ahead(observed)
            assert not ahead, ahead
        finally:
            self._run(self._inner.aclose())
            self._runner.close()
            self._outer.close()

    async def _at_rest(self) -> Observed:
        for _ in range(ROUNDS):
            await self._steps.apply()
            self._clock.time += dt.timedelta(seconds=INTERVAL_SECONDS)
            await self._steps.close_and_compute()
            if not await self._path.value(LEFT_TO_DO):
                break
        assert await self._path.value(LEFT_TO_DO) == 0
        observed = await observe(self._path, by_groups=False)
        # Stages that are taken a step at a time commit nothing to Kafka; all else must hold.
        ends = {topic: observed.ends[topic] for topic in STAGE_TOPICS.values()}
        observed.committed = {(topic, partition): end for topic in ends for partition, end in enumerate(ends[topic])}
        return observed


def looks_ahead(observed: Observed) -> list[str]:
    """The revisions of US that count an article from after the close, or from before the one before it."""
    oracle = Oracle(observed)
    before = dict(zip(SESSIONS, CLOSES.values(), strict=False))  # Tuesday's close comes before Wednesday's
    found = []
    for revision in oracle.revisions():
        day = revision.trigger.event.as_of
        if day not in before or revision.trigger.event.region != "US":
            continue
        for counted in revision.inputs.articles:
            times = [
                version.event.published_at
                for version in oracle.news.good
                if (version.event.article_id, hash_of(version.event)) == counted
            ]
            inside = any(published and before[day] < published <= CLOSES[day] for published in times)
            if not inside:
                found.append(f"{day} revision {revision.revision} counts {counted[0]}")
    return found
