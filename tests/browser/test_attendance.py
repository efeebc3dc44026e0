"""Marking a class on a phone: fast on a slow network, whole without scripts, and nothing tapped is ever lost."""

import time
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from tests.attendance.hands import at, held, joined, sheet
from tests.browser.conftest import Phones
from tests.browser.test_pages import _AXE, axe
from tests.institutes.staff import hire
from tests.world import World

_SLOW_4G = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8 * 0.9,
    "uploadThroughput": 750e3 / 8 * 0.9,
}
"""What browsers' tools call slow 4G: 1.6 Mbit/s down, 0.75 up, 150 ms; bytes a second here."""
_SECONDS = 10
BOTH = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])


@pytest.fixture(scope="module", autouse=True)
async def crowd(world: World) -> list[UUID]:
    """With Rohan forty students of JEE-A."""
    await hire(world, "dean", "Diya Menon", "academics")
    return await joined(world, [f"Student {n:02}" for n in range(1, 40)], 3001)


def row(page: Page, name: str) -> Any:
    return page.locator("[data-student]").filter(has_text=name)


async def statuses(world: World, class_id: str) -> dict[str, str]:
    """Who is not simply present."""
    return {
        one["studentName"]: one["status"]
        for one in (await sheet(world, class_id)).values()
        if one["status"] != "present"
    }


async def test_forty_students_in_ten_seconds_on_slow_4g(phones: Phones, world: World) -> None:
    one = await held(world, at(0, 14))
    page = await phones.open("vikram")
    wire = await page.context.new_cdp_session(page)
    await wire.send("Network.enable")
    await wire.send("Network.emulateNetworkConditions", _SLOW_4G)
    await page.goto(f"/classes/{one}/attendance")
    await expect(page.locator("[data-student]")).to_have_count(40)
    began = time.perf_counter()
    for name in ("Student 07", "Student 21", "Rohan Deshpande"):
        await row(page, name).locator("b").click()
    await row(page, "Student 21").locator("b").click()
    await expect(page.locator(".dock")).to_contain_text("37 present · 1 late · 2 absent")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Attendance is saved.")).to_be_visible()
    took = time.perf_counter() - began
    assert took < _SECONDS, f"{took:.1f} s from the first tap to saved"
    assert await statuses(world, one) == {
        "Student 07": "absent", "Student 21": "late", "Rohan Deshpande": "absent",
    }  # fmt: skip


@BOTH
async def test_marking_and_correcting(phones: Phones, world: World, scripts: bool) -> None:
    one = await held(world, at(0, 12 if scripts else 13))
    page = await phones.open("vikram", scripts=scripts)
    await page.goto("/home")
    await page.get_by_role("link", name="Mark attendance").click()
    await page.get_by_role("link", name="JEE-A · Physics").filter(has_text="12 pm" if scripts else "1 pm").click()
    await row(page, "Student 03").get_by_role("radio", name="Excused").check(force=True)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Attendance is saved.")).to_be_visible()
    assert await statuses(world, one) == {"Student 03": "excused"}
    await row(page, "Student 03").get_by_role("radio", name="Late").check(force=True)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Attendance is saved.")).to_be_visible()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Nothing has changed.")).to_be_visible()
    assert await statuses(world, one) == {"Student 03": "late"}


async def test_a_failed_save_loses_no_tap(phones: Phones, world: World) -> None:
    phones.expected += ["ERR_INTERNET_DISCONNECTED", "Failed to load resource"]
    one = await held(world, at(0, 11))
    page = await phones.open("vikram")
    await page.goto(f"/classes/{one}/attendance")
    await row(page, "Student 05").locator("b").click()
    await page.context.set_offline(True)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Not sent yet.")).to_be_visible()
    await row(page, "Student 06").locator("b").click()
    await page.context.set_offline(False)
    await expect(page.get_by_text("Attendance is saved.").or_(page.get_by_text("Not sent yet."))).to_be_visible()
    await page.goto(f"/classes/{one}/attendance")
    await expect(row(page, "Student 06").get_by_role("radio", name="Absent")).to_be_checked()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Attendance is saved.").or_(page.get_by_text("Nothing has changed."))).to_be_visible()
    assert await statuses(world, one) == {"Student 05": "absent", "Student 06": "absent"}
    await page.reload()
    await expect(page.get_by_text("Not sent yet.")).to_be_hidden()


async def test_what_was_sent_in_vain_goes_by_itself(phones: Phones, world: World) -> None:
    phones.expected += ["ERR_INTERNET_DISCONNECTED", "Failed to load resource"]
    one = await held(world, at(0, 10))
    page = await phones.open("vikram")
    await page.goto(f"/classes/{one}/attendance")
    await row(page, "Student 08").locator("b").click()
    await page.context.set_offline(True)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Not sent yet.")).to_be_visible()
    await page.context.set_offline(False)
    await expect(page.get_by_text("Attendance is saved.")).to_be_visible()
    assert await statuses(world, one) == {"Student 08": "absent"}


async def test_two_teachers_at_once(phones: Phones, world: World) -> None:
    """Both open the page, each taps somebody: both taps hold, though each form says everybody else is present."""
    one = await held(world, at(0, 9))
    pages = [await phones.open(key) for key in ("vikram", "dean")]
    for page in pages:
        await page.goto(f"/classes/{one}/attendance")
    await row(pages[0], "Student 01").locator("b").click()
    await row(pages[1], "Student 02").locator("b").click()
    await pages[0].get_by_role("button", name="Save").click()
    await expect(pages[0].get_by_text("Attendance is saved.")).to_be_visible()
    await pages[1].get_by_role("button", name="Save").click()
    await expect(pages[1].get_by_text("somebody else has marked")).to_be_visible()
    await expect(row(pages[1], "Student 01")).to_contain_text("Vikram Rao")
    assert await statuses(world, one) == {"Student 01": "absent", "Student 02": "absent"}


async def test_the_sheet_is_readable_for_everyone(phones: Phones, world: World) -> None:
    one = await held(world, at(0, 8))
    for scheme in ("light", "dark"):
        page = await phones.open("vikram", color_scheme=scheme)
        await page.context.add_init_script(path=_AXE)
        await page.goto(f"/classes/{one}/attendance")
        for name in ("Student 01", "Student 02", "Student 02", "Student 03", "Student 03", "Student 03"):
            await row(page, name).locator("b").click()
        assert await axe(page) == []
        for width in (320, 360, 768, 1280):
            await page.set_viewport_size({"width": width, "height": 740})
            assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, width
