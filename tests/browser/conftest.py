"""A real Chromium in front of the real server: one browser for the run, a context of its own for every test.

Whatever a page says on the console fails its test, breaches of the Content-Security-Policy among it.
"""

import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, async_playwright

from bench.browser import chromium, launch
from tests.world import World

_MISSING = "Chromium is missing, so nothing here was tested: on Debian `apt install chromium`"
_SECONDS = 20
"""No wait takes this long, even on a busy machine."""


@pytest.fixture(scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as running:
        yield running


@pytest.fixture(scope="session")
async def executable(playwright: Playwright) -> str:
    """Where Chromium is. Without one the tests are skipped, but never in CI."""
    found = chromium(playwright)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(_MISSING)
        pytest.skip(_MISSING)
    return found


@pytest.fixture(scope="session")
async def browser(playwright: Playwright, executable: str) -> AsyncIterator[Browser]:
    running = await launch(playwright, executable)
    yield running
    await running.close()


class Phones:
    """Opens pages as a person's phone has them: `await phones.open("rohan")` is signed in as Rohan."""

    def __init__(self, browser: Browser, world: World) -> None:
        self.world = world
        self.said: list[str] = []
        """What consoles said and no test expected."""
        self.expected: list[str] = []
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    async def open(self, who: str | None = None, *, scripts: bool = True, **context: Any) -> Page:
        """An empty page of a new phone. Service workers stay out (tests.browser.plain says why)."""
        opened = await self._browser.new_context(
            base_url=self.world.url, viewport={"width": 360, "height": 740}, java_script_enabled=scripts,
            service_workers="block", reduced_motion="reduce", **{"locale": "en-IN", **context},
        )  # fmt: skip
        opened.set_default_timeout(_SECONDS * 1000)
        self._contexts.append(opened)
        if who is not None:
            jar = (await self.world.pages(who)).cookies.jar
            cookies = [(cookie.name, cookie.value or "") for cookie in jar]
            await opened.add_cookies([{"name": name, "value": value, "url": self.world.url} for name, value in cookies])
        page = await opened.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        known = ("blocked by Playwright", *self.expected)
        if message.type in ("error", "warning") and not any(part in message.text for part in known):
            self.said.append(f"{message.location.get('url')}: {message.text}")

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()


@pytest.fixture
async def phones(browser: Browser, world: World) -> AsyncIterator[Phones]:
    opened = Phones(browser, world)
    yield opened
    await opened.close()
    assert opened.said == []
