"""Passkeys in a real browser: the pages, and the API with what `navigator.credentials` really makes."""

import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from bench.browser import chromium, launch, sign_in
from tests.passkeys.hands import LOGIN, MINE, SETUP, creation_options, ready, refused, request_options
from tests.world import World

_PHONE: dict[str, Any] = {
    "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": True,
    "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
    "defaultBackupEligibility": True, "defaultBackupState": True,
}  # fmt: skip
_CREATE = """async (options) => (await navigator.credentials.create(
    { publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })).toJSON()"""
_GET = """async (options) => (await navigator.credentials.get(
    { publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) })).toJSON()"""


@pytest.fixture
async def context() -> AsyncIterator[BrowserContext]:
    """A phone's browser, empty."""
    async with async_playwright() as playwright:
        executable = chromium(playwright)
        if executable is None:
            assert "CI" not in os.environ, "CI must have Chromium"
            pytest.skip("there is no Chromium: on Debian `apt install chromium`, or `playwright install chromium`")
        browser = await launch(playwright, executable)
        yield await browser.new_context(viewport={"width": 360, "height": 740}, locale="en")
        await browser.close()


async def _with_lock(context: BrowserContext) -> tuple[Page, Any, str]:
    """A page on a device with a screen lock, its debugger, and the lock's id there."""
    page = await context.new_page()
    page.set_default_timeout(15_000)
    debugger: Any = await context.new_cdp_session(page)
    await debugger.send("WebAuthn.enable", {"enableUI": False})
    added = await debugger.send("WebAuthn.addVirtualAuthenticator", {"options": _PHONE})
    return page, debugger, added["authenticatorId"]


async def test_add_sign_in_rename_and_remove_in_the_page(world: World, context: BrowserContext) -> None:
    page, debugger, lock = await _with_lock(context)
    email = world.people["rohan"].email
    assert email
    await sign_in(page, world.url, email)
    await page.goto(f"{world.url}/me")
    await page.get_by_role("link", name="Passkeys").click()
    await expect(page.get_by_text("No passkey yet")).to_be_visible()
    add = page.get_by_role("button", name="Add a passkey for this device")

    await debugger.send("WebAuthn.setUserVerified", {"authenticatorId": lock, "isUserVerified": False})
    await add.click()
    await expect(page.get_by_text("The device did not make a passkey.")).to_be_visible()
    await debugger.send("WebAuthn.setUserVerified", {"authenticatorId": lock, "isUserVerified": True})
    await add.click()
    await expect(page.get_by_text("Your passkey is ready")).to_be_visible()
    await add.click()
    await expect(page.get_by_text("This device already has a passkey")).to_be_visible()
    await expect(page.get_by_text("The device did not make a passkey.")).to_be_hidden()
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(overflow) == 0

    await page.locator("summary").click()
    await page.get_by_label("Name").fill("Rohan's phone")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("summary")).to_contain_text("Rohan's phone")
    await expect(page.locator("summary")).to_contain_text("synced")

    await _sign_out(page, world)
    await page.goto(f"{world.url}/sign-in?next=/me/passkeys")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.wait_for_url(f"{world.url}/me/passkeys")
    await expect(page.locator("summary")).to_contain_text("Used: ")
    await page.locator("summary").click()
    await page.get_by_role("button", name="Remove this passkey").click()
    await expect(page.get_by_text("That passkey no longer signs in.")).to_be_visible()

    await _sign_out(page, world)
    await page.goto(f"{world.url}/sign-in?next=/me/passkeys")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page.get_by_text("This passkey was not accepted.")).to_be_visible()
    await page.get_by_role("link", name="Sign in another way").click()
    await page.wait_for_url(f"{world.url}/sign-in?next=%2Fme%2Fpasskeys")
    await debugger.send("WebAuthn.clearCredentials", {"authenticatorId": lock})
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page.get_by_text("No passkey was used.")).to_be_visible()


async def _sign_out(page: Page, world: World) -> None:
    await page.goto(f"{world.url}/me")
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url(f"{world.url}/sign-in")


async def test_the_api_takes_what_the_browser_makes(world: World, context: BrowserContext) -> None:
    page, _, _ = await _with_lock(context)
    await page.goto(f"{world.url}/sign-in")
    nandini = await world.api("nandini")
    credential = await page.evaluate(_CREATE, await creation_options(world, "nandini"))
    answer = await nandini.post(SETUP, json={"credential": credential, "label": "Laptop"})
    assert answer.status_code == 200, answer.text
    assert [each["label"] for each in (await nandini.get(MINE)).json()["data"]] == ["Laptop"]
    assert refused(await nandini.post(SETUP, json={"credential": credential}), 409, "PASSKEY_NOT_ADDED")
    signed = await page.evaluate(_GET, await request_options(world))
    answer = await world.anyone.post(LOGIN, json={"credential": signed}, headers={"X-Platform": "android"})
    assert answer.json()["data"]["user"]["id"] == str(world.id("nandini"))
    assert answer.json()["data"]["refreshToken"]
    assert refused(await world.anyone.post(LOGIN, json={"credential": signed}))


async def test_the_pages_take_no_nonsense(world: World) -> None:
    """As a browser without scripts could send it."""
    vikram = await world.pages("vikram")
    for credential in ("", "{", "[]", "{}"):
        answer = await vikram.post("/me/passkeys", data={"credential": credential})
        assert (answer.status_code, "could not be added" in answer.text) == (409, True)
        answer = await world.anyone.post("/sign-in/passkey?next=//evil.example", data={"credential": credential})
        assert (answer.status_code, "was not accepted" in answer.text) == (401, True)
        assert 'href="/sign-in?next=%2Fhome"' in answer.text
    device, passkey = await ready(world, "vikram")
    answer = await vikram.post(f"/me/passkeys/{passkey}", data={"label": "x" * 61})
    assert answer.status_code == 422
    assert '<details class="card" open>' in answer.text
    assert (await vikram.post(f"/me/passkeys/{passkey}", data={"label": "Tablet"})).status_code == 303
    assert "Tablet" in (await vikram.get("/me/passkeys")).text
    off_site = {"Sec-Fetch-Site": "cross-site"}
    assert (await vikram.post(f"/me/passkeys/{passkey}/remove", headers=off_site)).status_code == 403
    assert (await vikram.post(f"/me/passkeys/{passkey}/remove")).headers["Location"] == "/me/passkeys"
    assert "Tablet" not in (await vikram.get("/me/passkeys")).text
    assert refused(await world.anyone.post(LOGIN, json={"credential": device.get(await request_options(world))}))
