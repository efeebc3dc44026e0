"""Registering: by invite, by the institute's code, and what must not be possible by either."""

import asyncio
from typing import Any

import pytest

from kaksha.sandbox.cast import PASSWORD as CAST_PASSWORD
from tests.joining.hands import PASSWORD, code, invited, joined, people, record, register, somebody
from tests.world import World


async def test_an_invite_lets_in_at_once(world: World) -> None:
    batch = world.institutes[0].batches[0]
    invite = await invited(world, batchId=str(batch.id))
    signed_in = await joined(world, invite, email="Nila@Example.org", grade=None, language="hi")
    assert signed_in["tokenType"] == "Bearer"
    assert (signed_in["user"]["email"], signed_in["user"]["language"]) == ("nila@example.org", "hi")
    mine = {"Authorization": f"Bearer {signed_in['accessToken']}"}
    seen = (await world.anyone.get("/v1/batches", headers=mine)).json()["data"]
    assert [one["name"] for one in seen] == [batch.name]
    kept = await record(world, signed_in["user"]["id"])
    assert (kept["status"], kept["roles"], kept["permissions"]) == ("active", ["student"], [])
    assert kept["student"]["grade"] == batch.course
    assert kept["student"]["rollNo"].isdecimal()
    listed = (await (await world.api("asha")).get("/v1/invites")).json()["data"]
    shown = next(one for one in listed if one["id"] == invite["id"])
    assert (shown["usesLeft"], shown["state"]) == (0, "used")
    assert [use["id"] for use in shown["usedBy"]] == [signed_in["user"]["id"]]


@pytest.mark.parametrize("given", ["father", None])
async def test_a_parent_gets_their_child(world: World, given: str | None) -> None:
    invite = await invited(world, "parent", studentId=str(world.id("rohan")), relation=given)
    parent = await joined(world, invite, grade=None, relation="mother")
    kept = await record(world, parent["user"]["id"])
    assert [(child["id"], child["relation"]) for child in kept["children"]] == [
        (str(world.id("rohan")), given or "mother")
    ]


@pytest.mark.parametrize("role", ["teacher", "admin"])
async def test_staff_come_by_invite_and_without_rights(world: World, role: str) -> None:
    kept = await record(world, (await joined(world, await invited(world, role)))["user"]["id"])
    assert (kept["roles"], kept["permissions"], kept["status"]) == ([role], [], "active")


@pytest.mark.parametrize(("given", "wanted"), [("student", "admin"), ("student", "teacher"), ("parent", "admin")])
async def test_an_invite_gives_its_own_role_only(world: World, given: str, wanted: str) -> None:
    invite, before = await invited(world, given), await people(world)
    answer = await register(world, inviteCode=invite["code"], role=wanted, **somebody())
    assert code(answer) == (422, "VALIDATION_ERROR")
    assert list(answer.json()["errors"]) == ["role"]
    assert await people(world) == before
    await joined(world, invite, role=given)


@pytest.mark.parametrize("role", ["teacher", "admin"])
async def test_nobody_makes_themselves_staff(world: World, role: str) -> None:
    before = await people(world)
    answer = await register(world, instituteCode="aarambh", role=role, **somebody())
    assert code(answer) == (403, "INVITE_NEEDED")
    answer = await register(world, instituteCode="aarambh", role="student", roles=["admin"], permissions=["owner"],
                            status="active", **somebody())  # fmt: skip
    assert answer.status_code == 201
    kept = await record(world, answer.json()["data"]["user"]["id"])
    assert (kept["roles"], kept["permissions"], kept["status"]) == (["student"], [], "pending")
    assert await people(world) == before + 1


async def test_the_institutes_code_waits_for_approval(world: World) -> None:
    body = somebody(email="waits@example.org", phone=None)
    answer = await register(world, instituteCode=" Aarambh ", role="student", **body)
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert (data["status"], set(data)) == ("pending", {"status", "user"})
    login = {"email": "waits@example.org", "password": PASSWORD}
    assert code(await world.anyone.post("/v1/auth/login", json=login)) == (403, "ACCOUNT_PENDING")
    approve = f"/v1/people/{data['user']['id']}/approve"
    for key in ("till", "vikram", "rohan"):
        assert code(await (await world.api(key)).post(approve)) == (403, "FORBIDDEN")
    assert code(await (await world.api("farah")).post(approve)) == (404, "NOT_FOUND")
    assert (await (await world.api("desk")).post(approve)).status_code == 200
    assert (await world.anyone.post("/v1/auth/login", json=login)).status_code == 200
    assert code(await (await world.api("desk")).post(approve)) == (409, "NOT_WAITING")


