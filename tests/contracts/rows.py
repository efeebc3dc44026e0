"""Rows that the guards add to the cast's institutes, and what an institute's rows amount to."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from kaksha.core.ids import new_id
from kaksha.sandbox.cast import AARAMBH, PRAYAS, the_cast
from tests.world import NOW, World

_ASHA = the_cast(NOW.date())[0].people[0].id
_START = (NOW - timedelta(days=100)).date()
_END = (NOW + timedelta(days=200)).date()


class Rows:
    """Inserts rows of one institute, as the owner; `count` is how many."""

    def __init__(self, owner: asyncpg.Connection, institute_id: UUID) -> None:
        self.owner, self.institute_id, self.count = owner, institute_id, 0

    async def add(self, table: str, **values: Any) -> None:
        given = {"institute_id": self.institute_id, **values}
        places = ", ".join(f"${place}" for place in range(1, len(given) + 1))
        await self.owner.execute(f"insert into {table} ({', '.join(given)}) values ({places})", *given.values())
        self.count += 1

    async def person(self, name: str, role: str, status: str = "active") -> UUID:
        made, rights = new_id(), ["desk"] if role == "admin" else []
        await self.add(
            "users", id=made, name=name, email=f"{name.lower().replace(' ', '.')}@example.org", roles=[role],
            permissions=rights, status=status, created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        if role == "student":
            await self.add("students", user_id=made, roll_no=name[-20:], grade="Class 9", joined_on=_START)
        if role == "teacher":
            await self.add("teachers", user_id=made, joined_on=_START)
        return made

    async def link(self, parent_id: UUID, student_id: UUID) -> None:
        await self.add("parent_links", parent_id=parent_id, student_id=student_id, relation="mother", created_at=NOW)

    async def enrol(self, batch_id: UUID, student_id: UUID) -> None:
        await self.add(
            "enrolments", id=new_id(), batch_id=batch_id, student_id=student_id, starts_on=_START, created_at=NOW
        )

    async def subject(self, name: str) -> UUID:
        made = new_id()
        await self.add("subjects", id=made, name=name, code=name[-12:], created_at=NOW, updated_at=NOW)
        return made

    async def batch(self, name: str) -> UUID:
        made = new_id()
        await self.add(
            "batches", id=made, name=name, code=name[-20:], course="Course", capacity=40, starts_on=_START,
            ends_on=_END, created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        return made

    async def session(self, user_id: UUID) -> UUID:
        made = new_id()
        await self.add(
            "sessions", id=made, user_id=user_id, kind="api", role="parent", created_at=NOW, seen_at=NOW,
            expires_at=NOW + timedelta(days=60),
        )  # fmt: skip
        return made

    async def passkey(self, user_id: UUID) -> UUID:
        made = new_id()
        await self.add(
            "passkeys", id=made, user_id=user_id, credential_id=made.bytes, public_key=b"", sign_count=0,
            backed_up=True, label="Phone", created_at=NOW,
        )  # fmt: skip
        return made

    async def invite(self, maker: UUID) -> UUID:
        made = new_id()
        await self.add(
            "invites", id=made, code_hash=made.bytes, role="student", uses=5, uses_left=5, created_by=maker,
            expires_at=NOW + timedelta(days=7), created_at=NOW,
        )  # fmt: skip
        return made

    async def held(self, batch_id: UUID, subject_id: UUID, teacher_id: UUID, days: int = 1) -> UUID:
        """A class that was held `days` ago."""
        made, starts_at = new_id(), NOW - timedelta(days=days)
        await self.add(
            "classes", id=made, batch_id=batch_id, subject_id=subject_id, teacher_id=teacher_id, starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=1), created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        return made

    async def taught(self, batch_id: UUID, subject_id: UUID, teacher_id: UUID) -> None:
        await self.add("batch_subjects", batch_id=batch_id, subject_id=subject_id, teacher_id=teacher_id)


async def second_family(owner: asyncpg.Connection) -> None:
    """What the other institute lacks for being asked after: Kabir's mother."""
    rows = Rows(owner, PRAYAS)
    mother = await rows.person("Nasreen Khan", "parent")
    for row in await owner.fetch("select user_id from students where institute_id = $1", PRAYAS):
        await rows.link(mother, row["user_id"])
    await rows.session(mother)
    await rows.passkey(mother)
    await rows.invite(mother)
    await _first_class(rows, 1)
    ours = Rows(owner, AARAMBH)
    await ours.passkey(_ASHA)
    await ours.invite(_ASHA)
    await _first_class(ours, 0)


