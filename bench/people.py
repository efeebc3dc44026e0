"""Who asks: students of the large seed, each with a sign-in of their own, and what they send."""

from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import asyncpg
import msgspec

from kaksha.accounts.models import Device, Role
from kaksha.core.db import Database, Write
from kaksha.core.ids import UUID, new_id
from kaksha.core.seal import Keys
from kaksha.core.tokens import Opaque, Tokens
from kaksha.sandbox.cast import PASSWORD
from kaksha.sessions import queries
from kaksha.sessions.service import SIGN_IN_LIFE

__all__ = [
    "Person", "attendance", "dashboard", "mark", "notices", "refresh", "refreshed", "renewed", "sign_in", "students",
    "teachers",
]  # fmt: skip


class Person(msgspec.Struct):
    """A signed-in student; `address` is theirs alone, because limits count by it."""

    id: UUID
    institute_id: UUID
    email: str
    address: str
    refresh_token: str
    dashboard: bytes = b""
    """Their request for their own dashboard, whole; made anew with each access token."""
    notices: bytes = b""
    """Likewise for the list of their notices."""
    attendance: bytes = b""
    """The same for their attendance."""
    class_id: UUID | None = None
    """The class that a teacher marks, and who is in it."""
    pupils: list[str] = []
    token: str = ""
    turn: int = 0


async def students(owner_url: str, app_url: str, secret: str, most: int) -> list[Person]:
    """`most` students with a fresh sign-in each, alternating over all institutes; earlier sign-ins are removed."""
    owner = await asyncpg.connect(owner_url)
    try:
        await owner.execute("truncate refresh_tokens, push_targets, sessions, rate_limits, audit_log")
        rows = await owner.fetch(
            """
            select institute_id, id, email from (
              select u.*, row_number() over (partition by institute_id order by email) as place
              from users u where email like 's%@bench-%' and status = 'active') numbered
            order by place, institute_id limit $1
            """,
            most,
        )
    finally:
        await owner.close()
    keys = Keys(secret)
    now = datetime.now(UTC)
    people: list[Person] = []
    for number, row in enumerate(rows):
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        people.append(Person(row["id"], row["institute_id"], row["email"], address, ""))
    db = Database(app_url, keys, size=1)
    await db.open()
    for institute_id, members in groupby(sorted(people, key=_institute), key=_institute):
        async with db.write(institute_id) as tx:
            for person in members:
                await _open(tx, person, Tokens(keys).opaque("rt", institute_id), now)
    await db.close()
    return people


async def teachers(owner_url: str, app_url: str, secret: str, most: int) -> list[Person]:
    """`most` teachers with a fresh sign-in each, one for a batch: its last class is theirs to mark."""
    owner = await asyncpg.connect(owner_url)
    rows = await owner.fetch(
        """
        select * from (
          select distinct on (c.institute_id, c.batch_id) c.institute_id, c.id as class_id, c.teacher_id, u.email,
            array(
              select e.student_id::text from enrolments e
              where e.institute_id = c.institute_id and e.batch_id = c.batch_id
                and e.starts_on <= (c.starts_at at time zone 'Asia/Kolkata')::date order by 1) as pupils
          from classes c
          join users u on u.institute_id = c.institute_id and u.id = c.teacher_id and u.email like 't%@bench-%'
          where c.starts_at < now() order by c.institute_id, c.batch_id, c.starts_at desc) last
        where cardinality(pupils) = 40 order by class_id limit $1
        """,
        most,
    )
    await owner.close()
    keys, found, now = Keys(secret), list[Person](), datetime.now(UTC)
    db = Database(app_url, keys, size=1)
    await db.open()
    for number, row in enumerate(rows):
        address = f"10.200.{number >> 8 & 255}.{number & 255}"
        person = Person(row["teacher_id"], row["institute_id"], row["email"], address, "", class_id=row["class_id"],
                        pupils=row["pupils"])  # fmt: skip
        async with db.write(person.institute_id) as tx:
            await _open(tx, person, Tokens(keys).opaque("rt", person.institute_id), now, "teacher")
        found.append(person)
    await db.close()
    return found


async def _open(tx: Write, person: Person, token: Opaque, now: datetime, role: Role = "student") -> None:
    until, session_id = now + SIGN_IN_LIFE, new_id()
    await queries.insert_session(
        tx.conn, tx.institute_id, session_id, person.id, "api", None, role, Device(), now, until
    )
    await queries.insert_refresh_token(tx.conn, tx.institute_id, token.hash, session_id, now, until)
    person.refresh_token = token.text


def dashboard(person: Person) -> bytes:
    """A request for one's own dashboard, as a student."""
    return person.dashboard


def notices(person: Person) -> bytes:
    """A request for the first page of one's notices."""
    return person.notices


def attendance(person: Person) -> bytes:
    """A request for one's own attendance, as a student."""
    return person.attendance


def mark(person: Person) -> bytes:
    """Marks for the whole class, each turn others than before: three are absent."""
    person.turn += 1
    records = [
        {"studentId": pupil, "status": "absent" if (place + person.turn) % 13 == 0 else "present"}
        for place, pupil in enumerate(person.pupils)
    ]
    return _post(f"/v1/classes/{person.class_id}/attendance/mark", person.address, {"records": records}, person.token)


def refresh(person: Person) -> bytes:
    """A request for new tokens."""
    return _post("/v1/auth/refresh", person.address, {"refreshToken": person.refresh_token})


def refreshed(person: Person, body: bytes) -> None:
    """Keeps the refresh token that takes the used one's place."""
    person.refresh_token = msgspec.json.decode(body, type=_Answer).data.refresh_token


def renewed(person: Person, body: bytes) -> None:
    """Keeps both tokens."""
    tokens = msgspec.json.decode(body, type=_Answer).data
    person.refresh_token = tokens.refresh_token
    person.token = tokens.access_token
    person.dashboard = _get(f"/v1/students/{person.id}/dashboard", person, tokens.access_token)
    person.attendance = _get(f"/v1/students/{person.id}/attendance", person, tokens.access_token)
    person.notices = _get("/v1/notifications", person, tokens.access_token)


def _get(path: str, person: Person, token: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n"
        f"authorization: Bearer {token}\r\nx-forwarded-for: {person.address}\r\n\r\n"
    ).encode()


def sign_in(person: Person) -> bytes:
    """A sign-in by password."""
    return _post("/v1/auth/login", person.address, {"email": person.email, "password": PASSWORD})


def _post(path: str, address: str, body: dict[str, Any], token: str = "") -> bytes:
    sent = msgspec.json.encode(body)
    proof = f"authorization: Bearer {token}\r\n" if token else ""
    return (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\ncontent-type: application/json\r\n"
        f"{proof}x-forwarded-for: {address}\r\ncontent-length: {len(sent)}\r\n\r\n"
    ).encode() + sent


def _institute(person: Person) -> UUID:
    return person.institute_id


class _Tokens(msgspec.Struct, rename="camel"):
    access_token: str
    refresh_token: str


class _Answer(msgspec.Struct):
    data: _Tokens
