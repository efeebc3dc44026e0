"""JSON routes: the slots of the weekly timetable."""

from datetime import date
from typing import Annotated

import msgspec
from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Response

from kaksha.core.clock import local_date
from kaksha.core.db import Conn
from kaksha.core.errors import NotFound
from kaksha.core.http import Ok, Request, allow, raw
from kaksha.core.ids import UUID
from kaksha.weekly import queries, service
from kaksha.weekly.models import NewSlot, Slot, SlotChange

Who = Annotated[UUID | None, QueryParameter()]


async def _slot(conn: Conn, request: Request, slot_id: UUID) -> Slot:
    today = local_date(request.now, request.me.zone)
    found = await queries.slots(conn, request.me.institute_id, None, None, None, today, slot_id)
    slots = msgspec.json.decode(found, type=list[Slot])
    if not slots:
        raise NotFound
    return slots[0]


@get("/timetable", guards=allow("admin"))
async def slots(request: Request, batch: Who = None, teacher: Who = None, room: Who = None) -> Ok[list[Slot]]:
    """The weekly timetable as it is from today on: of a batch, a teacher, a room or the whole institute."""
    today = local_date(request.now, request.me.zone)
    async with request.read() as conn:
        found = await queries.slots(conn, request.me.institute_id, batch, teacher, room, today)
    return Ok(data=raw(list[Slot], found))


@get("/timetable/{slot_id:uuid}", guards=allow("admin"))
async def slot(request: Request, slot_id: FromPath[UUID]) -> Ok[Slot]:
    """One slot."""
    async with request.read() as conn:
        return Ok(data=await _slot(conn, request, slot_id))


@post("/timetable", guards=allow("admin", permission="academics"))
async def add(request: Request, data: JSONBody[NewSlot]) -> Response[Ok[Slot]]:
    """A class of each week, with its classes of the next four weeks. 409 SLOT_IN_THE_WAY or CLASS_IN_THE_WAY."""
    async with request.write() as tx:
        slot_id, _ = await service.add(tx, data)
        return await tx.answer(Ok(data=await _slot(tx.conn, request, slot_id)), status=201)


@patch("/timetable/{slot_id:uuid}", guards=allow("admin", permission="academics"))
async def change(request: Request, slot_id: FromPath[UUID], data: JSONBody[SlotChange]) -> Response[Ok[Slot]]:
    """Change a slot from today, or from `on`, with its classes ahead. The answer may be a new slot: past weeks keep
    theirs."""
    async with request.write() as tx:
        slot_id = await service.change(tx, slot_id, data)
        return await tx.answer(Ok(data=await _slot(tx.conn, request, slot_id)))


@delete("/timetable/{slot_id:uuid}", status_code=200, guards=allow("admin", permission="academics"))
async def remove(request: Request, slot_id: FromPath[UUID], on: FromQuery[date | None] = None) -> Response[Ok[None]]:
    """Take a slot out of the timetable; `on` (today) is the first day without it. Its classes ahead go with it."""
    async with request.write() as tx:
        await service.remove(tx, slot_id, on)
        return await tx.answer(Ok(data=None))


routes = Router("/v1", route_handlers=[slots, slot, add, change, remove], tags=["classes"])
