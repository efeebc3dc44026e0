"""Who may see and change whom."""

import asyncio

import pytest

from kaksha.core.db import Actor
from kaksha.core.http import Principal
from kaksha.people import service
from kaksha.people.models import LastOwner
from kaksha.sandbox.cast import PASSWORD
from tests.people.hands import acting, added, at_the_desk, code
from tests.world import World


async def test_only_admins_see_the_list(world: World) -> None:
    for key in ("vikram", "rohan", "sunita"):
        client = await world.api(key)
        assert code(await client.get("/v1/people")) == (403, "FORBIDDEN"), key
        assert code(await client.post("/v1/people", json={})) == (403, "FORBIDDEN"), key
    assert (await world.anyone.get("/v1/people")).status_code == 401


async def test_a_teacher_sees_the_students_they_teach(world: World) -> None:
    vikram, rohan = await world.api("vikram"), world.id("rohan")
    assert (await vikram.get(f"/v1/people/{rohan}")).json()["data"]["name"] == "Rohan Deshpande"
    for key in ("meher", "sunita", "asha", "nandini", "kabir"):
        assert code(await vikram.get(f"/v1/people/{world.id(key)}")) == (404, "NOT_FOUND"), key
    assert code(await vikram.patch(f"/v1/people/{rohan}", json={"name": "No"})) == (403, "FORBIDDEN")
    for key in ("rohan", "sunita"):
        assert code(await (await world.api(key)).get(f"/v1/people/{rohan}")) == (403, "FORBIDDEN")


async def test_another_institute_is_not_there(world: World) -> None:
    farah = await world.api("farah")
    rohan, sunita, missing = world.id("rohan"), world.id("sunita"), "01970000-0000-7000-8000-0000000fffff"
    for person in (rohan, missing, "nonsense"):
        answers = [
            await farah.get(f"/v1/people/{person}"),
            await farah.patch(f"/v1/people/{person}", json={"name": "Mine"}),
            await farah.post(f"/v1/people/{person}/disable"),
            await farah.post(f"/v1/people/{person}/enable"),
            await farah.post(f"/v1/people/{person}/children", json={"studentId": str(rohan), "relation": "mother"}),
            await farah.delete(f"/v1/people/{person}/children/{rohan}"),
        ]
        assert [code(answer) for answer in answers] == [(404, "NOT_FOUND")] * 6
        texts = {answer.json()["message"] for answer in answers}
        assert len(texts) == 1
    assert code(await farah.delete(f"/v1/people/{sunita}/children/{rohan}")) == (404, "NOT_FOUND")
    shown = (await farah.get("/v1/people", params={"limit": 100})).json()
    assert {person["name"] for person in shown["data"]} == {"Farah Sheikh", "Imran Qureshi", "Kabir Khan"}


async def test_rights_and_admins_are_given_by_owners(world: World) -> None:
    desk = await at_the_desk(world)
    phone = {"phone": "98220 70001"}
    plain = await desk.post("/v1/people", json={"name": "Fine", "roles": ["parent"], **phone})
    assert plain.status_code == 201
    for body in ({"roles": ["admin"]}, {"roles": ["admin"], "permissions": ["money"]}):
        answer = await desk.post("/v1/people", json={"name": "No", **phone, **body})
        assert code(answer) == (403, "OWNER_ONLY"), body
    url = f"/v1/people/{plain.json()['data']['id']}"
    assert code(await desk.patch(url, json={"roles": ["parent", "admin"]})) == (403, "OWNER_ONLY")
    # Whoever can change an owner's address or password, or lock them out, is the owner.
    asha = f"/v1/people/{world.id('asha')}"
    for body in ({"email": "mine@example.org"}, {"password": "mine from now on"}, {"name": "Me"}):
        assert code(await desk.patch(asha, json=body)) == (403, "OWNER_ONLY"), body
    assert code(await desk.post(f"{asha}/disable")) == (403, "OWNER_ONLY")
    assert (await desk.get(asha)).json()["data"]["email"] == "asha@aarambh.example"


async def test_an_admin_without_a_fitting_right_changes_nobody(world: World) -> None:
    money = await acting(world, await added(world, "admin", permissions=["money"], password=PASSWORD))
    rohan = world.id("rohan")
    assert (await money.get(f"/v1/people/{rohan}")).status_code == 200
    link = {"studentId": str(rohan), "relation": "mother"}
    for answer in (
        await money.post("/v1/people", json={"name": "No", "roles": ["student"], "student": {"grade": "Class 9"}}),
        await money.patch(f"/v1/people/{rohan}", json={"name": "No"}),
        await money.post(f"/v1/people/{rohan}/disable"),
        await money.post(f"/v1/people/{rohan}/enable"),
        await money.post(f"/v1/people/{world.id('sunita')}/children", json=link),
        await money.delete(f"/v1/people/{world.id('sunita')}/children/{rohan}"),
    ):
        assert code(answer) == (403, "FORBIDDEN")
    academics = await acting(world, await added(world, "admin", permissions=["academics"], password=PASSWORD))
    assert (await academics.patch(f"/v1/people/{rohan}", json={"language": "en"})).status_code == 200


async def test_nobody_stops_being_the_owner_by_themselves(world: World) -> None:
    asha = await world.api("asha")
    url = f"/v1/people/{world.id('asha')}"
    assert code(await asha.patch(url, json={"permissions": ["desk"]})) == (409, "OWN_OWNERSHIP")
    assert code(await asha.patch(url, json={"roles": ["teacher"]})) == (409, "OWN_OWNERSHIP")
    assert code(await asha.post(f"{url}/disable")) == (409, "OWN_ACCOUNT")
    answer = await asha.patch(url, json={"permissions": ["owner", "money"]})
    assert answer.json()["data"]["permissions"] == ["money", "owner"]
    world.forget_clients()  # her rights changed, so her token is spent


async def test_the_last_owner_stays(world: World) -> None:
    """The one who acts is an owner themselves, so only a right that is already gone could take the last one away."""
    me = Principal(
        user_id=world.id("vikram"), institute_id=world.institute("asha"), session_id=world.id("vikram"),
        roles=frozenset({"admin"}), permissions=frozenset({"owner"}), lang="en", expires_at=0,
    )  # fmt: skip
    for verb in (
        lambda tx: service.disable(tx, me, world.id("asha")),
        lambda tx: service.change(tx, me, world.id("asha"), service.PersonChange(permissions=["desk"])),
    ):
        with pytest.raises(LastOwner):
            async with world.db.write(me.institute_id, Actor(me.user_id)) as tx:
                await verb(tx)


async def test_two_owners_cannot_remove_each_other(world: World) -> None:
    asha = await world.api("asha")
    one, two = [await added(world, "admin", permissions=["owner"], password=PASSWORD) for _ in range(2)]
    assert (await asha.patch(f"/v1/people/{one['id']}", json={"name": "First Owner"})).status_code == 200
    first, second = await acting(world, one), await acting(world, two)
    # Asha is away, so that the two are the only ones.
    async with world.owner() as conn:
        await conn.execute("update users set permissions = '{}' where id = $1", world.id("asha"))
        try:
            answers = await asyncio.gather(
                first.post(f"/v1/people/{two['id']}/disable"), second.post(f"/v1/people/{one['id']}/disable")
            )
            left = await conn.fetchval(
                "select count(*) from users"
                " where institute_id = $1 and 'owner' = any (permissions) and status = 'active'",
                world.institute("asha"),
            )
        finally:
            await conn.execute("update users set permissions = '{owner}' where id = $1", world.id("asha"))
    assert left == 1, [answer.text for answer in answers]
