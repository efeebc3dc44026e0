"""Pages: joining with a code; invites, one of them with its code, link and QR; who waits for approval."""

import io
from datetime import timedelta
from urllib.parse import quote

import msgspec
import segno
from litestar import Router, get, post
from litestar.params import FromPath
from litestar.response import Response

from kaksha.accounts.models import Role
from kaksha.core.db import Actor
from kaksha.core.errors import AppError, Conflict, Invalid, NotFound, TooMany
from kaksha.core.failures import reasons, text
from kaksha.core.http import NOTICES, Pagination, Request, allow, form, let_in, public, see_other
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.seal import SealBroken, open_sealed_text, seal_text
from kaksha.core.validation import converted
from kaksha.institutes.models import tidy
from kaksha.institutes.service import may
from kaksha.joining import models, queries, service
from kaksha.joining.models import Decline, Door, Invite, NewInvite, Register
from kaksha.people.models import RELATIONS, ROLES
from kaksha.people.service import may_manage
from kaksha.sessions import service as sessions

NOTICES.update(
    {
        "joined": N_("Welcome. You are signed in."),
        "invite-made": N_("The invite is ready."),
        "invite-revoked": N_("The invite is revoked."),
        "person-approved": N_("They can sign in now."),
        "person-declined": N_("They were not let in."),
    }
)
_PAGE, _FOUND = 20, 8
_OFFICE = ("desk", "academics")
_JOINS = "this is how one joins"
_DAYS = ("1", "7", "30", "90")


class _Shown(msgspec.Struct, frozen=True):
    """An invite's code, sealed into the address of its page: it is kept nowhere else."""

    id: UUID
    code: str


# --- joining -------------------------------------------------------------------------------------------------


@get("/join", guards=public(_JOINS))
async def enter_page(request: Request) -> Response[bytes]:
    return request.page("joining/enter.html", code="", failure=None)


@post("/join", guards=public(_JOINS))
async def enter(request: Request) -> Response[bytes]:
    code = str((await request.form()).get("code", "")).strip()
    try:
        await service.look(request.core, code, request.address)
    except (models.InviteNotGood, TooMany) as error:
        return _entering(request, code, error)
    return see_other(f"/join/{quote(models.tidy_code(code), safe='')}")


@get("/join/done", guards=public(_JOINS))
async def done_page(request: Request) -> Response[bytes]:
    return request.page("joining/done.html")


@get("/join/{code:str}", guards=public(_JOINS))
async def join_page(request: Request, code: FromPath[str]) -> Response[bytes]:
    try:
        door = await service.look(request.core, code, request.address)
    except (models.InviteNotGood, TooMany) as error:
        return _entering(request, code, error)
    return _joining(request, code, door, {"language": request.lang, "role": "student"})


@post("/join/{code:str}", guards=public(_JOINS))
async def join(request: Request, code: FromPath[str]) -> Response[bytes]:
    typed = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    try:
        # A second press may come when the last use is gone, so the invite need not be good.
        door = await service.look(request.core, code, request.address, good=False)
    except (models.InviteNotGood, TooMany) as error:
        return _entering(request, code, error)
    try:
        kind, other = ("invite_code", "institute_code") if door.invite else ("institute_code", "invite_code")
        whole = {"password": typed.pop("password", ""), kind: code, other: None}
        body = msgspec.structs.replace(await form(request, Register), **whole)
        comer = await service.register(request.core, body, request.address, request.lang, request.request_id)
    except (Invalid, Conflict, models.InviteNeeded, models.InviteNotGood, TooMany) as error:
        return _joining(request, code, door, typed, error)
    if comer.account.status == "pending":
        return see_other("/join/done")
    device, actor = sessions.device_of(request.headers), Actor(comer.account.id, request.request_id)
    secret = await sessions.open_web(request.core, comer.account, device, actor)
    return let_in(request, secret.text, sessions.WEB_LIFE, "/home", "joined")


def _entering(request: Request, code: str, error: AppError) -> Response[bytes]:
    failure = text(request.lang, error)
    response = request.page("joining/enter.html", status=error.status, code=code[:100], failure=failure)
    response.headers.update(error.headers)
    return response


