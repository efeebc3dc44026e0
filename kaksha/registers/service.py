"""Whose record a caller gets, which days it is asked for, and the span of a day."""

from datetime import date, datetime, time, timedelta

import msgspec

from kaksha.core.answers import Pagination, raw
from kaksha.core.clock import local_date, zone
from kaksha.core.db import Conn
from kaksha.core.errors import Invalid, NotFound
from kaksha.core.http import Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID
from kaksha.notifications.service import after_cursor, cursor as cursor_of
from kaksha.registers import queries
from kaksha.registers.models import StudentAttendance, StudentAttendanceAnswer

RECENT = timedelta(days=30)
"""How far back a class that nobody marked is asked after."""


class Asked(msgspec.Struct, frozen=True):
    """Which classes of a record: of local days, both included, of a subject; a page of them, or those after one."""

    first: date | None = None
    last: date | None = None
    subject_id: UUID | None = None
    cursor: str | None = None
    page: int = 1
    limit: int = 20


async def student(
    conn: Conn, me: Principal, student_id: UUID, asked: Asked, now: datetime, parent_id: UUID | None = None
) -> StudentAttendanceAnswer:
    """A student's record for those who may see it; with `parent_id` as a child of this parent's.

    One statement. Raises NotFound and Invalid.
    """
    if parent_id not in (None, me.user_id) and not me.is_admin:
        raise NotFound
    _check(asked)
    row = await queries.student(
        conn, me.institute_id, student_id, parent_id or me.user_id, me.is_admin, parent_id is not None,
        local_date(now, me.zone), now, asked.first, asked.last, asked.subject_id, after_cursor(asked.cursor),
        asked.page, asked.limit,
    )  # fmt: skip
    if row is None:
        raise NotFound
    further = cursor_of(row["last_at"], row["last_id"]) if row["more"] else None
    pages = -(-row["total"] // asked.limit)
    return StudentAttendanceAnswer(
        data=raw(StudentAttendance, row["data"]),
        pagination=Pagination(asked.page, asked.limit, row["total"], pages, further),
    )


async def unmarked(conn: Conn, me: Principal, teacher_id: UUID | None, now: datetime) -> str:
    """Held classes still to be marked, as JSON: a teacher's, for the teacher and admins; None: all. Raises NotFound."""
    theirs = teacher_id not in (None, me.user_id)
    if theirs and not (me.is_admin and await queries.is_teacher(conn, me.institute_id, teacher_id)):
        raise NotFound
    return await queries.unmarked(conn, me.institute_id, teacher_id, now - RECENT, now)


async def day(conn: Conn, me: Principal, on: date, now: datetime) -> str:
    """An institute's day as JSON. Raises Invalid."""
    if not 2000 <= on.year <= 2100:
        raise Invalid({"on": [N_("Must be a year between 2000 and 2100.")]})
    local = zone(me.zone)
    start, end = (datetime.combine(one, time(), local) for one in (on, on + timedelta(1)))
    return await queries.day(conn, me.institute_id, on, start, end, now)


def _check(asked: Asked) -> None:
    problems: dict[str, list[str]] = {}
    for field, given in (("from", asked.first), ("to", asked.last)):
        if given is not None and not 2000 <= given.year <= 2100:
            problems[field] = [N_("Must be a year between 2000 and 2100.")]
    if not problems and asked.first and asked.last and asked.last < asked.first:
        problems["to"] = [N_("Cannot be before the first day.")]
    if problems:
        raise Invalid(problems)
