"""A real Chromium on a real server, on a database that was filled once."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Route, async_playwright, expect

from stream_app.embedded import Endpoints
from tests.browser.chromium import ARGUMENTS, MISSING, found
from tests.browser.synthetic import Stage, lived
from tests.conftest import created_database

TOKEN = "a-token-of-sixteen-characters"
STARTING_SECONDS = 120.0
PAGE_MILLISECONDS = 60_000
REPORT_VIOLATIONS = """
addEventListener('securitypolicyviolation', ({ violatedDirective: directive, blockedURI: blocked }) => {
  console.error(`violation of ${directive} by ${blocked}`);
});
"""


@dataclass(eq=False)
class Watched:
    """A page, and what of it ought not to be."""

    page: Page
    url: str
    dialogs: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """What the browser has logged as an error: of scripts, of the policy, of answers that are refusals."""
    requests: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note from now on."""
        self.page.on("console", self._logged)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        self.page.on("dialog", lambda dialog: self.dialogs.append(dialog.message))

    def _logged(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)

    def strangers(self) -> list[str]:
        """What it has asked of others than its own server."""
        return [url for url in self.requests if not url.startswith(self.url)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser these tests are skipped, and say so."""
    if found() is None:
        for item in items:
            if "tests/browser" in item.path.as_posix():
                item.add_marker(pytest.mark.skip(reason=MISSING))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(
    endpoints: Endpoints, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """The year, lived once."""
    with created_database(endpoints, f"browser_{os.getpid()}", template_database) as url:
        async with lived(endpoints, url, tmp_path_factory.mktemp("browser")) as made:
            yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def urls(stage: Stage) -> AsyncIterator[tuple[str, str]]:
    """Two servers on it: one that answers everybody here, and one that wants a token."""
    async with serving(stage.settings) as first, serving(stage.settings | {"STREAM_APP_SERVE_TOKEN": TOKEN}) as second:
        yield await address(first), await address(second)


@asynccontextmanager
async def serving(settings: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """`stream-app serve` on a free port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "stream_app",
        "serve",
        "--port",
        "0",
        env=os.environ | settings,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.terminate()
        await process.communicate()


async def address(process: asyncio.subprocess.Process) -> str:
    """Where a server says that it answers."""
    assert process.stderr is not None
    said = ""
    async with asyncio.timeout(STARTING_SECONDS):
        while line := (await process.stderr.readline()).decode():
            said += line
            if answered := re.search(r"serving at (http://[\w.:]+)", line):
                return answered.group(1)
    raise AssertionError(f"the server has ended:\n{said}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """The browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found(), args=[*ARGUMENTS])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def profile(chromium: Browser) -> AsyncIterator[BrowserContext]:
    """A person's browser, which keeps what it has loaded once."""
    async with new_profile(chromium) as made:
        yield made


@asynccontextmanager
async def new_profile(chromium: Browser, **more: object) -> AsyncIterator[BrowserContext]:
    """Another person's, with a screen and wishes of their own."""
    made = await chromium.new_context(**{"viewport": {"width": 1440, "height": 1000}} | more)  # type: ignore[arg-type]
    made.set_default_timeout(PAGE_MILLISECONDS)
    expect.set_options(timeout=PAGE_MILLISECONDS)
    await made.add_init_script(REPORT_VIOLATIONS)
    yield made
    await made.close()


@asynccontextmanager
async def opened(profile: BrowserContext, url: str, hash_part: str = "") -> AsyncIterator[Watched]:
    """The page in a tab of its own, with a look at all that it does."""
    watched = Watched(await profile.new_page(), url)
    watched.watch()
    await watched.page.goto(f"{url}/{hash_part}")
    yield watched
    await watched.page.close()


async def held(profile: BrowserContext, url: str) -> asyncio.Event:
    """What is asked for there comes only once this is set."""
    released = asyncio.Event()

    async def hold(route: Route) -> None:
        await released.wait()
        await route.continue_()

    await profile.route(url, hold)
    return released
