"""The dashboard in a real browser: it draws, learns what is new, runs nothing of what it shows, and all can read it."""

import asyncio
import datetime as dt
import itertools
import re
import time
from collections.abc import AsyncIterator
from urllib.parse import quote, urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.chromium import SCREENSHOTS
from tests.browser.conftest import TOKEN, Watched, held, new_profile, opened
from tests.browser.reading import beyond, controls, faint, outline
from tests.browser.synthetic import CORE, HEADLINES, INSTRUMENT, LAST, LEHMAN, LONG, QUIET, SCALED, STRANGE, Stage

pytestmark = [pytest.mark.asyncio(loop_scope="module")]

LIVE_SECONDS = 2.0
ANSWER_MILLISECONDS, SILENT_MILLISECONDS = 21_000, 36_000
"""Longer than the page waits for an answer, and for a sign of life on its stream."""
REMEMBERED = f"#region=US&day={LEHMAN}"
PHONE = {"width": 360, "height": 740}
FEWEST_TICKS = 3
TABS = 60
"""More than the page has."""


@pytest_asyncio.fixture(loop_scope="module")
async def shown(profile: BrowserContext, urls: tuple[str, str]) -> AsyncIterator[Watched]:
    """The page on the day to remember. Whatever a test does there, nothing goes wrong or elsewhere."""
    async with opened(profile, urls[0], REMEMBERED) as watched:
        await settled(watched.page)
        yield watched
        assert (watched.dialogs, watched.complaints, watched.strangers()) == ([], [], [])


async def settled(page: Page) -> None:
    """The day is told with its days alike, both charts are drawn, and the pipeline's state is known."""
    await expect(page.locator("#alike tbody tr").first).to_be_visible()
    await expect(page.locator("#timeline-chart .main-svg").first).to_be_visible()
    await expect(page.locator("#map-chart .main-svg").first).to_be_visible()
    await expect(page.locator("#pipeline")).to_be_visible()


async def keep_picture(page: Page, name: str) -> None:
    """Keep what the page looks like, for people."""
    SCREENSHOTS.mkdir(exist_ok=True)
    await page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
    print(f"What the page looks like: {SCREENSHOTS / name}.png")


async def stands_on(page: Page, day: dt.date) -> None:
    """The page tells of a day, and says so."""
    await expect(page.locator("#day-title")).to_contain_text(f"{day:%A}, {day.day} {day:%B %Y}")
    await expect(page.locator("#headlines")).to_contain_text(str(day))


async def test_it_shows_the_day_of_its_address_with_its_regime_price_news_and_days_alike(shown: Watched) -> None:
    page = shown.page
    await expect(page.locator("#day-title")).to_have_text("Monday, 15 September 2008, US")
    await expect(page.locator("#day-told")).to_contain_text("SPX.US fell by 4.7 % and 5 articles were read")
    await expect(page.locator("#day-told")).to_contain_text("The regime is ")
    await expect(page.locator("#day-told")).to_contain_text(
        "from the last day with a vector, 2008-09-12, 3 days before"
    )
    await expect(page.locator("#state")).to_contain_text("Live: 2 things to look at")
    await expect(page.locator("#pipeline-told")).to_contain_text("No worker runs")
    await expect(page.locator("#pipeline-told")).to_contain_text("not-json")
    await expect(page.locator("#legend .label")).to_have_count(3)
    assert await page.locator("#timeline-chart .scatterlayer .trace").count() > 5
    assert await page.locator("#map-chart .point").count() > 200
    alike = page.locator("#alike tbody tr")
    await expect(alike.filter(has_text=" %").first).to_be_visible()
    await alike.first.get_by_role("button").click()
    await expect(page.locator("#day-title")).not_to_contain_text("15 September")
    await page.go_back()
    await expect(page.locator("#day-title")).to_contain_text("15 September")
    await keep_picture(page, "light")


