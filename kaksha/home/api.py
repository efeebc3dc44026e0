"""JSON routes: the dashboards, by id and by one's own role. What PostgreSQL built goes out untouched."""

from typing import Annotated

import msgspec
from litestar import Router, get
from litestar.params import FromPath, QueryParameter

from kaksha.core.http import Many, Ok, Request, allow, paged, raw
from kaksha.core.ids import UUID
from kaksha.home import service
from kaksha.home.models import DASHBOARDS, AnyDashboard, ChildCard, ParentDashboard, StudentDashboard, TeacherDashboard

Page = Annotated[int, QueryParameter(ge=1, le=100_000)]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]


@get("/students/{student_id:uuid}/dashboard", guards=allow())
async def student_dashboard(request: Request, student_id: FromPath[UUID]) -> Ok[StudentDashboard]:
    """A student's batches, teachers and parents: for the student, their parents, their teachers and admins."""
    async with request.read() as conn:
        found = await service.student(conn, request.me, student_id, request.now)
    return Ok(data=raw(StudentDashboard, found))


@get("/teachers/{teacher_id:uuid}/dashboard", guards=allow("teacher", "admin"))
async def teacher_dashboard(request: Request, teacher_id: FromPath[UUID]) -> Ok[TeacherDashboard]:
    """A teacher's batches, their students, who is new and what ends soon: for the teacher and admins."""
    async with request.read() as conn:
        found = await service.teacher(conn, request.me, teacher_id, request.now)
    return Ok(data=raw(TeacherDashboard, found))


@get("/parents/{parent_id:uuid}/dashboard", guards=allow("parent", "admin"))
async def parent_dashboard(request: Request, parent_id: FromPath[UUID]) -> Ok[ParentDashboard]:
    """A parent's children with their batches and teachers: for the parent and admins."""
    async with request.read() as conn:
        found = await service.parent(conn, request.me, parent_id, request.now)
    return Ok(data=raw(ParentDashboard, found))


@get("/parents/{parent_id:uuid}/children", guards=allow("parent", "admin"))
async def children(request: Request, parent_id: FromPath[UUID], page: Page = 1, limit: Limit = 20) -> Many[ChildCard]:
    """The children of the parent's dashboard, as a list. A parent has a handful: the page is cut from all of them."""
    async with request.read() as conn:
        found = await service.parent(conn, request.me, parent_id, request.now)
    every = msgspec.json.decode(found, type=ParentDashboard).children
    return paged(every[(page - 1) * limit : page * limit], page, limit, len(every))


@get("/users/dashboard/{role:str}", guards=allow())
async def own_dashboard(request: Request, role: FromPath[str]) -> Ok[AnyDashboard]:
    """One's own dashboard of a role that one holds: `student`, `teacher`, `parent` or `admin`."""
    async with request.read() as conn:
        found = await service.own(conn, request.me, role, request.now)
    return Ok(data=raw(DASHBOARDS[role], found))


routes = Router(
    "/v1",
    route_handlers=[student_dashboard, teacher_dashboard, parent_dashboard, children, own_dashboard],
    tags=["home"],
)
