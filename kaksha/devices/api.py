"""JSON routes of one's sign-ins, preferences, picture and second step."""

from litestar import Router, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody, MultipartBody
from litestar.response import Response

from kaksha.accounts.models import SignedIn
from kaksha.core.db import Actor
from kaksha.core.errors import AppError, NotFound
from kaksha.core.http import Ok, Request, allow, public, raw
from kaksha.core.ids import UUID
from kaksha.core.repeats import Replay
from kaksha.devices import queries, service
from kaksha.devices.models import Avatar, Preferences, PreferencesChange, SecondProof, SignInEntry, Upload
from kaksha.sessions import service as sessions


@get("/auth/devices", guards=allow())
async def devices(request: Request) -> Ok[list[SignInEntry]]:
    """One's open sign-ins, this one first."""
    me = request.me
    async with request.read() as conn:
        found = await queries.sign_ins(conn, me.institute_id, me.user_id, me.session_id, request.now)
    return Ok(data=raw(list[SignInEntry], found))


@delete("/auth/devices/{session_id:uuid}", status_code=200, guards=allow())
async def end_device(request: Request, session_id: FromPath[UUID]) -> Response[Ok[None]]:
    """End one of one's own sign-ins; it is refused everywhere within a second."""
    async with request.write() as tx:
        await service.end_sign_in(tx, request.me, session_id)
        answer = await tx.answer(Ok(data=None))
    await request.core.ears.settled()
    return answer


@post("/auth/second-factor", status_code=200, guards=public("the ticket of the first step is the proof"))
async def second_factor(request: Request, data: JSONBody[SecondProof]) -> Ok[SignedIn]:
    """The second step of a sign-in: its ticket, and a code of the authenticator app or a recovery code."""
    account = await service.prove_second(request.core, data.ticket, data.code)
    actor = Actor(account.id, request.request_id)
    return Ok(data=await sessions.open_api(request.core, account, sessions.device_of(request.headers), actor))


@get("/users/preferences", guards=allow())
async def preferences(request: Request) -> Ok[Preferences]:
    """Language, theme, quiet hours and how often a digest comes."""
    async with request.read() as conn:
        return Ok(data=raw(Preferences, await service.preferences_json(conn, request.me)))


async def _change(request: Request, body: PreferencesChange) -> Response[Ok[Preferences]]:
    async with request.write() as tx:
        await service.change_preferences(tx, request.me, body)
        answer = await tx.answer(Ok(data=raw(Preferences, await service.preferences_json(tx.conn, request.me))))
    await request.core.ears.settled()
    return answer


@put("/users/preferences", guards=allow())
async def put_preferences(request: Request, data: JSONBody[PreferencesChange]) -> Response[Ok[Preferences]]:
    """Change one's preferences; what is absent stays."""
    return await _change(request, data)


@patch("/users/preferences", guards=allow())
async def patch_preferences(request: Request, data: JSONBody[PreferencesChange]) -> Response[Ok[Preferences]]:
    """The same as PUT."""
    return await _change(request, data)


@post("/users/avatar", status_code=200, guards=allow(), request_max_body_size=service.AVATAR_BYTES + 65536)
async def upload_avatar(request: Request, data: MultipartBody[Upload]) -> Response[Ok[Avatar]]:
    """Set one's picture: the part `file`, a JPEG, PNG or WebP of at most 5 MiB. It is cut square and loses its EXIF."""
    storage = request.app.state.storage
    row = await service.keep_picture(request.core, storage, request.me, await service.bytes_of(data))
    try:
        async with request.write() as tx:
            before = await service.show_picture(tx, request.me, row)
            answer = await tx.answer(Ok(data=Avatar(f"/v1/users/{row.user_id}/avatar?v={row.version}")))
    except (Replay, AppError):
        await service.drop_picture(storage, request.me, row)
        raise
    await service.drop_picture(storage, request.me, before)
    await request.core.ears.settled()
    return answer


@delete("/users/avatar", status_code=200, guards=allow())
async def delete_avatar(request: Request) -> Response[Ok[Avatar]]:
    """Remove one's picture."""
    async with request.write() as tx:
        before = await service.show_picture(tx, request.me, None)
        answer = await tx.answer(Ok(data=Avatar(None)))
    await service.drop_picture(request.app.state.storage, request.me, before)
    await request.core.ears.settled()
    return answer


@get("/users/{user_id:uuid}/avatar", guards=allow(), media_type="image/webp")
async def avatar(request: Request, user_id: FromPath[UUID]) -> Response[bytes]:
    """The picture (WebP, 256 pixels square) of somebody of one's institute."""
    async with request.read() as conn:
        row = await queries.avatar(conn, request.me.institute_id, user_id)
    if row is None:
        raise NotFound
    headers = service.caching(row, request.query_params.get("v"))
    if service.is_known(row, request.headers.get("if-none-match")):
        return Response(b"", status_code=304, headers=headers, media_type="image/webp")
    body = await service.picture(request.app.state.storage, request.me.institute_id, row)
    return Response(body, headers=headers, media_type="image/webp")


routes = Router(
    "/v1",
    route_handlers=[
        devices, end_device, second_factor, preferences, put_preferences, patch_preferences, upload_avatar,
        delete_avatar, avatar,
    ],
    tags=["accounts"],
)  # fmt: skip
