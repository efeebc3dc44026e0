"""Adding, seeing and changing people by the API."""

import asyncio
from typing import Any

import msgspec

from kaksha.core.audit import unseal
from kaksha.core.seal import Keys
from kaksha.people.models import Child, Listed, PersonRecord
from kaksha.sandbox.cast import PASSWORD
from tests.people.hands import acting, added, answers, code
from tests.world import World


async def test_a_student_is_added_with_the_next_free_roll_number(world: World) -> None:
    asha = await world.api("asha")
    body = {"name": "  Tara   Joshi ", "roles": ["student"], "student": {"grade": "Class 9"}}
    first = (await asha.post("/v1/people", json=body)).json()["data"]
    assert first["name"] == "Tara Joshi"
    assert first["student"] == {"rollNo": "2208", "grade": "Class 9", "joinedOn": "2026-11-22"}
    both = await asyncio.gather(*(asha.post("/v1/people", json=body) for _ in range(4)))
    assert {answer.status_code for answer in both} == {201}
    assert {answer.json()["data"]["student"]["rollNo"] for answer in both} == {"2209", "2210", "2211", "2212"}


async def test_what_postgresql_builds_is_what_the_types_say(world: World) -> None:
    asha = await world.api("asha")
    one = (await asha.get(f"/v1/people/{world.id('sunita')}")).json()["data"]
    assert msgspec.to_builtins(msgspec.convert(one, PersonRecord)) == one
    assert {child["name"] for child in one["children"]} == {"Rohan Deshpande", "Meher Deshpande"}
    listed = (await asha.get("/v1/people", params={"limit": 100})).json()["data"]
    assert msgspec.to_builtins(msgspec.convert(listed, list[Listed])) == listed
    link = {"studentId": (await added(world, "student"))["id"], "relation": "guardian"}
    child = (await asha.post(f"/v1/people/{world.id('sunita')}/children", json=link)).json()["data"]
    assert msgspec.to_builtins(msgspec.convert(child, Child)) == child


async def test_every_bad_field_is_named(world: World) -> None:
    body = {
        "name": " ", "roles": ["student"], "email": "nobody", "phone": "12345", "password": "short",
        "permissions": ["desk"], "teacher": {"title": "Physics"},
        "children": [{"studentId": str(world.id("kabir")), "relation": "mother"}],
    }  # fmt: skip
    answer = await (await world.api("asha")).post("/v1/people", json=body)
    assert code(answer) == (422, "VALIDATION_ERROR")
    assert answer.json()["errors"].keys() == {
        "name", "email", "phone", "password", "permissions", "teacher", "student.grade", "children",
        "children.0.studentId",
    }  # fmt: skip


async def test_who_signs_in_needs_an_address(world: World) -> None:
    asha = await world.api("asha")
    for roles in (["teacher"], ["parent"], ["admin"], ["student", "parent"]):
        body = {"name": "Nobody", "roles": roles, "student": {"grade": "Class 9"} if "student" in roles else None}
        answer = await asha.post("/v1/people", json=body)
        assert answer.json()["errors"].keys() == {"email"}, roles
    student = await added(world, "student")
    gone = {"phone": None, "email": None}
    answer = await asha.patch(f"/v1/people/{student['id']}", json={"roles": ["student", "parent"], **gone})
    assert answer.json()["errors"].keys() == {"email"}
    assert (await asha.patch(f"/v1/people/{student['id']}", json=gone)).json()["data"]["phone"] is None


