"""The service worker: it never stands between a person and a page, and says in their language when there is none."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from kaksha.sandbox.cast import PASSWORD
from tests.browser.conftest import Phones
from tests.browser.plain import Tab, Wire, browsing, sign_in, wired
from tests.world import World

_MINDS = """(async lang => {
  const kept = await caches.match("/kept-language");
  return Boolean(navigator.serviceWorker.controller) && kept !== undefined && (await kept.text()) === lang;
})"""
_ANOTHER = """(async address => {
  const before = navigator.serviceWorker.controller;
  const changed = new Promise(done => (navigator.serviceWorker.oncontrollerchange = done));
  await navigator.serviceWorker.register(address);
  if (navigator.serviceWorker.controller === before) await changed;
  return true;
})"""


@pytest.fixture
async def wire(world: World) -> AsyncIterator[Wire]:
    async with wired(world) as running:
        yield running


@pytest.fixture
async def tab(executable: str, wire: Wire) -> AsyncIterator[Tab]:
    async with browsing(executable, wire.url) as opened:
        yield opened


async def until_it_minds(tab: Tab, lang: str) -> None:
    """Until the worker controls the page and knows its language."""
    await tab.until(f"{_MINDS}('{lang}')")


@pytest.mark.parametrize(
    ("who", "lang", "title"), [("rohan", "en", "You are offline"), ("sunita", "hi", "आप ऑफ़लाइन हैं")]
)
async def test_a_page_without_a_network_is_the_offline_page(
    world: World, wire: Wire, tab: Tab, who: str, lang: str, title: str
) -> None:
    await sign_in(tab, world, who)
    await tab.open("/home")
    await until_it_minds(tab, lang)
    wire.cut()
    await tab.open("/me")
    assert await tab.title() == title
    assert await tab.run("document.documentElement.lang") == lang
    assert await tab.run("document.styleSheets.length") == 1  # styled, though nothing came over the network
    assert "Deshpande" not in await tab.run("document.documentElement.outerHTML")


async def test_the_offline_page_becomes_the_wanted_page(world: World, wire: Wire, tab: Tab) -> None:
    await sign_in(tab, world, "rohan")
    await tab.open("/home")
    await until_it_minds(tab, "en")
    wire.cut()
    await tab.press(".tabs a[href='/me']")
    await tab.press("main .btn")  # tried again, too early
    assert await tab.title() == "You are offline"
    wire.mend()
    await tab.until("document.querySelector('h1')?.innerText === 'Rohan Deshpande'")  # it knocks by itself
    assert await tab.run("location.pathname") == "/me"


async def test_a_page_that_stands_says_when_the_network_goes_and_comes(phones: Phones) -> None:
    phones.expected.append("ERR_INTERNET_DISCONNECTED")  # Chromium looks for the icon now and then
    page = await phones.open("rohan")
    await page.goto("/home")
    await page.context.set_offline(True)
    await expect(page.get_by_text("You are offline.")).to_be_visible()
    await page.context.set_offline(False)
    await expect(page.get_by_text("You are back online.")).to_be_visible()


async def test_journeys_go_on_as_before(tab: Tab) -> None:
    for _ in range(3):
        await tab.open("/sign-in")
        await until_it_minds(tab, "en")
        for name, value in (("login", "rohan@aarambh.example"), ("password", PASSWORD)):
            await tab.run(f"document.getElementById('f-{name}').value = '{value}'")
        await tab.press("form:has(#f-password) button:not([type=button])")
        assert await tab.run("location.pathname") == "/home"
        await tab.press("main a.btn")
        assert await tab.title() == "JEE-A"
        await tab.press(".tabs a[href='/home']")
        await tab.press(".tabs a[href='/me']")
        await tab.press("form[action='/me'] button")
        assert "Saved." in await tab.run("document.getElementById('notice').innerText")
        await tab.press("form[action='/sign-out'] button")
        assert await tab.run("location.pathname") == "/sign-in"
        await tab.open("/home")
        assert await tab.run("location.pathname") == "/sign-in"


async def test_pages_open_while_one_worker_takes_over_from_another(world: World, tab: Tab) -> None:
    """As after an update: for the browser another address or another content is another worker."""
    await sign_in(tab, world, "vikram")
    await tab.open("/home")
    await until_it_minds(tab, "en")
    for number in range(3):
        assert await tab.run(f"{_ANOTHER}('/sw.js?another={number}')")
        for address, title in (("/home", "Today"), ("/batches", "Your batches"), ("/home", "Today")):
            await tab.open(address)  # registers /sw.js again, so that both change places under the page
            assert await tab.title() == title
