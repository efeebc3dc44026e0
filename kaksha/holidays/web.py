"""Pages: the holidays of the session, for everybody; admins of academics change them."""

from datetime import timedelta
from typing import Any

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath
from litestar.response import Response

from kaksha.core.clock import local_date, session_start
from kaksha.core.errors import AppError, Invalid, NotFound
from kaksha.core.failures import reasons
from kaksha.core.http import NOTICES, Request, allow, form
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.holidays import queries, service
from kaksha.holidays.models import Holiday, HolidayChange, NewHoliday
from kaksha.institutes.service import may

NOTICES.update(
    {
        "holiday-added": N_("The holiday is set. Classes of these days are cancelled, and people are told."),
        "holiday-saved": N_("The holiday is changed."),
        "holiday-removed": N_("The holiday is taken back. Its classes take place again."),
    }
)
_ACADEMICS = allow("admin", permission="academics")


@get("/holidays", guards=allow())
async def holidays_page(request: Request) -> Response[bytes]:
    me = request.me
    today = local_date(request.now, me.zone)
    begins = session_start(today)
    async with request.read() as conn:
        every = await service.between(conn, me, begins, begins + timedelta(730), today)
    return request.page(
        "holidays/holidays.html", ahead=[one for one in every if one.ends_on >= today],
        past=[one for one in every if one.ends_on < today], today=today, may_change=may(me, "academics"),
    )  # fmt: skip


@get("/holidays/new", guards=_ACADEMICS)
async def new_page(request: Request) -> Response[bytes]:
    day = local_date(request.now, request.me.zone)
    return await _form_page(request, None, {"name": "", "startsOn": day, "endsOn": "", "batchId": ""})


@post("/holidays/new", guards=_ACADEMICS)
async def add(request: Request) -> Response[bytes]:
    try:
        body = await form(request, NewHoliday)
        async with request.write() as tx:
            await service.add(tx, body)
            return await tx.see_other("/holidays", "holiday-added")
    except Invalid as error:
        return await _form_page(request, None, await _typed(request), error)


@get("/holidays/{holiday_id:uuid}", guards=_ACADEMICS)
async def edit_page(request: Request, holiday_id: FromPath[UUID]) -> Response[bytes]:
    holiday = await _holiday(request, holiday_id)
    return await _form_page(request, holiday, msgspec.to_builtins(holiday))


@post("/holidays/{holiday_id:uuid}", guards=_ACADEMICS)
async def change(request: Request, holiday_id: FromPath[UUID]) -> Response[bytes]:
    try:
        body = await form(request, NewHoliday)
        async with request.write() as tx:
            last = body.ends_on or body.starts_on
            await service.change(tx, holiday_id, HolidayChange(body.name, body.starts_on, last))
            return await tx.see_other("/holidays", "holiday-saved")
    except Invalid as error:
        return await _form_page(request, await _holiday(request, holiday_id), await _typed(request), error)


@post("/holidays/{holiday_id:uuid}/remove", guards=_ACADEMICS)
async def remove(request: Request, holiday_id: FromPath[UUID]) -> Response[bytes]:
    async with request.write() as tx:
        await service.remove(tx, holiday_id)
        return await tx.see_other("/holidays", "holiday-removed")


async def _form_page(
    request: Request, holiday: Holiday | None, values: dict[str, Any], error: AppError | None = None
) -> Response[bytes]:
    async with request.read() as conn:
        batches = await queries.batches(conn, request.me.institute_id, local_date(request.now, request.me.zone))
    errors = reasons(request.lang, error.problems) if isinstance(error, Invalid) else {}
    return request.page(
        "holidays/form.html", holiday=holiday, values=values, batches=batches, idem=new_id(), errors=errors,
        status=error.status if error else 200,
    )  # fmt: skip


async def _holiday(request: Request, holiday_id: UUID) -> Holiday:
    async with request.read() as conn:
        found = await queries.holiday(conn, request.me.institute_id, holiday_id)
    if found is None:
        raise NotFound
    return msgspec.json.decode(found, type=Holiday)


async def _typed(request: Request) -> dict[str, str]:
    """What was typed into the form, to be shown again."""
    given = await request.form()
    return {field.encode_name: str(given.get(field.encode_name, "")) for field in msgspec.structs.fields(NewHoliday)}


routes = Router(
    "/",
    route_handlers=[holidays_page, new_page, add, edit_page, change, remove],
    include_in_schema=False,
)
