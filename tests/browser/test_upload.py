"""Handing in files on a phone: with scripts in pieces and over a broken network, without them with the form itself."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Phones
from tests.browser.test_journeys import BOTH, count
from tests.files.hands import PDF, picture

OWN = "select count(*) from file_grants where hook = 'own' and hook_id = $1"


def file(name: str, content: bytes = PDF, kind: str = "application/pdf") -> Any:
    return {"name": name, "mimeType": kind, "buffer": content}


@BOTH
async def test_papers_reach_the_office(phones: Phones, scripts: bool) -> None:
    who = "rohan" if scripts else "meher"
    page = await phones.open(who, scripts=scripts)
    await page.goto("/files")
    await expect(page.get_by_text("Nothing uploaded yet")).to_be_visible()
    sent = [file("दसवीं की अंकसूची.pdf"), file("me.png", picture(), "image/png")]
    await page.locator("input[name=files]").set_input_files(sent)
    if scripts:
        await expect(page.locator("[data-state=done]")).to_have_count(2)
        assert await page.locator("input[name=files]").evaluate("input => input.files.length") == 0
    await page.get_by_role("button", name="Hand in").click()
    await expect(page.get_by_text("Your files are with the office.")).to_be_visible()
    await expect(page.get_by_role("link", name="दसवीं की अंकसूची.pdf")).to_be_visible()
    assert await count(phones.world, OWN, phones.world.id(who)) == 2
    await page.get_by_role("button", name="Delete me.png").click()
    await expect(page.get_by_text("The file is deleted.")).to_be_visible()
    assert await count(phones.world, OWN, phones.world.id(who)) == 1


@BOTH
async def test_what_is_refused_says_why(phones: Phones, scripts: bool) -> None:
    phones.expected.append("status of 415")
    page = await phones.open("sunita", scripts=scripts)
    await page.goto("/files")
    await page.locator("input[name=files]").set_input_files([file("a.pdf", b"MZ" + bytes(400))])
    if not scripts:
        await page.locator("form[action='/files'] button:not([type=button])").click()
    why = page.locator("[data-state=failed]") if scripts else page.get_by_role("alert")
    await expect(why).to_contain_text("JPEG, PNG, WebP, PDF")
    if scripts:
        await why.locator("[data-remove]").click()
        await expect(why).to_have_count(0)


async def test_a_broken_network_is_waited_for_and_a_form_pressed_too_early_goes_by_itself(phones: Phones) -> None:
    phones.expected += ["ERR_INTERNET_DISCONNECTED", "ERR_FAILED"]
    page = await phones.open("vikram")
    await page.goto("/files")
    broken = {"left": 2, "pieces": 0}

    async def shaky(route: Route) -> None:
        if route.request.method == "PATCH":
            broken["pieces"] += 1
            if broken["pieces"] > 1 and broken["left"]:
                broken["left"] -= 1
                await route.abort()
                return
        await route.continue_()

    await page.route("**/v1/files/tus/*", shaky)
    await page.locator("input[name=files]").set_input_files([file("large.pdf", PDF + bytes(3 << 20))])
    await page.get_by_role("button", name="Hand in").click()
    await expect(page.get_by_text("Your files are with the office.")).to_be_visible(timeout=20_000)
    assert broken["left"] == 0
    assert await count(phones.world, "select count(*) from files where size > 3000000") == 1


async def test_an_upload_goes_on_after_the_browser_was_killed(phones: Phones, tmp_path: Path) -> None:
    phones.expected.append("ERR_FAILED")
    lying = tmp_path / "scan.pdf"
    lying.write_bytes(PDF + bytes(2 << 20))
    page = await phones.open("nandini")
    await page.goto("/files")
    first = {"pieces": 0}

    async def stuck(route: Route) -> None:
        first["pieces"] += 1
        if first["pieces"] > 2:
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/v1/files/tus/*", stuck)
    await page.locator("input[name=files]").set_input_files(lying)
    await expect(page.get_by_text("Waiting for the network …")).to_be_visible()
    await page.unroute("**/v1/files/tus/*")
    offsets: list[int] = []
    page.on(
        "request",
        lambda request: offsets.append(int(request.headers["upload-offset"])) if request.method == "PATCH" else None,
    )
    begun: list[str] = []
    page.on("request", lambda request: begun.append(request.url) if request.url.endswith("/files/tus") else None)
    await page.goto("/files")  # everything that the page held is gone
    await page.locator("input[name=files]").set_input_files(lying)
    await expect(page.locator("[data-state=done]")).to_be_visible()
    assert not begun, "it went on instead of beginning anew"
    assert offsets[0] > 0


@pytest.mark.parametrize("width", [320, 1280])
async def test_the_widget_fits(phones: Phones, width: int) -> None:
    page = await phones.open("rohan")
    await page.set_viewport_size({"width": width, "height": 740})
    await page.goto("/files")
    long = "क्ष" * 30 + "VeryLongNameWithoutAnySpaceInItAtAllWhichNeverEnds.pdf"
    await page.locator("input[name=files]").set_input_files([file(long), file("b.pdf")])
    await expect(page.locator("[data-state=done]")).to_have_count(2)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
