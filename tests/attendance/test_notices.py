"""Parents hear of an absence when the time to undo is over: not of slips, and of a correction when they knew."""

from typing import Any

from tests.attendance.hands import at, held, joined, mark
from tests.world import NOW, World


async def told(world: World, key: str = "sunita") -> list[dict[str, Any]]:
    """What somebody is told of attendance now, oldest first."""
    answer = await (await world.api(key)).get("/v1/notifications?limit=100")
    return [one for one in reversed(answer.json()["data"]) if one["kind"].startswith("attendance.")]


async def kinds(world: World, class_id: str) -> list[str]:
    return [one["kind"].removeprefix("attendance.") for one in await told(world) if one["data"]["classId"] == class_id]


async def minutes(world: World, n: float) -> None:
    """Time passes, and sign-ins with it."""
    world.clock.forward(minutes=n)
    world.forget_clients()


async def test_a_parent_hears_after_the_time_to_undo(world: World) -> None:
    one, rohan = await held(world, at(0, 14)), world.id("rohan")
    answer = await mark(world, "vikram", one, {rohan: "absent"})
    assert answer.json()["data"]["parentsToldAt"] == "2026-11-22T10:10:00.000Z"
    assert await kinds(world, one) == []
    await minutes(world, 10)
    [notice] = [notice for notice in await told(world) if notice["data"]["classId"] == one]
    assert "Rohan Deshpande" in notice["title"]
    assert "Physics" in notice["body"]
    assert "दोपहर 2 बजे" in notice["body"], "the time of the class, in Sunita's language"
    assert notice["data"]["path"] == f"/children/{rohan}/attendance"
    assert notice["data"]["studentId"] == str(rohan)


async def test_a_slip_corrected_in_time_is_never_told(world: World) -> None:
    one, rohan = await held(world, at(0, 13)), world.id("rohan")
    for status in ("absent", "late", "present"):
        await mark(world, "vikram", one, {rohan: status})
        await minutes(world, 5)
    await minutes(world, 60)
    assert await kinds(world, one) == []


async def test_what_was_corrected_to_late_is_told_as_late(world: World) -> None:
    one, rohan = await held(world, at(0, 12)), world.id("rohan")
    await mark(world, "vikram", one, {rohan: "absent"})
    await mark(world, "vikram", one, {rohan: "late"})
    await minutes(world, 11)
    assert await kinds(world, one) == ["late"]


async def test_who_knew_hears_of_the_correction(world: World) -> None:
    one, rohan = await held(world, at(0, 11)), world.id("rohan")
    await mark(world, "vikram", one, {rohan: "absent"})
    await minutes(world, 11)
    sunita = await world.api("sunita")
    [notice] = [notice for notice in await told(world) if notice["data"]["classId"] == one]
    await sunita.post(f"/v1/notifications/{notice['id']}/read")
    await mark(world, "vikram", one, {rohan: "late"})
    await mark(world, "vikram", one, {rohan: "present"})
    assert await kinds(world, one) == ["absent", "corrected"], "late never got out, and the correction is told at once"
    await mark(world, "vikram", one, {rohan: "excused"})
    await minutes(world, 11)
    assert await kinds(world, one) == ["absent", "corrected"]


async def test_nobody_is_told_twice_of_the_same(world: World) -> None:
    one, rohan = await held(world, at(0, 10)), world.id("rohan")
    await mark(world, "vikram", one, {rohan: "absent"})
    await minutes(world, 11)
    await mark(world, "vikram", one, {rohan: "absent"})
    await mark(world, "vikram", one, {rohan: {"status": "absent", "note": "Rang at home"}})
    await minutes(world, 11)
    assert await kinds(world, one) == ["absent"]


async def test_twins_are_told_of_one_by_one(world: World) -> None:
    one, rohan = await held(world, at(0, 9)), world.id("rohan")
    [twin] = await joined(world, ["Rhea Deshpande"], 3501)
    async with world.db.write(world.institute("asha")) as tx:
        await tx.conn.execute(
            "insert into parent_links (institute_id, parent_id, student_id, relation, created_at)"
            " values ($1, $2, $3, 'mother', $4)",
            world.institute("asha"), world.id("sunita"), twin, NOW,
        )  # fmt: skip
    await mark(world, "vikram", one, {rohan: "absent", twin: "absent"})
    await mark(world, "vikram", one, {rohan: "present"})
    await minutes(world, 11)
    [notice] = [notice for notice in await told(world) if notice["data"]["classId"] == one]
    assert "Rhea" in notice["title"]


async def test_the_time_to_undo_is_the_institutes(world: World) -> None:
    dean = await world.api("dean")
    one, rohan = await held(world, at(0, 8)), world.id("rohan")
    await dean.patch("/v1/attendance/settings", json={"undoMinutes": 0})
    await mark(world, "vikram", one, {rohan: "absent"})
    assert await kinds(world, one) == ["absent"]
    await dean.patch("/v1/attendance/settings", json={"undoMinutes": 10})


async def test_last_weeks_book_alarms_nobody(world: World) -> None:
    one, rohan = await held(world, at(-7, 9)), world.id("rohan")
    answer = await mark(world, "vikram", one, {rohan: "absent"})
    assert answer.json()["data"]["parentsToldAt"] is None
    await minutes(world, 60)
    assert await kinds(world, one) == []
