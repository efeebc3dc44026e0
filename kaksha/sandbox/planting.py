"""Puts a planned institute into the database, all rows of a table at once. Planting twice changes nothing."""

from collections.abc import Sequence
from typing import Any

from kaksha.core.db import Database, Write
from kaksha.sandbox.cast import InstitutePlan

__all__ = ["plant"]


async def plant(db: Database, owner: Any, plan: InstitutePlan, password_hash: str) -> None:
    """One institute with everybody in it, everyone signing in with the same password.

    `owner` is a connection of the database's owner: the application itself may not make institutes.
    """
    await owner.execute(
        "insert into institutes (id, code, name, phone, email, address, demo, created_at, updated_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $8) on conflict do nothing",
        plan.id, plan.code, plan.name, plan.phone, plan.email, plan.address, plan.demo, plan.created_at,
    )  # fmt: skip
    async with db.write(plan.id) as tx:
        await _people(tx, plan, password_hash)
        await _batches(tx, plan)


async def _people(tx: Write, plan: InstitutePlan, password_hash: str) -> None:
    ids = {person.key: person.id for person in plan.people}
    await _insert(
        tx,
        "insert into users (institute_id, id, name, email, phone, password_hash, roles, permissions, status, language,"
        " email_verified_at, phone_verified_at, created_at, updated_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, 'active', $9, $10, $10, $10, $10) on conflict do nothing",
        [
            (plan.id, person.id, person.name, person.email, person.phone, password_hash, list(person.roles),
             list(person.permissions), person.language, plan.created_at)
            for person in plan.people
        ],
    )  # fmt: skip
    await _insert(
        tx,
        "insert into students (institute_id, user_id, roll_no, grade, joined_on) values ($1, $2, $3, $4, $5)"
        " on conflict do nothing",
        [
            (plan.id, person.id, person.roll_no, person.grade, plan.starts_on)
            for person in plan.people
            if "student" in person.roles
        ],
    )
    await _insert(
        tx,
        "insert into teachers (institute_id, user_id, title, joined_on) values ($1, $2, $3, $4) on conflict do nothing",
        [
            (plan.id, person.id, person.title, plan.starts_on)
            for person in plan.people
            if "teacher" in person.roles
        ],
    )
    await _insert(
        tx,
        "insert into parent_links (institute_id, parent_id, student_id, relation, created_at)"
        " values ($1, $2, $3, $4, $5) on conflict do nothing",
        [
            (plan.id, person.id, ids[child], person.relation, plan.created_at)
            for person in plan.people
            for child in person.children
        ],
    )


async def _batches(tx: Write, plan: InstitutePlan) -> None:
    ids = {person.key: person.id for person in plan.people}
    subjects = {code: subject_id for subject_id, code, _ in plan.subjects}
    ends_on = plan.starts_on.replace(year=plan.starts_on.year + 1)
    await _insert(
        tx,
        "insert into subjects (institute_id, id, code, name, created_at, updated_at)"
        " values ($1, $2, $3, $4, $5, $5) on conflict do nothing",
        [(plan.id, subject_id, code, name, plan.created_at) for subject_id, code, name in plan.subjects],
    )
    await _insert(
        tx,
        "insert into batches (institute_id, id, code, name, course, medium, capacity, starts_on, ends_on, created_at,"
        " updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) on conflict do nothing",
        [
            (plan.id, batch.id, batch.code, batch.name, batch.course, batch.medium, batch.capacity, plan.starts_on,
             ends_on, plan.created_at)
            for batch in plan.batches
        ],
    )  # fmt: skip
    await _insert(
        tx,
        "insert into batch_subjects (institute_id, batch_id, subject_id, teacher_id) values ($1, $2, $3, $4)"
        " on conflict do nothing",
        [
            (plan.id, batch.id, subjects[code], ids[teacher])
            for batch in plan.batches
            for code, teacher in batch.subjects
        ],
    )
    await _insert(
        tx,
        "insert into enrolments (institute_id, id, batch_id, student_id, starts_on, created_at)"
        " values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        [
            (plan.id, _pair(batch.id, ids[student]), batch.id, ids[student], plan.starts_on, plan.created_at)
            for batch in plan.batches
            for student in batch.students
        ],
    )


async def _insert(tx: Write, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        await tx.conn.executemany(sql, rows)


def _pair(batch_id: Any, student_id: Any) -> Any:
    """An enrolment's id that is the same each time: made of both, within the id's random bits."""
    mask = (1 << 62) - 1
    return type(batch_id)(int=batch_id.int & ~mask | ((batch_id.int * 31 + student_id.int) & mask))
