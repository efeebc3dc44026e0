"""What the tests of people do again and again: add somebody, and act as them."""

import asyncio
from typing import Any
from uuid import UUID

import httpx2

from kaksha.sandbox.cast import PASSWORD, Member
from tests.world import World

_seen = iter(range(1000))


async def added(world: World, *roles: str, **more: Any) -> dict[str, Any]:
    """A new person of Aarambh, added by Asha; a student of class 9 where nothing else is said."""
    body: dict[str, Any] = {"name": f"Person {next(_seen)}", "roles": list(roles), "phone": f"98220 4{next(_seen):04}"}
    body["email"] = f"person-{next(_seen)}@example.org"
    if "student" in roles:
        body["student"] = {"grade": "Class 9"}
    answer = await (await world.api("asha")).post("/v1/people", json=body | more)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def acting(world: World, person: dict[str, Any]) -> httpx2.AsyncClient:
    """A client of a sign-in that this person, who was added with an e-mail and PASSWORD, opens now."""
    return await world.api(_known(world, person))


async def visiting(world: World, person: dict[str, Any]) -> httpx2.AsyncClient:
    """The same for the pages."""
    return await world.pages(_known(world, person))


def _known(world: World, person: dict[str, Any]) -> str:
    key = f"{person['name']} {next(_seen)}"
    world.people[key] = Member(key, UUID(person["id"]), person["name"], tuple(person["roles"]), person["email"])
    return key


async def at_the_desk(world: World) -> httpx2.AsyncClient:
    """An admin who may mind the desk and is no owner."""
    return await acting(world, await added(world, "admin", permissions=["desk"], password=PASSWORD))


def code(answer: httpx2.Response) -> tuple[int, str]:
    """The status and code of a failure."""
    return answer.status_code, answer.json()["code"]


async def answers(client: httpx2.AsyncClient, path: str, status: int) -> None:
    """Waits until a page or route answers so; what a change ends, it ends within a second."""
    async with asyncio.timeout(1):
        while (await client.get(path)).status_code != status:
            await asyncio.sleep(0.01)
