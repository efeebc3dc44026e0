"""What each person comes for, on a phone of 360 px: with scripts, and without where it is their daily work."""

import re

import pytest
from playwright.async_api import Page, expect

from kaksha.sandbox.cast import PASSWORD
from tests.browser.conftest import Phones
from tests.world import World

BOTH = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])


async def enter(page: Page, login: str, password: str = PASSWORD) -> None:
    await page.goto("/sign-in")
    await page.get_by_label("E-mail or mobile number").fill(login)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def count(world: World, sql: str, *values: object) -> int:
    async with world.owner() as conn:
        found = await conn.fetchval(sql, *values)
    assert isinstance(found, int)
    return found


# --- signing in and out ----------------------------------------------------------------------------------------


@BOTH
async def test_rohan_signs_in_and_sees_his_batch_and_who_teaches_it(phones: Phones, scripts: bool) -> None:
    page = await phones.open(scripts=scripts)
    await enter(page, "rohan@aarambh.example")
    await page.wait_for_url("**/home")
    await expect(page.get_by_text("JEE-A", exact=True)).to_be_visible()
    for fact in ("Vikram Rao", "Nandini Iyer", "2207", "Sunita Deshpande"):
        await expect(page.get_by_text(fact, exact=True)).to_be_visible()
    await page.get_by_role("link", name="Open the batch").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("JEE-A")


@BOTH
async def test_a_wrong_password_is_said_and_takes_the_focus(phones: Phones, scripts: bool) -> None:
    phones.expected.append("status of 401")
    page = await phones.open(scripts=scripts)
    await enter(page, "rohan@aarambh.example", "not the password")
    alert = page.get_by_role("alert")
    await expect(alert).to_have_text("The e-mail, phone or password is not right.")
    await expect(alert).to_be_focused()
    await expect(page.get_by_label("E-mail or mobile number")).to_have_value("rohan@aarambh.example")
    await expect(page.get_by_label("Password", exact=True)).to_have_value("")


async def test_a_family_that_shares_a_phone_chooses_who_it_is(phones: Phones) -> None:
    page = await phones.open()
    await enter(page, "98220 10006")
    await page.get_by_role("button", name="Meher Deshpande").click()
    await page.wait_for_url("**/home")
    await expect(page.get_by_text("Foundation 8", exact=True)).to_be_visible()


@BOTH
async def test_signing_out_ends_it(phones: Phones, scripts: bool) -> None:
    page = await phones.open(scripts=scripts)
    await enter(page, "meher@aarambh.example")
    await page.get_by_role("link", name="Me", exact=True).click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_text("You are signed out.")).to_be_visible()
    await page.goto("/home")
    await expect(page).to_have_url(re.compile("/sign-in"))
    await page.go_back()  # what the browser kept shows nobody's home either
    await expect(page.get_by_text("Foundation 8", exact=True)).to_have_count(0)


# --- language and look -----------------------------------------------------------------------------------------


async def test_the_sign_in_page_turns_hindi_and_stays_so(phones: Phones) -> None:
    page = await phones.open()
    await page.goto("/sign-in?next=/batches")
    await page.get_by_role("link", name="हिन्दी").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("साइन इन करें")
    await expect(page.locator("html")).to_have_attribute("lang", "hi")
    assert "next=" in page.url
    await page.goto("/sign-in")
    await expect(page.get_by_role("heading", level=1)).to_have_text("साइन इन करें")


@BOTH
async def test_a_person_chooses_their_language(phones: Phones, scripts: bool) -> None:
    page = await phones.open("nandini", scripts=scripts)
    await page.goto("/me")
    await page.get_by_role("radio", name="हिन्दी").check(force=True)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("सेव हो गया")).to_be_visible()
    await expect(page.get_by_role("link", name="प्रोफ़ाइल", exact=True)).to_be_visible()
    await page.get_by_role("radio", name="English").check(force=True)
    await page.get_by_role("button", name="सेव करें").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()


async def test_a_person_chooses_the_dark_look(phones: Phones) -> None:
    page = await phones.open("vikram", color_scheme="light")
    await page.goto("/me")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(paper)
    await page.get_by_role("radio", name="Dark").check(force=True)
    await page.wait_for_function(f"{paper} !== '{light}'")  # at once, before it is saved
    dark = await page.evaluate(paper)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await page.goto("/home")
    assert await page.evaluate(paper) == dark
    await expect(page.locator("meta[name=theme-color]")).to_have_attribute("content", "#12161b")


# --- a parent, a teacher ---------------------------------------------------------------------------------------


