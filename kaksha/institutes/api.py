"""JSON routes: the caller's institute, its subjects and rooms."""

from typing import Annotated

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Response

from kaksha.core.db import Conn
from kaksha.core.errors import NotFound
from kaksha.core.http import Many, Ok, Request, allow, paged, raw
from kaksha.core.ids import UUID
from kaksha.institutes import queries, service
from kaksha.institutes.models import (
    Institute,
    InstituteChange,
    NewRoom,
    NewSubject,
    Room,
    RoomChange,
    Subject,
    SubjectChange,
    SubjectSort,
    tidy,
)  # fmt: skip


async def _institute(conn: Conn, request: Request) -> Institute:
    found = await queries.institute(conn, request.me.institute_id)
    if found is None:
        raise NotFound
    return raw(Institute, found)


def _own(request: Request, institute_id: UUID) -> None:
    """Another institute is not there."""
    if institute_id != request.me.institute_id:
        raise NotFound


@get("/institutes", guards=allow())
async def institutes(request: Request) -> Many[Institute]:
    """One's own institute, as a list of one."""
    async with request.read() as conn:
        return paged([await _institute(conn, request)], 1, 20, 1)


@get("/institutes/{institute_id:uuid}", guards=allow())
async def institute(request: Request, institute_id: FromPath[UUID]) -> Ok[Institute]:
    """One's own institute."""
    _own(request, institute_id)
    async with request.read() as conn:
        return Ok(data=await _institute(conn, request))


@patch("/institutes/{institute_id:uuid}", guards=allow("admin", permission="owner"))
async def change_institute(
    request: Request, institute_id: FromPath[UUID], data: JSONBody[InstituteChange]
) -> Response[Ok[Institute]]:
    """Change the institute's settings; what is absent stays, null clears."""
    _own(request, institute_id)
    async with request.write() as tx:
        await service.change(tx, data)
        answer = await tx.answer(Ok(data=await _institute(tx.conn, request)))
    await request.core.ears.settled()
    return answer


@get("/subjects", guards=allow())
async def subjects(
    request: Request,
    q: Annotated[str | None, QueryParameter(max_length=100)] = None,
    sort: FromQuery[SubjectSort] = "name",
    page: Annotated[int, QueryParameter(ge=1, le=100_000)] = 1,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
) -> Many[Subject]:
    """The institute's subjects; those of one's own (or one's children's) batches for all but admins."""
    me = request.me
    async with request.read() as conn:
        found = await queries.subjects(
            conn, me.institute_id, service.viewer(me), request.now, tidy(q or "") or None, sort, page, limit
        )
    return paged(raw(list[Subject], found["items"]), page, limit, found["total"])


async def _subject(conn: Conn, request: Request, subject_id: UUID) -> Subject:
    me = request.me
    found = await queries.subject(conn, me.institute_id, subject_id, service.viewer(me), request.now)
    if found is None:
        raise NotFound
    return raw(Subject, found)


@get("/subjects/{subject_id:uuid}", guards=allow())
async def subject(request: Request, subject_id: FromPath[UUID]) -> Ok[Subject]:
    """One subject."""
    async with request.read() as conn:
        return Ok(data=await _subject(conn, request, subject_id))


@post("/subjects", guards=allow("admin", permission="academics"))
async def add_subject(request: Request, data: JSONBody[NewSubject]) -> Response[Ok[Subject]]:
    """A new subject."""
    async with request.write() as tx:
        subject_id = await service.add_subject(tx, data)
        return await tx.answer(Ok(data=await _subject(tx.conn, request, subject_id)), status=201)


@patch("/subjects/{subject_id:uuid}", guards=allow("admin", permission="academics"))
async def change_subject(
    request: Request, subject_id: FromPath[UUID], data: JSONBody[SubjectChange]
) -> Response[Ok[Subject]]:
    """Change a subject; what is absent stays."""
    async with request.write() as tx:
        await service.change_subject(tx, subject_id, data)
        return await tx.answer(Ok(data=await _subject(tx.conn, request, subject_id)))


@delete("/subjects/{subject_id:uuid}", status_code=200, guards=allow("admin", permission="academics"))
async def archive_subject(request: Request, subject_id: FromPath[UUID]) -> Response[Ok[None]]:
    """Archive a subject. 409 SUBJECT_IN_USE names the batches that still teach it."""
    async with request.write() as tx:
        await service.archive_subject(tx, subject_id)
        return await tx.answer(Ok(data=None))


@get("/rooms", guards=allow("admin", "teacher"))
async def rooms(
    request: Request,
    q: Annotated[str | None, QueryParameter(max_length=100)] = None,
    page: Annotated[int, QueryParameter(ge=1, le=100_000)] = 1,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
) -> Many[Room]:
    """The rooms in use."""
    async with request.read() as conn:
        found = await queries.rooms(conn, request.me.institute_id, tidy(q or "") or None, page, limit)
    return paged(raw(list[Room], found["items"]), page, limit, found["total"])


async def _room(conn: Conn, request: Request, room_id: UUID) -> Room:
    found = await queries.room(conn, request.me.institute_id, room_id)
    if found is None:
        raise NotFound
    return found


@get("/rooms/{room_id:uuid}", guards=allow("admin", "teacher"))
async def room(request: Request, room_id: FromPath[UUID]) -> Ok[Room]:
    """One room."""
    async with request.read() as conn:
        return Ok(data=await _room(conn, request, room_id))


@post("/rooms", guards=allow("admin", permission="academics"))
async def add_room(request: Request, data: JSONBody[NewRoom]) -> Response[Ok[Room]]:
    """A new room."""
    async with request.write() as tx:
        room_id = await service.add_room(tx, data)
        return await tx.answer(Ok(data=await _room(tx.conn, request, room_id)), status=201)


@patch("/rooms/{room_id:uuid}", guards=allow("admin", permission="academics"))
async def change_room(request: Request, room_id: FromPath[UUID], data: JSONBody[RoomChange]) -> Response[Ok[Room]]:
    """Change a room; what is absent stays."""
    async with request.write() as tx:
        await service.change_room(tx, room_id, data)
        return await tx.answer(Ok(data=await _room(tx.conn, request, room_id)))


@delete("/rooms/{room_id:uuid}", status_code=200, guards=allow("admin", permission="academics"))
async def archive_room(request: Request, room_id: FromPath[UUID]) -> Response[Ok[None]]:
    """Archive a room. 409 ROOM_IN_USE while classes are planned there."""
    async with request.write() as tx:
        await service.archive_room(tx, room_id)
        return await tx.answer(Ok(data=None))


routes = Router(
    "/v1",
    route_handlers=[
        institutes, institute, change_institute, subjects, subject, add_subject, change_subject, archive_subject, rooms,
        room, add_room, change_room, archive_room,
    ],
    tags=["institutes"],
)  # fmt: skip
