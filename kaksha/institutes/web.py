"""Pages for admins: the institute, its settings (owners), its subjects and rooms (academics)."""

from typing import Any

import msgspec
from babel.dates import get_timezone_gmt, get_timezone_location
from litestar import Router, get, post
from litestar.params import FromPath
from litestar.response import Response

from kaksha.core.clock import zone
from kaksha.core.errors import AppError, Invalid, NotFound
from kaksha.core.failures import reasons, text
from kaksha.core.http import NOTICES, Pagination, Request, allow, form
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.institutes import queries, service
from kaksha.institutes.models import (
    Institute,
    InstituteChange,
    InstituteForm,
    NewRoom,
    NewSubject,
    Room,
    RoomChange,
    Subject,
    SubjectChange,
    spoken,
)  # fmt: skip

NOTICES.update(
    {
        "institute-saved": N_("The institute's settings are saved."),
        "subject-added": N_("The subject is added."),
        "subject-saved": N_("The subject is saved."),
        "subject-archived": N_("The subject is archived."),
        "room-added": N_("The room is added."),
        "room-saved": N_("The room is saved."),
        "room-archived": N_("The room is archived."),
    }
)

_PAGE = 50
_ZONES = (
    "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka", "Asia/Colombo", "Asia/Thimphu", "Asia/Yangon", "Asia/Karachi",
    "Asia/Dubai", "Asia/Riyadh", "Asia/Qatar", "Asia/Kuwait", "Asia/Muscat", "Asia/Bahrain", "Asia/Singapore",
    "Asia/Kuala_Lumpur", "Africa/Nairobi", "Africa/Johannesburg", "Europe/London", "America/New_York",
    "America/Los_Angeles", "Australia/Sydney",
)  # fmt: skip
"""Where our institutes are; the API takes every zone there is."""


async def _institute(request: Request) -> Institute:
    async with request.read() as conn:
        found = await queries.institute(conn, request.me.institute_id)
    if found is None:
        raise NotFound
    return msgspec.json.decode(found, type=Institute)


