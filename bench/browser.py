"""Chromium as the shots and tests/browser use it: finding it, signing in, and what a visit of a page is measured by."""

import re
import shutil
from collections import deque
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

import msgspec
from playwright.async_api import Browser, BrowserContext, CDPSession, Page, Playwright, Response

from kaksha.sandbox.cast import PASSWORD, the_cast

__all__ = [
    "JS_LIMIT", "ROLES", "STATES", "TRANSFER_LIMIT", "Visit", "Walker", "chromium", "launch", "name_of", "overflow",
    "sign_in", "walk",
]  # fmt: skip

ROLES = {"nobody": None, "student": "rohan", "teacher": "vikram", "parent": "sunita", "admin": "asha"}
"""Who looks at the pages: a key of the cast for each role, and somebody who is not signed in."""

TRANSFER_LIMIT = 100 * 1024
JS_LIMIT = 60 * 1024
"""Bytes of a page with an empty cache, as they came over the wire."""

_ROUTES = Path(__file__).parents[1] / "tests" / "contracts" / "routes.txt"
_NO_PAGES = re.compile(r"/(v1|static|schema|healthz|readyz|metrics|openapi\.json|manifest\.webmanifest|sw\.js)(/|$)")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Visit(msgspec.Struct):
    """One page as it was loaded with an empty cache."""

    name: str
    address: str
    status: int
    transferred: int
    script: int
    """Transferred bytes, headers included; those of them that are JavaScript."""
    complaints: list[str]
    """What the console said: errors, exceptions, breaches of the Content-Security-Policy."""


def chromium(playwright: Playwright) -> str | None:
    """The system's Chromium or playwright's own; None when there is neither."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next(filter(None, map(shutil.which, names)), None)
    own = playwright.chromium.executable_path
    return found or (own if Path(own).exists() else None)


async def launch(playwright: Playwright, executable: str) -> Browser:
    return await playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])


async def sign_in(page: Page, base: str, login: str, password: str = PASSWORD) -> None:
    """As a person does it: the form, then the page that it leads to."""
    await page.goto(f"{base}/sign-in")
    await page.locator("#f-login").fill(login)
    await page.locator("#f-password").fill(password)
    await page.locator("form:has(#f-password) button:not([type=button])").click()
    await page.wait_for_url(f"{base}/home")


async def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the screen; with the tallest sideways scroll that nobody asked for."""
    return await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


# --- pages and their names -------------------------------------------------------------------------------------


def name_of(address: str) -> str:
    """`/batches/0197…/edit?page=2` is `batches-id-edit`: one name for all addresses of a page."""
    parts = urlsplit(address)
    path = _ID.sub("id", parts.path).strip("/").replace("/", "-") or "start"
    return "-".join([path, *(value for _, value in _variant(address))])


def _plain(address: str) -> str:
    """The address without what makes no other page."""
    query = urlencode(_variant(address))
    return f"{urlsplit(address).path}?{query}" if query else urlsplit(address).path


def _variant(address: str) -> list[tuple[str, str]]:
    """What of the query makes it another page: whose form it is or whose list; no search, filter or page number."""
    parts = urlsplit(address)
    kinds = {"status", "as", "role"} if parts.path.endswith("/new") else {"status", "as"}
    return [(name, value) for name, value in parse_qsl(parts.query) if name in kinds]


def _listed(role: str) -> Iterator[str]:
    """The role's page routes without ids: pages that no link may lead to are found by these."""
    for line in _ROUTES.read_text(encoding="utf-8").splitlines():
        method, path, policy, *_ = line.split()
        if method != "GET" or "{" in path or _NO_PAGES.match(path):
            continue
        if role == "nobody" if policy == "-" else policy == "*" or role in policy.split("+"):
            yield path


def _person(key: str) -> UUID:
    aarambh = the_cast(date(2026, 11, 22))[0]
    return next(person.id for person in aarambh.people if person.key == key)


STATES: dict[str, dict[str, tuple[str, str]]] = {
    "nobody": {
        "sign-in-wrong": ("/sign-in", "wrong"),
        "sign-in-choose": ("/sign-in", "choose"),
    },
    "student": {"not-found": ("/nothing-here", "")},
    "teacher": {"batches-nothing-found": ("/batches?q=zzz", "")},
    "admin": {
        "not-found": ("/people/01970000-0000-7000-8000-00000000ffff", ""),
        "people-nothing-found": ("/people?q=zzz", ""),
        "people-found": ("/people?q=desh", ""),
        "people-id-parent": (f"/people/{_person('sunita')}", ""),
        "people-id-teacher": (f"/people/{_person('vikram')}", ""),
        "people-id-self": (f"/people/{_person('asha')}", ""),
        "people-id-family-found": (f"/people/{_person('rohan')}/family?as=child&q=ra", ""),
        "batches-id-add-found": ("/batches/01970000-0000-7000-8000-00000000a201/add?q=de", ""),
        "people-new-role-student-faults": ("/people/new?role=student", "empty"),
        "batches-new-faults": ("/batches/new", "empty"),
    },
}
"""Of each role: states that no link leads to, as (address, what is done there)."""


