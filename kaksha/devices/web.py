"""Pages: one's devices, the role one acts in, preferences, the picture, the second step."""

from datetime import datetime
from typing import Any

import litestar
import msgspec
import segno
from litestar import Router, get, post
from litestar.params import FromPath, MultipartBody
from litestar.response import Response

from kaksha.accounts.models import Account, SecondStep
from kaksha.core.cookies import next_page
from kaksha.core.db import Actor
from kaksha.core.errors import AppError, Invalid, NotFound, NotSignedIn, TooMany
from kaksha.core.failures import reasons, text
from kaksha.core.http import NOTICES, Ok, Request, allow, form, let_in, public, see_other
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.repeats import Replay
from kaksha.devices import queries, service
from kaksha.devices.models import (
    AvatarRow,
    Confirm,
    Disable,
    Preferences,
    PreferencesForm,
    RoleChoice,
    SecondProof,
    SignInEntry,
    Upload,
)  # fmt: skip
from kaksha.sessions import service as sessions

NOTICES.update(
    {
        "device-ended": N_("That device is signed out."),
        "devices-ended": N_("All your other devices are signed out."),
        "role-switched": N_("You now act in another role."),
        "preferences-saved": N_("Saved."),
        "avatar-saved": N_("Your picture is up."),
        "avatar-removed": N_("Your picture is removed."),
        "second-factor-off": N_("The second step is off."),
    }
)


@get("/me/devices", guards=allow())
async def devices_page(request: Request) -> Response[bytes]:
    me = request.me
    async with request.read() as conn:
        found = await queries.sign_ins(conn, me.institute_id, me.user_id, me.session_id, request.now)
    entries = msgspec.json.decode(found, type=list[SignInEntry])
    seen = [(entry, datetime.fromisoformat(entry.last_seen_at)) for entry in entries]
    return request.page("devices/devices.html", devices=seen, idem=new_id())


@post("/me/devices/{session_id:uuid}/end", guards=allow())
async def end_device(request: Request, session_id: FromPath[UUID]) -> Response[bytes]:
    async with request.write() as tx:
        await service.end_sign_in(tx, request.me, session_id)
        answer = await tx.see_other("/me/devices", "device-ended")
    await request.core.ears.settled()
    return answer


@post("/me/devices/end-others", guards=allow())
async def end_others(request: Request) -> Response[bytes]:
    async with request.write() as tx:
        await service.end_others(tx, request.me)
        answer = await tx.see_other("/me/devices", "devices-ended")
    await request.core.ears.settled()
    return answer


@post("/me/role", guards=allow())
async def switch_role(request: Request) -> Response[bytes]:
    body = await form(request, RoleChoice)
    async with request.write() as tx:
        await service.act_as(tx, request.me, body.role)
        answer = await tx.see_other("/home", "role-switched")
    await request.core.ears.settled()  # the page that follows is the one of the new role
    return answer


@get("/me/preferences", guards=allow())
async def preferences_page(request: Request) -> Response[bytes]:
    return await _preferences(request, None)


@post("/me/preferences", guards=allow())
async def change_preferences(request: Request) -> Response[bytes]:
    try:
        body = service.as_change(await form(request, PreferencesForm))
        async with request.write() as tx:
            await service.change_preferences(tx, request.me, body)
            answer = await tx.see_other("/me/preferences", "preferences-saved")
    except Invalid as error:
        return await _preferences(request, error)
    await request.core.ears.settled()
    return answer


async def _preferences(request: Request, error: Invalid | None) -> Response[bytes]:
    async with request.read() as conn:
        kept = msgspec.json.decode(await service.preferences_json(conn, request.me), type=Preferences)
    problems = {name.removeprefix("quietHours."): whys for name, whys in (error.problems if error else {}).items()}
    given = dict(await request.form()) if error else None
    return request.page(
        "devices/preferences.html", status=422 if error else 200, kept=kept, given=given,
        errors=reasons(request.lang, problems), idem=new_id(),
    )  # fmt: skip


@get("/me/avatar", guards=allow())
async def avatar_page(request: Request) -> Response[bytes]:
    return request.page("devices/avatar.html", failure=None, idem=new_id())


@post("/me/avatar", guards=allow(), request_max_body_size=service.AVATAR_BYTES + 65536)
async def upload_avatar(request: Request, data: MultipartBody[Upload]) -> Response[bytes]:
    storage = request.app.state.storage
    try:
        row = await service.keep_picture(request.core, storage, request.me, await service.bytes_of(data))
    except AppError as error:
        failure = text(request.lang, error)
        response = request.page("devices/avatar.html", status=error.status, failure=failure, idem=new_id())
        response.headers.update(error.headers)
        return response
    try:
        return await _shown(request, row, "avatar-saved")
    except (Replay, AppError):
        await service.drop_picture(storage, request.me, row)
        raise


@post("/me/avatar/remove", guards=allow())
async def remove_avatar(request: Request) -> Response[bytes]:
    return await _shown(request, None, "avatar-removed")


async def _shown(request: Request, row: AvatarRow | None, notice: str) -> Response[bytes]:
    async with request.write() as tx:
        before = await service.show_picture(tx, request.me, row)
        answer = await tx.see_other("/me/avatar", notice)
    await service.drop_picture(request.app.state.storage, request.me, before)
    await request.core.ears.settled()
    return answer


