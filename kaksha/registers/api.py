"""JSON routes: a student's record, classes still to be marked, an institute's day."""

from datetime import date
from typing import Annotated

from litestar import Router, get
from litestar.params import FromPath, FromQuery, QueryParameter

from kaksha.core.clock import local_date
from kaksha.core.http import Ok, Request, allow, raw
from kaksha.core.ids import UUID
from kaksha.registers import service
from kaksha.registers.models import Day, StudentAttendanceAnswer, Unmarked

From = Annotated[date | None, QueryParameter(name="from")]
To = Annotated[date | None, QueryParameter(name="to")]
Subject = Annotated[UUID | None, QueryParameter()]
Cursor = Annotated[str | None, QueryParameter(max_length=200)]
Page = Annotated[int, QueryParameter(ge=1, le=100_000)]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]


@get("/students/{student_id:uuid}/attendance", guards=allow())
async def student(
    request: Request, student_id: FromPath[UUID], first: From = None, last: To = None, subject: Subject = None,
    cursor: Cursor = None, page: Page = 1, limit: Limit = 20,
) -> StudentAttendanceAnswer:  # fmt: skip
    """A student's attendance: since joining, by month and subject, and the classes asked for, newest first."""
    asked = service.Asked(first, last, subject, cursor, page, limit)
    async with request.read() as conn:
        return await service.student(conn, request.me, student_id, asked, request.now)


@get("/parents/{parent_id:uuid}/children/{student_id:uuid}/attendance", guards=allow("parent", "admin"))
async def child(
    request: Request, parent_id: FromPath[UUID], student_id: FromPath[UUID], first: From = None, last: To = None,
    subject: Subject = None, cursor: Cursor = None, page: Page = 1, limit: Limit = 20,
) -> StudentAttendanceAnswer:  # fmt: skip
    """The same of a parent's child."""
    asked = service.Asked(first, last, subject, cursor, page, limit)
    async with request.read() as conn:
        return await service.student(conn, request.me, student_id, asked, request.now, parent_id)


@get("/teachers/{teacher_id:uuid}/attendance/unmarked", guards=allow("teacher", "admin"))
async def unmarked(request: Request, teacher_id: FromPath[UUID]) -> Ok[list[Unmarked]]:
    """Classes of the last 30 days that a teacher gave and has not marked, or not wholly; newest first."""
    async with request.read() as conn:
        return Ok(data=raw(list[Unmarked], await service.unmarked(conn, request.me, teacher_id, request.now)))


@get("/attendance/day", guards=allow("admin"))
async def day(request: Request, on: FromQuery[date | None] = None) -> Ok[Day]:
    """The institute's day (today): its classes with how they were attended, and who was absent, by batch."""
    on = on or local_date(request.now, request.me.zone)
    async with request.read() as conn:
        return Ok(data=raw(Day, await service.day(conn, request.me, on, request.now)))


routes = Router("/v1", route_handlers=[student, child, unmarked, day], tags=["attendance"])