def _joining(
    request: Request, code: str, door: Door, values: dict[str, str], error: AppError | None = None
) -> Response[bytes]:
    if error is not None and (isinstance(error, models.InviteNotGood) or (door.invite and not door.invite.good)):
        return _entering(request, code, models.InviteNotGood())
    errors = reasons(request.lang, error.problems) if isinstance(error, Invalid) else {}
    response = request.page(
        "joining/join.html", status=error.status if error else 200, code=code, door=door, values=values,
        errors=errors, failure=None if error is None or errors else text(request.lang, error),
    )  # fmt: skip
    response.headers.update(error.headers if error else {})
    return response


# --- invites -------------------------------------------------------------------------------------------------


@get("/invites", guards=allow("admin", permission=_OFFICE))
async def invites_page(request: Request) -> Response[bytes]:
    page = _page_number(request)
    async with request.read() as conn:
        found = await queries.invites(conn, request.me.institute_id, request.now, page, _PAGE)
        waiting, _ = await queries.waiting(conn, request.me.institute_id, 1, 1)
        institute = await queries.institute(conn, request.me.institute_id)
    assert institute is not None
    return request.page(
        "joining/invites.html", invites=msgspec.json.decode(found["items"], type=list[Invite]), states=models.STATES,
        institute=institute, link=service.link(request.core, institute.code), waiting=waiting,
        pagination=_pagination(page, found["total"]),
    )  # fmt: skip


@get("/invites/new", guards=allow("admin", permission=_OFFICE))
async def new_page(request: Request) -> Response[bytes]:
    given = request.query_params
    role = _role(given.get("role"))
    if role is None or not service.may_invite(request.me, role):
        roles = [role for role in ROLES if service.may_invite(request.me, role)]
        return request.page("joining/role.html", roles=roles)
    values = {"uses": "30" if role == "student" else "1", "days": "7", "batchId": given.get("batch", "")}
    return await _new_page(request, role, values | {"studentId": given.get("child", "")}, said=given.get("q", ""))


@post("/invites", guards=allow("admin", permission=_OFFICE))
async def make(request: Request) -> Response[bytes]:
    given = await request.form()
    typed = {name: str(given.get(name, "")) for name in ("uses", "days", "label", "batchId", "studentId", "relation")}
    days = typed["days"] if typed["days"] in _DAYS else "7"
    try:
        body = msgspec.structs.replace(await form(request, NewInvite), expires_at=request.now + timedelta(int(days)))
        async with request.write() as tx:
            invite_id, code = await service.make(tx, request.me, body)
            shown = seal_text(request.core.keys, "invite", _Shown(invite_id, code))
            return await tx.see_other(f"/invites/{invite_id}?code={shown}", "invite-made")
    except Invalid as error:
        return await _new_page(request, _role(str(given.get("role", ""))) or "student", typed, error)


@get("/invites/{invite_id:uuid}", guards=allow("admin", permission=_OFFICE))
async def invite_page(request: Request, invite_id: FromPath[UUID]) -> Response[bytes]:
    """With the code that its maker's link holds, until it is no good any more; else without."""
    invite, code = await _invite(request, invite_id), _code(request, invite_id)
    return request.page(
        "joining/invite.html", invite=invite, states=models.STATES, relations=RELATIONS, code=code,
        link=service.link(request.core, code) if code and invite.state == "open" else None,
        sealed=request.query_params.get("code", ""), may_revoke=service.may_invite(request.me, invite.role),
        idem=new_id(),
    )  # fmt: skip


@get("/invites/{invite_id:uuid}/qr.svg", guards=allow("admin", permission=_OFFICE))
async def qr(request: Request, invite_id: FromPath[UUID]) -> Response[bytes]:
    """The link as a QR code: black on white, also in the dark, since readers need it so."""
    invite, code = await _invite(request, invite_id), _code(request, invite_id)
    if code is None or invite.state != "open":
        raise NotFound
    drawn = io.BytesIO()
    segno.make_qr(service.link(request.core, code), error="m").save(
        drawn, kind="svg", scale=8, border=4, light="#fff", xmldecl=False, svgclass=None, lineclass=None, nl=False
    )
    return Response(drawn.getvalue(), media_type="image/svg+xml", headers={"Cache-Control": "private, no-store"})


