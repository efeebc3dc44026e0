"""Whose schedule one gets, and what is in it."""

from datetime import timedelta
from uuid import UUID

from tests.classes.hands import PATH, at, batch, made, on, row, seen, subject
from tests.world import World


async def test_own_schedules(world: World) -> None:
    physics = (await made(world, at(1, 9)))["id"]
    maths = (await made(world, at(1, 10), subjectId=subject(world, "MAT")))["id"]
    small = (await made(world, at(1, 12), batchId=batch(world, "F8"), subjectId=subject(world, "MAT")))["id"]
    day = {"from_": "2026-11-23", "to_": "2026-11-23"}
    assert await seen(world, "rohan", **day) == [physics, maths]
    assert await seen(world, "meher", **day) == [small]
    assert await seen(world, "sunita", **day) == [physics, maths, small]
    assert await seen(world, "vikram", **day) == [physics]
    assert await seen(world, "nandini", **day) == [maths, small]
    assert await seen(world, "asha", **day) == [physics, maths, small]
    assert await seen(world, "kabir", **day) == await seen(world, "farah", **day) == []
    # who teaches a batch may ask for all of it; others' filters only narrow what they see anyway
    assert await seen(world, "vikram", **day, batch=batch(world, "JEE-A")) == [physics, maths]
    assert await seen(world, "vikram", **day, batch=batch(world, "F8")) == []
    assert await seen(world, "rohan", **day, batch=batch(world, "F8")) == []
    assert await seen(world, "rohan", **day, teacher=world.id("nandini")) == [maths]
    assert await seen(world, "sunita", **day, student=world.id("meher")) == [small]
    assert await seen(world, "rohan", **day, student=world.id("meher")) == []
    assert await seen(world, "asha", **day, teacher=world.id("nandini"), batch=batch(world, "F8")) == [small]
    answer = await (await world.api("asha")).get(
        f"{PATH}/schedule", params={"from": "2026-11-23", "to": "2026-11-23", "limit": 2, "page": 2}
    )
    assert [one["id"] for one in answer.json()["data"]] == [small]
    assert answer.json()["pagination"] == {"page": 2, "limit": 2, "total": 3, "totalPages": 2}


async def test_a_students_schedule(world: World) -> None:
    new = (await made(world, at(2, 9)))["id"]
    path = f"/v1/students/{world.id('rohan')}/schedule"
    query = {"from_": "2026-11-24", "to_": "2026-11-24"}
    for key in ("rohan", "sunita", "vikram", "asha"):
        assert await seen(world, key, path, **query) == [new], key
    for key in ("meher", "kabir", "farah", "imran"):
        assert (await (await world.api(key)).get(path)).status_code == 404, key
    assert (await world.anyone.get(path)).status_code == 401
    async with world.db.write(world.institute("asha")) as tx:
        await tx.conn.execute("update enrolments set ends_on = $2 where student_id = $1", world.id("rohan"), on(2))
    try:
        assert await seen(world, "asha", path, **query) == [], "on that day he is not in the batch any more"
        assert await seen(world, "rohan", **query) == []
        assert (await (await world.api("rohan")).get(f"{PATH}/{new}")).status_code == 404
    finally:
        async with world.db.write(world.institute("asha")) as tx:
            await tx.conn.execute("update enrolments set ends_on = null where student_id = $1", world.id("rohan"))


async def test_a_teachers_classes(world: World) -> None:
    new = (await made(world, at(3, 9)))["id"]
    path = f"/v1/teachers/{world.id('vikram')}/classes"
    query = {"from_": "2026-11-25", "to_": "2026-11-25"}
    assert await seen(world, "vikram", path, **query) == await seen(world, "asha", path, **query) == [new]
    for key, status in (("nandini", 404), ("rohan", 403), ("sunita", 403), ("imran", 404), ("farah", 404)):
        assert (await (await world.api(key)).get(path)).status_code == status, key


async def test_days_are_the_institutes(world: World) -> None:
    late = await made(world, at(4, 23), 55)  # 17:30 UTC
    early = await made(world, at(5, 0, 30), 30)  # 19:00 UTC of the day before
    assert await seen(world, "rohan", from_="2026-11-26", to_="2026-11-26") == [late["id"]]
    assert await seen(world, "rohan", from_="2026-11-27", to_="2026-11-27") == [early["id"]]


async def test_without_days_it_is_this_week(world: World) -> None:
    this = (await made(world, at(0, 20)))["id"]  # Sunday
    await made(world, at(1, 20))
    assert await seen(world, "rohan") == await seen(world, "rohan", from_="2026-11-16") == [this]
    assert await seen(world, "rohan", to_="2026-11-22") == [this]


async def test_bad_days_are_named(world: World) -> None:
    rohan = await world.api("rohan")
    for query, field in (
        ({"from": "2026-11-23", "to": "2026-11-22"}, "to"),
        ({"from": "2026-01-01", "to": "2026-11-22"}, "to"),
        ({"from": "1026-01-01"}, "from"),
        ({"from": "tomorrow"}, "from"),
        ({"to": "9999-12-31"}, "from"),
        ({"from": "9999-12-31"}, "from"),
        ({"to": "0001-01-01"}, "from"),
    ):
        answer = await rohan.get(f"{PATH}/schedule", params=query)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [field]), query


async def test_a_class_that_was_taken_over_is_in_both_schedules(world: World) -> None:
    new = (await made(world, at(6, 9)))["id"]
    async with world.db.write(world.institute("asha")) as tx:
        await tx.conn.execute(
            "update classes set teacher_id = $2, planned_teacher_id = $3 where id = $1",
            UUID(new), world.id("nandini"), world.id("vikram"),
        )  # fmt: skip
    assert (await row(world, new))["teacher_id"] == world.id("nandini")
    query = {"from_": (on(6)).isoformat(), "to_": (on(6) + timedelta(0)).isoformat()}
    for key in ("vikram", "nandini"):
        assert await seen(world, key, f"/v1/teachers/{world.id(key)}/classes", **query) == [new]
        assert await seen(world, key, **query) == [new]
