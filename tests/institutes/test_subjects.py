"""Subjects, through the API."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.world import World

PATH = "/v1/subjects"


async def listed(world: World, key: str, **query: Any) -> list[str]:
    answer = await (await world.api(key)).get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    return [subject["name"] for subject in answer.json()["data"]]


async def add(world: World, name: str, code: str, **headers: str) -> Any:
    return await (await world.api("dean")).post(PATH, json={"name": name, "code": code}, headers=headers)


async def test_one_sees_the_subjects_of_ones_batches(world: World) -> None:
    every = ["Biology", "Chemistry", "English", "Mathematics", "Physics"]
    assert await listed(world, "asha") == await listed(world, "desk") == every
    assert await listed(world, "vikram") == await listed(world, "rohan") == ["Mathematics", "Physics"]
    assert await listed(world, "meher") == ["Mathematics"]
    assert await listed(world, "sunita") == ["Mathematics", "Physics"]
    assert await listed(world, "kabir") == await listed(world, "farah") == ["Physics"]
    assert (await world.anyone.get(PATH)).status_code == 401


async def test_lists_are_sorted_searched_and_paged(world: World) -> None:
    assert await listed(world, "asha", sort="-name", limit=2) == ["Physics", "Mathematics"]
    assert await listed(world, "asha", sort="code", limit=1, page=2) == ["Chemistry"]
    assert await listed(world, "asha", q="MAT") == ["Mathematics"]
    assert await listed(world, "asha", q="%") == await listed(world, "asha", page=9) == []
    answer = (await (await world.api("asha")).get(PATH, params={"limit": 2, "page": 9})).json()
    assert answer["pagination"] == {"page": 9, "limit": 2, "total": 5, "totalPages": 3}
    bad = await (await world.api("asha")).get(PATH, params={"page": 0, "limit": 101, "sort": "colour"})
    assert bad.status_code == 422
    assert set(bad.json()["errors"]) == {"page", "limit", "sort"}


async def test_what_one_may_not_see_is_like_nothing(world: World) -> None:
    physics = next(plan.subjects[0][0] for plan in world.institutes if plan.code == "prayas")
    biology = next(subject[0] for subject in world.institutes[0].subjects if subject[1] == "BIO")
    for key, method, subject_id in [
        ("asha", "GET", physics), ("asha", "PATCH", physics), ("asha", "DELETE", physics), ("rohan", "GET", biology),
        ("vikram", "GET", biology), ("kabir", "GET", biology), ("farah", "DELETE", biology),
    ]:  # fmt: skip
        api = await world.api(key)
        body = {"json": {"name": "X"}} if method == "PATCH" else {}
        foreign = await api.request(method, f"{PATH}/{subject_id}", **body)
        missing = await api.request(method, f"{PATH}/{uuid4()}", **body)
        assert foreign.status_code == missing.status_code == 404
        assert {**foreign.json(), "requestId": ""} == {**missing.json(), "requestId": ""}
    assert (await (await world.api("asha")).get(f"{PATH}/none")).status_code == 404
    assert (await (await world.api("asha")).get(f"{PATH}/{biology}")).json()["data"]["code"] == "BIO"


@pytest.mark.parametrize("key", ["vikram", "rohan", "sunita", "desk"])
async def test_only_academics_write(world: World, key: str) -> None:
    api = await world.api(key)
    subject_id = world.institutes[0].subjects[0][0]
    assert (await api.post(PATH, json={"name": "Art", "code": "ART"})).status_code == 403
    assert (await api.patch(f"{PATH}/{subject_id}", json={"name": "Art"})).status_code == 403
    assert (await api.delete(f"{PATH}/{subject_id}")).status_code == 403
    assert "Art" not in await listed(world, "asha")


async def test_every_bad_field_is_named(world: World) -> None:
    api = await world.api("asha")
    for body, fields in [
        ({"name": " \t", "code": "x" * 13}, {"name", "code"}),
        ({}, {"name", "code"}),
        ({"name": 5, "code": None}, {"name", "code"}),
        ({"name": "x" * 81, "code": "phy"}, {"name", "code"}),
    ]:
        answer = await api.post(PATH, json=body)
        assert answer.status_code == 422, body
        assert set(answer.json()["errors"]) == fields


async def test_two_subjects_share_neither_name_nor_code(world: World) -> None:
    both = await add(world, "physics", "mat")
    assert both.status_code == 409
    assert both.json()["code"] == "SUBJECT_TAKEN"
    assert set(both.json()["errors"]) == {"name", "code"}
    assert set((await add(world, "Statistics", " phy ")).json()["errors"]) == {"code"}
    physics = next(subject[0] for subject in world.institutes[0].subjects if subject[1] == "PHY")
    api = await world.api("asha")
    assert (await api.patch(f"{PATH}/{physics}", json={"name": "PHYSICS"})).status_code == 200
    assert (await api.patch(f"{PATH}/{physics}", json={"name": "Chemistry"})).json()["code"] == "SUBJECT_TAKEN"
    assert (await api.patch(f"{PATH}/{physics}", json={"name": "Physics"})).json()["data"]["name"] == "Physics"


async def test_of_two_who_add_the_same_at_once_one_is_told(world: World) -> None:
    answers = await asyncio.gather(*(add(world, "Geography", "GEO") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"SUBJECT_TAKEN"}


async def test_a_repeated_request_adds_once(world: World) -> None:
    first = await add(world, "History", "HIS", **{"Idempotency-Key": "once"})
    again = await add(world, "History", "HIS", **{"Idempotency-Key": "once"})
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert (await add(world, "Civics", "CIV", **{"Idempotency-Key": "once"})).json()["code"] == "IDEMPOTENCY_KEY_REUSED"


async def test_a_subject_that_a_running_batch_teaches_stays(world: World) -> None:
    api = await world.api("dean")
    math = next(subject[0] for subject in world.institutes[0].subjects if subject[1] == "MAT")
    answer = await api.delete(f"{PATH}/{math}")
    assert answer.status_code == 409
    assert answer.json()["code"] == "SUBJECT_IN_USE"
    assert "Foundation 8, JEE-A" in answer.json()["message"]
    assert "Mathematics" in await listed(world, "asha")


async def test_an_archived_subject_is_gone_and_its_code_free(world: World) -> None:
    api = await world.api("dean")
    subject_id = (await add(world, "Sanskrit", "SAN")).json()["data"]["id"]
    assert (await api.delete(f"{PATH}/{subject_id}")).status_code == 200
    assert (await api.delete(f"{PATH}/{subject_id}")).status_code == 404
    assert (await api.get(f"{PATH}/{subject_id}")).status_code == 404
    assert (await api.patch(f"{PATH}/{subject_id}", json={"name": "X"})).status_code == 404
    assert (await add(world, "Sanskrit", "SAN")).status_code == 201
    async with world.db.read(world.institute("asha")) as conn:
        actions = await conn.fetch("select action from audit_log where subject_id = $1 order by id", subject_id)
    assert [row["action"] for row in actions] == ["subject.created", "subject.archived"]
