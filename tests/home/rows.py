"""Rows beside the cast, put straight into the world's database: what the admin's pages will do is not tested here."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from kaksha.core.ids import new_id
from kaksha.sandbox.cast import AARAMBH
from tests.world import NOW, World

TODAY = date(2026, 11, 22)


async def run(world: World, sql: str, *values: Any) -> None:
    """One statement as the application, in Aarambh."""
    async with world.db.write(AARAMBH) as tx:
        await tx.conn.execute(sql, *values)


async def user(world: World, name: str, *roles: str, status: str = "active", at: datetime = NOW) -> UUID:
    person = new_id()
    await run(
        world,
        "insert into users (institute_id, id, name, roles, status, created_at, updated_at)"
        " values ($1, $2, $3, $4, $5, $6, $6)",
        AARAMBH, person, name, list(roles), status, at,
    )  # fmt: skip
    return person


async def student(world: World, name: str, roll_no: str, *, status: str = "active") -> UUID:
    person = await user(world, name, "student", status=status)
    await run(
        world,
        "insert into students (institute_id, user_id, roll_no, grade, joined_on) values ($1, $2, $3, 'Class 9', $4)",
        AARAMBH, person, roll_no, TODAY,
    )  # fmt: skip
    return person


async def teacher(world: World, name: str) -> UUID:
    person = await user(world, name, "teacher")
    await run(
        world,
        "insert into teachers (institute_id, user_id, joined_on) values ($1, $2, $3)",
        AARAMBH, person, TODAY - timedelta(days=200),
    )  # fmt: skip
    return person


async def batch(
    world: World, name: str, *, starts: date = date(2026, 4, 1), ends: date = date(2027, 3, 31), seats: int = 10
) -> UUID:
    made = new_id()
    await run(
        world,
        "insert into batches (institute_id, id, name, code, course, capacity, starts_on, ends_on, created_at,"
        " updated_at) values ($1, $2, $3, $3, 'Crash course', $4, $5, $6, $7, $7)",
        AARAMBH, made, name, seats, starts, ends, NOW,
    )  # fmt: skip
    return made


async def subject(world: World, name: str) -> UUID:
    made = new_id()
    await run(
        world,
        "insert into subjects (institute_id, id, name, code, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)",
        AARAMBH, made, name, name[:6].upper(), NOW,
    )  # fmt: skip
    return made


async def teach(world: World, batch_id: UUID, subject_id: UUID, teacher_id: UUID) -> None:
    await run(world, "insert into batch_subjects values ($1, $2, $3, $4)", AARAMBH, batch_id, subject_id, teacher_id)


async def enrol(world: World, batch_id: UUID, student_id: UUID, starts: date = TODAY, ends: date | None = None) -> UUID:
    made = new_id()
    await run(
        world, "insert into enrolments values ($1, $2, $3, $4, $5, $6, $7)",
        AARAMBH, made, batch_id, student_id, starts, ends, NOW,
    )  # fmt: skip
    return made


async def link(world: World, parent_id: UUID, student_id: UUID) -> None:
    await run(
        world, "insert into parent_links values ($1, $2, $3, 'guardian', $4)", AARAMBH, parent_id, student_id, NOW
    )


async def end(world: World, enrolment_id: UUID) -> None:
    """The student is in the batch no more, from today on."""
    await run(
        world, "update enrolments set ends_on = $3 where institute_id = $1 and id = $2", AARAMBH, enrolment_id, TODAY
    )


async def leave(world: World, person_id: UUID) -> None:
    """The student or teacher is at the institute no more, from today on."""
    for sql in (
        "update students set left_on = $3 where institute_id = $1 and user_id = $2",
        "update teachers set left_on = $3 where institute_id = $1 and user_id = $2",
    ):
        await run(world, sql, AARAMBH, person_id, TODAY)
