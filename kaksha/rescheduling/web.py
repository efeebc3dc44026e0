"""Pages: a class, its start and end, and what admins change about it."""

from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath
from litestar.response import Response

from kaksha.classes import service as classes
from kaksha.classes.models import Class, NewClass
from kaksha.core.clock import local_date, zone
from kaksha.core.errors import AppError, Conflict, Invalid
from kaksha.core.failures import reasons, text
from kaksha.core.http import NOTICES, Request, allow, form
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.institutes.service import may
from kaksha.rescheduling import service
from kaksha.rescheduling.models import Cancellation, ClassChange, ClassForm, NewClassForm, Substitution

NOTICES.update(
    {
        "class-made": N_("The class is in the schedule, and shows to its batch."),
        "class-started": N_("The class is live. Students can join now."),
        "class-ended": N_("The class is over."),
        "class-changed": N_("The class is changed, and everybody concerned is told."),
        "class-cancelled": N_("The class is cancelled, and everybody concerned is told."),
        "class-restored": N_("The class takes place after all."),
        "class-substituted": N_("Somebody else gives the class, and everybody concerned is told."),
    }
)
_ACADEMICS = allow("admin", permission="academics")


@get("/classes/{class_id:uuid}", guards=allow())
async def class_page(request: Request, class_id: FromPath[UUID]) -> Response[bytes]:
    return await _class_page(request, class_id)


async def _class_page(request: Request, class_id: UUID, error: AppError | None = None) -> Response[bytes]:
    me = request.me
    one = await _class(request, class_id)
    starts, ends = datetime.fromisoformat(one.starts_at), datetime.fromisoformat(one.ends_at)
    return request.page(
        "rescheduling/class.html", one=one, starts=starts, ends=ends, day=local_date(starts, me.zone),
        may_change=may(me, "academics"),
        opens=datetime.fromisoformat(one.join_from), begun=starts <= request.now, idem=new_id(),
        gives=me.is_admin or me.user_id == one.teacher_id, **_failure(request, error),
    )  # fmt: skip


@post("/classes/{class_id:uuid}/start", guards=allow("teacher", "admin"))
async def start(request: Request, class_id: FromPath[UUID]) -> Response[bytes]:
    given = await request.form()
    try:
        async with request.write() as tx:
            await classes.start(tx, request.me, class_id, str(given.get("meetingUrl", "")).strip() or None)
            return await tx.see_other(f"/classes/{class_id}", "class-started")
    except (Invalid, Conflict) as error:
        return await _class_page(request, class_id, error)


@post("/classes/{class_id:uuid}/end", guards=allow("teacher", "admin"))
async def end(request: Request, class_id: FromPath[UUID]) -> Response[bytes]:
    try:
        async with request.write() as tx:
            await classes.end(tx, request.me, class_id)
            return await tx.see_other(f"/classes/{class_id}", "class-ended")
    except classes.ClassNotLive as error:
        return await _class_page(request, class_id, error)


# --- new and changed ----------------------------------------------------------------------------------------


@get("/classes/new", guards=_ACADEMICS)
async def new_page(request: Request) -> Response[bytes]:
    day = request.query_params.get("day", "") or local_date(request.now, request.me.zone).isoformat()
    values = {"day": day, "starts": "17:00", "minutes": 60, "taught": "", "roomId": "", "topic": "", "meetingUrl": ""}
    return await _form_page(request, None, values)


@post("/classes/new", guards=_ACADEMICS)
async def create(request: Request) -> Response[bytes]:
    try:
        body = await form(request, NewClassForm)
        batch_id, subject_id = _taught(body.taught)
        starts_at = _moment(request, body.day, body.starts)
        new = NewClass(
            batch_id, subject_id, starts_at, starts_at + timedelta(minutes=body.minutes), None, body.room_id,
            body.topic, body.meeting_url,
        )  # fmt: skip
        async with request.write() as tx:
            class_id = await classes.create(tx, new)
            return await tx.see_other(f"/classes/{class_id}", "class-made")
    except (Invalid, Conflict) as error:
        return await _form_page(request, None, await _typed(request, NewClassForm), error)