async def test_a_press_on_the_timeline_shows_the_headlines_of_that_day(shown: Watched) -> None:
    page = shown.page
    box = await page.locator("#timeline-chart .nsewdrag").first.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2)
    await expect(page.locator("#timeline-chart .hoverlayer")).to_contain_text("close")
    await page.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2)
    await expect(page.locator("#day-title")).not_to_contain_text("15 September")
    chosen = dt.date.fromisoformat(await page.locator("#day-field").input_value())
    assert f"day={chosen}" in page.url
    await stands_on(page, chosen)


async def test_headlines_are_words_whatever_stands_in_them(shown: Watched) -> None:
    page, told = shown.page, shown.page.locator("#headlines li")
    assert await told.locator("bdi").all_inner_texts() == list(HEADLINES)
    await expect(told.first).to_contain_text("<i>wire</i>")
    links = page.locator("#headlines a")
    assert await links.evaluate_all("nodes => nodes.map(({ href, rel }) => [href, rel])") == [
        ["https://example.org/lehman", "noopener noreferrer"]
    ]
    assert await page.locator("#headlines :is(img, script, b, i)").count() == 0
    for number in range(1, len(HEADLINES)):
        await told.nth(number).locator("bdi").click()
    assert "US" in await page.title()


async def test_names_of_regions_and_instruments_are_words_too_also_in_charts(
    profile: BrowserContext, urls: tuple[str, str]
) -> None:
    async with opened(profile, urls[0], f"#{urlencode({'region': STRANGE}, quote_via=quote)}") as watched:
        await settled(watched.page)
        await expect(watched.page.locator("#region option:checked")).to_have_text(STRANGE)
        await expect(watched.page.locator("#timeline-chart .annotation").nth(2)).to_contain_text(INSTRUMENT)
        assert await watched.page.locator(":is(main, footer) :is(img, image, b, script)").count() == 0
        assert (watched.dialogs, watched.complaints, watched.strangers()) == ([], [], [])


async def test_by_keyboard_alone_a_day_is_reached_and_chosen(shown: Watched) -> None:
    page, met = shown.page, []
    for _ in range(TABS):
        await page.keyboard.press("Tab")
        met.append(await page.evaluate("document.activeElement.id"))
        if met[-1] == "scrubber":
            break
    assert met[0] == "skip"
    order = [name for name in met if name in {"state", "region", "model", "day-field", "scrubber"}]
    assert list(dict.fromkeys(order)) == ["state", "region", "model", "day-field", "scrubber"]
    assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    await page.keyboard.press("ArrowRight")
    await stands_on(page, dt.date(2008, 9, 16))
    await page.keyboard.press("PageUp")
    await stands_on(page, dt.date(2008, 10, 15))
    assert "2008-10-15" in await page.locator("#scrubber").get_attribute("aria-valuetext")  # type: ignore[operator]
    await page.locator("#skip").focus()
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "day"


async def test_a_day_that_closes_is_there_within_two_seconds_without_a_reload(
    profile: BrowserContext, urls: tuple[str, str], stage: Stage
) -> None:
    async with opened(profile, urls[0]) as follows, opened(profile, urls[0], REMEMBERED) as stays:
        await asyncio.gather(settled(follows.page), settled(stays.page))
        await expect(follows.page.locator("#day-title")).to_contain_text("29 December 2008")
        await expect(follows.page.locator("#state")).to_contain_text("Live")
        await follows.page.evaluate("globalThis.loaded = 'once'")
        await stage.let_the_last_day_come()
        closed = time.monotonic()
        await stage.close_the_last_day()
        await expect(follows.page.locator("#day-title")).to_contain_text("30 December 2008")
        took = time.monotonic() - closed
        print(f"The page told of the day {took:.2f} s after its close.")
        assert took < LIVE_SECONDS
        await expect(follows.page.locator("#announcements")).to_contain_text(f"US {LAST} closed")
        await expect(follows.page.locator("#headlines")).to_contain_text("The year ends")
        assert await follows.page.evaluate("globalThis.loaded") == "once"
        await expect(stays.page.locator("#day-title")).to_contain_text("15 September")
        await stays.page.get_by_role("button", name="Show it").click()
        await expect(stays.page.locator("#day-title")).to_contain_text("30 December 2008")
        assert (follows.complaints, stays.complaints) == ([], [])


