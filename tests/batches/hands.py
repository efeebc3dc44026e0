"""What tests of enrolment do again and again, as the admin `dean`. Paths of batches are API paths."""

from typing import Any
from uuid import UUID

from tests.world import World

PATH = "/v1/batches"
TODAY, TOMORROW = "2026-11-22", "2026-11-23"


async def a_batch(world: World, code: str, capacity: int = 3, **changes: Any) -> str:
    body = {
        "name": code, "code": code, "course": "Class 11", "capacity": capacity, "startsOn": "2026-11-01",
        "endsOn": "2027-03-31", **changes,
    }  # fmt: skip
    answer = await (await world.api("dean")).post(PATH, json=body)
    assert answer.status_code == 201, answer.text
    return f"{PATH}/{answer.json()['data']['id']}"


async def enrol(world: World, path: str, student: UUID | str, starts_on: str | None = None, **headers: str) -> Any:
    body = {"studentId": str(student)} | ({"startsOn": starts_on} if starts_on else {})
    return await (await world.api("dean")).post(f"{path}/enrolments", json=body, headers=headers)


async def remove(world: World, path: str, student: UUID, **query: str) -> Any:
    return await (await world.api("dean")).delete(f"{path}/enrolments/{student}", params=query)


async def seats(world: World, path: str) -> int:
    return (await (await world.api("dean")).get(path)).json()["data"]["students"]
