"""The homes as pages: each role's own, and a parent's children."""

import re
from html import unescape
from uuid import uuid4

import pytest

from kaksha.sandbox.cast import AARAMBH
from tests.home import rows
from tests.world import World


async def page(world: World, who: str, path: str = "/home") -> str:
    answer = await (await world.pages(who)).get(path)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


# --- where one starts ------------------------------------------------------------------------------------------


async def test_the_start_leads_to_where_one_may_go(world: World) -> None:
    stranger = await world.anyone.get("/")
    assert (stranger.status_code, stranger.headers["location"]) == (303, "/sign-in")
    known = await (await world.pages("rohan")).get("/")
    assert (known.status_code, known.headers["location"]) == (303, "/home")


@pytest.mark.parametrize("path", ["/home", "/children", "/children/01970000-0000-7000-8000-00000000a004"])
async def test_nobody_is_asked_to_sign_in_first(world: World, path: str) -> None:
    answer = await world.anyone.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")


# --- what each sees --------------------------------------------------------------------------------------------


async def test_a_student_sees_what_they_are_in_and_who_teaches(world: World) -> None:
    home = await page(world, "rohan")
    for fact in ("JEE-A", "Class 11 JEE", "Vikram Rao", "Nandini Iyer", "Sunita Deshpande", "2207"):
        assert fact in home
    assert 'aria-label="235 days gone, ' in home
    assert "Meher" not in home


async def test_a_teacher_sees_their_batches(world: World) -> None:
    home = await page(world, "nandini")
    assert "2 students in 2 batches" in home
    assert "JEE-A" in home
    assert "Foundation 8" in home
    assert "Nobody new." in home


async def test_a_parent_sees_their_children_and_each_ones_page(world: World) -> None:
    home = await page(world, "sunita")
    for who, batch in (("rohan", "JEE-A"), ("meher", "Foundation 8")):
        assert f'href="/children/{world.id(who)}"' in home
        child = await page(world, "sunita", f"/children/{world.id(who)}")
        assert world.people[who].name in child
        assert batch in child
    children = await page(world, "sunita", "/children")
    for fact in ("Rohan Deshpande", "Meher Deshpande", "Vikram Rao", "JEE-A", "Foundation 8"):
        assert fact in children
    assert '<html lang="hi"' in home


async def test_an_admin_sees_what_needs_them(world: World) -> None:
    home = await page(world, "asha")
    assert "3 subjects without a teacher" in home
    assert "Biology" in home
    assert "1 / 40" in home
    assert "Kabir" not in home
    assert "Prayas" not in home


@pytest.mark.parametrize("who", ["asha", "vikram", "rohan", "sunita"])
async def test_a_page_leads_only_to_pages_there_are(world: World, who: str) -> None:
    """No link of a home ends at a missing page; those of features that are still to come would show here."""
    pages = await world.pages(who)
    for href in sorted(set(re.findall(r'<a [^>]*href="(/[^"]*)"', await page(world, who)))):
        answer = await pages.get(unescape(href))
        assert answer.status_code == 200, href


# --- whose it is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whom", ["kabir", "vikram", "sunita"])
async def test_a_child_of_others_is_a_missing_page(world: World, whom: str) -> None:
    parent = await world.pages("sunita")
    missing = await parent.get(f"/children/{uuid4()}")
    answer = await parent.get(f"/children/{world.id(whom)}")
    assert answer.status_code == missing.status_code == 404
    assert _without_ids(answer.text) == _without_ids(missing.text)


def _without_ids(text: str) -> str:
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "", text)


@pytest.mark.parametrize("who", ["asha", "vikram", "rohan"])
async def test_the_children_pages_are_for_parents(world: World, who: str) -> None:
    pages = await world.pages(who)
    for path in ("/children", f"/children/{world.id('rohan')}"):
        assert (await pages.get(path)).status_code == 403


async def test_being_an_admin_opens_no_more_of_the_parents_pages(world: World) -> None:
    student = await rows.student(world, "Kavya Patel", "3001")
    roles = "update users set roles = $3 where institute_id = $1 and id = $2"
    await rows.run(world, roles, AARAMBH, world.id("sunita"), ["parent", "admin"])
    world.forget_clients()
    try:
        parent = await world.pages("sunita")
        assert (await parent.get(f"/children/{world.id('rohan')}")).status_code == 200
        assert (await parent.get(f"/children/{student}")).status_code == 404
    finally:
        await rows.run(world, roles, AARAMBH, world.id("sunita"), ["parent"])
        world.forget_clients()