async def test_the_charts_can_be_read_as_a_table_and_the_lineage_be_opened(shown: Watched) -> None:
    page = shown.page
    await page.locator("#table summary").click()
    rows = page.locator("#table tbody tr")
    await expect(rows).to_have_count(60)
    await page.get_by_role("button", name="60 more days").click()
    await expect(rows).to_have_count(120)
    await rows.nth(40).get_by_role("button").click()
    await stands_on(page, dt.date.fromisoformat(await page.locator("#day-field").input_value()))
    await page.locator("#lineage summary").click()
    for words in ("close 1", "SPX.US: 63 rows", "prices.closes", "the day closed"):
        await expect(page.locator("#lineage-told")).to_contain_text(words)


async def test_a_shorter_span_is_shown_by_a_button_or_drawn_with_the_pointer(shown: Watched) -> None:
    page = shown.page
    await page.get_by_role("button", name="3 months").click()
    await expect(page.locator("#timeline-told")).to_contain_text("2008-07-31 to 2008-10-30")
    await expect(page.get_by_role("button", name="3 months")).to_have_attribute("aria-pressed", "true")
    box = await page.locator("#timeline-chart .nsewdrag").first.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 9)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"], box["y"] + 9, steps=4)
    await page.mouse.up()
    await expect(page.locator("#timeline-told")).to_contain_text("2008-09-15 to 2008-10-30")


async def test_a_day_without_news_says_that_it_has_no_vector_and_why(shown: Watched) -> None:
    page = shown.page
    await page.locator("#day-field").fill(str(QUIET))
    await expect(page.locator("#day-told")).to_contain_text("without a vector, because no news")
    await expect(page.locator("#headlines")).to_contain_text("No article counts on this day")
    await expect(page.locator("#alike")).to_contain_text("Without a vector no day is alike")


async def test_what_is_not_there_is_said_with_what_to_do(profile: BrowserContext, urls: tuple[str, str]) -> None:
    async with opened(profile, urls[0], "#region=JP") as watched:
        page, told = watched.page, watched.page.locator("#nothing")
        await expect(told).to_contain_text("No day of JP has closed yet")
        await expect(told).to_contain_text("stream-app worker")
        await keep_picture(page, "no-days")
        await page.locator("#region").select_option("EU")
        await expect(page.locator("#day-told")).to_contain_text("A seed command filled this day in")
        await page.locator("#model").select_option(SCALED)
        await expect(told).to_contain_text(f"{SCALED} has no days in EU")
        await page.locator("#model").select_option(CORE)
        await expect(page.locator("#model-told")).to_contain_text("drown the rest")
        await expect(page.locator("#regimes-told")).to_be_visible()
        assert watched.complaints == []


async def test_a_region_that_has_no_days_may_be_chosen_while_the_charts_are_still_to_come(
    chromium: Browser, urls: tuple[str, str]
) -> None:
    async with new_profile(chromium) as profile:
        loaded = await held(profile, "**/plotly.min.js")
        async with opened(profile, urls[0]) as watched:
            page = watched.page
            await expect(page.locator("#map-told")).to_contain_text("days with a vector")
            await page.locator("#region").select_option("JP")
            await expect(page.locator("#nothing")).to_contain_text("No day of JP has closed yet")
            loaded.set()
            await expect(page.locator("#map-chart .main-svg").first).to_be_attached()
            await page.locator("#region").select_option("US")
            await settled(page)
            assert watched.complaints == []


