"""Batches and what they are taught, through the API."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from kaksha.batches.models import Batch
from tests.world import World

PATH = "/v1/batches"
NEW: dict[str, Any] = {
    "name": "NEET-B", "code": "NEET-B", "course": "Class 12 NEET", "capacity": 30, "startsOn": "2026-11-01",
    "endsOn": "2027-05-31", "medium": "hi",
}  # fmt: skip


def batch_of(world: World, code: str) -> str:
    return str(next(batch.id for plan in world.institutes for batch in plan.batches if batch.code == code))


def subject_of(world: World, code: str, institute: int = 0) -> str:
    return str(next(subject[0] for subject in world.institutes[institute].subjects if subject[1] == code))


async def listed(world: World, key: str, **query: Any) -> list[str]:
    answer = await (await world.api(key)).get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    return [batch["name"] for batch in answer.json()["data"]]


async def add(world: World, **changes: Any) -> Any:
    headers = changes.pop("headers", {})
    return await (await world.api("dean")).post(PATH, json={**NEW, **changes}, headers=headers)


async def test_one_sees_the_batches_one_belongs_to(world: World) -> None:
    assert await listed(world, "asha") == await listed(world, "desk") == ["Foundation 8", "JEE-A"]
    assert await listed(world, "nandini") == await listed(world, "sunita") == ["Foundation 8", "JEE-A"]
    assert await listed(world, "vikram") == await listed(world, "rohan") == ["JEE-A"]
    assert await listed(world, "meher") == ["Foundation 8"]
    assert await listed(world, "kabir") == await listed(world, "farah") == await listed(world, "imran") == ["Prayas 11"]
    assert (await world.anyone.get(PATH)).status_code == 401


async def test_a_batch_says_all_that_a_card_needs(world: World) -> None:
    answer = await (await world.api("rohan")).get(f"{PATH}/{batch_of(world, 'JEE-A')}")
    batch = answer.json()["data"]
    assert {name: batch[name] for name in ("name", "code", "course", "medium", "capacity", "students")} == {
        "name": "JEE-A", "code": "JEE-A", "course": "Class 11 JEE", "medium": "en", "capacity": 40, "students": 1,
    }  # fmt: skip
    assert batch["startsOn"] == "2026-04-01"
    assert batch["subjects"] == [
        {"id": subject_of(world, "MAT"), "name": "Mathematics", "code": "MAT",
         "teacherId": str(world.id("nandini")), "teacherName": "Nandini Iyer"},
        {"id": subject_of(world, "PHY"), "name": "Physics", "code": "PHY",
         "teacherId": str(world.id("vikram")), "teacherName": "Vikram Rao"},
    ]  # fmt: skip
    typed = msgspec.convert(batch, Batch)
    assert msgspec.to_builtins(typed) == batch


async def test_lists_are_filtered_sorted_and_paged(world: World) -> None:
    assert await listed(world, "asha", q="jee") == await listed(world, "asha", q="class 11") == ["JEE-A"]
    assert await listed(world, "asha", course="class 8 foundation") == ["Foundation 8"]
    assert await listed(world, "asha", subjectId=subject_of(world, "PHY")) == ["JEE-A"]
    assert await listed(world, "asha", subjectId=subject_of(world, "PHY", 1)) == []
    assert await listed(world, "asha", sort="-name") == ["JEE-A", "Foundation 8"]
    assert await listed(world, "asha", sort="startsOn", limit=1, page=2) == ["JEE-A"]
    assert await listed(world, "asha", q="_") == []
    answer = (await (await world.api("asha")).get(PATH, params={"limit": 1, "page": 3})).json()
    assert answer["data"] == []
    assert answer["pagination"] == {"page": 3, "limit": 1, "total": 2, "totalPages": 2}
    bad = await (await world.api("asha")).get(PATH, params={"page": 0, "sort": "x", "subjectId": "7", "q": "x" * 101})
    assert bad.status_code == 422
    assert set(bad.json()["errors"]) == {"page", "sort", "subjectId", "q"}


async def test_what_one_may_not_see_is_like_nothing(world: World) -> None:
    bodies: dict[str, Any] = {"PATCH": {"name": "X"}, "PUT": [], "POST": {"studentId": str(world.id("rohan"))}}
    prayas = batch_of(world, "P11")
    for key, method, batch_id, rest in [
        ("rohan", "GET", prayas, ""), ("rohan", "GET", batch_of(world, "F8"), ""),
        ("vikram", "GET", batch_of(world, "F8"), ""), ("vikram", "GET", batch_of(world, "F8"), "/students"),
        ("asha", "GET", prayas, ""), ("asha", "GET", prayas, "/students"), ("asha", "PATCH", prayas, ""),
        ("asha", "DELETE", prayas, ""), ("asha", "PUT", prayas, "/subjects"), ("asha", "POST", prayas, "/enrolments"),
        ("asha", "DELETE", prayas, f"/enrolments/{world.id('kabir')}"),
        ("farah", "DELETE", batch_of(world, "F8"), f"/enrolments/{world.id('meher')}"),
        ("kabir", "GET", batch_of(world, "JEE-A"), ""), ("imran", "GET", batch_of(world, "JEE-A"), "/students"),
    ]:  # fmt: skip
        api = await world.api(key)
        body = {"json": bodies[method]} if method in bodies else {}
        foreign = await api.request(method, f"{PATH}/{batch_id}{rest}", **body)
        missing = await api.request(method, f"{PATH}/{uuid4()}{rest}", **body)
        assert foreign.status_code == missing.status_code == 404, (key, method, rest)
        assert {**foreign.json(), "requestId": ""} == {**missing.json(), "requestId": ""}


@pytest.mark.parametrize("key", ["nandini", "rohan", "sunita", "desk"])
async def test_only_academics_write(world: World, key: str) -> None:
    api = await world.api(key)
    path = f"{PATH}/{batch_of(world, 'JEE-A')}"
    for answer in [
        await api.post(PATH, json=NEW), await api.patch(path, json={"name": "X"}), await api.delete(path),
        await api.put(f"{path}/subjects", json=[]),
        await api.post(f"{path}/enrolments", json={"studentId": str(world.id("meher"))}),
        await api.delete(f"{path}/enrolments/{world.id('rohan')}"),
    ]:  # fmt: skip
        assert answer.status_code == 403
    assert await listed(world, "asha") == ["Foundation 8", "JEE-A"]


async def test_every_bad_field_is_named(world: World) -> None:
    wrong = await add(world, name=" ", code="x" * 21, course="", capacity=0, startsOn="2027-01-01", endsOn="2027-01-01")
    assert wrong.status_code == 422
    assert set(wrong.json()["errors"]) == {"name", "code", "course", "capacity", "endsOn"}
    wrong = await add(world, name=None, capacity="many", startsOn="soon", endsOn="9999-12-31", medium="ta")
    assert set(wrong.json()["errors"]) == {"name", "capacity", "startsOn", "medium"}
    assert set((await add(world, endsOn="9999-12-31")).json()["errors"]) == {"endsOn"}
    taken = await add(world, name="", code="jee-a")
    assert taken.status_code == 422
    assert set(taken.json()["errors"]) == {"name", "code"}
    missing = await (await world.api("asha")).post(PATH, json={})
    assert set(missing.json()["errors"]) == {"name", "code", "course", "capacity", "startsOn", "endsOn"}


async def test_a_batch_is_made_changed_and_archived(world: World) -> None:
    api = await world.api("dean")
    made = await add(world, name="  NEET   B ", code="NB")
    assert made.status_code == 201
    batch = made.json()["data"]
    assert batch == {**NEW, "name": "NEET B", "code": "NB", "id": batch["id"], "students": 0, "subjects": []}
    path = f"{PATH}/{batch['id']}"
    assert (await api.get(path)).json()["data"] == batch
    changed = await api.patch(path, json={"capacity": 25, "endsOn": "2027-06-30"})
    assert changed.json()["data"] == {**batch, "capacity": 25, "endsOn": "2027-06-30"}
    assert (await api.patch(path, json={"startsOn": "2027-07-01"})).json()["errors"].keys() == {"endsOn"}
    assert (await api.patch(path, json={"capacity": 25})).status_code == 200
    assert (await api.delete(path)).status_code == 200
    for answer in [await api.get(path), await api.delete(path), await api.get(f"{path}/students")]:
        assert answer.status_code == 404
    assert "NEET B" not in await listed(world, "asha")
    async with world.db.read(world.institute("asha")) as conn:
        rows = await conn.fetch(
            "select action, actor_id, before, after from audit_log where subject_id = $1 order by id", batch["id"]
        )
    assert [row["action"] for row in rows] == ["batch.created", "batch.changed", "batch.archived"]
    assert {row["actor_id"] for row in rows} == {world.id("dean")}
    assert json.loads(rows[1]["before"]) == {"capacity": 30, "ends_on": "2027-05-31"}
    assert json.loads(rows[1]["after"]) == {"capacity": 25, "ends_on": "2027-06-30"}


async def test_a_code_is_used_once_at_a_time(world: World) -> None:
    taken = await add(world, code="jee-A")
    assert taken.status_code == 409
    assert taken.json()["code"] == "BATCH_CODE_TAKEN"
    assert taken.json()["errors"].keys() == {"code"}
    later = await add(world, code="JEE-A", startsOn="2027-07-01", endsOn="2028-03-31")
    assert later.status_code == 201
    path = f"{PATH}/{later.json()['data']['id']}"
    api = await world.api("dean")
    assert (await api.patch(path, json={"startsOn": "2027-01-01"})).json()["code"] == "BATCH_CODE_TAKEN"
    assert (await api.patch(path, json={"code": "f8", "startsOn": "2027-01-01"})).status_code == 409
    assert (await api.delete(path)).status_code == 200


async def test_of_two_who_make_the_same_at_once_one_is_told(world: World) -> None:
    answers = await asyncio.gather(*(add(world, code="RACE") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"BATCH_CODE_TAKEN"}


async def test_a_repeated_request_makes_one(world: World) -> None:
    first = await add(world, code="ONCE", headers={"Idempotency-Key": "batch"})
    again = await add(world, code="ONCE", headers={"Idempotency-Key": "batch"})
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    other = await add(world, code="TWICE", headers={"Idempotency-Key": "batch"})
    assert other.json()["code"] == "IDEMPOTENCY_KEY_REUSED"


async def test_subjects_are_set_as_a_whole(world: World) -> None:
    api = await world.api("dean")
    path = f"{PATH}/{(await add(world, code='SUB')).json()['data']['id']}"
    vikram, nandini = str(world.id("vikram")), str(world.id("nandini"))
    phy, che = subject_of(world, "PHY"), subject_of(world, "CHE")
    first = [{"subjectId": phy, "teacherId": vikram}, {"subjectId": che, "teacherId": vikram}]
    answer = await api.put(f"{path}/subjects", json=first)
    assert answer.status_code == 200, answer.text
    assert [(one["name"], one["teacherName"]) for one in answer.json()["data"]["subjects"]] == [
        ("Chemistry", "Vikram Rao"), ("Physics", "Vikram Rao"),
    ]  # fmt: skip
    assert "NEET-B" in await listed(world, "vikram", subjectId=che)
    answer = await api.put(f"{path}/subjects", json=[{"subjectId": che, "teacherId": nandini}])
    assert [(one["id"], one["teacherId"]) for one in answer.json()["data"]["subjects"]] == [(che, nandini)]
    assert await listed(world, "vikram") == ["JEE-A"]
    assert (await api.put(f"{path}/subjects", json=[])).json()["data"]["subjects"] == []


async def test_every_bad_row_of_subjects_is_named(world: World) -> None:
    api = await world.api("dean")
    path = f"{PATH}/{batch_of(world, 'JEE-A')}"
    gone = (await api.post("/v1/subjects", json={"name": "Drawing", "code": "DRA"})).json()["data"]["id"]
    assert (await api.delete(f"/v1/subjects/{gone}")).status_code == 200
    vikram, phy = str(world.id("vikram")), subject_of(world, "PHY")
    rows = [
        {"subjectId": phy, "teacherId": vikram},
        {"subjectId": subject_of(world, "PHY", 1), "teacherId": str(world.id("imran"))},
        {"subjectId": phy, "teacherId": vikram},
        {"subjectId": gone, "teacherId": str(world.id("rohan"))},
        {"subjectId": str(uuid4()), "teacherId": str(world.id("asha"))},
    ]
    answer = await api.put(f"{path}/subjects", json=rows)
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {
        "1.subjectId", "1.teacherId", "2.subjectId", "3.subjectId", "3.teacherId", "4.subjectId", "4.teacherId",
    }  # fmt: skip
    answer = await api.put(f"{path}/subjects", json=[{"subjectId": "x"}, {"teacherId": 5}])
    assert set(answer.json()["errors"]) == {"0.subjectId", "0.teacherId", "1.subjectId", "1.teacherId"}
    assert len((await api.get(path)).json()["data"]["subjects"]) == 2


async def test_a_subject_cannot_be_archived_while_a_batch_takes_it_up(world: World) -> None:
    """Both at once: either the batch is told that the subject is gone, or the subject that it is taught."""
    api = await world.api("dean")
    path = f"{PATH}/{(await add(world, code='UP')).json()['data']['id']}"
    for turn in range(6):
        subject = (await api.post("/v1/subjects", json={"name": f"Art {turn}", "code": f"A{turn}"})).json()["data"][
            "id"
        ]
        teaching = [{"subjectId": subject, "teacherId": str(world.id("vikram"))}]
        put, gone = await asyncio.gather(
            api.put(f"{path}/subjects", json=teaching), api.delete(f"/v1/subjects/{subject}")
        )
        assert (put.status_code, gone.status_code) in {(200, 409), (422, 200)}
