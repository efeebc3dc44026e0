"""Puts a planned institute into the database, all rows of a table at once. Planting twice changes nothing."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import cast

import msgspec

from kaksha.core.db import Conn, Database, Write
from kaksha.core.ids import UUID
from kaksha.sandbox import queries
from kaksha.sandbox.cast import BatchPlan, InstitutePlan, Member
from kaksha.weekly import service as weekly

__all__ = ["Enrolled", "admitted", "batch_days", "enrolled", "plant", "plant_rows", "turn_week"]


class Enrolled(msgspec.Struct, frozen=True):
    """A planned enrolment."""

    id: UUID
    batch: BatchPlan
    student: Member
    starts_on: date
    created_at: datetime


async def plant(db: Database, owner: object, plan: InstitutePlan, password_hash: str) -> None:
    """One institute with everybody in it, everyone signing in with the same password.

    `owner` is a connection of the database's owner: the application itself may not make institutes.
    """
    await queries.plant_institute(cast(Conn, owner), plan)
    async with db.write(plan.id) as tx:
        await plant_rows(tx, plan, password_hash)


async def plant_rows(tx: Write, plan: InstitutePlan, password_hash: str) -> None:
    """Everything inside an institute that stands."""
    await _people(tx.conn, plan, password_hash)
    await _batches(tx.conn, plan)
    await _week(tx, plan)


async def turn_week(tx: Write, plan: InstitutePlan) -> None:
    """Makes the session's holidays and the classes of the last three months and the next weeks that are missing.

    What is past was held, but now and then one was cancelled: always the same ones.
    """
    if plan.slots:
        made = _before(plan)
        await queries.plant_holidays(tx.conn, [(plan.id, *holiday, made) for holiday in plan.holidays])
        await weekly.backfill(tx, tx.now - timedelta(92))
        await queries.hold_classes(tx.conn, plan.id, tx.now)


def admitted(plan: InstitutePlan, person: Member) -> datetime:
    """When somebody came into the system: students a month before the session, the others with the institute."""
    if person.created_at is not None:
        return person.created_at
    return _before(plan) if "student" in person.roles else plan.created_at


def batch_days(plan: InstitutePlan, batch: BatchPlan) -> tuple[date, date, datetime]:
    """First day, last day and when it was set up."""
    session_ends_on = plan.starts_on.replace(year=plan.starts_on.year + 1) - timedelta(1)
    return batch.starts_on or plan.starts_on, batch.ends_on or session_ends_on, _before(plan)


def enrolled(plan: InstitutePlan) -> Iterator[Enrolled]:
    """Everybody's enrolments."""
    people = {person.key: person for person in plan.people}
    for batch in plan.batches:
        for student in (people[key] for key in batch.students):
            starts_on = max(batch_days(plan, batch)[0], student.joined_on or plan.starts_on)
            yield Enrolled(_pair(batch.id, student.id), batch, student, starts_on, admitted(plan, student))


def _before(plan: InstitutePlan) -> datetime:
    """The first of March before the session, 10 am in India."""
    return datetime.combine(plan.starts_on - timedelta(31), time(4, 30), UTC)


async def _people(conn: Conn, plan: InstitutePlan, password_hash: str) -> None:
    ids = {person.key: person.id for person in plan.people}
    await queries.plant_users(
        conn,
        [
            (plan.id, person.id, person.name, person.email, person.phone, password_hash, list(person.roles),
             list(person.permissions), person.status, person.language,
             admitted(plan, person) if person.status == "active" else None, admitted(plan, person))
            for person in plan.people
        ],
    )  # fmt: skip
    await queries.plant_students(
        conn,
        [
            (plan.id, person.id, person.roll_no, person.grade, person.joined_on or plan.starts_on)
            for person in plan.people
            if "student" in person.roles
        ],
    )
    await queries.plant_teachers(
        conn,
        [
            (plan.id, person.id, person.title, person.joined_on or plan.created_at.date())
            for person in plan.people
            if "teacher" in person.roles
        ],
    )
    await queries.plant_parent_links(
        conn,
        [
            (plan.id, person.id, ids[child], person.relation, plan.created_at)
            for person in plan.people
            for child in person.children
        ],
    )


async def _batches(conn: Conn, plan: InstitutePlan) -> None:
    ids = {person.key: person.id for person in plan.people}
    subjects = {code: subject_id for subject_id, code, _ in plan.subjects}
    await queries.plant_subjects(
        conn, [(plan.id, subject_id, code, name, plan.created_at) for subject_id, code, name in plan.subjects]
    )
    await queries.plant_batches(
        conn,
        [
            (plan.id, batch.id, batch.code, batch.name, batch.course, batch.medium, batch.capacity,
             *batch_days(plan, batch))
            for batch in plan.batches
        ],
    )  # fmt: skip
    await queries.plant_batch_subjects(
        conn,
        [
            (plan.id, batch.id, subjects[code], ids[teacher])
            for batch in plan.batches
            for code, teacher in batch.subjects
        ],
    )
    await queries.plant_enrolments(
        conn,
        [
            (plan.id, enrolment.id, enrolment.batch.id, enrolment.student.id, enrolment.starts_on, enrolment.created_at)
            for enrolment in enrolled(plan)
        ],
    )


async def _week(tx: Write, plan: InstitutePlan) -> None:
    """Rooms, holidays and the weekly timetable."""
    made = plan.created_at
    people = {person.key: person.id for person in plan.people}
    subjects = {code: subject_id for subject_id, code, _ in plan.subjects}
    batches = {batch.code: batch.id for batch in plan.batches}
    await queries.plant_rooms(tx.conn, [(plan.id, *room, made) for room in plan.rooms])
    await queries.plant_slots(
        tx.conn,
        [
            (plan.id, slot.id, batches[slot.batch], subjects[slot.subject], people[slot.teacher], slot.room,
             slot.weekday, slot.starts, slot.minutes, made.date(), made)
            for slot in plan.slots
        ],
    )  # fmt: skip


def _pair(batch_id: UUID, student_id: UUID) -> UUID:
    """An enrolment's id that is the same each time: a hash of both, within the id's random bits."""
    mask = (1 << 62) - 1
    mixed = int.from_bytes(hashlib.blake2b(batch_id.bytes + student_id.bytes, digest_size=8).digest())
    return UUID(int=batch_id.int & ~mask | mixed & mask)