@BOTH
async def test_sunita_sees_both_children_in_hindi_and_opens_one(phones: Phones, scripts: bool) -> None:
    page = await phones.open("sunita", scripts=scripts)
    await page.goto("/home")
    await expect(page.get_by_text("Meher और Rohan")).to_be_visible()
    await expect(page.get_by_role("link", name="Rohan Deshpande")).to_be_visible()
    await page.get_by_role("link", name="Meher Deshpande").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Meher Deshpande")
    await expect(page.get_by_role("heading", name="शिक्षक", exact=True)).to_be_visible()
    await expect(page.get_by_text("Nandini Iyer")).to_be_visible()


@BOTH
async def test_vikram_sees_his_batch_and_who_is_in_it(phones: Phones, scripts: bool) -> None:
    page = await phones.open("vikram", scripts=scripts)
    await page.goto("/home")
    await expect(page.get_by_text("1 student in one batch")).to_be_visible()
    await page.get_by_role("link", name="JEE-A").click()
    await expect(page.get_by_role("link", name="Edit")).to_have_count(0)
    await page.get_by_role("link", name="Rohan Deshpande").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Rohan Deshpande")
    await expect(page.get_by_text("Sunita Deshpande", exact=True)).to_be_visible()


# --- the front desk --------------------------------------------------------------------------------------------


async def add_student(page: Page, name: str) -> None:
    await page.get_by_role("link", name="People", exact=True).click()
    await page.get_by_role("link", name="Add a person").click()
    await page.get_by_role("link", name=re.compile("^Student")).click()
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Class").fill("Class 11")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)


async def add_batch(page: Page, name: str) -> None:
    await page.get_by_role("link", name="Batches", exact=True).click()
    await page.get_by_role("link", name="New batch").click()
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Code").fill(name.upper())
    await page.get_by_label("Course").fill("Class 11 JEE")
    await page.get_by_role("button", name="Make the batch").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)


async def enrol(page: Page, student: str, batch: str) -> None:
    await page.get_by_role("link", name="Add a student").click()
    await page.get_by_label("Name or roll number").fill(student)
    await page.get_by_role("button", name="Find").click()
    await page.get_by_role("button", name=student).click()
    await expect(page.get_by_text("Added. Add the next one")).to_be_visible()
    await page.get_by_role("link", name=batch, exact=True).click()
    await expect(page.get_by_role("link", name=student)).to_be_visible()


@BOTH
async def test_asha_admits_a_student_into_a_new_batch(phones: Phones, scripts: bool) -> None:
    student, batch = ("Tara Sen", "Evening 1") if scripts else ("Kiran Sen", "Evening 2")
    page = await phones.open("asha", scripts=scripts)
    await page.goto("/home")
    await add_student(page, student)
    await add_batch(page, batch)
    await page.get_by_role("link", name="Choose subjects").click()
    await page.get_by_label("Physics").select_option(label="Vikram Rao")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Vikram Rao")).to_be_visible()
    await enrol(page, student, batch)


@BOTH
async def test_pressing_twice_adds_one_person(phones: Phones, world: World, scripts: bool) -> None:
    name = f"Only Once {scripts}"
    page = await phones.open("asha", scripts=scripts)
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    await page.goto("/people/new?role=student")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Class").fill("Class 9")
    await page.get_by_role("button", name="Add", exact=True).dblclick()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)
    assert await count(world, "select count(*) from users where name = $1", name) == 1
    if scripts:
        assert len(posts) == 1


@BOTH
async def test_faults_of_a_form_are_summed_up_and_lead_to_their_fields(phones: Phones, scripts: bool) -> None:
    phones.expected.append("status of 422")
    page = await phones.open("asha", scripts=scripts)
    await page.goto("/people/new?role=teacher")
    await page.get_by_label("Name").fill("Half A Number")
    await page.get_by_label("Mobile number").fill("12345")
    await page.get_by_role("button", name="Add", exact=True).click()
    summary = page.get_by_role("alert")
    await expect(summary).to_be_focused()
    await expect(page.get_by_label("Name")).to_have_value("Half A Number")
    await summary.get_by_role("link", name="Mobile number").click()
    await expect(page.get_by_label("Mobile number")).to_be_focused()


# --- with the keyboard -----------------------------------------------------------------------------------------


async def test_the_keyboard_goes_through_the_sign_in_page_in_reading_order(phones: Phones) -> None:
    page = await phones.open()
    await page.goto("/sign-in")
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    for stop in (
        page.get_by_role("link", name="Kaksha"),
        page.get_by_label("E-mail or mobile number"),
        page.get_by_label("Password", exact=True),
        page.get_by_role("button", name="Show password"),
        page.get_by_role("button", name="Sign in", exact=True),
    ):
        await page.keyboard.press("Tab")
        await expect(stop).to_be_focused()
        assert await stop.evaluate("one => getComputedStyle(one).outlineStyle") != "none"


async def test_the_skip_link_leads_into_the_page(phones: Phones) -> None:
    page = await phones.open("asha")
    await page.goto("/people")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.locator("main :focus")).to_have_count(1)
