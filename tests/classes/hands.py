"""What tests of classes do again and again, as the admin `dean`. Times are hours of India on days from NOW's on."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from kaksha.core.ids import new_id
from tests.world import NOW, World

PATH = "/v1/classes"
INDIA = ZoneInfo("Asia/Kolkata")
TODAY = NOW.astimezone(INDIA).date()


def at(days: int, hour: float, minute: int = 0) -> datetime:
    """An hour of a day that lies `days` after NOW's."""
    return datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=INDIA) + timedelta(days, hours=hour, minutes=minute)


def on(days: int) -> date:
    return TODAY + timedelta(days)


def batch(world: World, code: str) -> str:
    return str(next(batch.id for plan in world.institutes for batch in plan.batches if batch.code == code))


def subject(world: World, code: str, institute: int = 0) -> str:
    return str(next(subject[0] for subject in world.institutes[institute].subjects if subject[1] == code))


def body(world: World, starts_at: datetime, minutes: int = 60, **changes: Any) -> dict[str, Any]:
    """Physics of JEE-A, which Vikram teaches."""
    return {
        "batchId": batch(world, "JEE-A"), "subjectId": subject(world, "PHY"), "startsAt": starts_at.isoformat(),
        "endsAt": (starts_at + timedelta(minutes=minutes)).isoformat(), **changes,
    }  # fmt: skip


async def add(world: World, starts_at: datetime, minutes: int = 60, **changes: Any) -> Any:
    headers = changes.pop("headers", {})
    return await (await world.api("dean")).post(PATH, json=body(world, starts_at, minutes, **changes), headers=headers)


async def made(world: World, starts_at: datetime, minutes: int = 60, **changes: Any) -> dict[str, Any]:
    answer = await add(world, starts_at, minutes, **changes)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def room(world: World, name: str, capacity: int = 30) -> str:
    """A room, put there directly."""
    made_id = new_id()
    async with world.db.write(world.institute("asha")) as tx:
        await tx.conn.execute(
            "insert into rooms (institute_id, id, name, capacity, created_at, updated_at)"
            " values ($1, $2, $3, $4, $5, $5)",
            world.institute("asha"), made_id, name, capacity, NOW,
        )  # fmt: skip
    return str(made_id)


async def seen(world: World, key: str, path: str = f"{PATH}/schedule", **query: Any) -> list[str]:
    """The ids that somebody finds in a schedule."""
    answer = await (await world.api(key)).get(path, params={key.rstrip("_"): value for key, value in query.items()})
    assert answer.status_code == 200, answer.text
    return [found["id"] for found in answer.json()["data"]]


async def row(world: World, class_id: str | UUID) -> Any:
    """A class as it is kept."""
    async with world.db.read(world.institute("asha")) as conn:
        return await conn.fetchrow("select * from classes where id = $1", UUID(str(class_id)))
