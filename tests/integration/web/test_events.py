"""New contexts reach every client at once, none twice and none lost, also over a broken connection."""

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator, Sequence

import pytest

from schemas import event_id
from stream_app.clock import FixedClock
from stream_app.config import load_settings
from stream_app.embedded import Endpoints
from stream_app.services import Services, open_services
from stream_app.store import revisions, signals
from stream_app.store.database import transaction
from stream_app.store.revisions import NewContext
from stream_app.store.trigger_queue import go_live
from stream_app.web import feed as feed_module
from stream_app.web import follower as follower_module
from stream_app.web.access import Access
from stream_app.web.site import Site
from tests.integration.pipeline import until
from tests.integration.web.lived_days import NOW
from tests.integration.web.streams import streaming
from tests.unit.export.days import FRIDAY, MONDAY, TUESDAY, context, vector

WELL_UNDER_SECONDS = 1.0
"""On a busy machine; the poll that stands in for a lost notification is switched off where this is measured."""


@pytest.fixture
async def site(endpoints: Endpoints, database_url: str) -> AsyncIterator[Site]:
    """A site on an empty database of the test's own."""
    own = Endpoints(endpoints.kafka, database_url)
    async with open_services(load_settings(), own, FixedClock(NOW)) as services:
        async with transaction(services.pool) as conn:
            await go_live(conn, ["EU", "US"], NOW)
        made = await Site.of(services, endpoints.kafka, Access())
        yield made
        await made.feed.stop()


async def store(services: Services, region: str, days: Sequence[dt.date], revision: int = 1) -> None:
    """Append a revision of each day, as the region's computing task does."""
    made = [
        NewContext(
            context(day, vector(1), region=region, revision=revision, event_id=event_id(region, day, revision)), None
        )
        for day in days
    ]
    async with transaction(services.pool) as conn:
        await revisions.append(conn, made)


async def test_a_stored_revision_reaches_every_client_at_its_commit(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "POLL_SECONDS", 60.0)
    async with streaming(site) as one, streaming(site, "region=US") as other:
        assert (one.status, one.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        await asyncio.gather(one.next(), other.next())  # where the streams begin
        began = time.monotonic()
        await store(site.services, "US", [FRIDAY])
        for stream in (one, other):
            event = await stream.next()
            assert (event.name, event.told) == ("context", ("US", str(FRIDAY), 1))
            assert event.data is not None and event.data["regime_label"] == "NEUTRAL" and "vector" not in event.data
        assert time.monotonic() - began < WELL_UNDER_SECONDS


async def test_what_was_stored_before_is_not_told(site: Site) -> None:
    await store(site.services, "US", [FRIDAY])
    async with streaming(site) as stream:
        await stream.next()
        await store(site.services, "US", [MONDAY])
        assert (await stream.next()).told == ("US", str(MONDAY), 1)


async def test_a_client_is_told_of_its_regions_alone(site: Site) -> None:
    async with streaming(site, "region=EU&region=UK") as stream:
        await stream.next()
        await store(site.services, "US", [FRIDAY])
        await store(site.services, "EU", [MONDAY])
        assert (await stream.next()).told == ("EU", str(MONDAY), 1)


async def test_who_comes_back_is_told_what_was_stored_meanwhile_and_nothing_twice(site: Site) -> None:
    async with streaming(site) as stream:
        await stream.next()
        await store(site.services, "US", [FRIDAY, MONDAY])
        _, second = await stream.take(2)
        last = second.id
    await store(site.services, "EU", [FRIDAY])
    await store(site.services, "US", [TUESDAY])
    async with streaming(site, last_event_id=last) as stream:
        _, *missed = await stream.take(3)
        await store(site.services, "US", [MONDAY], revision=2)
        newest = await stream.next()
    assert [event.told for event in missed] == [("EU", str(FRIDAY), 1), ("US", str(TUESDAY), 1)]
    assert newest.told == ("US", str(MONDAY), 2)


async def test_who_was_told_nothing_can_come_back_too(site: Site) -> None:
    async with streaming(site) as stream:
        last = (await stream.next()).id
    await store(site.services, "US", [FRIDAY])
    async with streaming(site, last_event_id=last) as stream:
        _, missed = await stream.take(2)
    assert missed.told == ("US", str(FRIDAY), 1)


async def test_a_region_that_was_not_followed_before_is_told_from_now_on(site: Site) -> None:
    async with streaming(site, "region=US") as stream:
        last = (await stream.next()).id
    await store(site.services, "EU", [FRIDAY])
    async with streaming(site, "region=US&region=EU", last_event_id=last) as stream:
        await stream.next()
        await store(site.services, "EU", [MONDAY])
        assert (await stream.next()).told == ("EU", str(MONDAY), 1)


async def test_revisions_of_a_region_that_commit_after_those_of_another_are_not_lost(site: Site) -> None:
    """Sequences are given at the insert: EU's are lower here, and visible later."""
    eu, us = (
        NewContext(context(FRIDAY, vector(1), region=region, event_id=event_id(region)), None)
        for region in ("EU", "US")
    )
    async with streaming(site) as stream:
        await stream.next()
        async with transaction(site.services.pool) as conn:
            await revisions.append(conn, [eu])
            async with transaction(site.services.pool) as other:
                await revisions.append(other, [us])
            assert (await stream.next()).told == ("US", str(FRIDAY), 1)
        last = await stream.next()
        assert last.told == ("EU", str(FRIDAY), 1)
    async with streaming(site, last_event_id=last.id) as stream:
        await stream.next()
        await store(site.services, "EU", [MONDAY])
        assert (await stream.next()).told == ("EU", str(MONDAY), 1)


async def test_a_client_that_is_slower_than_what_is_stored_reads_on_and_misses_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower_module, "MOST_PENDING", 3)
    monkeypatch.setattr(feed_module, "READ_ROWS", 4)
    days = [FRIDAY + dt.timedelta(days=number) for number in range(30)]
    async with streaming(site) as stream:
        await stream.next()
        await store(site.services, "US", days[:15])
        await store(site.services, "EU", days[:5])
        await store(site.services, "US", days[15:])
        told = [event.told for event in await stream.take(35)]
    assert len(set(told)) == 35
    assert [day for region, day, _ in told if region == "US"] == [str(day) for day in days]


