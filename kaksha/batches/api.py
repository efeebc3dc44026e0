"""JSON routes: /batches, what they are taught, and who is in them."""

from datetime import date
from typing import Annotated

from litestar import Router, delete, get, patch, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Response

from kaksha.batches import queries, service
from kaksha.batches.models import (
    Batch,
    BatchChange,
    BatchSort,
    Enrolment,
    NewBatch,
    NewEnrolment,
    NewTransfer,
    RosterSort,
    RosterStudent,
    Teaching,
)  # fmt: skip
from kaksha.core.db import Conn
from kaksha.core.errors import NotFound
from kaksha.core.http import Many, Ok, Request, allow, paged, raw
from kaksha.core.ids import UUID
from kaksha.institutes.models import tidy
from kaksha.institutes.service import viewer

Search = Annotated[str | None, QueryParameter(max_length=100)]
Page = Annotated[int, QueryParameter(ge=1, le=100_000)]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]


@get("/batches", guards=allow())
async def batches(
    request: Request,
    q: Search = None,
    course: Search = None,
    subject_id: Annotated[UUID | None, QueryParameter(name="subjectId")] = None,
    sort: FromQuery[BatchSort] = "name",
    page: Page = 1,
    limit: Limit = 20,
) -> Many[Batch]:
    """All batches for an admin; those one teaches, is in or has a child in for everybody else."""
    async with request.read() as conn:
        found = await queries.batches(
            conn, request.me.institute_id, viewer(request.me), request.now, tidy(q or "") or None,
            tidy(course or "") or None, subject_id, sort, page, limit,
        )  # fmt: skip
    return paged(raw(list[Batch], found["items"]), page, limit, found["total"])


async def _batch(conn: Conn, request: Request, batch_id: UUID) -> Batch:
    found = await queries.batch(conn, request.me.institute_id, batch_id, viewer(request.me), request.now)
    if found is None:
        raise NotFound
    return raw(Batch, found)


@get("/batches/{batch_id:uuid}", guards=allow())
async def batch(request: Request, batch_id: FromPath[UUID]) -> Ok[Batch]:
    """One batch, for those who belong to it and admins."""
    async with request.read() as conn:
        return Ok(data=await _batch(conn, request, batch_id))


@post("/batches", guards=allow("admin", permission="academics"))
async def create(request: Request, data: JSONBody[NewBatch]) -> Response[Ok[Batch]]:
    """A new batch, without subjects and students."""
    async with request.write() as tx:
        batch_id = await service.create(tx, data)
        return await tx.answer(Ok(data=await _batch(tx.conn, request, batch_id)), status=201)


@patch("/batches/{batch_id:uuid}", guards=allow("admin", permission="academics"))
async def change(request: Request, batch_id: FromPath[UUID], data: JSONBody[BatchChange]) -> Response[Ok[Batch]]:
    """Change a batch; what is absent stays."""
    async with request.write() as tx:
        await service.change(tx, batch_id, data)
        return await tx.answer(Ok(data=await _batch(tx.conn, request, batch_id)))


@delete("/batches/{batch_id:uuid}", status_code=200, guards=allow("admin", permission="academics"))
async def archive(request: Request, batch_id: FromPath[UUID]) -> Response[Ok[None]]:
    """Archive a batch that is over or empty; 409 BATCH_IN_USE while students are in it."""
    async with request.write() as tx:
        await service.archive(tx, batch_id)
        return await tx.answer(Ok(data=None))


@put("/batches/{batch_id:uuid}/subjects", guards=allow("admin", permission="academics"))
async def set_subjects(
    request: Request, batch_id: FromPath[UUID], data: JSONBody[list[Teaching]]
) -> Response[Ok[Batch]]:
    """Set all that a batch is taught, and by whom; what the list leaves out is taught no more."""
    async with request.write() as tx:
        await service.set_subjects(tx, batch_id, data)
        return await tx.answer(Ok(data=await _batch(tx.conn, request, batch_id)))


@get("/batches/{batch_id:uuid}/students", guards=allow("admin", "teacher"))
async def students(
    request: Request,
    batch_id: FromPath[UUID],
    q: Search = None,
    sort: FromQuery[RosterSort] = "name",
    page: Page = 1,
    limit: Limit = 20,
) -> Many[RosterStudent]:
    """Who is in a batch, or will be; for admins and those who teach it."""
    async with request.read() as conn:
        found = await queries.roster(
            conn, request.me.institute_id, batch_id, viewer(request.me), request.now, tidy(q or "") or None, sort, page,
            limit,
        )  # fmt: skip
    if found is None:
        raise NotFound
    return paged(raw(list[RosterStudent], found["items"]), page, limit, found["total"])


@post("/batches/{batch_id:uuid}/enrolments", guards=allow("admin", permission="academics"))
async def enrol(request: Request, batch_id: FromPath[UUID], data: JSONBody[NewEnrolment]) -> Response[Ok[Enrolment]]:
    """Put a student into a batch, from today on or from `startsOn`."""
    async with request.write() as tx:
        return await tx.answer(Ok(data=await service.enrol(tx, batch_id, data)), status=201)


@delete(
    "/batches/{batch_id:uuid}/enrolments/{student_id:uuid}",
    status_code=200,
    guards=allow("admin", permission="academics"),
)
async def remove(
    request: Request, batch_id: FromPath[UUID], student_id: FromPath[UUID], on: FromQuery[date | None] = None
) -> Response[Ok[Enrolment]]:
    """Take a student out of a batch; `on` (today) is the first day they are not in it any more. The record stays."""
    async with request.write() as tx:
        return await tx.answer(Ok(data=await service.remove(tx, batch_id, student_id, on)))


@post("/batches/{batch_id:uuid}/enrolments/{student_id:uuid}/transfer", guards=allow("admin", permission="academics"))
async def transfer(
    request: Request, batch_id: FromPath[UUID], student_id: FromPath[UUID], data: JSONBody[NewTransfer]
) -> Response[Ok[Enrolment]]:
    """Move a student to another batch, from today or from `on`: leaves the one and joins the other, or neither."""
    async with request.write() as tx:
        return await tx.answer(Ok(data=await service.transfer(tx, batch_id, student_id, data)), status=201)


routes = Router(
    "/v1",
    route_handlers=[batches, batch, create, change, archive, set_subjects, students, enrol, remove, transfer],
    tags=["batches"],
)
