"""What tests of the timetable do again and again, as the admin `dean`."""

from datetime import date
from typing import Any
from uuid import UUID

from kaksha.weekly import service
from tests.classes.hands import INDIA, batch, on, subject
from tests.world import World

PATH = "/v1/timetable"


def body(world: World, weekday: int, starts: str, minutes: int = 60, **changes: Any) -> dict[str, Any]:
    """Physics of JEE-A."""
    return {
        "batchId": batch(world, "JEE-A"), "subjectId": subject(world, "PHY"), "weekday": weekday, "starts": starts,
        "minutes": minutes, **changes,
    }  # fmt: skip


async def add(world: World, weekday: int, starts: str, minutes: int = 60, **changes: Any) -> Any:
    return await (await world.api("dean")).post(PATH, json=body(world, weekday, starts, minutes, **changes))


async def slot(world: World, weekday: int, starts: str, minutes: int = 60, **changes: Any) -> dict[str, Any]:
    answer = await add(world, weekday, starts, minutes, **changes)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def made(world: World, slot_id: str, *, cancelled: bool = False) -> list[tuple[date, str]]:
    """The classes of a slot that are (not) cancelled: (local date, local time)."""
    async with world.db.read(world.institute("asha")) as conn:
        rows = await conn.fetch(
            "select starts_at from classes where slot_id = $1 and (cancelled_at is not null) = $2 order by starts_at",
            UUID(slot_id), cancelled,
        )  # fmt: skip
    local = [row["starts_at"].astimezone(INDIA) for row in rows]
    return [(moment.date(), f"{moment:%H:%M}") for moment in local]


def days(*after: int) -> list[date]:
    return [on(n) for n in after]


async def generate(world: World) -> int:
    async with world.db.write(world.institute("asha")) as tx:
        return await service.generate(tx)