async def test_a_region_without_prices_is_not_shown_first_and_has_no_empty_charts(
    profile: BrowserContext, urls: tuple[str, str]
) -> None:
    async with opened(profile, urls[0]) as watched:
        page = watched.page
        await expect(page.locator("#region option:checked")).to_have_text("US")
        await page.locator("#region").select_option(LONG)
        await expect(page.locator("#day-told")).to_contain_text("without a vector, because no price")
        await expect(page.locator("#map-told")).to_contain_text("No day has a vector yet")
        await expect(page.locator("#map-chart")).to_be_hidden()
        await expect(page.locator(".jumps")).to_be_hidden()
        await expect(page.locator("#timeline-chart .annotation").nth(2)).to_contain_text("none in these days")
        assert watched.complaints == []


async def test_while_the_server_is_away_it_says_so_and_goes_on_by_itself(
    chromium: Browser, urls: tuple[str, str]
) -> None:
    async with new_profile(chromium) as profile, opened(profile, urls[0], REMEMBERED) as watched:
        page = watched.page
        await settled(page)
        await profile.set_offline(True)
        await page.locator("#later").click()
        await expect(page.locator("#trouble")).to_contain_text("does stream-app serve still run?")
        await expect(page.locator("#day-title")).to_contain_text("16 September")
        await expect(page.locator("#headlines")).to_be_empty()
        await profile.set_offline(False)
        await stands_on(page, dt.date(2008, 9, 16))
        await expect(page.locator("#trouble")).to_be_empty()
        await profile.set_offline(True)
        await page.locator("#region").select_option(STRANGE)
        await expect(page.locator("#trouble")).to_contain_text("does stream-app serve still run?")
        await profile.set_offline(False)
        await expect(page.locator("#day-title")).to_contain_text(STRANGE)
        await expect(page.locator("#trouble")).to_be_empty()
        await expect(page.locator("[aria-busy=true]")).to_have_count(0)


async def test_a_server_that_hangs_is_not_told_as_live_nor_an_old_day_as_the_new_one(
    chromium: Browser, urls: tuple[str, str]
) -> None:
    async with new_profile(chromium) as profile:
        await profile.clock.install()
        async with opened(profile, urls[0], REMEMBERED) as watched:
            page, state = watched.page, watched.page.locator("#state")
            await settled(page)
            await expect(state).to_contain_text("Live")
            await page.route("**/api/v1/**", lambda _: None)
            await page.locator("#later").click()
            await expect(page.locator("#day-title")).to_contain_text("16 September")
            for part in ("#headlines", "#alike"):
                await expect(page.locator(part)).to_have_text("Reading …")
            await page.clock.fast_forward(ANSWER_MILLISECONDS)
            await expect(page.locator("#trouble")).to_contain_text("does not answer")
            await page.clock.fast_forward(SILENT_MILLISECONDS)
            await expect(state).to_contain_text("Not live now")
            await page.unroute_all()
            await page.clock.fast_forward(SILENT_MILLISECONDS)
            await stands_on(page, dt.date(2008, 9, 16))
            await expect(page.locator("#trouble")).to_be_empty()
            await expect(state).to_contain_text(re.compile("^Live"))
            assert watched.complaints == []


