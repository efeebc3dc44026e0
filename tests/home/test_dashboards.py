"""The dashboards over the API, as the cast is: whose, what, and what a stranger gets."""

from typing import Any
from uuid import uuid4

import msgspec
import pytest

from kaksha.home.models import DASHBOARDS, ChildCard
from tests.home.rows import TODAY
from tests.world import World

EVERYONE = ("asha", "vikram", "nandini", "rohan", "meher", "sunita", "kabir", "farah", "imran")
MAY_SEE = {
    ("students", "rohan"): {"rohan", "sunita", "vikram", "nandini", "asha"},
    ("students", "meher"): {"meher", "sunita", "nandini", "asha"},
    ("students", "kabir"): {"kabir", "farah", "imran"},
    ("teachers", "vikram"): {"vikram", "asha"},
    ("teachers", "imran"): {"imran", "farah"},
    ("parents", "sunita"): {"sunita", "asha"},
}
BY_ID = ("students/{}/dashboard", "teachers/{}/dashboard", "parents/{}/dashboard", "parents/{}/children")
OWN = [("student", "rohan"), ("teacher", "nandini"), ("parent", "sunita"), ("admin", "asha")]


async def get(world: World, caller: str, path: str, **headers: str) -> Any:
    return await (await world.api(caller)).get(f"/v1{path}", headers=headers)


async def board(world: World, caller: str, path: str) -> Any:
    answer = await get(world, caller, path)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def own(world: World, caller: str, role: str) -> Any:
    return await board(world, caller, f"/users/dashboard/{role}")


# --- what it says ----------------------------------------------------------------------------------------------


async def test_a_student_sees_their_batch_teachers_and_parents(world: World) -> None:
    data = await board(world, "rohan", f"/students/{world.id('rohan')}/dashboard")
    assert data["profile"] == {
        "id": str(world.id("rohan")), "name": "Rohan Deshpande", "rollNo": "2207", "grade": "Class 11",
        "joinedOn": "2026-04-01", "leftOn": None, "language": "en",
    }  # fmt: skip
    assert data["institute"]["name"] == "Aarambh Classes"
    (batch,) = data["batches"]
    assert (batch["name"], batch["course"], batch["medium"], batch["classmates"]) == ("JEE-A", "Class 11 JEE", "en", 0)
    assert [(one["code"], one["teacherName"]) for one in batch["subjects"]] == [
        ("MAT", "Nandini Iyer"), ("PHY", "Vikram Rao"),
    ]  # fmt: skip
    assert data["parents"] == [{"id": str(world.id("sunita")), "name": "Sunita Deshpande", "relation": "mother"}]


async def test_the_days_of_the_session_add_up(world: World) -> None:
    (batch,) = (await own(world, "rohan", "student"))["batches"]
    starts, ends = (TODAY.fromisoformat(batch[name]) for name in ("startsOn", "endsOn"))
    assert batch["daysGone"] == (TODAY - starts).days == 235
    assert batch["daysLeft"] == (ends - TODAY).days
    assert batch["daysGone"] + 1 + batch["daysLeft"] == (ends - starts).days + 1


async def test_a_teacher_sees_batches_and_counts_each_student_once(world: World) -> None:
    data = await own(world, "nandini", "teacher")
    assert data["profile"]["title"] == "Mathematics, 8 years"
    assert data["counts"] == {"batches": 2, "students": 2, "newStudents": 0}
    assert [(one["name"], one["students"], [each["code"] for each in one["subjects"]]) for one in data["batches"]] == [
        ("Foundation 8", 1, ["MAT"]), ("JEE-A", 1, ["MAT"]),
    ]  # fmt: skip
    assert data["newStudents"] == data["endingSoon"] == []


async def test_a_parent_sees_children_with_their_teachers(world: World) -> None:
    data = await own(world, "sunita", "parent")
    assert data["profile"] == {"id": str(world.id("sunita")), "name": "Sunita Deshpande", "language": "hi"}
    assert [(one["name"], one["relation"], one["batches"][0]["name"]) for one in data["children"]] == [
        ("Meher Deshpande", "mother", "Foundation 8"), ("Rohan Deshpande", "mother", "JEE-A"),
    ]  # fmt: skip
    rohan = data["children"][1]["batches"]
    assert rohan == (await own(world, "rohan", "student"))["batches"]


async def test_an_admin_sees_what_needs_them(world: World) -> None:
    data = await own(world, "asha", "admin")
    assert data["counts"] == {
        "students": 2, "teachers": 2, "parents": 1, "batches": 2, "pending": 0, "nearlyFull": 0,
        "withoutBatch": 0, "withoutParent": 0, "withoutTeacher": 3,
    }  # fmt: skip
    assert [one["code"] for one in data["withoutTeacher"]] == ["BIO", "CHE", "ENG"]
    assert {(one["name"], one["enrolled"], one["capacity"]) for one in data["batches"]} == {
        ("JEE-A", 1, 40), ("Foundation 8", 1, 40),
    }  # fmt: skip
    assert len(data["newest"]) == 5
    assert not [one for one in data["changes"] if one["action"].startswith("session.")]