async def _first_class(rows: Rows, institute: int) -> None:
    """A class of the cast's first batch that was held yesterday."""
    plan = the_cast(NOW.date())[institute]
    people = {person.key: person.id for person in plan.people}
    await rows.held(plan.batches[0].id, plan.subjects[0][0], people[plan.batches[0].subjects[0][1]])


async def completed(owner: asyncpg.Connection) -> None:
    """What Aarambh's cast lacks for each id of a route: Asha's passkey, and an invite."""
    rows = Rows(owner, AARAMBH)
    if not await owner.fetchval("select count(*) from sessions where institute_id = $1", AARAMBH):
        await rows.session(_ASHA)
    if not await owner.fetchval("select count(*) from passkeys where institute_id = $1", AARAMBH):
        await rows.passkey(_ASHA)
    if not await owner.fetchval("select count(*) from invites where institute_id = $1", AARAMBH):
        await rows.invite(_ASHA)
    if not await owner.fetchval("select count(*) from classes where institute_id = $1", AARAMBH):
        await _first_class(rows, 0)


async def twenty_more(owner: asyncpg.Connection, world: World) -> int:
    """Twenty more of everything that hangs on Rohan, Vikram, Sunita and their batch; answers how many rows."""
    rows, plan = Rows(owner, AARAMBH), world.institutes[0]
    batch, subject = plan.batches[0].id, plan.subjects[0][0]
    for number in range(20):
        student = await rows.person(f"Student {number}", "student")
        await rows.link(world.id("sunita"), student)
        await rows.enrol(batch, student)
        await rows.link(await rows.person(f"Parent {number}", "parent"), world.id("rohan"))
        await rows.person(f"Teacher {number}", "teacher")
        await rows.person(f"Admin {number}", "admin")
        await rows.taught(batch, await rows.subject(f"Subject {number}"), world.id("vikram"))
        another = await rows.batch(f"Batch {number}")
        await rows.taught(another, subject, world.id("vikram"))
        await rows.enrol(another, world.id("rohan"))
        held = await rows.held(batch, subject, world.id("vikram"), number + 2)
        await rows.add(
            "attendance_marks", class_id=held, student_id=world.id("rohan"), id=new_id(), status="absent", taken_at=NOW,
            marked_by=world.id("vikram"), marked_at=NOW,
        )  # fmt: skip
        await rows.invite(_ASHA)
    return rows.count


async def spare(owner: asyncpg.Connection) -> dict[str, UUID]:
    """Things of Aarambh that nothing hangs on, called Spare: they can be archived, linked, enrolled and enabled."""
    rows = Rows(owner, AARAMBH)
    return {
        "passkey_id": await rows.passkey(_ASHA),
        "invite_id": await rows.invite(_ASHA),
        "student_id": await rows.person("Spare Student", "student"),
        "person_id": await rows.person("Spare Parent", "parent", "disabled"),
        "subject_id": await rows.subject("Spare Subject"),
        "batch_id": await rows.batch("Spare Batch"),
    }


async def fingerprint(owner: asyncpg.Connection, institute_id: UUID) -> dict[str, tuple[int, str]]:
    """Rows and hash of every table of one institute."""
    tables = await owner.fetch(
        "select c.oid::regclass::text as name from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " and a.attname = 'institute_id' where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace"
    )
    found: dict[str, tuple[int, str]] = {}
    for table in tables:
        name = table["name"]
        row = await owner.fetchrow(
            f"select count(*), coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {name} t"
            " where institute_id = $1",
            institute_id,
        )
        found[name] = (row[0], row[1])
    return found
