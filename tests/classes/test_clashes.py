"""No teacher, room or batch twice at one time: what is in the way, what touches, and two who press at once."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from kaksha.core.errors import Conflict
from tests.classes.hands import add, at, batch, made, room, row, subject
from tests.institutes.staff import teacher
from tests.world import World


def maths_of_f8(world: World, **changes: Any) -> dict[str, Any]:
    """A class that has nobody and nothing in common with Physics of JEE-A."""
    return {"batchId": batch(world, "F8"), "subjectId": subject(world, "MAT"), **changes}


async def test_a_batch_is_in_one_class_at_a_time(world: World) -> None:
    await made(world, at(1, 9))
    clash = await add(world, at(1, 9, 30), subjectId=subject(world, "MAT"))
    assert (clash.status_code, clash.json()["code"]) == (409, "CLASS_IN_THE_WAY")
    assert clash.json()["message"] == (
        "JEE-A has Physics with JEE-A at that time (23.11. 09:00 – 10:00). Next free: 23.11. 10:00."
    )
    await made(world, at(1, 10), subjectId=subject(world, "MAT"))
    await made(world, at(1, 8), subjectId=subject(world, "MAT"))


async def test_a_teacher_gives_one_class_at_a_time(world: World) -> None:
    await made(world, at(2, 9))
    clash = await add(world, at(2, 8, 30), 31, **maths_of_f8(world, teacherId=str(world.id("vikram"))))
    assert clash.status_code == 409
    assert clash.json()["message"].startswith("Vikram Rao has Physics with JEE-A at that time")
    assert clash.json()["message"].endswith("Next free: 24.11. 10:00.")
    await made(world, at(2, 8, 30), 30, **maths_of_f8(world, teacherId=str(world.id("vikram"))))


async def test_a_room_holds_one_class_at_a_time(world: World) -> None:
    place, other = await room(world, "Raman hall"), await room(world, "Bose hall")
    await made(world, at(3, 9), roomId=place)
    clash = await add(world, at(3, 9, 59), **maths_of_f8(world, roomId=place))
    assert clash.status_code == 409
    assert clash.json()["message"].startswith("Raman hall has Physics with JEE-A at that time")
    await made(world, at(3, 9, 59), **maths_of_f8(world, roomId=other))
    await made(world, at(3, 10, 59), **maths_of_f8(world, roomId=place))


async def test_the_next_free_slot_looks_past_the_night_and_other_classes(world: World) -> None:
    await made(world, at(4, 20, 30), 60)
    clash = await add(world, at(4, 20, 30), 60)
    assert clash.json()["message"].endswith("Next free: 27.11. 20:30.")
    await made(world, at(5, 20), 90)
    clash = await add(world, at(4, 20, 30), 60)
    assert clash.json()["message"].endswith("Next free: 28.11. 20:30."), "21:30 to 22:30 is too late"


async def test_a_cancelled_class_takes_no_time(world: World) -> None:
    new = await made(world, at(6, 9))
    async with world.db.write(world.institute("asha")) as tx:
        await tx.conn.execute(
            "update classes set cancelled_at = $2, cancel_reason = 'x' where id = $1",
            (await row(world, new["id"]))["id"], tx.now,
        )  # fmt: skip
    await made(world, at(6, 9))


async def test_two_who_press_at_once(world: World) -> None:
    await world.api("dean")
    answers = await asyncio.gather(*(add(world, at(7, 9, minute)) for minute in (0, 10, 20, 30)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_the_database_itself_refuses(world: World) -> None:
    """Behind the service's own look stand the constraints."""
    place, somebody = await room(world, "Kalam hall"), await teacher(world, "Usha Pillai")
    one = await made(world, at(8, 9), roomId=place)
    other = await made(world, at(8, 11), roomId=place, **maths_of_f8(world, teacherId=str(somebody)))
    for column in ("batch_id", "teacher_id", "room_id"):
        with pytest.raises(Conflict) as refused:
            async with world.db.write(world.institute("asha")) as tx:
                await tx.conn.execute(
                    f"update classes c set starts_at = o.starts_at, ends_at = o.ends_at, {column} = o.{column}"
                    + " from classes o where c.id = $1 and o.id = $2",
                    (await row(world, other["id"]))["id"], (await row(world, one["id"]))["id"],
                )  # fmt: skip
        assert str(refused.value.facts["constraint"]).startswith("classes_"), column


async def test_two_classes_change_places_in_one_transaction(world: World) -> None:
    one, other = await made(world, at(9, 9)), await made(world, at(9, 10), subjectId=subject(world, "MAT"))
    async with world.db.write(world.institute("asha")) as tx:
        await tx.conn.execute("set constraints all deferred")
        for made_id, hour in ((one["id"], 10), (other["id"], 9)):
            await tx.conn.execute(
                "update classes set starts_at = $2, ends_at = $3 where id = $1",
                (await row(world, made_id))["id"], at(9, hour), at(9, hour) + timedelta(hours=1),
            )  # fmt: skip
    assert (await row(world, one["id"]))["starts_at"] == at(9, 10)
    with pytest.raises((Conflict, asyncpg.PostgresError)):
        async with world.db.write(world.institute("asha")) as tx:
            await tx.conn.execute("set constraints all deferred")
            await tx.conn.execute(
                "update classes set starts_at = $2, ends_at = $3 where id = $1",
                (await row(world, one["id"]))["id"], at(9, 9), at(9, 10),
            )  # fmt: skip