async def test_a_token_is_asked_for_once_and_kept_in_the_tab(profile: BrowserContext, urls: tuple[str, str]) -> None:
    async with opened(profile, urls[1], REMEMBERED) as watched:
        page, field = watched.page, watched.page.get_by_label("Token")
        await expect(field).to_be_focused()
        await field.fill("not-the-token-at-all")
        await field.press("Enter")
        await expect(page.locator("#token-wrong")).to_contain_text("does not know this token")
        await field.fill(TOKEN)
        await field.press("Enter")
        await settled(page)
        await expect(page.locator("#state")).to_contain_text("Live")
        await page.reload()
        await settled(page)
        await expect(page.locator("#token")).to_be_hidden()
        kept = await page.evaluate("[Object.values(sessionStorage), Object.values(localStorage), document.cookie]")
        assert kept == [[TOKEN], [], ""]
        assert [url for url in watched.requests if TOKEN in url] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_word_can_be_read_in_both_schemes(chromium: Browser, urls: tuple[str, str], scheme: str) -> None:
    async with (
        new_profile(chromium, color_scheme=scheme) as profile,
        opened(profile, urls[0], REMEMBERED) as watched,
    ):
        await settled(watched.page)
        await watched.page.locator("#lineage summary").click()
        assert await faint(watched.page) == []
        is_dark = await watched.page.evaluate(
            "parseInt(getComputedStyle(document.body).backgroundColor.slice(4)) < 128"
        )
        assert is_dark == (scheme == "dark")
        if scheme == "dark":
            await watched.page.emulate_media(color_scheme="light")
            await expect(watched.page.locator("#timeline-chart .annotation-text").first).to_have_css(
                "fill", "rgb(24, 33, 47)"
            )
            await watched.page.emulate_media(color_scheme="dark")
            await expect(watched.page.locator("#timeline-chart .annotation-text").first).to_have_css(
                "fill", "rgb(231, 236, 243)"
            )
            await keep_picture(watched.page, "dark")


async def test_on_a_phone_nothing_is_wider_than_the_screen(chromium: Browser, urls: tuple[str, str]) -> None:
    async with (
        new_profile(chromium, viewport=PHONE, has_touch=True, is_mobile=True) as profile,
        opened(profile, urls[0], REMEMBERED) as watched,
    ):
        page = watched.page
        await settled(page)
        assert await beyond(page) == []
        assert await page.locator("#pipeline-told .stacks").evaluate("node => node.scrollWidth <= node.clientWidth")
        assert await page.locator("#timeline-chart .xtick").count() >= FEWEST_TICKS
        await keep_picture(page, "phone")
        await page.locator("#table summary").click()
        await page.locator("#lineage summary").click()
        await expect(page.locator("#table tbody tr").first).to_be_visible()
        assert await beyond(page) == []
        await page.locator("#region").select_option(LONG)
        await expect(page.locator("#day-title")).to_contain_text(LONG)
        await expect(page.locator("#headlines")).to_contain_text("No article")
        assert await beyond(page) == []
        box = await page.locator("#timeline-chart").bounding_box()
        assert box is not None
        assert box["height"] < PHONE["height"]


async def test_who_hears_the_page_gets_names_headings_and_landmarks(shown: Watched) -> None:
    page = shown.page
    await page.locator("#table summary").click()
    await page.locator("#lineage summary").click()
    told = await controls(page)
    assert {"button", "combobox", "slider", "checkbox", "link"} <= {role for role, _ in told}
    assert [role for role, name in told if not name.strip()] == []
    levels = await outline(page)
    assert levels.count(1) == 1
    assert [(a, b) for a, b in itertools.pairwise(levels) if b > a + 1] == []
    for landmark in ("banner", "main", "contentinfo"):
        await expect(page.get_by_role(landmark)).to_have_count(1)
    assert await page.locator("html").get_attribute("lang") == "en"
    assert await page.locator("img:not([alt])").count() == 0
    ids = await page.eval_on_selector_all(
        "body [id]", "nodes => nodes.map(({ id }) => id).filter((id) => !id.includes('svg'))"
    )
    assert len(ids) == len(set(ids))


async def test_who_wants_no_motion_gets_none(chromium: Browser, urls: tuple[str, str]) -> None:
    async with (
        new_profile(chromium, reduced_motion="reduce") as profile,
        opened(profile, urls[0], "#region=JP") as watched,
    ):
        await expect(watched.page.locator("#nothing")).to_be_visible()
        moving = (
            "[...document.querySelectorAll('*')].filter((e) => getComputedStyle(e).transitionDuration !== '0s').length"
        )
        assert await watched.page.evaluate(moving) == 0
