"""What comes late or all at once moves nobody from where they have gone meanwhile, and nothing of it is lost."""

import asyncio
import datetime as dt
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from tests.browser.conftest import Watched, held, new_profile, opened
from tests.browser.synthetic import LAST, LEHMAN, STRANGE, Stage, sessions

pytestmark = [pytest.mark.asyncio(loop_scope="module")]

REMEMBERED = f"#region=US&day={LEHMAN}"
NAMED = f"#region={quote(STRANGE)}"
BURST = 3
BETWEEN_MILLISECONDS = 2000
"""Shorter than the time within which the map is not laid out anew."""
LINE = "document.getElementById('timeline-chart').layout.shapes[0].x0"
RING = """() => {
  const { data, layout } = document.getElementById('map-chart');
  const { xanchor, yanchor } = layout.shapes.find(({ x1 }) => x1 === 10);
  const isThere = ({ x, y }, at) => x[at] === xanchor && y[at] === yanchor;
  return data.flatMap((each) => each.customdata.filter((_, at) => isThere(each, at)))[0];
}"""
"""The days that the timeline's line and the map's ring stand on."""


@pytest.fixture(scope="module")
def days() -> Iterator[dt.date]:
    """Days of the region of a strange name that have not closed yet."""
    return iter(sessions("XETR", dt.date(2008, 10, 1), LAST))


async def close(stage: Stage, day: dt.date) -> None:
    """Close one of them, and compute its contexts."""
    await stage.path.close(STRANGE, day)
    await stage.steps.compute()


def part(region: str, rest: str) -> re.Pattern[str]:
    """What the page asks for of a region."""
    return re.compile(re.escape(f"/regions/{quote(region, safe='()')}/") + rest)


async def late(page: Page, url: re.Pattern[str]) -> tuple[asyncio.Event, asyncio.Event]:
    """What is answered there, which the first event tells, comes only once the second one is set."""
    answered, released = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        response = await route.fetch()
        answered.set()
        await released.wait()
        await route.fulfill(response=response)

    await page.route(url, hold)
    return answered, released


async def come(page: Page, url: re.Pattern[str], released: asyncio.Event) -> None:
    """Let it come."""
    async with page.expect_event("requestfinished", lambda request: url.search(request.url) is not None):
        released.set()


async def told(page: Page) -> None:
    """The day is told with its days alike, and the page follows what is stored."""
    await expect(page.locator("#alike tbody tr").first).to_be_visible()
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    await expect(page.locator("#state")).to_contain_text("Live")


async def nothing_wrong(watched: Watched) -> None:
    """Neither said nor logged."""
    await expect(watched.page.locator("#trouble")).to_be_empty()
    assert watched.complaints == []


@pytest.mark.parametrize("away", ["JP", "US"])
async def test_who_came_back_before_a_region_was_read_stays_where_they_are(
    profile: BrowserContext, urls: tuple[str, str], stage: Stage, days: Iterator[dt.date], away: str
) -> None:
    async with opened(profile, urls[0], f"{NAMED}&day={LEHMAN}") as watched:
        page, url, day = watched.page, part(away, "timeline"), next(days)
        await told(page)
        answered, released = await late(page, url)
        await page.locator("#region").select_option(away)
        await answered.wait()
        await page.go_back()
        await expect(page.locator("#region option:checked")).to_have_text(STRANGE)
        await come(page, url, released)
        await page.locator("#later").click()
        await expect(page.locator("#headlines")).to_contain_text("What 2008-09-16 said")
        await close(stage, day)
        await expect(page.locator("#notice")).to_contain_text(f"{STRANGE} {day} closed")
        await expect(page.locator("#day-title")).to_have_text(f"Tuesday, 16 September 2008, {STRANGE}")
        await nothing_wrong(watched)


async def test_who_leaves_for_a_region_without_days_is_told_no_more_of_a_day(
    profile: BrowserContext, urls: tuple[str, str]
) -> None:
    async with opened(profile, urls[0], REMEMBERED) as watched:
        page, url = watched.page, part("US", "contexts/2008-[0-9-]+[?]")
        await told(page)
        answered, released = await late(page, url)
        await page.locator("#jumps button").last.click()
        await answered.wait()
        await page.locator("#region").select_option("JP")
        await expect(page.locator("#nothing")).to_contain_text("No day of JP has closed yet")
        await come(page, url, released)
        await page.locator("#region").select_option("EU")
        await expect(page.locator("#day-told")).to_contain_text("A seed command filled this day in")
        await nothing_wrong(watched)