async def test_a_lost_notification_is_made_up_for_by_the_poll(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(_: object) -> None:
        """Nobody is woken."""

    monkeypatch.setattr(signals, "notify_contexts", silent)
    async with streaming(site) as stream:
        await stream.next()
        await store(site.services, "US", [FRIDAY])
        assert (await stream.next()).told == ("US", str(FRIDAY), 1)


async def test_a_connection_that_postgres_closes_is_made_again_and_nothing_is_missed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "AWAY_SECONDS", 0.05)
    async with streaming(site) as stream:
        await stream.next()
        async with transaction(site.services.pool) as conn:
            await conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await store(site.services, "US", [FRIDAY])
        assert (await stream.next()).told == ("US", str(FRIDAY), 1)


async def test_the_feed_rests_while_nobody_follows_and_all_share_one_listener(site: Site) -> None:
    async def is_listened_to_by(count: int) -> bool:
        async with transaction(site.services.pool) as conn:
            found: int = await conn.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
            return found == count

    async with streaming(site) as one, streaming(site) as other:
        await asyncio.gather(one.next(), other.next())
        assert site.feed.followers == 2
        await until(lambda: is_listened_to_by(1), "one listener")
    assert site.feed.followers == 0
    await until(lambda: is_listened_to_by(0), "no listener")


async def test_more_clients_than_there_may_be_are_refused_and_told_when_to_ask_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "MOST_FOLLOWERS", 1)
    async with streaming(site) as one:
        await one.next()
        async with streaming(site) as other:
            assert (other.status, other.headers["retry-after"]) == (503, "10")
            assert other.headers["content-type"] == "application/problem+json"
    async with streaming(site) as again:
        assert again.status == 200


async def test_an_id_that_no_stream_gave_is_refused(site: Site) -> None:
    async with streaming(site, last_event_id="eyJ0eXBlIjoiZGF5In0") as stream:
        assert stream.status == 422
        assert b"Last-Event-ID" in stream.body
    assert site.feed.followers == 0


async def test_streams_end_when_the_server_does(site: Site) -> None:
    async with streaming(site) as stream:
        await stream.next()
        site.feed.end_streams()
        async with asyncio.timeout(5):
            while not stream.ended:
                stream.arrived.clear()
                await stream.arrived.wait()