@post("/invites/{invite_id:uuid}/revoke", guards=allow("admin", permission=_OFFICE))
async def revoke(request: Request, invite_id: FromPath[UUID]) -> Response[bytes]:
    async with request.write() as tx:
        await service.revoke(tx, request.me, invite_id)
        return await tx.see_other("/invites", "invite-revoked")


async def _invite(request: Request, invite_id: UUID) -> Invite:
    async with request.read() as conn:
        found = await queries.invite(conn, request.me.institute_id, invite_id, request.now)
    if found is None:
        raise NotFound
    return msgspec.json.decode(found, type=Invite)


def _code(request: Request, invite_id: UUID) -> str | None:
    try:
        shown = open_sealed_text(request.core.keys, "invite", request.query_params.get("code", ""), _Shown)
    except SealBroken:
        return None
    return shown.code if shown.id == invite_id else None


async def _new_page(
    request: Request, role: Role, values: dict[str, str], error: Invalid | None = None, said: str = ""
) -> Response[bytes]:
    me, said, batches, child, found = request.me, tidy(said)[:100], [], None, []
    async with request.read() as conn:
        if role == "student" and may(me, "academics"):
            batches = await queries.open_batches(conn, me.institute_id, request.now)
        if role == "parent" and values.get("studentId"):
            try:
                child = await queries.student(conn, me.institute_id, converted(UUID, values["studentId"]))
            except Invalid:
                child = None
        elif role == "parent" and said:
            found = await queries.students_called(conn, me.institute_id, said, _FOUND)
    return request.page(
        "joining/new.html", status=error.status if error else 200, role=role, values=values, batches=batches,
        child=child, found=found, said=said, days=_DAYS, idem=new_id(), most=service.MOST_USES,
        errors=reasons(request.lang, error.problems) if error else {},
    )  # fmt: skip


# --- who waits -----------------------------------------------------------------------------------------------


@get("/joining/waiting", guards=allow("admin"))
async def waiting_page(request: Request) -> Response[bytes]:
    return await _waiting_page(request)


@post("/joining/{person_id:uuid}/approve", guards=allow("admin", permission=_OFFICE))
async def approve(request: Request, person_id: FromPath[UUID]) -> Response[bytes]:
    async with request.write() as tx:
        await service.approve(tx, request.me, person_id)
        return await tx.see_other("/joining/waiting", "person-approved")


@post("/joining/{person_id:uuid}/decline", guards=allow("admin", permission=_OFFICE))
async def decline(request: Request, person_id: FromPath[UUID]) -> Response[bytes]:
    try:
        body = await form(request, Decline)
        async with request.write() as tx:
            await service.decline(tx, request.me, person_id, body.reason)
            return await tx.see_other("/joining/waiting", "person-declined")
    except Invalid as error:
        return await _waiting_page(request, error)


async def _waiting_page(request: Request, error: Invalid | None = None) -> Response[bytes]:
    page = _page_number(request)
    async with request.read() as conn:
        total, people = await queries.waiting(conn, request.me.institute_id, page, _PAGE)
    return request.page(
        "joining/waiting.html", status=error.status if error else 200, people=people,
        may_manage=may_manage(request.me), pagination=_pagination(page, total), idem=new_id(),
        errors=reasons(request.lang, error.problems) if error else {},
    )  # fmt: skip


def _role(given: str | None) -> Role | None:
    return given if given in ROLES else None


def _page_number(request: Request) -> int:
    given = request.query_params.get("page", "1")
    return min(int(given), 100_000) if given.isdecimal() and given.isascii() and int(given) else 1


def _pagination(page: int, total: int) -> Pagination:
    return Pagination(page, _PAGE, total, -(-total // _PAGE))


routes = Router(
    "/",
    route_handlers=[
        enter_page, enter, done_page, join_page, join, invites_page, new_page, make, invite_page, qr, revoke,
        waiting_page, approve, decline,
    ],
    include_in_schema=False,
)  # fmt: skip