async def test_a_day_that_closes_does_not_throw_off_the_one_that_was_just_chosen(
    profile: BrowserContext, urls: tuple[str, str], stage: Stage, days: Iterator[dt.date]
) -> None:
    async with opened(profile, urls[0], NAMED) as watched:
        page, day = watched.page, next(days)
        await told(page)
        answered, released = await late(page, part(STRANGE, "timeline.*start="))
        await close(stage, day)
        await answered.wait()
        await page.locator("#earlier").click()
        chosen = await page.locator("#day-title").text_content()
        released.set()
        await expect(page.locator("#notice")).to_contain_text(f"{STRANGE} {day} closed")
        await expect(page.locator("#day-title")).to_have_text(str(chosen))
        await page.get_by_role("button", name="Show it").click()
        await expect(page.locator("#headlines")).to_contain_text(f"What {day} said")
        await nothing_wrong(watched)


async def test_a_day_that_closes_in_a_region_that_was_left_is_not_offered_in_the_next_one(
    profile: BrowserContext, urls: tuple[str, str], stage: Stage, days: Iterator[dt.date]
) -> None:
    async with opened(profile, urls[0], f"{NAMED}&day={LEHMAN}") as watched:
        page, day = watched.page, next(days)
        await told(page)
        answered, released = await late(page, part(STRANGE, "timeline.*start="))
        await close(stage, day)
        await answered.wait()
        await page.locator("#region").select_option("US")
        await expect(page.locator("#day-title")).to_have_text("Monday, 15 September 2008, US")
        await told(page)
        async with page.expect_request("**/pipeline"):  # which is looked at once the day has been taken up
            released.set()
        await expect(page.locator("#notice")).to_be_hidden()
        await nothing_wrong(watched)


async def test_a_day_that_closes_while_its_region_is_read_is_taken_up_after_it(
    profile: BrowserContext, urls: tuple[str, str], stage: Stage, days: Iterator[dt.date]
) -> None:
    async with opened(profile, urls[0], REMEMBERED) as watched, opened(profile, urls[0], NAMED) as witness:
        page, day = watched.page, next(days)
        await asyncio.gather(told(page), told(witness.page))
        answered, released = await late(page, part(STRANGE, "timeline"))
        await page.locator("#region").select_option(STRANGE)
        await answered.wait()
        await close(stage, day)
        await expect(witness.page.locator("#notice")).to_contain_text(f"{STRANGE} {day} closed")
        released.set()
        await expect(page.locator("#notice")).to_contain_text(f"{STRANGE} {day} closed")
        await nothing_wrong(watched)


async def test_both_charts_stand_on_the_day_that_was_chosen_while_they_were_loaded(
    chromium: Browser, urls: tuple[str, str]
) -> None:
    async with new_profile(chromium) as profile:
        loaded = await held(profile, "**/plotly.min.js")
        async with opened(profile, urls[0], REMEMBERED) as watched:
            page = watched.page
            await expect(page.locator("#map-told")).to_contain_text("days with a vector")
            await told(page)
            await page.locator("#later").click()
            await expect(page.locator("#headlines")).to_contain_text("What 2008-09-16 said")
            await told(page)
            loaded.set()
            for chart in ("#timeline-chart", "#map-chart"):
                await expect(page.locator(chart).locator(".main-svg").first).to_be_visible()
            assert await page.evaluate(LINE) == "2008-09-16 00:00"
            assert await page.evaluate(RING) == "2008-09-16"
            await nothing_wrong(watched)


async def test_the_map_is_laid_out_anew_also_while_day_after_day_closes(
    chromium: Browser, urls: tuple[str, str], stage: Stage, days: Iterator[dt.date]
) -> None:
    async with new_profile(chromium) as profile:
        await profile.clock.install()
        async with opened(profile, urls[0], NAMED) as watched:
            page, map_of_days = watched.page, part(STRANGE, "map")
            await told(page)
            await expect(page.locator("#map-chart .main-svg").first).to_be_visible()
            before = len(watched.requests)
            for _ in range(BURST):
                day = next(days)
                await close(stage, day)
                await expect(page.locator("#announcements")).to_contain_text(f"{STRANGE} {day} closed")
                await page.clock.fast_forward(BETWEEN_MILLISECONDS)
            await close(stage, day := next(days))
            await expect(page.locator("#announcements")).to_contain_text(f"{STRANGE} {day} closed")
            assert [url for url in watched.requests[before:] if map_of_days.search(url)] != []
            await nothing_wrong(watched)
