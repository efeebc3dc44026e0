"""The weekly timetable: its slots, their classes, and what happens to both when a slot changes. Today is a Sunday."""

from typing import Any
from uuid import UUID, uuid4

from kaksha.weekly import service
from tests.classes.hands import add as add_class, at, batch, made as made_class, room, subject
from tests.weekly.hands import PATH, add, days, generate, made, slot
from tests.world import NOW, World


async def test_a_slot_makes_its_classes_at_once_and_once(world: World) -> None:
    new = await slot(world, 1, "09:00", 90)
    shown = ("batchName", "subjectName", "teacherName", "weekday", "starts", "minutes")
    assert {name: new[name] for name in shown} == {
        "batchName": "JEE-A", "subjectName": "Physics", "teacherName": "Vikram Rao", "weekday": 1, "starts": "09:00",
        "minutes": 90,
    }  # fmt: skip
    assert await made(world, new["id"]) == [(day, "09:00") for day in days(1, 8, 15, 22)]
    assert await generate(world) == 0
    assert [one["id"] for one in (await (await world.api("asha")).get(PATH)).json()["data"]].count(new["id"]) == 1


async def test_the_job_makes_what_comes_into_sight(world: World) -> None:
    new = await slot(world, 7, "18:00")
    assert await made(world, new["id"]) == [(day, "18:00") for day in days(0, 7, 14, 21, 28)]
    try:
        world.clock.forward(days=7)
        await generate(world)
        assert await made(world, new["id"]) == [(day, "18:00") for day in days(0, 7, 14, 21, 28, 35)]
        assert await generate(world) == 0
    finally:
        world.clock.at = NOW


async def test_a_job_that_is_cut_short_leaves_nothing_half_made(world: World) -> None:
    new = await slot(world, 2, "06:00")
    async with world.db.write(world.institute("asha")) as tx:
        await tx.conn.execute("delete from classes where slot_id = $1", UUID(new["id"]))
    try:
        async with world.db.write(world.institute("asha")) as tx:
            assert await service.generate(tx) == 4
            raise KeyError
    except KeyError:
        assert await made(world, new["id"]) == []
    assert await generate(world) == 4
    assert len(await made(world, new["id"])) == 4


async def test_two_slots_do_not_meet(world: World) -> None:
    await slot(world, 3, "09:00")
    clash = await add(world, 3, "09:30", subjectId=subject(world, "MAT"))
    assert (clash.status_code, clash.json()["code"]) == (409, "SLOT_IN_THE_WAY")
    assert clash.json()["message"] == "JEE-A already has Physics with JEE-A on that weekday, 09:00 – 10:00."
    other: dict[str, Any] = {"batchId": batch(world, "F8"), "subjectId": subject(world, "MAT")}
    teacher = await add(world, 3, "09:59", **other, teacherId=str(world.id("vikram")))
    assert teacher.json()["message"].startswith("Vikram Rao already has")
    place = await room(world, "Bhabha hall")
    await slot(world, 3, "11:00", roomId=place)
    assert (await add(world, 3, "10:30", **other, roomId=place)).json()["message"].startswith("Bhabha hall already has")
    await slot(world, 3, "10:00", subjectId=subject(world, "MAT"))
    await slot(world, 3, "12:00", roomId=place, **other)
    later = await add(world, 3, "09:00", subjectId=subject(world, "MAT"), fromOn="2026-12-30")
    assert later.status_code == 409


async def test_a_slot_does_not_run_into_a_class(world: World) -> None:
    await made_class(world, at(11, 9))  # Thursday of next week
    clash = await add(world, 4, "09:30")
    assert (clash.status_code, clash.json()["code"]) == (409, "CLASS_IN_THE_WAY")
    assert "Thu 3 Dec, 9 am, until 10:00" in clash.json()["message"]
    assert (await slot(world, 4, "10:00"))["starts"] == "10:00"


async def test_what_the_job_cannot_place_waits(world: World) -> None:
    """A class that somebody put where the timetable will come to is not run over, nor does it stop the others."""
    new = await slot(world, 5, "09:00")
    await made_class(world, at(33, 9))
    try:
        world.clock.forward(days=7)
        await generate(world)
        assert await made(world, new["id"]) == [(day, "09:00") for day in days(5, 12, 19, 26)]
    finally:
        world.clock.at = NOW


async def test_every_bad_field_is_named(world: World) -> None:
    bad = await add(
        world, 8, "25:00", 9, roomId=str(uuid4()), teacherId=str(world.id("rohan")), untilOn="2020-01-01",
        subjectId=subject(world, "PHY", 1),
    )  # fmt: skip
    assert bad.status_code == 422
    assert set(bad.json()["errors"]) == {"weekday", "starts", "minutes", "roomId", "teacherId", "untilOn", "subjectId"}
    assert list((await add(world, 6, "23:30", 60)).json()["errors"]) == ["minutes"]
    assert (await slot(world, 6, "23:00", 60))["minutes"] == 60, "until midnight is within the day"


async def test_only_academics_change_the_timetable(world: World) -> None:
    new = await slot(world, 6, "06:00", 30)
    for key, status in (("vikram", 403), ("rohan", 403), ("farah", 404)):
        client = await world.api(key)
        assert (await client.delete(f"{PATH}/{new['id']}")).status_code == status, key
        assert (await client.patch(f"{PATH}/{new['id']}", json={"minutes": 40})).status_code == status, key
        assert (await client.get(f"{PATH}/{new['id']}")).status_code == status, key


async def change(world: World, slot_id: str, **body: Any) -> dict[str, Any]:
    answer = await (await world.api("dean")).patch(f"{PATH}/{slot_id}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_a_changed_slot_takes_its_classes_along(world: World) -> None:
    new = await slot(world, 1, "14:00")
    changed = await change(world, new["id"], weekday=2, starts="15:30", minutes=45)
    assert changed["id"] == new["id"], "nothing was before, so nothing has to be kept"
    assert await made(world, new["id"]) == [(day, "15:30") for day in days(2, 9, 16, 23)]
    earlier = await change(world, new["id"], weekday=1, on="2026-12-01")
    assert earlier["id"] != new["id"]
    assert await made(world, new["id"]) == [(day, "15:30") for day in days(2)]
    assert await made(world, earlier["id"]) == [(day, "15:30") for day in days(8, 15, 22)]
    assert await generate(world) == 0


async def test_a_class_that_would_lie_in_the_past_stays(world: World) -> None:
    new = await slot(world, 7, "20:00")  # today, in the evening
    changed = await change(world, new["id"], weekday=6)
    assert await made(world, new["id"]) == [(day, "20:00") for day in days(0)]
    assert await made(world, changed["id"]) == [(day, "20:00") for day in days(6, 13, 20, 27)]


async def test_a_slot_ends(world: World) -> None:
    new = await slot(world, 2, "19:00")
    dean = await world.api("dean")
    assert (await dean.delete(f"{PATH}/{new['id']}", params={"on": "2026-12-02"})).status_code == 200
    assert await made(world, new["id"]) == [(day, "19:00") for day in days(2, 9)]
    assert (await dean.get(f"{PATH}/{new['id']}")).json()["data"]["untilOn"] == "2026-12-01"
    assert (await dean.delete(f"{PATH}/{new['id']}", params={"on": "2026-12-20"})).status_code == 422
    assert (await dean.delete(f"{PATH}/{new['id']}")).status_code == 200
    assert await made(world, new["id"]) == []
    assert (await dean.get(f"{PATH}/{new['id']}")).status_code == 404
    assert (await add_class(world, at(2, 19))).status_code == 201, "its time is free again"
