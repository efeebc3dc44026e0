"""Pages for admins: the weekly timetable of a batch."""

from typing import Any

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath
from litestar.response import Response

from kaksha.core.clock import local_date
from kaksha.core.errors import AppError, Conflict, Invalid, NotFound
from kaksha.core.failures import reasons, text
from kaksha.core.http import NOTICES, Request, allow, form
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.weekly import queries, service
from kaksha.weekly.models import NewSlot, Planned, Slot, SlotChange, SlotEnd, SlotForm

NOTICES.update(
    {
        "slot-added": N_("The class is in the timetable, and in the schedule of the next four weeks."),
        "slot-small-room": N_("The class is in the timetable. Mind: the room has fewer seats than the batch students."),
        "slot-changed": N_("The timetable is changed, with the classes to come."),
        "slot-removed": N_("The class is taken out of the timetable."),
    }
)
_ACADEMICS = allow("admin", permission="academics")


@get("/batches/{batch_id:uuid}/timetable", guards=allow("admin"))
async def timetable_page(request: Request, batch_id: FromPath[UUID]) -> Response[bytes]:
    planned = await _planned(request, batch_id)
    today = local_date(request.now, request.me.zone)
    async with request.read() as conn:
        found = await queries.slots(conn, request.me.institute_id, batch_id, None, None, today)
    slots = msgspec.json.decode(found, type=list[Slot])
    days = [(weekday, [slot for slot in slots if slot.weekday == weekday]) for weekday in range(1, 8)]
    hours = sum(slot.minutes for slot in slots) / 60
    return request.page(
        "weekly/timetable.html", batch_id=batch_id, planned=planned, days=days, slots=slots, hours=round(hours, 1),
        ends=service.ends_text, may_change=service.may_change(request.me), today=today,
    )  # fmt: skip


@get("/batches/{batch_id:uuid}/timetable/new", guards=_ACADEMICS)
async def new_page(request: Request, batch_id: FromPath[UUID]) -> Response[bytes]:
    weekday = request.query_params.get("weekday", "1")[:1]
    values = {
        "weekday": weekday, "starts": "17:00", "minutes": 60, "subjectId": "", "roomId": "",
        "fromOn": local_date(request.now, request.me.zone), "untilOn": "",
    }  # fmt: skip
    return await _new_page(request, batch_id, values)


@post("/batches/{batch_id:uuid}/timetable/new", guards=_ACADEMICS)
async def add(request: Request, batch_id: FromPath[UUID]) -> Response[bytes]:
    try:
        body = await form(request, SlotForm)
        if body.subject_id is None:
            raise Invalid({"subjectId": [N_("This is required.")]})
        new = NewSlot(
            batch_id, body.subject_id, body.weekday, body.starts, body.minutes, None, body.room_id, body.from_on,
            body.until_on,
        )  # fmt: skip
        async with request.write() as tx:
            _, room = await service.add(tx, new)
            small = room is not None and room.students > room.capacity
            return await tx.see_other(
                f"/batches/{batch_id}/timetable", "slot-small-room" if small else "slot-added"
            )  # fmt: skip
    except (Invalid, Conflict) as error:
        return await _new_page(request, batch_id, await _typed(request, SlotForm), error)


async def _new_page(
    request: Request, batch_id: UUID, values: dict[str, Any], error: AppError | None = None
) -> Response[bytes]:
    planned = await _planned(request, batch_id)
    return request.page(
        "weekly/slot.html", batch_id=batch_id, planned=planned, slot=None, values=values, idem=new_id(),
        **_failure(request, error),
    )  # fmt: skip


@get("/timetable/{slot_id:uuid}", guards=_ACADEMICS)
async def slot_page(request: Request, slot_id: FromPath[UUID]) -> Response[bytes]:
    slot = await _slot(request, slot_id)
    return await _slot_page(request, slot, msgspec.to_builtins(slot) | {"on": local_date(request.now, request.me.zone)})


@post("/timetable/{slot_id:uuid}", guards=_ACADEMICS)
async def change(request: Request, slot_id: FromPath[UUID]) -> Response[bytes]:
    slot = await _slot(request, slot_id)
    try:
        body = await form(request, SlotForm)
        changed = SlotChange(
            weekday=body.weekday, starts=body.starts, minutes=body.minutes, room_id=body.room_id, on=body.on
        )
        async with request.write() as tx:
            await service.change(tx, slot_id, changed)
            return await tx.see_other(f"/batches/{slot.batch_id}/timetable", "slot-changed")
    except (Invalid, Conflict) as error:
        return await _slot_page(request, slot, await _typed(request, SlotForm), error)


@post("/timetable/{slot_id:uuid}/remove", guards=_ACADEMICS)
async def remove(request: Request, slot_id: FromPath[UUID]) -> Response[bytes]:
    slot = await _slot(request, slot_id)
    try:
        body = await form(request, SlotEnd)
        async with request.write() as tx:
            await service.remove(tx, slot_id, body.on)
            return await tx.see_other(f"/batches/{slot.batch_id}/timetable", "slot-removed")
    except Invalid as error:
        values = msgspec.to_builtins(slot) | {"on": str((await request.form()).get("on", ""))}
        return await _slot_page(request, slot, values, error)


async def _slot_page(
    request: Request, slot: Slot, values: dict[str, Any], error: AppError | None = None
) -> Response[bytes]:
    planned = await _planned(request, slot.batch_id)
    return request.page(
        "weekly/slot.html", batch_id=slot.batch_id, planned=planned, slot=slot, values=values, idem=new_id(),
        **_failure(request, error),
    )  # fmt: skip


async def _planned(request: Request, batch_id: UUID) -> Planned:
    async with request.read() as conn:
        found = await queries.planned(conn, request.me.institute_id, batch_id)
    if found is None:
        raise NotFound
    return found


async def _slot(request: Request, slot_id: UUID) -> Slot:
    today = local_date(request.now, request.me.zone)
    async with request.read() as conn:
        found = await queries.slots(conn, request.me.institute_id, None, None, None, today, slot_id)
    slots = msgspec.json.decode(found, type=list[Slot])
    if not slots:
        raise NotFound
    return slots[0]


async def _typed(request: Request, kind: type[msgspec.Struct]) -> dict[str, str]:
    """What was typed into a form, to be shown again."""
    given = await request.form()
    return {field.encode_name: str(given.get(field.encode_name, "")) for field in msgspec.structs.fields(kind)}


def _failure(request: Request, error: AppError | None) -> dict[str, Any]:
    """What a form's page says of the last try: at its fields, or above all of them."""
    if error is None:
        return {"status": 200, "errors": {}, "failure": None}
    if isinstance(error, Invalid):
        return {"status": error.status, "errors": reasons(request.lang, error.problems), "failure": None}
    return {"status": error.status, "errors": {}, "failure": text(request.lang, error)}


routes = Router(
    "/",
    route_handlers=[timetable_page, new_page, add, slot_page, change, remove],
    include_in_schema=False,
)