async def test_a_repeated_request_adds_nobody_twice(world: World) -> None:
    asha = await world.api("asha")
    body = {"name": "Once Only", "roles": ["parent"], "phone": "98220 50001"}
    headers = {"Idempotency-Key": "once-only-1"}
    first, again = [await asha.post("/v1/people", json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    found = (await asha.get("/v1/people", params={"q": "once only"})).json()
    assert found["pagination"]["total"] == 1
    other = await asha.post("/v1/people", json=body | {"name": "Another"}, headers=headers)
    assert code(other) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_roll_numbers_are_one_persons(world: World) -> None:
    asha = await world.api("asha")
    tara = await added(world, "student", student={"grade": "Class 9", "rollNo": "jee-7"})
    body = {"name": "Late", "roles": ["student"], "student": {"grade": "Class 9", "rollNo": "JEE-7"}}
    answer = await asha.post("/v1/people", json=body)
    assert code(answer) == (409, "ROLL_NO_TAKEN")
    assert answer.json()["errors"].keys() == {"student.rollNo"}
    meher = await asha.patch(f"/v1/people/{world.id('meher')}", json={"student": {"rollNo": "jee-7"}})
    assert code(meher) == (409, "ROLL_NO_TAKEN")
    own = await asha.patch(f"/v1/people/{tara['id']}", json={"student": {"rollNo": "JEE-7"}})
    assert own.json()["data"]["student"]["rollNo"] == "JEE-7"


async def test_what_is_absent_stays(world: World) -> None:
    asha = await world.api("asha")
    person = await added(world, "teacher", email="Neela@Example.org", teacher={"title": "Biology"})
    changed = (await asha.patch(f"/v1/people/{person['id']}", json={"name": "Neela Sen", "email": None})).json()["data"]
    assert changed == person | {"name": "Neela Sen", "email": None}
    same = await asha.patch(f"/v1/people/{person['id']}", json={})
    assert same.json()["data"] == changed


async def test_a_role_taken_away_comes_back_with_what_it_held(world: World) -> None:
    asha = await world.api("asha")
    person = await added(world, "student", "parent", student={"grade": "Class 12", "rollNo": "R-1"})
    url = f"/v1/people/{person['id']}"
    assert (await asha.patch(url, json={"roles": ["parent"]})).json()["data"]["student"] is None
    back = (await asha.patch(url, json={"roles": ["parent", "student"]})).json()["data"]
    assert back["student"] == person["student"]
    assert back["roles"] == ["student", "parent"]
    grown = await asha.patch(url, json={"roles": ["teacher"], "student": {"grade": "Class 9"}})
    assert grown.json()["errors"].keys() == {"student"}


async def test_lists_are_filtered_sorted_and_paged(world: World) -> None:
    asha = await world.api("asha")

    async def names(**params: Any) -> list[str]:
        answer = await asha.get("/v1/people", params=params)
        assert answer.status_code == 200, answer.text
        return [person["name"] for person in answer.json()["data"]]

    assert await names(role="teacher", q="iyer") == ["Nandini Iyer"]
    everyone = await names(limit=100)
    assert everyone == sorted(everyone, key=str.lower)
    assert await names(limit=2, page=2) == everyone[2:4]
    world.clock.forward(seconds=1)
    newest = await added(world, "parent")
    assert (await names(sort="-createdAt"))[0] == newest["name"]
    assert (await asha.post(f"/v1/people/{newest['id']}/disable")).status_code == 200
    assert await names(status="disabled", role="parent") == [newest["name"]]
    assert newest["name"] in await names(limit=100)
    assert newest["name"] not in await names(limit=100, status="active")
    bad = await asha.get("/v1/people", params={"role": "boss", "page": 0, "limit": 101, "sort": "age", "status": "new"})
    assert bad.json()["errors"].keys() == {"role", "page", "limit", "sort", "status"}


async def test_who_is_disabled_is_out_at_once(world: World) -> None:
    asha = await world.api("asha")
    person = await added(world, "teacher", email="gone@example.org", password=PASSWORD)
    client = await acting(world, person)
    assert (await client.get("/v1/users/profile")).status_code == 200
    assert (await asha.post(f"/v1/people/{person['id']}/disable")).json()["data"]["status"] == "disabled"
    await answers(client, "/v1/users/profile", 401)
    login = {"email": "gone@example.org", "password": PASSWORD}
    assert code(await world.anyone.post("/v1/auth/login", json=login)) == (401, "INVALID_CREDENTIALS")
    assert code(await asha.patch(f"/v1/people/{person['id']}", json={"name": "New"})) == (409, "PERSON_DISABLED")
    assert (await asha.post(f"/v1/people/{person['id']}/disable")).status_code == 200
    assert (await asha.post(f"/v1/people/{person['id']}/enable")).json()["data"]["status"] == "active"
    await answers(client, "/v1/users/profile", 401)
    assert (await world.anyone.post("/v1/auth/login", json=login)).status_code == 200


async def test_a_new_password_ends_the_sign_ins(world: World) -> None:
    asha = await world.api("asha")
    person = await added(world, "parent", password=PASSWORD)
    client = await acting(world, person)
    answer = await asha.patch(f"/v1/people/{person['id']}", json={"password": "quite another one"})
    assert answer.status_code == 200
    await answers(client, "/v1/users/profile", 401)
    login = {"email": person["email"], "password": "quite another one"}
    assert (await world.anyone.post("/v1/auth/login", json=login)).status_code == 200


async def test_changed_roles_reach_a_sign_in_that_is_open(world: World) -> None:
    asha = await world.api("asha")
    person = await added(world, "admin", permissions=["desk"], password=PASSWORD)
    client = await acting(world, person)
    assert (await client.get("/v1/people")).status_code == 200
    world.clock.forward(seconds=1)
    assert (await asha.patch(f"/v1/people/{person['id']}", json={"roles": ["parent"]})).json()["data"][
        "permissions"
    ] == []
    await answers(client, "/v1/people", 401)
    client = await acting(world, person)
    assert code(await client.get("/v1/people")) == (403, "FORBIDDEN")


async def test_personal_values_are_sealed_in_the_audit_log(world: World) -> None:
    asha = await world.api("asha")
    body = {"name": "Zubeida Contractor", "roles": ["parent"], "phone": "98220 60001", "email": "zubeida@example.org"}
    person = (await asha.post("/v1/people", json=body)).json()["data"]
    await asha.patch(f"/v1/people/{person['id']}", json={"name": "Zubeida Merchant", "language": "hi"})
    async with world.owner() as conn:
        rows = await conn.fetch(
            "select a.*, k.sealed_key, a::text as shown from audit_log a"
            " left join person_keys k on k.institute_id = a.institute_id and k.user_id = a.person_id"
            " where subject_id = $1 order by a.id",
            person["id"],
        )
    assert [row["action"] for row in rows] == ["person.created", "person.changed"]
    for value in ("Zubeida", "Merchant", "60001", "zubeida@"):
        assert all(value not in row["shown"] for row in rows)
        assert all(value.encode() not in row["sealed"] for row in rows)
    opened = [unseal(Keys("k" * 48), row["person_id"], row["sealed_key"], row["sealed"]) for row in rows]
    assert opened[0] == {"name": "Zubeida Contractor", "email": "zubeida@example.org", "phone": "+919822060001"}
    assert opened[1] == {"name": ["Zubeida Contractor", "Zubeida Merchant"]}
    assert msgspec.json.decode(rows[1]["after"]) == {"language": "hi"}
    assert all(row["actor_id"] == world.id("asha") for row in rows)
