"""JSON routes: the institute's people, and a parent's children."""

from typing import Annotated

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Response

from kaksha.accounts.models import Role
from kaksha.core.db import Conn
from kaksha.core.errors import NotFound
from kaksha.core.http import Many, Ok, Request, RequestWrite, allow, paged, raw
from kaksha.core.ids import UUID
from kaksha.institutes.models import tidy
from kaksha.people import queries, service
from kaksha.people.models import (
    STATUSES,
    Child,
    ChildLink,
    Listed,
    NewPerson,
    PeopleSort,
    PersonChange,
    PersonRecord,
    Status,
)  # fmt: skip


@get("/people", guards=allow("admin"))
async def people(
    request: Request,
    role: FromQuery[Role | None] = None,
    status: FromQuery[Status | None] = None,
    q: Annotated[str | None, QueryParameter(max_length=100)] = None,
    sort: FromQuery[PeopleSort] = "name",
    page: Annotated[int, QueryParameter(ge=1, le=100_000)] = 1,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
) -> Many[Listed]:
    """The institute's people. `q`: words of a name, the start of a roll number or e-mail, the end of a phone number."""
    statuses = STATUSES if status is None else (status,)
    async with request.read() as conn:
        found = await queries.people(
            conn, request.me.institute_id, tidy(q or "") or None, role, statuses, sort, page, limit
        )
    return paged(raw(list[Listed], found["items"]), page, limit, found["total"])


async def _person(conn: Conn, request: Request, person_id: UUID) -> PersonRecord:
    me = request.me
    found = await queries.person(conn, me.institute_id, person_id, me.user_id, me.is_admin, request.now)
    if found is None:
        raise NotFound
    return raw(PersonRecord, found)


async def _answer(tx: RequestWrite, request: Request, person_id: UUID, status: int = 200) -> Response[Ok[PersonRecord]]:
    return await tx.answer(Ok(data=await _person(tx.conn, request, person_id)), status)


@get("/people/{person_id:uuid}", guards=allow("admin", "teacher"))
async def person(request: Request, person_id: FromPath[UUID]) -> Ok[PersonRecord]:
    """One person; a teacher sees the students they teach."""
    async with request.read() as conn:
        return Ok(data=await _person(conn, request, person_id))


@post("/people", guards=allow("admin", permission=("desk", "academics")))
async def add_person(request: Request, data: JSONBody[NewPerson]) -> Response[Ok[PersonRecord]]:
    """Add a person. Needs the right `desk` or `academics`; admins are added by owners."""
    async with request.write() as tx:
        person_id = await service.create(tx, request.me, data)
        return await _answer(tx, request, person_id, 201)


@patch("/people/{person_id:uuid}", guards=allow("admin", permission=("desk", "academics")))
async def change_person(
    request: Request, person_id: FromPath[UUID], data: JSONBody[PersonChange]
) -> Response[Ok[PersonRecord]]:
    """Change a person; what is absent stays. Needs `desk` or `academics`; admins are changed by owners."""
    async with request.write() as tx:
        await service.change(tx, request.me, person_id, data)
        return await _answer(tx, request, person_id)


@post("/people/{person_id:uuid}/disable", status_code=200, guards=allow("admin", permission=("desk", "academics")))
async def disable_person(request: Request, person_id: FromPath[UUID]) -> Response[Ok[PersonRecord]]:
    """Keep a person out: all their sign-ins end at once. Doing it twice changes nothing."""
    async with request.write() as tx:
        await service.disable(tx, request.me, person_id)
        return await _answer(tx, request, person_id)


@post("/people/{person_id:uuid}/enable", status_code=200, guards=allow("admin", permission=("desk", "academics")))
async def enable_person(request: Request, person_id: FromPath[UUID]) -> Response[Ok[PersonRecord]]:
    """Let a person in: again after they were disabled, or at last when they were waiting for approval."""
    async with request.write() as tx:
        await service.enable(tx, request.me, person_id)
        return await _answer(tx, request, person_id)


@post("/people/{person_id:uuid}/children", guards=allow("admin", permission=("desk", "academics")))
async def link_child(request: Request, person_id: FromPath[UUID], data: JSONBody[ChildLink]) -> Response[Ok[Child]]:
    """Link a student to a parent."""
    async with request.write() as tx:
        await service.link(tx, request.me, person_id, data)
        child = await queries.child(tx.conn, tx.institute_id, person_id, data.student_id)
        assert child is not None
        return await tx.answer(Ok(data=raw(Child, child)), status=201)


@delete(
    "/people/{person_id:uuid}/children/{student_id:uuid}",
    status_code=200,
    guards=allow("admin", permission=("desk", "academics")),
)
async def unlink_child(request: Request, person_id: FromPath[UUID], student_id: FromPath[UUID]) -> Response[Ok[None]]:
    """End the link of a parent and a child."""
    async with request.write() as tx:
        await service.unlink(tx, request.me, person_id, student_id)
        return await tx.answer(Ok(data=None))


routes = Router(
    "/v1",
    route_handlers=[
        people, person, add_person, change_person, disable_person, enable_person, link_child, unlink_child,
    ],
    tags=["people"],
)  # fmt: skip
