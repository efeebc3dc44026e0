"""Who is in a batch, through the API."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.batches.hands import PATH, TODAY, TOMORROW, a_batch, enrol, remove, seats
from tests.institutes.staff import students
from tests.world import World


async def test_the_roster_is_for_its_teachers_and_admins(world: World) -> None:
    jee = f"{PATH}/{world.institutes[0].batches[0].id}/students"
    for key in ("asha", "desk", "vikram", "nandini"):
        answer = (await (await world.api(key)).get(jee)).json()
        assert answer["data"] == [
            {"studentId": str(world.id("rohan")), "studentName": "Rohan Deshpande", "rollNo": "2207",
             "grade": "Class 11", "startsOn": "2026-04-01", "endsOn": None},
        ]  # fmt: skip
        assert answer["pagination"] == {"page": 1, "limit": 20, "total": 1, "totalPages": 1}
    for key in ("rohan", "sunita", "kabir"):
        assert (await (await world.api(key)).get(jee)).status_code == 403
    assert (await (await world.api("farah")).get(jee)).status_code == 404


async def test_the_roster_is_searched_sorted_and_paged(world: World) -> None:
    path = await a_batch(world, "ROSTER", 10)
    for student in await students(world, ["Anu Rao", "Bina Das", "Chand Ali"], 901):
        assert (await enrol(world, path, student)).status_code == 201
    api = await world.api("asha")

    async def names(**query: Any) -> list[str]:
        answer = await api.get(f"{path}/students", params=query)
        return [student["studentName"] for student in answer.json()["data"]]

    assert await names() == ["Anu Rao", "Bina Das", "Chand Ali"]
    assert await names(sort="-rollNo") == ["Chand Ali", "Bina Das", "Anu Rao"]
    assert await names(q="das") == await names(q="902") == ["Bina Das"]
    assert await names(limit=2, page=2) == ["Chand Ali"]


async def test_a_batch_ahead_is_joined_on_its_first_day(world: World) -> None:
    path = await a_batch(world, "AHEAD", startsOn="2026-12-01")
    assert (await enrol(world, path, world.id("rohan"))).json()["data"]["startsOn"] == "2026-12-01"
    assert await seats(world, path) == 0
    assert (await (await world.api("rohan")).get(path)).status_code == 200
    ended = (await remove(world, path, world.id("rohan"))).json()["data"]
    assert ended["startsOn"] == ended["endsOn"] == "2026-12-01"
    assert (await (await world.api("rohan")).get(path)).status_code == 404
    assert (await enrol(world, path, world.id("rohan"))).status_code == 201


async def test_a_slip_is_undone_the_same_day(world: World) -> None:
    path = await a_batch(world, "SLIP")
    assert (await enrol(world, path, world.id("rohan"))).status_code == 201
    assert (await remove(world, path, world.id("rohan"))).json()["data"]["endsOn"] == TODAY
    assert await seats(world, path) == 0
    assert (await enrol(world, path, world.id("rohan"))).status_code == 201


async def test_nobody_is_in_a_batch_twice_at_once(world: World) -> None:
    path = await a_batch(world, "TWICE")
    assert (await enrol(world, path, world.id("rohan"), "2026-12-01")).status_code == 201
    for starts_on in (None, "2026-11-05", "2026-12-01", "2027-01-01"):
        answer = await enrol(world, path, world.id("rohan"), starts_on)
        assert answer.status_code == 409
        assert answer.json()["code"] == "ALREADY_ENROLLED"
        assert "Rohan Deshpande" in answer.json()["message"]
    both = await asyncio.gather(*(enrol(world, path, world.id("meher")) for _ in range(6)))
    assert sorted(answer.status_code for answer in both) == [201, *[409] * 5]
    assert {answer.json()["code"] for answer in both if answer.status_code == 409} == {"ALREADY_ENROLLED"}


async def test_bad_enrolments_name_their_fields(world: World) -> None:
    path = await a_batch(world, "BAD")
    [gone] = await students(world, ["Gone Away"], 951)
    async with world.db.write(world.institute("asha")) as tx:
        await tx.conn.execute("update students set left_on = joined_on + 1 where user_id = $1", gone)
    for student in (world.id("kabir"), world.id("vikram"), uuid4()):
        answer = await enrol(world, path, student, "2027-04-01")
        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == {"studentId", "startsOn"}
    assert set((await enrol(world, path, gone, TOMORROW)).json()["errors"]) == {"studentId"}
    assert set((await enrol(world, path, "me", "soon")).json()["errors"]) == {"studentId", "startsOn"}
    assert set((await enrol(world, path, world.id("rohan"), "2026-10-31")).json()["errors"]) == {"startsOn"}
    assert await seats(world, path) == 0


async def test_bad_removals_name_their_field(world: World) -> None:
    path = await a_batch(world, "OUT")
    rohan = world.id("rohan")
    assert (await remove(world, path, rohan)).status_code == 404
    assert (await enrol(world, path, rohan, "2026-11-10")).status_code == 201
    for on in ("2026-11-09", "2027-04-02", "9999-12-31", "soon"):
        answer = await remove(world, path, rohan, on=on)
        assert answer.status_code == 422, on
        assert list(answer.json()["errors"]) == ["on"]
    assert (await remove(world, path, rohan, on="2026-12-01")).status_code == 200
    assert (await remove(world, path, rohan, on="2026-12-02")).status_code == 422
    assert (await remove(world, path, rohan, on="2026-11-30")).json()["data"]["endsOn"] == "2026-11-30"
    assert (await remove(world, path, rohan)).json()["data"]["endsOn"] == TODAY


async def test_a_batch_over_takes_nobody(world: World) -> None:
    path = await a_batch(world, "OVER", startsOn="2026-04-01", endsOn="2026-11-21")
    for starts_on in (None, "2026-11-01"):
        assert (await enrol(world, path, world.id("rohan"), starts_on)).json()["code"] == "BATCH_OVER"


async def test_a_repeated_request_enrols_once(world: World) -> None:
    path = await a_batch(world, "REPEAT")
    first = await enrol(world, path, world.id("rohan"), **{"Idempotency-Key": "enrol"})
    again = await enrol(world, path, world.id("rohan"), **{"Idempotency-Key": "enrol"})
    assert first.status_code == again.status_code == 201
    assert first.content == again.content


async def test_a_full_batch_says_so(world: World) -> None:
    path = await a_batch(world, "FULL", 2)
    first, second, third = await students(world, ["Uma One", "Uma Two", "Uma Three"], 961)
    assert (await enrol(world, path, first)).status_code == 201
    assert (await enrol(world, path, second, "2026-12-01")).status_code == 201
    for starts_on in (None, "2026-11-02", "2026-12-01", "2027-01-01"):
        answer = await enrol(world, path, third, starts_on)
        assert answer.status_code == 409
        assert answer.json()["code"] == "BATCH_FULL"
        assert "2 seats" in answer.json()["message"]
    assert (await remove(world, path, second, on="2027-01-01")).status_code == 200
    assert (await enrol(world, path, third)).json()["code"] == "BATCH_FULL"
    assert (await enrol(world, path, third, "2027-01-01")).status_code == 201


async def test_seats_do_not_run_over_when_all_press_at_once(world: World) -> None:
    path = await a_batch(world, "RUSH", 5)
    crowd = await students(world, [f"Rush {n}" for n in range(20)], 1000)
    answers = await asyncio.gather(*(enrol(world, path, student) for student in crowd))
    assert sorted(answer.status_code for answer in answers) == [*[201] * 5, *[409] * 15]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"BATCH_FULL"}
    assert await seats(world, path) == 5


async def test_seats_do_not_shrink_below_the_students(world: World) -> None:
    path = await a_batch(world, "SHRINK", 3)
    for student in await students(world, ["Sia One", "Sia Two"], 971):
        assert (await enrol(world, path, student, "2026-12-01")).status_code == 201
    api = await world.api("dean")
    answer = await api.patch(path, json={"capacity": 1, "code": "jee-a"})
    assert answer.status_code == 409
    assert set(answer.json()["errors"]) == {"capacity", "code"}
    answer = await api.patch(path, json={"capacity": 1})
    assert answer.json()["code"] == "TOO_FEW_SEATS"
    assert "2 students" in answer.json()["errors"]["capacity"][0]
    assert (await api.patch(path, json={"capacity": 2})).status_code == 200


@pytest.mark.parametrize("starts_on", [None, "2026-12-01"])
async def test_a_batch_with_students_is_not_archived(world: World, starts_on: str | None) -> None:
    path = await a_batch(world, "KEEP" if starts_on else "KEEP2")
    assert (await enrol(world, path, world.id("rohan"), starts_on)).status_code == 201
    api = await world.api("dean")
    answer = await api.delete(path)
    assert answer.status_code == 409
    assert answer.json()["code"] == "BATCH_IN_USE"
    assert (await remove(world, path, world.id("rohan"))).status_code == 200
    assert (await api.delete(path)).status_code == 200


async def test_a_batch_that_is_over_is_archived_with_its_students(world: World) -> None:
    path = await a_batch(world, "PAST")
    assert (await enrol(world, path, world.id("rohan"), "2026-11-02")).status_code == 201
    api = await world.api("dean")
    assert (await api.patch(path, json={"endsOn": "2026-11-20"})).status_code == 200
    assert (await api.delete(path)).status_code == 200
    async with world.db.read(world.institute("asha")) as conn:
        ends = await conn.fetchval("select ends_on from enrolments where batch_id = $1", UUID(path.rpartition("/")[2]))
    assert ends.isoformat() == "2026-11-21"
