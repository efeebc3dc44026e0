"""What a home says where there is nothing yet. Each test takes away what it needs gone, from the module's database."""

from html import unescape

from kaksha.core import i18n
from tests.home import rows
from tests.world import World

EVERYTHING = ("enrolments", "batch_subjects", "parent_links", "batches", "students", "teachers", "subjects")


async def take_away(world: World, *tables: str) -> None:
    async with world.owner() as conn:
        for table in tables:
            await conn.execute(f"delete from {table}")


async def page(world: World, who: str, path: str = "/home") -> str:
    answer = await (await world.pages(who)).get(path)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def hindi(text: str) -> str:
    return i18n.gettext("hi", text)


async def test_each_home_says_what_will_be_there(world: World) -> None:
    await take_away(world, "enrolments", "batch_subjects", "parent_links")
    rohan = await page(world, "rohan")
    assert "You are not in a batch yet" in rohan
    assert "No parent is linked to you yet" in rohan
    assert "You teach no batch yet" in await page(world, "vikram")
    for path in ("/home", "/children"):
        assert hindi("No child is linked to you yet") in await page(world, "sunita", path)
    assert "5 subjects without a teacher" in await page(world, "asha")
    await rows.link(world, world.id("sunita"), world.id("meher"))
    assert hindi("No batch yet") in await page(world, "sunita")
    assert hindi("Not in a batch yet") in await page(world, "sunita", f"/children/{world.id('meher')}")


async def test_a_role_without_its_record_is_told_so(world: World) -> None:
    await take_away(world, "batch_subjects", "teachers")
    assert "Your record is not ready yet" in await page(world, "vikram")


async def test_an_empty_institute_is_told_how_to_begin(world: World) -> None:
    await take_away(world, *EVERYTHING)
    home = await page(world, "asha")
    assert "Nobody is here yet" in home
    assert "No batches yet" in home


async def test_when_nothing_waits_the_home_says_so(world: World) -> None:
    await take_away(world, *EVERYTHING)
    subject, teacher = await rows.subject(world, "Physics"), await rows.teacher(world, "Leela Nair")
    batch, student = await rows.batch(world, "JEE-B"), await rows.student(world, "Kavya Patel", "1")
    await rows.teach(world, batch, subject, teacher)
    await rows.enrol(world, batch, student)
    await rows.link(world, world.id("sunita"), student)
    assert "Nothing right now" in await page(world, "asha")