@get("/avatars/{user_id:uuid}", guards=allow())
async def avatar(request: Request, user_id: FromPath[UUID]) -> Response[bytes]:
    async with request.read() as conn:
        row = await queries.avatar(conn, request.me.institute_id, user_id)
    if row is None:
        raise NotFound
    headers = service.caching(row, request.query_params.get("v"))
    if service.is_known(row, request.headers.get("if-none-match")):
        return Response(b"", status_code=304, headers=headers, media_type="image/webp")
    body = await service.picture(request.app.state.storage, request.me.institute_id, row)
    return Response(body, headers=headers, media_type="image/webp")


@get("/me/second-factor", guards=allow("teacher", "admin"))
async def second_factor_page(request: Request) -> Response[bytes]:
    async with request.read() as conn:
        found = await queries.factor(conn, request.me.institute_id, request.me.user_id)
        left = await queries.recovery_codes_left(conn, request.me.institute_id, request.me.user_id) if found else 0
    if found is not None:
        return request.page("devices/second_factor_on.html", left=left, errors={}, idem=new_id())
    return await _setup(request, None, None)


@post("/me/second-factor", guards=allow("teacher", "admin"))
async def confirm_second_factor(request: Request) -> Response[bytes]:
    body = await form(request, Confirm)
    actor = Actor(request.me.user_id, request.request_id)
    try:
        async with request.core.db.write(request.me.institute_id, actor) as tx:
            codes = await service.confirm(tx, request.core, request.me, body.secret, body.code)
    except Invalid as error:
        return await _setup(request, body.secret, error)
    return request.page("devices/recovery_codes.html", codes=codes)


@post("/me/second-factor/off", guards=allow("teacher", "admin"))
async def disable_second_factor(request: Request) -> Response[bytes]:
    try:
        body = await form(request, Disable)
        await service.check_password(request.core, request.me, body.password)
    except Invalid as error:
        async with request.read() as conn:
            left = await queries.recovery_codes_left(conn, request.me.institute_id, request.me.user_id)
        errors = reasons(request.lang, error.problems)
        return request.page("devices/second_factor_on.html", status=422, left=left, errors=errors, idem=new_id())
    async with request.write() as tx:
        await service.disable(tx, request.me)
        return await tx.see_other("/me/second-factor", "second-factor-off")


async def _setup(request: Request, sealed: str | None, error: Invalid | None) -> Response[bytes]:
    core, me = request.core, request.me
    key, address, sealed = await (service.shown(core, me, sealed) if sealed else service.offered(core, me))
    errors = reasons(request.lang, error.problems) if error else {}
    qr = list(segno.make(address, micro=False).matrix_iter(border=4))
    size, path = len(qr), _path(qr)
    return request.page(
        "devices/second_factor_setup.html", status=422 if error else 200, key=key, sealed=sealed, size=size, path=path,
        errors=errors,
    )  # fmt: skip


def _path(matrix: list[Any]) -> str:
    """The dark squares of a QR code as one SVG path."""
    return "".join(f"M{x} {y}h1v1h-1z" for y, line in enumerate(matrix) for x, dark in enumerate(line) if dark)


def second_step(request: litestar.Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """What every door answers for SecondFactorNeeded, so that none of them needs to know of the second step."""
    assert isinstance(error, sessions.SecondFactorNeeded)
    ours = Request(request.scope, request.receive, request.send)
    ticket: str = error.facts["ticket"]
    if ours.is_api:
        body = msgspec.json.encode(Ok(data=SecondStep(ticket)))
        return Response(body, status_code=200, media_type="application/json")
    return _step(ours, ticket, None)


@post("/sign-in/second-factor", guards=public("the ticket of the first step is the proof"))
async def second_factor(request: Request) -> Response[bytes]:
    body = await form(request, SecondProof)
    try:
        account = await service.prove_second(request.core, body.ticket, body.code)
    except (service.WrongSecondFactor, TooMany) as error:
        return _step(request, body.ticket, error)
    except NotSignedIn:
        return see_other("/sign-in")
    return await _enter(request, account)


def _step(request: Request, ticket: str, error: AppError | None) -> Response[bytes]:
    failure = text(request.lang, error) if error else None
    response = request.page(
        "devices/second_step.html", status=error.status if error else 200, ticket=ticket, failure=failure,
        next=next_page(request.query_params.get("next")),
    )  # fmt: skip
    response.headers.update(error.headers if error else {})
    return response


async def _enter(request: Request, account: Account) -> Response[bytes]:
    actor = Actor(account.id, request.request_id)
    secret = await sessions.open_web(request.core, account, sessions.device_of(request.headers), actor)
    return let_in(request, secret.text, sessions.WEB_LIFE, next_page(request.query_params.get("next")))


routes = Router(
    "/",
    route_handlers=[
        devices_page, end_device, end_others, switch_role, preferences_page, change_preferences, avatar_page,
        upload_avatar, remove_avatar, avatar, second_factor_page, confirm_second_factor, disable_second_factor,
        second_factor,
    ],
    include_in_schema=False,
)  # fmt: skip