async def test_declining_keeps_out_and_notes_why(world: World) -> None:
    body = somebody(email="no@example.org")
    person = (await register(world, instituteCode="aarambh", role="parent", **body)).json()["data"]["user"]
    desk = await world.api("desk")
    assert (await desk.post(f"/v1/people/{person['id']}/decline", json={"reason": " "})).status_code == 422
    assert (await record(world, person["id"]))["status"] == "pending"
    said = await desk.post(f"/v1/people/{person['id']}/decline", json={"reason": "Nobody here knows them"})
    assert said.status_code == 200
    assert (await record(world, person["id"]))["status"] == "disabled"
    login = {"email": "no@example.org", "password": PASSWORD}
    assert code(await world.anyone.post("/v1/auth/login", json=login)) == (401, "INVALID_CREDENTIALS")
    async with world.owner() as owner:
        rows = await owner.fetch("select action, after from audit_log where subject_id::text = $1", person["id"])
    assert {"person.created", "person.disabled", "person.declined"} <= {row["action"] for row in rows}
    assert "knows them" not in str(rows), "a reason speaks of a person and is sealed"


async def test_every_bad_field_is_named(world: World) -> None:
    bad = {"name": " ", "email": "x", "phone": "12", "password": "password", "role": "student"}
    answer = await register(world, instituteCode="aarambh", **bad)
    assert set(answer.json()["errors"]) == {"name", "email", "phone", "password", "grade"}
    answer = await register(world, instituteCode="aarambh")
    assert set(answer.json()["errors"]) == {"name", "email", "password", "role"}
    for codes in ({}, {"inviteCode": "aarambh-0000-0000", "instituteCode": "aarambh"}):
        assert set((await register(world, **somebody(), **codes)).json()["errors"]) == {"inviteCode"}
    answer = await register(world, instituteCode="nowhere", role="parent", **somebody())
    assert set(answer.json()["errors"]) == {"instituteCode"}


async def test_who_is_there_already_is_not_told(world: World) -> None:
    """An address that somebody has is answered as a new one: families share them."""
    shapes: list[Any] = []
    for email in ("rohan@aarambh.example", "new-one@example.org"):
        answer = await register(world, instituteCode="aarambh", role="parent", **somebody(email=email, phone=None))
        data = answer.json()["data"]
        shapes.append((answer.status_code, sorted(data), sorted(data["user"])))
    assert shapes[0] == shapes[1]
    login = {"email": "rohan@aarambh.example", "password": CAST_PASSWORD}
    assert (await world.anyone.post("/v1/auth/login", json=login)).json()["data"]["user"]["name"] == "Rohan Deshpande"


async def test_strangers_do_not_push_out_whose_phone_they_give(world: World) -> None:
    """A sign-in looks at eight people with a phone: were those who wait not the last, eight would lock others out."""
    phone = "98231 77001"
    for _ in range(9):
        async with world.owner() as owner:
            await owner.execute("delete from rate_limits")
        answer = await register(world, instituteCode="aarambh", role="parent", **somebody(phone=phone))
        assert answer.status_code == 201
    await joined(world, await invited(world), phone=phone, password="quite another one")
    login = {"phone": phone, "password": "quite another one"}
    assert (await world.anyone.post("/v1/auth/login", json=login)).status_code == 200


@pytest.mark.parametrize("by_invite", [True, False])
async def test_a_second_press_is_the_same_person(world: World, by_invite: bool) -> None:
    invite = await invited(world)
    come = {"inviteCode": invite["code"]} if by_invite else {"instituteCode": "aarambh", "role": "student"}
    body, before = somebody(email="twice@example.org") | come, await people(world)
    answers = await asyncio.gather(*(register(world, **body) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["data"]["user"]["id"] for answer in answers}) == 1
    assert await people(world) == before + 1


async def test_a_second_press_needs_the_password(world: World) -> None:
    """Else whoever knows a name and a number would be signed in as who registered a minute ago."""
    invite, body = await invited(world, uses=2), somebody()
    one = await register(world, inviteCode=invite["code"], **body)
    other = await register(world, inviteCode=invite["code"], **body | {"password": "somebody else's"})
    assert one.json()["data"]["user"]["id"] != other.json()["data"]["user"]["id"]
    assert code(await register(world, inviteCode=invite["code"], **body | {"password": "and one more"})) == (
        410, "INVITE_NOT_GOOD",
    )  # fmt: skip


async def test_the_mail_is_verified(world: World) -> None:
    async with world.owner() as owner:
        count = "select count(*) from jobs.pgqueuer_log where entrypoint = 'codes.verify'"
        before = await owner.fetchval(count)
        await joined(world, await invited(world), email="mail@example.org")
        await register(world, instituteCode="aarambh", role="parent", **somebody(email="mail2@example.org"))
        await joined(world, await invited(world))
        async with asyncio.timeout(10):
            while await owner.fetchval(count) < before + 2:
                await asyncio.sleep(0.05)
        waiting = "select count(distinct job_id) from jobs.pgqueuer_log where entrypoint = 'codes.verify'"
        assert await owner.fetchval(waiting) >= 2
