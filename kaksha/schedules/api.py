"""JSON routes: schedules of the caller, a student, a teacher. What PostgreSQL built goes out untouched."""

from datetime import date
from typing import Annotated

from litestar import Router, get
from litestar.params import FromPath, QueryParameter

from kaksha.classes.models import Class
from kaksha.core.errors import NotFound
from kaksha.core.http import Many, Ok, Request, allow, paged, raw
from kaksha.core.ids import UUID
from kaksha.institutes.service import viewer
from kaksha.schedules import queries, service
from kaksha.schedules.models import days

From = Annotated[date | None, QueryParameter(name="from")]
To = Annotated[date | None, QueryParameter(name="to")]
Who = Annotated[UUID | None, QueryParameter()]
Page = Annotated[int, QueryParameter(ge=1, le=100_000)]
Limit = Annotated[int, QueryParameter(ge=1, le=500)]


@get("/classes/schedule", guards=allow())
async def schedule(
    request: Request, first: From = None, last: To = None, batch: Who = None, teacher: Who = None, student: Who = None,
    room: Who = None, page: Page = 1, limit: Limit = 100,
) -> Many[Class]:  # fmt: skip
    """One's own classes from one day to another (this week): all for an admin; what one teaches, or is in, or one's
    children are in, for everybody else. Who teaches a batch may ask for all of it."""
    me = request.me
    span = days(first, last, request.now, me.zone)
    async with request.read() as conn:
        found = await queries.schedule(
            conn, me.institute_id, viewer(me), span.start, span.end, request.now, batch, teacher, student, room, page,
            limit,
        )  # fmt: skip
    return paged(raw(list[Class], found["items"]), page, limit, found["total"])


@get("/students/{student_id:uuid}/schedule", guards=allow())
async def of_student(
    request: Request, student_id: FromPath[UUID], first: From = None, last: To = None
) -> Ok[list[Class]]:
    """A student's classes from one day to another (this week); for the student, parents, teachers and admins."""
    span = days(first, last, request.now, request.me.zone)
    async with request.read() as conn:
        return Ok(data=raw(list[Class], await service.student(conn, request.me, student_id, span, request.now)))


@get("/teachers/{teacher_id:uuid}/classes", guards=allow("teacher", "admin"))
async def of_teacher(
    request: Request, teacher_id: FromPath[UUID], first: From = None, last: To = None
) -> Ok[list[Class]]:
    """A teacher's classes from one day to another (this week), also those somebody stands in for; own, and admins."""
    me = request.me
    span = days(first, last, request.now, me.zone)
    async with request.read() as conn:
        found = await queries.teacher_week(
            conn, me.institute_id, teacher_id, me.user_id, me.is_admin, span.start, span.end, request.now
        )
    if found is None:
        raise NotFound
    return Ok(data=raw(list[Class], found))


routes = Router("/v1", route_handlers=[schedule, of_student, of_teacher], tags=["classes"])
