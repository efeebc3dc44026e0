"""Rows that the guards add to the cast's institutes, and what an institute's rows amount to."""

import hashlib
from datetime import time, timedelta
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

    async def notification(self, user_id: UUID) -> UUID:
        notice, made = new_id(), new_id()
        texts = '{"en": {"title": "Title", "body": "Body"}, "hi": {"title": "Title", "body": "Body"}}'
        await self.add(
            "notices", id=notice, kind="joining.approved", texts=texts, data='{"path": "/home"}', made_at=NOW, at=NOW,
            routed_at=NOW,
        )  # fmt: skip
        await self.add("notifications", id=made, notice_id=notice, user_id=user_id, kind="joining.approved", at=NOW)
        return made

    async def target(self, user_id: UUID) -> UUID:
        made, session_id = new_id(), await self.session(user_id)
        await self.add(
            "push_targets", id=made, user_id=user_id, session_id=session_id, service="fcm", address=f"device-{made}",
            address_hash=hashlib.sha256(f"device-{made}".encode()).digest(), created_at=NOW,
        )  # fmt: skip
        return made

    async def file(self, uploader: UUID, purpose: str = "document") -> UUID:
        """A file's row; its bytes are nowhere."""
        made = new_id()
        await self.add(
            "files", id=made, uploader_id=uploader, purpose=purpose, name="a.pdf", content_type="application/pdf",
            size=9, sha256=bytes(32), created_at=NOW,
        )  # fmt: skip
        return made

    async def room(self, name: str) -> UUID:
        made = new_id()
        await self.add("rooms", id=made, name=name, capacity=30, created_at=NOW, updated_at=NOW)
        return made

    async def holiday(self, name: str) -> UUID:
        made = new_id()
        await self.add(
            "holidays", id=made, name=name, starts_on=_END, ends_on=_END, created_at=NOW, updated_at=NOW
        )  # fmt: skip
        return made

    async def slot(self, batch_id: UUID, subject_id: UUID, teacher_id: UUID, weekday: int = 2, hour: int = 3) -> UUID:
        made = new_id()
        await self.add(
            "timetable_slots", id=made, batch_id=batch_id, subject_id=subject_id, teacher_id=teacher_id,
            weekday=weekday, starts=time(hour), minutes=30, from_on=_START, created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        return made

    async def class_(
        self, batch_id: UUID, subject_id: UUID, teacher_id: UUID, hours: float, **state: Any
    ) -> UUID:  # fmt: skip
        """A class that begins in so many hours and lasts half an hour."""
        made = new_id()
        starts_at = NOW + timedelta(hours=hours)
        await self.add(
            "classes", id=made, batch_id=batch_id, subject_id=subject_id, teacher_id=teacher_id, starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=30), created_at=NOW, updated_at=NOW, **state,
        )  # fmt: skip
        return made

    async def week(self, hours: float = 30) -> None:
        """What a timetable needs, for the first batch that is taught something, unless it is there."""
        if await self.owner.fetchval("select count(*) from classes where institute_id = $1", self.institute_id):
            return
        row = await self.owner.fetchrow(
            "select batch_id, subject_id, teacher_id from batch_subjects where institute_id = $1 order by 1, 2 limit 1",
            self.institute_id,
        )  # fmt: skip
        assert row is not None
        await self.room("Hall")
        await self.holiday("Festival")
        await self.slot(*row)
        await self.class_(*row, hours)

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
    await rows.week()
    await _first_class(rows, 1)
    await rows.notification(mother)
    await rows.target(mother)
    await rows.file(mother)
    ours = Rows(owner, AARAMBH)
    await ours.passkey(_ASHA)
    await ours.invite(_ASHA)
    await ours.week()
    await _first_class(ours, 0)
    await ours.notification(_ASHA)
    await ours.target(_ASHA)
    await ours.file(_ASHA)


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
    await rows.week()
    if not await owner.fetchval("select count(*) from classes where institute_id = $1 and ends_at < $2", AARAMBH, NOW):
        await _first_class(rows, 0)
    if not await owner.fetchval(
        "select count(*) from notifications where institute_id = $1 and user_id = $2", AARAMBH, _ASHA
    ):
        await rows.notification(_ASHA)
    if not await owner.fetchval("select count(*) from push_targets where institute_id = $1", AARAMBH):
        await rows.target(_ASHA)
    if not await owner.fetchval("select count(*) from files where institute_id = $1", AARAMBH):
        await rows.file(_ASHA)


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
        for person in ("rohan", "vikram", "sunita", "asha"):
            await rows.notification(world.id(person))
        await rows.target(_ASHA)
        await rows.file(_ASHA)
        await rows.file(world.id("rohan"))
        await rows.room(f"Room {number}")
        await rows.holiday(f"Holiday {number}")
        await rows.slot(batch, subject, world.id("vikram"), 1 + number % 6, 4 + number % 16)
        await rows.class_(batch, subject, world.id("vikram"), 40 + number)
    return rows.count


async def spare(owner: asyncpg.Connection) -> dict[str, UUID]:
    """Things of Aarambh that nothing hangs on, called Spare: they can be archived, linked, enrolled and enabled."""
    rows = Rows(owner, AARAMBH)
    plan = the_cast(NOW.date())[0]
    taught = (plan.batches[0].id, plan.subjects[0][0], plan.people[1].id)
    return {
        "room_id": await rows.room("Spare Room"),
        "holiday_id": await rows.holiday("Spare Day"),
        "slot_id": await rows.slot(*taught, 3, 2),
        "class_id": await rows.class_(*taught, 2),
        "live_id": await rows.class_(*taught, -0.2, started_at=NOW - timedelta(minutes=12)),
        "cancelled_id": await rows.class_(*taught, 4, cancelled_at=NOW, cancel_reason="Rain"),
        "passkey_id": await rows.passkey(_ASHA),
        "invite_id": await rows.invite(_ASHA),
        "notification_id": await rows.notification(_ASHA),
        "target_id": await rows.target(_ASHA),
        "file_id": await rows.file(_ASHA),
        "student_id": await rows.person("Spare Student", "student"),
        "person_id": await rows.person("Spare Parent", "parent", "disabled"),
        "subject_id": await rows.subject("Spare Subject"),
        "batch_id": await rows.batch("Spare Batch"),
        "waiting": await rows.person("Waiting Student", "student", "pending"),
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
