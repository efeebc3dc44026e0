"""JSON routes: one class, one-off classes, start and end."""

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody
from litestar.response import Response

from kaksha.classes import queries, service
from kaksha.classes.models import Class, EndBody, NewClass, StartBody
from kaksha.core.db import Conn
from kaksha.core.errors import NotFound
from kaksha.core.http import Ok, Request, allow, raw
from kaksha.core.ids import UUID
from kaksha.institutes.service import viewer


async def _class(conn: Conn, request: Request, class_id: UUID) -> Class:
    found = await queries.one(conn, request.me.institute_id, class_id, viewer(request.me), request.now)
    if found is None:
        raise NotFound
    return raw(Class, found)


@get("/classes/{class_id:uuid}", guards=allow())
async def one(request: Request, class_id: FromPath[UUID]) -> Ok[Class]:
    """A class, for those who teach it or are in its batch on its day, and admins."""
    async with request.read() as conn:
        return Ok(data=await _class(conn, request, class_id))


@post("/classes", guards=allow("admin", permission="academics"))
async def create(request: Request, data: JSONBody[NewClass]) -> Response[Ok[Class]]:
    """A class that is not in the timetable. 409 CLASS_IN_THE_WAY names what is, and when there is room."""
    async with request.write() as tx:
        class_id = await service.create(tx, data)
        return await tx.answer(Ok(data=await _class(tx.conn, request, class_id)), status=201)


@post("/classes/start", guards=allow("teacher", "admin"))
async def start(request: Request, data: JSONBody[StartBody]) -> Response[Ok[Class]]:
    """Start a class, any time before it ends; its teacher or an admin. Again: another link."""
    async with request.write() as tx:
        await service.start(tx, request.me, data.class_id, data.meeting_url)
        return await tx.answer(Ok(data=await _class(tx.conn, request, data.class_id)))


@post("/classes/end", guards=allow("teacher", "admin"))
async def end(request: Request, data: JSONBody[EndBody]) -> Response[Ok[Class]]:
    """End a live class; its teacher or an admin."""
    async with request.write() as tx:
        await service.end(tx, request.me, data.class_id)
        return await tx.answer(Ok(data=await _class(tx.conn, request, data.class_id)))


routes = Router("/v1", route_handlers=[one, create, start, end], tags=["classes"])
