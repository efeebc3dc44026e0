"""What the tests of joining do again and again: make an invite, and register somebody nobody knows yet."""

from typing import Any

import httpx2

from tests.world import World

PASSWORD = "a long walk home"
_seen = iter(range(10_000))


async def invited(world: World, role: str = "student", by: str = "asha", **more: Any) -> dict[str, Any]:
    """A new invite of Aarambh, with its code."""
    answer = await (await world.api(by)).post("/v1/invites", json={"role": role, **more})
    assert answer.status_code == 201, answer.text
    made = answer.json()["data"]
    return made["invite"] | {"code": made["code"], "link": made["link"]}


def somebody(**more: Any) -> dict[str, Any]:
    """A registration that is right but for its code."""
    n = next(_seen)
    body = {"name": f"Comer {n}", "phone": f"98230 1{n:04}", "password": PASSWORD, "grade": "Class 9"} | more
    return {name: value for name, value in body.items() if value is not None}


async def register(world: World, **body: Any) -> httpx2.Response:
    return await world.anyone.post("/v1/auth/register", json=body)


async def joined(world: World, invite: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Somebody who came by this invite."""
    answer = await register(world, inviteCode=invite["code"], **somebody(**more))
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def people(world: World) -> int:
    """How many people Aarambh has."""
    async with world.owner() as owner:
        return await owner.fetchval("select count(*) from users where institute_id = $1", world.institute("asha"))


async def record(world: World, person_id: str) -> dict[str, Any]:
    """What the office knows of somebody."""
    return (await (await world.api("asha")).get(f"/v1/people/{person_id}")).json()["data"]


def code(answer: httpx2.Response) -> tuple[int, str]:
    """The status and code of a failure."""
    return answer.status_code, answer.json()["code"]