@get("/classes/{class_id:uuid}/edit", guards=_ACADEMICS)
async def edit_page(request: Request, class_id: FromPath[UUID]) -> Response[bytes]:
    one = await _class(request, class_id)
    starts = datetime.fromisoformat(one.starts_at).astimezone(zone(request.me.zone))
    length = datetime.fromisoformat(one.ends_at) - datetime.fromisoformat(one.starts_at)
    values = {
        "day": starts.date(), "starts": f"{starts:%H:%M}", "minutes": int(length.total_seconds() // 60),
        "roomId": one.room_id or "", "topic": one.topic, "meetingUrl": one.meeting_url or "", "scope": "this",
    }  # fmt: skip
    return await _form_page(request, one, values)


@post("/classes/{class_id:uuid}/edit", guards=_ACADEMICS)
async def change(request: Request, class_id: FromPath[UUID]) -> Response[bytes]:
    try:
        body = await form(request, ClassForm)
        starts_at = _moment(request, body.day, body.starts)
        wanted = ClassChange(
            starts_at=starts_at, ends_at=starts_at + timedelta(minutes=body.minutes), room_id=body.room_id,
            topic=body.topic, meeting_url=body.meeting_url, scope=body.scope,
        )  # fmt: skip
        async with request.write() as tx:
            await service.change(tx, class_id, wanted)
            return await tx.see_other(f"/classes/{class_id}", "class-changed")
    except (Invalid, Conflict) as error:
        return await _form_page(request, await _class(request, class_id), await _typed(request, ClassForm), error)


async def _form_page(
    request: Request, one: Class | None, values: dict[str, Any], error: AppError | None = None
) -> Response[bytes]:
    async with request.read() as conn:
        found = await service.choices(conn, request.me.institute_id, local_date(request.now, request.me.zone))
    return request.page(
        "rescheduling/form.html", one=one, values=values, taught=found.taught, rooms=found.rooms, idem=new_id(),
        **_failure(request, error),
    )  # fmt: skip


# --- handed over and cancelled ------------------------------------------------------------------------------


@get("/classes/{class_id:uuid}/substitute", guards=_ACADEMICS)
async def substitute_page(request: Request, class_id: FromPath[UUID]) -> Response[bytes]:
    return await _substitute_page(request, class_id)


@post("/classes/{class_id:uuid}/substitute", guards=_ACADEMICS)
async def substitute(request: Request, class_id: FromPath[UUID]) -> Response[bytes]:
    try:
        body = await form(request, Substitution)
        async with request.write() as tx:
            await service.change(tx, class_id, ClassChange(teacher_id=body.teacher_id))
            return await tx.see_other(f"/classes/{class_id}", "class-substituted")
    except (Invalid, Conflict) as error:
        return await _substitute_page(request, class_id, error)


async def _substitute_page(request: Request, class_id: UUID, error: AppError | None = None) -> Response[bytes]:
    one = await _class(request, class_id)
    async with request.read() as conn:
        found = await service.free_teachers(conn, request.me.institute_id, one)
    return request.page(
        "rescheduling/substitute.html", one=one, starts=datetime.fromisoformat(one.starts_at),
        ends=datetime.fromisoformat(one.ends_at), teachers=found, idem=new_id(), **_failure(request, error),
    )  # fmt: skip


@get("/classes/{class_id:uuid}/cancel", guards=_ACADEMICS)
async def cancel_page(request: Request, class_id: FromPath[UUID]) -> Response[bytes]:
    return await _cancel_page(request, class_id)


@post("/classes/{class_id:uuid}/cancel", guards=_ACADEMICS)
async def cancel(request: Request, class_id: FromPath[UUID]) -> Response[bytes]:
    try:
        body = await form(request, Cancellation)
        async with request.write() as tx:
            await service.cancel(tx, class_id, body.reason)
            return await tx.see_other(f"/classes/{class_id}", "class-cancelled")
    except (Invalid, Conflict) as error:
        return await _cancel_page(request, class_id, error)


async def _cancel_page(request: Request, class_id: UUID, error: AppError | None = None) -> Response[bytes]:
    one = await _class(request, class_id)
    return request.page(
        "rescheduling/cancel.html", one=one, starts=datetime.fromisoformat(one.starts_at),
        ends=datetime.fromisoformat(one.ends_at), idem=new_id(), **_failure(request, error),
    )  # fmt: skip


@post("/classes/{class_id:uuid}/restore", guards=_ACADEMICS)
async def restore(request: Request, class_id: FromPath[UUID]) -> Response[bytes]:
    try:
        async with request.write() as tx:
            await service.restore(tx, class_id)
            return await tx.see_other(f"/classes/{class_id}", "class-restored")
    except Conflict as error:
        return await _class_page(request, class_id, error)


# --- common to them -----------------------------------------------------------------------------------------


async def _class(request: Request, class_id: UUID) -> Class:
    async with request.read() as conn:
        return msgspec.json.decode(await classes.seen(conn, request.me, class_id, request.now), type=Class)


def _moment(request: Request, day: date, at: str) -> datetime:
    """A time of the institute's clock. Raises Invalid."""
    try:
        return datetime.combine(day, time.fromisoformat(at), zone(request.me.zone))
    except ValueError as error:
        raise Invalid({"starts": [N_("Must be a time, such as 17:00.")]}) from error


def _taught(pair: str) -> tuple[UUID, UUID]:
    """Batch and subject of a choice. Raises Invalid."""
    try:
        batch_id, subject_id = (UUID(part) for part in pair.split("."))
    except ValueError as error:
        raise Invalid({"taught": [N_("Is not one of the choices.")]}) from error
    return batch_id, subject_id


async def _typed(request: Request, kind: type[msgspec.Struct]) -> dict[str, str]:
    """What was typed into a form, to be shown again."""
    given = await request.form()
    return {field.encode_name: str(given.get(field.encode_name, "")) for field in msgspec.structs.fields(kind)}


_SHOWN_AT = {"startsAt": "day", "endsAt": "minutes", "subjectId": "taught", "teacherId": "taught"}
"""Where a form shows what is wrong with a field of the API."""


def _failure(request: Request, error: AppError | None) -> dict[str, Any]:
    """What a form's page says of the last try: at its fields, or above all of them."""
    if error is None:
        return {"status": 200, "errors": {}, "failure": None}
    if not isinstance(error, Invalid):
        return {"status": error.status, "errors": {}, "failure": text(request.lang, error)}
    errors: dict[str, list[str]] = {}
    for field, whys in reasons(request.lang, error.problems).items():
        errors.setdefault(_SHOWN_AT.get(field, field), []).extend(whys)
    return {"status": error.status, "errors": errors, "failure": None}


routes = Router(
    "/",
    route_handlers=[
        class_page, start, end, new_page, create, edit_page, change, substitute_page, substitute, cancel_page, cancel,
        restore,
    ],
    include_in_schema=False,
)  # fmt: skip
