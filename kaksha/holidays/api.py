"""JSON routes: holidays."""

from datetime import date, timedelta
from typing import Annotated

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Response

from kaksha.core.clock import local_date, session_start
from kaksha.core.db import Conn
from kaksha.core.errors import NotFound
from kaksha.core.http import Many, Ok, Request, allow, paged, raw
from kaksha.core.ids import UUID
from kaksha.holidays import queries, service
from kaksha.holidays.models import Holiday, HolidayChange, NewHoliday
from kaksha.institutes.service import viewer

_ACADEMICS = allow("admin", permission="academics")


async def _holiday(conn: Conn, request: Request, holiday_id: UUID) -> Holiday:
    found = await queries.holiday(conn, request.me.institute_id, holiday_id)
    if found is None:
        raise NotFound
    return raw(Holiday, found)


@get("/holidays", guards=allow())
async def holidays(
    request: Request,
    first: Annotated[date | None, QueryParameter(name="from")] = None,
    last: Annotated[date | None, QueryParameter(name="to")] = None,
    page: Annotated[int, QueryParameter(ge=1, le=100_000)] = 1,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
) -> Many[Holiday]:
    """The holidays of this session, or from one day to another: the institute's, and those of one's batches."""
    me = request.me
    today = local_date(request.now, me.zone)
    begins = session_start(today)
    async with request.read() as conn:
        found = await queries.holidays(
            conn, me.institute_id, viewer(me), first or begins, last or begins + timedelta(365), today, page, limit
        )
    return paged(raw(list[Holiday], found["items"]), page, limit, found["total"])


@get("/holidays/{holiday_id:uuid}", guards=allow("admin"))
async def holiday(request: Request, holiday_id: FromPath[UUID]) -> Ok[Holiday]:
    """One holiday."""
    async with request.read() as conn:
        return Ok(data=await _holiday(conn, request, holiday_id))


@post("/holidays", guards=_ACADEMICS)
async def add(request: Request, data: JSONBody[NewHoliday]) -> Response[Ok[Holiday]]:
    """Days without classes: those of these days that have not begun are cancelled, and people are told."""
    async with request.write() as tx:
        holiday_id = await service.add(tx, data)
        return await tx.answer(Ok(data=await _holiday(tx.conn, request, holiday_id)), status=201)


@patch("/holidays/{holiday_id:uuid}", guards=_ACADEMICS)
async def change(
    request: Request, holiday_id: FromPath[UUID], data: JSONBody[HolidayChange]
) -> Response[Ok[Holiday]]:  # fmt: skip
    """Change a holiday; classes of days that are none any more take place again."""
    async with request.write() as tx:
        await service.change(tx, holiday_id, data)
        return await tx.answer(Ok(data=await _holiday(tx.conn, request, holiday_id)))


@delete("/holidays/{holiday_id:uuid}", status_code=200, guards=_ACADEMICS)
async def remove(request: Request, holiday_id: FromPath[UUID]) -> Response[Ok[None]]:
    """Take a holiday back; its classes take place again where nothing else is by now."""
    async with request.write() as tx:
        await service.remove(tx, holiday_id)
        return await tx.answer(Ok(data=None))


routes = Router("/v1", route_handlers=[holidays, holiday, add, change, remove], tags=["classes"])
