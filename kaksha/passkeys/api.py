"""JSON routes of passkeys."""

from typing import Any

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from litestar.response import Response

from kaksha.accounts.models import SignedIn
from kaksha.core.db import Actor
from kaksha.core.http import Ok, Request, allow, public, raw
from kaksha.core.i18n import gettext
from kaksha.core.ids import UUID
from kaksha.passkeys import queries, service
from kaksha.passkeys.models import Passkey, PasskeyAdded, PasskeyName, PasskeySetup, PasskeySignIn
from kaksha.sessions import service as sessions


@post("/auth/biometric/setup", status_code=200, guards=allow())
async def setup(
    request: Request, data: JSONBody[PasskeySetup | None] = None
) -> Response[Ok[PasskeyAdded | dict[str, Any]]]:
    """Two steps: `{}` answers creation options, `{credential}` stores the passkey that the device made of them."""
    body = data or PasskeySetup()
    if body.credential is None:
        return Response(Ok(data=await service.creation_options(request.core, request.me)), status_code=200)
    label = body.label or gettext(request.lang, service.LABEL)
    async with request.write() as tx:
        added = await service.store(tx, request.core, request.me, body.credential, label)
        return await tx.answer(Ok(data=added))


@post("/auth/biometric/login", status_code=200, guards=public("the signature is the proof"))
async def login(request: Request, data: JSONBody[PasskeySignIn | None] = None) -> Ok[SignedIn | dict[str, Any]]:
    """Two steps: `{}` answers request options, `{credential}` signs in."""
    body = data or PasskeySignIn()
    if body.credential is None:
        return Ok(data=await service.request_options(request.core, request.address))
    account = await service.prove(request.core, body.credential, request.request_id)
    actor = Actor(account.id, request.request_id)
    return Ok(data=await sessions.open_api(request.core, account, sessions.device_of(request.headers), actor))


@get("/auth/biometric", guards=allow())
async def passkeys(request: Request) -> Ok[list[Passkey]]:
    """One's passkeys."""
    async with request.read() as conn:
        found = await queries.of_person(conn, request.me.institute_id, request.me.user_id)
    return Ok(data=raw(list[Passkey], found))


@patch("/auth/biometric/{passkey_id:uuid}", guards=allow())
async def rename(request: Request, passkey_id: FromPath[UUID], data: JSONBody[PasskeyName]) -> Response[Ok[None]]:
    """Give one's passkey another name."""
    async with request.write() as tx:
        await service.rename(tx, request.me, passkey_id, data.label)
        return await tx.answer(Ok(data=None))


@delete("/auth/biometric/{passkey_id:uuid}", status_code=200, guards=allow())
async def revoke(request: Request, passkey_id: FromPath[UUID]) -> Response[Ok[None]]:
    """End one's passkey: it signs nobody in any more."""
    async with request.write() as tx:
        await service.revoke(tx, request.me, passkey_id)
        return await tx.answer(Ok(data=None))


routes = Router("/v1", route_handlers=[setup, login, passkeys, rename, revoke], tags=["accounts"])
