"""Days pass: the clock of this module's world only goes forward."""

from datetime import date, timedelta
from uuid import UUID

from tests.batches.hands import PATH, TODAY, TOMORROW, a_batch, enrol, remove, seats
from tests.world import World


async def test_today_is_the_institutes(world: World) -> None:
    """At 7 pm UTC it is tomorrow in India, and still today in London."""
    path = await a_batch(world, "ZONE")
    world.clock.forward(hours=9)
    world.forget_clients()
    assert (await enrol(world, path, world.id("rohan"))).json()["data"]["startsOn"] == TOMORROW
    own = f"/v1/institutes/{world.institute('asha')}"
    asha = await world.api("asha")
    assert (await asha.patch(own, json={"zone": "Europe/London"})).status_code == 200
    assert (await enrol(world, path, world.id("meher"))).json()["data"]["startsOn"] == TODAY
    assert await seats(world, path) == 1
    assert (await asha.patch(own, json={"zone": "Asia/Kolkata"})).status_code == 200
    assert await seats(world, path) == 2


async def test_a_student_joins_and_leaves(world: World) -> None:
    path = await a_batch(world, "JOIN")
    meher = world.id("meher")
    assert path.rpartition("/")[2] not in (await (await world.api("meher")).get(PATH)).text
    answer = await enrol(world, path, meher)
    assert answer.status_code == 201
    enrolment = answer.json()["data"]
    today = enrolment["startsOn"]
    tomorrow = str(date.fromisoformat(today) + timedelta(days=1))
    assert enrolment["endsOn"] is None
    assert await seats(world, path) == 1
    assert (await (await world.api("meher")).get(path)).status_code == 200
    assert (await (await world.api("sunita")).get(path)).status_code == 200
    left = await remove(world, path, meher, on=tomorrow)
    assert left.status_code == 200
    assert left.json()["data"] == {**enrolment, "endsOn": tomorrow}
    assert await seats(world, path) == 1
    world.clock.forward(days=1)
    world.forget_clients()
    assert await seats(world, path) == 0
    assert (await (await world.api("meher")).get(path)).status_code == 404
    assert (await (await world.api("sunita")).get(path)).status_code == 404
    assert (await remove(world, path, meher)).status_code == 404
    assert (await enrol(world, path, meher)).json()["data"]["startsOn"] == tomorrow
    async with world.db.read(world.institute("asha")) as conn:
        kept = await conn.fetch("select ends_on from enrolments where batch_id = $1", UUID(path.rpartition("/")[2]))
        actions = await conn.fetch("select action from audit_log where subject_id = $1", UUID(enrolment["id"]))
    assert len(kept) == 2
    assert {row["action"] for row in actions} == {"enrolment.created", "enrolment.ended"}