class Walker:
    """Visits pages in one tab and measures each; the tab stays on the page for whoever looks on."""

    def __init__(self, page: Page, base: str, cdp: CDPSession) -> None:
        self.page = page
        self.base = base
        self._cdp = cdp
        self._kinds: dict[str, str] = {}
        self._bytes: dict[str, int] = {}
        self._complaints: list[str] = []

    @classmethod
    async def open(cls, context: BrowserContext, base: str) -> "Walker":
        page = await context.new_page()
        cdp = await context.new_cdp_session(page)
        walker = cls(page, base, cdp)
        await cdp.send("Network.enable")
        await cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
        cdp.on("Network.responseReceived", walker._received)
        cdp.on("Network.loadingFinished", walker._finished)
        page.on("console", walker._said)
        page.on("pageerror", lambda error: walker._complaints.append(str(error)))
        return walker

    async def visit(self, address: str, name: str = "", doing: str = "") -> Visit:
        """Opens the page with an empty cache, does there what a state needs, and waits until all of it has come."""
        self._kinds.clear()
        self._bytes.clear()
        self._complaints.clear()
        answer = await self.page.goto(self.base + address, wait_until="load")
        if doing:
            answer = await self._do(doing)
        assert answer is not None
        # What the page itself answers with is said by the browser too; the table has it as the status.
        status = answer.status
        said = [text for text in self._complaints if not (status >= 400 and f"status of {status}" in text)]
        script = sum(size for id_, size in self._bytes.items() if self._kinds.get(id_) == "Script")
        found = name or name_of(self.page.url)
        return Visit(found, urlsplit(self.page.url).path, status, sum(self._bytes.values()), script, said)

    async def is_page(self, address: str) -> bool:
        """Whether the address answers with a page, and not with data."""
        answer = await self.page.request.get(self.base + address)
        return "html" in answer.headers.get("content-type", "")

    async def links(self) -> list[str]:
        """Addresses of ours that the page leads to."""
        found: list[str] = await self.page.eval_on_selector_all(
            "a[href]",
            "links => links.filter(one => one.origin === location.origin).map(one => one.pathname + one.search)",
        )
        return [_plain(one) for one in found if not _NO_PAGES.match(one)]

    async def _do(self, doing: str) -> Response | None:
        page = self.page
        if doing == "empty":
            form = page.locator("main form[method=post]").first
            await form.evaluate(
                "form => { form.noValidate = true; form.querySelectorAll('.input').forEach(one => { one.value = '' }) }"
            )
            act = form.evaluate("form => form.requestSubmit()")
        else:
            await page.locator("#f-login").fill("9822010006" if doing == "choose" else "rohan@aarambh.example")
            await page.locator("#f-password").fill(PASSWORD if doing == "choose" else "not-the-password")
            act = page.locator("form:has(#f-password) button:not([type=button])").click()
        self._bytes.clear()
        async with page.expect_navigation(wait_until="load") as navigation:
            await act
        return await navigation.value

    def _received(self, event: dict[str, Any]) -> None:
        self._kinds[event["requestId"]] = event["type"]

    def _finished(self, event: dict[str, Any]) -> None:
        self._bytes[event["requestId"]] = event["encodedDataLength"]

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning") and "blocked by Playwright" not in message.text:
            self._complaints.append(f"{message.text} ({message.location.get('url', '')})")


async def walk(walker: Walker, role: str, only: str = "", states: bool = True) -> AsyncIterator[Visit]:
    """Every page of the role once: what is linked from page to page, what the list of routes has, and the states.

    The walker's tab shows the page while the caller holds its visit.
    """
    listed = [address for address in _listed(role) if await walker.is_page(address)]
    waiting = deque(["/home" if ROLES[role] else "/sign-in", *listed])
    tried: set[str] = set()
    while waiting:
        address = waiting.popleft()
        if name_of(address) in tried:
            continue
        tried.add(name_of(address))
        visit = await walker.visit(address)
        moved = name_of(walker.page.url) != name_of(address)
        if visit.status == 200 and moved:
            waiting.append(_plain(walker.page.url.removeprefix(walker.base)))
        if visit.status != 200 or moved:
            continue
        waiting.extend(await walker.links())
        if re.search(only, visit.name):
            yield visit
    for name, (address, doing) in STATES.get(role, {}).items():
        if states and re.search(only, name):
            yield await walker.visit(address, name, doing)
