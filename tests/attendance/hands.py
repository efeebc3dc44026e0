"""What tests of attendance do again and again: classes that were held, more students, and marks."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from kaksha.core.ids import new_id
from tests.classes.hands import at, batch, subject
from tests.institutes.staff import students as hired
from tests.world import NOW, World

__all__ = ["at", "batch", "enrol", "held", "joined", "mark", "records", "sheet", "subject"]


async def held(
    world: World, starts_at: datetime, code: str = "JEE-A", taught: str = "PHY", teacher: str = "vikram",
    minutes: int = 60, **columns: Any,
) -> str:  # fmt: skip
    """A class, put there directly: tests live after it has begun."""
    given = {
        "institute_id": world.institute("asha"), "id": new_id(), "batch_id": UUID(batch(world, code)),
        "subject_id": UUID(subject(world, taught)), "teacher_id": world.id(teacher), "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=minutes), "created_at": NOW, "updated_at": NOW, **columns,
    }  # fmt: skip
    places = ", ".join(f"${place}" for place in range(1, len(given) + 1))
    async with world.db.write(world.institute("asha")) as tx:
        await tx.conn.execute(f"insert into classes ({', '.join(given)}) values ({places})", *given.values())
    return str(given["id"])


async def enrol(
    world: World, student_id: UUID, code: str = "JEE-A", first: int = -100, last: int | None = None
) -> None:
    """In a batch from a day until before another, counted from NOW's."""
    async with world.db.write(world.institute("asha")) as tx:
        await tx.conn.execute(
            "insert into enrolments (institute_id, id, batch_id, student_id, starts_on, ends_on, created_at)"
            " values ($1, $2, $3, $4, $5, $6, $7)",
            world.institute("asha"), new_id(), UUID(batch(world, code)), student_id, at(first, 12).date(),
            None if last is None else at(last, 12).date(), NOW,
        )  # fmt: skip


async def joined(world: World, names: list[str], first_roll: int, code: str = "JEE-A") -> list[UUID]:
    """New students who are in a batch."""
    ids = await hired(world, names, first_roll)
    for student_id in ids:
        await enrol(world, student_id, code)
    return ids


def records(marks: dict[Any, Any]) -> list[dict[str, Any]]:
    """Student -> status, or -> all that is sent of them."""
    return [
        {"studentId": str(student), **(mark if isinstance(mark, dict) else {"status": mark})}
        for student, mark in marks.items()
    ]


async def mark(world: World, key: str, class_id: str, marks: dict[Any, Any], **more: Any) -> Any:
    """Marks a class as somebody; `headers` go where they belong."""
    headers = more.pop("headers", {})
    return await (await world.api(key)).post(
        f"/v1/classes/{class_id}/attendance/mark", json={"records": records(marks), **more}, headers=headers
    )


async def sheet(world: World, class_id: str, key: str = "vikram") -> dict[str, Any]:
    """Student -> row of the sheet."""
    answer = await (await world.api(key)).get(f"/v1/classes/{class_id}/attendance")
    assert answer.status_code == 200, answer.text
    return {row["studentId"]: row for row in answer.json()["data"]}