@get("/institute", guards=allow("admin"))
async def institute_page(request: Request) -> Response[bytes]:
    shown = request.query_params.get("page", "")[:6]
    page = max(1, int(shown)) if shown.isdecimal() else 1
    async with request.read() as conn:
        found = await queries.subjects(
            conn, request.me.institute_id, None, request.now, None, "name", page, _PAGE
        )  # fmt: skip
    institute = await _institute(request)
    return request.page(
        "institutes/institute.html", institute=institute,
        subjects=msgspec.json.decode(found["items"], type=list[Subject]), total=found["total"],
        pagination=Pagination(page, _PAGE, found["total"], -(-found["total"] // _PAGE)),
        zone=_zone_name(request, institute.zone), phone=spoken(institute.phone),
        may_change=service.may(request.me, "owner"), may_teach=service.may(request.me, "academics"),
    )  # fmt: skip


@get("/institute/settings", guards=allow("admin", permission="owner"))
async def settings_page(request: Request) -> Response[bytes]:
    institute = await _institute(request)
    return _settings_page(request, msgspec.to_builtins(institute) | {"phone": spoken(institute.phone)})


@post("/institute/settings", guards=allow("admin", permission="owner"))
async def change_settings(request: Request) -> Response[bytes]:
    try:
        body = await form(request, InstituteForm)
        change = InstituteChange(**msgspec.structs.asdict(body))
        async with request.write() as tx:
            await service.change(tx, change)
            answer = await tx.see_other("/institute", "institute-saved")
        await request.core.ears.settled()  # the page that follows shows the new name
        return answer
    except Invalid as error:
        return _settings_page(request, await _typed(request, InstituteForm), error)


@get("/institute/subjects/new", guards=allow("admin", permission="academics"))
async def new_subject_page(request: Request) -> Response[bytes]:
    return _subject_page(request, None, {"name": "", "code": ""})


@post("/institute/subjects", guards=allow("admin", permission="academics"))
async def add_subject(request: Request) -> Response[bytes]:
    try:
        body = await form(request, NewSubject)
        async with request.write() as tx:
            await service.add_subject(tx, body)
            return await tx.see_other("/institute", "subject-added")
    except Invalid as error:
        return _subject_page(request, None, await _typed(request, NewSubject), error)


@get("/institute/subjects/{subject_id:uuid}", guards=allow("admin", permission="academics"))
async def subject_page(request: Request, subject_id: FromPath[UUID]) -> Response[bytes]:
    subject = await _subject(request, subject_id)
    return _subject_page(request, subject, {"name": subject.name, "code": subject.code})


@post("/institute/subjects/{subject_id:uuid}", guards=allow("admin", permission="academics"))
async def change_subject(request: Request, subject_id: FromPath[UUID]) -> Response[bytes]:
    try:
        body = await form(request, NewSubject)
        async with request.write() as tx:
            await service.change_subject(tx, subject_id, SubjectChange(body.name, body.code))
            return await tx.see_other("/institute", "subject-saved")
    except Invalid as error:
        subject = await _subject(request, subject_id)
        return _subject_page(request, subject, await _typed(request, NewSubject), error)


@post("/institute/subjects/{subject_id:uuid}/archive", guards=allow("admin", permission="academics"))
async def archive_subject(request: Request, subject_id: FromPath[UUID]) -> Response[bytes]:
    try:
        async with request.write() as tx:
            await service.archive_subject(tx, subject_id)
            return await tx.see_other("/institute", "subject-archived")
    except service.SubjectInUse as error:
        subject = await _subject(request, subject_id)
        return _subject_page(request, subject, {"name": subject.name, "code": subject.code}, error)


@get("/institute/rooms", guards=allow("admin"))
async def rooms_page(request: Request) -> Response[bytes]:
    shown = request.query_params.get("page", "")[:6]
    page = max(1, int(shown)) if shown.isdecimal() else 1
    async with request.read() as conn:
        found = await queries.rooms(conn, request.me.institute_id, None, page, _PAGE)
    return request.page(
        "institutes/rooms.html", rooms=msgspec.json.decode(found["items"], type=list[Room]),
        pagination=Pagination(page, _PAGE, found["total"], -(-found["total"] // _PAGE)),
        may_change=service.may(request.me, "academics"),
    )  # fmt: skip


@get("/institute/rooms/new", guards=allow("admin", permission="academics"))
async def new_room_page(request: Request) -> Response[bytes]:
    return _room_page(request, None, {"name": "", "capacity": 30})


@post("/institute/rooms", guards=allow("admin", permission="academics"))
async def add_room(request: Request) -> Response[bytes]:
    try:
        body = await form(request, NewRoom)
        async with request.write() as tx:
            await service.add_room(tx, body)
            return await tx.see_other("/institute/rooms", "room-added")
    except Invalid as error:
        return _room_page(request, None, await _typed(request, NewRoom), error)


@get("/institute/rooms/{room_id:uuid}", guards=allow("admin", permission="academics"))
async def room_page(request: Request, room_id: FromPath[UUID]) -> Response[bytes]:
    room = await _room(request, room_id)
    return _room_page(request, room, msgspec.to_builtins(room))


@post("/institute/rooms/{room_id:uuid}", guards=allow("admin", permission="academics"))
async def change_room(request: Request, room_id: FromPath[UUID]) -> Response[bytes]:
    try:
        body = await form(request, NewRoom)
        async with request.write() as tx:
            await service.change_room(tx, room_id, RoomChange(body.name, body.capacity))
            return await tx.see_other("/institute/rooms", "room-saved")
    except Invalid as error:
        return _room_page(request, await _room(request, room_id), await _typed(request, NewRoom), error)


@post("/institute/rooms/{room_id:uuid}/archive", guards=allow("admin", permission="academics"))
async def archive_room(request: Request, room_id: FromPath[UUID]) -> Response[bytes]:
    try:
        async with request.write() as tx:
            await service.archive_room(tx, room_id)
            return await tx.see_other("/institute/rooms", "room-archived")
    except service.RoomInUse as error:
        room = await _room(request, room_id)
        return _room_page(request, room, msgspec.to_builtins(room), error)


async def _room(request: Request, room_id: UUID) -> Room:
    async with request.read() as conn:
        found = await queries.room(conn, request.me.institute_id, room_id)
    if found is None:
        raise NotFound
    return found


def _room_page(
    request: Request, room: Room | None, values: dict[str, Any], error: AppError | None = None
) -> Response[bytes]:
    return request.page("institutes/room.html", room=room, values=values, idem=new_id(), **_failure(request, error))


async def _subject(request: Request, subject_id: UUID) -> Subject:
    async with request.read() as conn:
        found = await queries.subject_row(conn, request.me.institute_id, subject_id)
    if found is None:
        raise NotFound
    return found


async def _typed(request: Request, kind: type[msgspec.Struct]) -> dict[str, str]:
    """What was typed into a form, to be shown again."""
    given = await request.form()
    return {
        field.encode_name: str(given.get(field.encode_name, "")) for field in msgspec.structs.fields(kind)
    }  # fmt: skip


def _settings_page(request: Request, values: dict[str, Any], error: AppError | None = None) -> Response[bytes]:
    names = [*_ZONES, *({values["zone"]} - {*_ZONES, ""})]
    zones = [(name, _zone_name(request, name)) for name in names]
    return request.page(
        "institutes/settings.html", values=values, zones=zones, idem=new_id(), **_failure(request, error)
    )


def _subject_page(
    request: Request, subject: Subject | None, values: dict[str, str], error: AppError | None = None
) -> Response[bytes]:
    return request.page(
        "institutes/subject.html", subject=subject, values=values, idem=new_id(), **_failure(request, error)
    )


def _failure(request: Request, error: AppError | None) -> dict[str, Any]:
    """What a form's page says of the last try: at its fields, or above all of them."""
    if error is None:
        return {"status": 200, "errors": {}, "failure": None}
    if isinstance(error, Invalid):
        return {"status": error.status, "errors": reasons(request.lang, error.problems), "failure": None}
    return {"status": error.status, "errors": {}, "failure": text(request.lang, error)}


def _zone_name(request: Request, name: str) -> str:
    """Kolkata (GMT+05:30)."""
    try:
        now = request.now.astimezone(zone(name))
    except (LookupError, ValueError):  # what was typed is no zone
        return name
    city = get_timezone_location(name, locale=request.lang, return_city=True)
    return f"{city} ({get_timezone_gmt(now, locale=request.lang)})"


routes = Router(
    "/",
    route_handlers=[
        institute_page, settings_page, change_settings, new_subject_page, add_subject, subject_page, change_subject,
        archive_subject, rooms_page, new_room_page, add_room, room_page, change_room, archive_room,
    ],
    include_in_schema=False,
)  # fmt: skip