async def test_the_children_alone_come_in_pages(world: World) -> None:
    path = f"/parents/{world.id('sunita')}/children"
    every = (await get(world, "sunita", path)).json()
    assert every["pagination"] == {"page": 1, "limit": 20, "total": 2, "totalPages": 1}
    assert every["data"] == (await own(world, "sunita", "parent"))["children"]
    second = (await get(world, "sunita", f"{path}?page=2&limit=1")).json()
    assert second["data"] == every["data"][1:]
    assert second["pagination"] == {"page": 2, "limit": 1, "total": 2, "totalPages": 2}
    assert (await get(world, "sunita", f"{path}?page=9")).json()["data"] == []
    assert msgspec.convert(every["data"], list[ChildCard])


async def test_a_bad_page_is_named(world: World) -> None:
    answer = await get(world, "sunita", f"/parents/{world.id('sunita')}/children?page=0&limit=101")
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"page", "limit"}


@pytest.mark.parametrize(("role", "who"), OWN)
async def test_what_postgresql_built_is_what_was_promised(world: World, role: str, who: str) -> None:
    """Decoded without knowing better and encoded again it is the same JSON: no key too few, none too many."""
    data = await own(world, who, role)
    kind = DASHBOARDS[role]
    decoded = msgspec.json.decode(msgspec.json.encode(data), type=kind)
    assert msgspec.to_builtins(decoded) == data


# --- whose it is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "whom"), MAY_SEE)
async def test_who_may_see_whom(world: World, kind: str, whom: str) -> None:
    admitted = {
        caller
        for caller in EVERYONE
        if (await get(world, caller, f"/{kind}/{world.id(whom)}/dashboard")).status_code == 200
    }
    assert admitted == MAY_SEE[kind, whom]


@pytest.mark.parametrize("caller", EVERYONE)
@pytest.mark.parametrize("path", BY_ID)
async def test_a_stranger_gets_what_a_missing_id_gets(world: World, caller: str, path: str) -> None:
    kind = path.partition("/")[0]
    missing = await told(world, caller, path.format(uuid4()))
    for whom in EVERYONE:
        is_one = kind.removesuffix("s") in world.people[whom].roles
        if not (is_one and caller in MAY_SEE.get((kind, whom), {whom, "asha"})):
            assert await told(world, caller, path.format(world.id(whom))) == missing, whom


async def told(world: World, caller: str, path: str) -> Any:
    """Everything that an answer tells, but its own number."""
    answer = await get(world, caller, f"/{path}")
    kept = {"content-type", "cache-control", "etag", "vary", "content-length"}
    return (
        answer.status_code,
        {name: value for name, value in answer.headers.items() if name in kept},
        {name: value for name, value in answer.json().items() if name != "requestId"},
    )


async def test_an_id_that_cannot_be_one_is_not_there(world: World) -> None:
    assert (await get(world, "asha", "/students/7/dashboard")).status_code == 404


async def test_nobody_gets_nothing(world: World) -> None:
    for path in (f"students/{world.id('rohan')}/dashboard", "users/dashboard/student"):
        assert (await world.anyone.get(f"/v1/{path}")).status_code == 401


@pytest.mark.parametrize(("role", "who"), [("student", "rohan"), ("teacher", "vikram"), ("parent", "sunita")])
async def test_ones_own_is_the_same_by_role_and_by_id(world: World, role: str, who: str) -> None:
    by_id = await get(world, who, f"/{role}s/{world.id(who)}/dashboard")
    by_role = await get(world, who, f"/users/dashboard/{role}")
    assert by_id.content == by_role.content


@pytest.mark.parametrize("who", EVERYONE)
async def test_a_role_that_one_has_not_is_refused(world: World, who: str) -> None:
    for role in DASHBOARDS:
        held = role in world.people[who].roles
        assert (await get(world, who, f"/users/dashboard/{role}")).status_code == (200 if held else 403)
    assert (await get(world, who, "/users/dashboard/owner")).status_code == 404


# --- what it costs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "who"), OWN)
async def test_an_unchanged_dashboard_is_not_sent_again(world: World, role: str, who: str) -> None:
    path = f"/users/dashboard/{role}"
    tag = (await get(world, who, path)).headers["etag"]
    world.clock.forward(minutes=5)  # the same day: the answer holds no clock
    try:
        again = await get(world, who, path, **{"If-None-Match": tag})
    finally:
        world.clock.forward(minutes=-5)
    assert (again.status_code, again.content) == (304, b"")
