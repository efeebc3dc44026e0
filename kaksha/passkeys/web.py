"""Pages of passkeys. A script puts what the device says into a form's field `credential`, and sends it."""

from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath
from litestar.response import Response

from kaksha.accounts import service as accounts
from kaksha.core.cookies import next_page
from kaksha.core.db import Actor
from kaksha.core.errors import AppError, Invalid, NotFound
from kaksha.core.failures import reasons, text
from kaksha.core.http import NOTICES, Ok, Request, allow, form, let_in, public
from kaksha.core.i18n import N_, gettext
from kaksha.core.ids import UUID, new_id
from kaksha.passkeys import queries, service
from kaksha.passkeys.models import Passkey, PasskeyName
from kaksha.sessions import service as sessions

NOTICES.update(
    {
        "passkey-added": N_("Your passkey is ready: next time, sign in with it."),
        "passkey-renamed": N_("Saved."),
        "passkey-removed": N_("That passkey no longer signs in. Remove it from your device as well."),
    }
)


@get("/me/passkeys", guards=allow())
async def passkeys_page(request: Request) -> Response[bytes]:
    return await _list(request)


@get("/me/passkeys/options", guards=allow())
async def options(request: Request) -> Ok[dict[str, Any]]:
    """Creation options for the script, as the API gives them to apps."""
    return Ok(data=await service.creation_options(request.core, request.me))


@post("/me/passkeys", guards=allow())
async def add(request: Request) -> Response[bytes]:
    credential = await _credential(request)
    try:
        async with request.write() as tx:
            label = gettext(request.lang, service.LABEL)
            await service.store(tx, request.core, request.me, credential, label)
            return await tx.see_other("/me/passkeys", "passkey-added")
    except (service.NotAdded, service.KnownPasskey) as error:
        return await _list(request, failure=error)


@post("/me/passkeys/{passkey_id:uuid}", guards=allow())
async def rename(request: Request, passkey_id: FromPath[UUID]) -> Response[bytes]:
    try:
        body = await form(request, PasskeyName)
    except Invalid as error:
        return await _list(request, error.status, reasons(request.lang, error.problems), passkey_id)
    async with request.write() as tx:
        await service.rename(tx, request.me, passkey_id, body.label)
        return await tx.see_other("/me/passkeys", "passkey-renamed")


@post("/me/passkeys/{passkey_id:uuid}/remove", guards=allow())
async def remove(request: Request, passkey_id: FromPath[UUID]) -> Response[bytes]:
    async with request.write() as tx:
        await service.revoke(tx, request.me, passkey_id)
        return await tx.see_other("/me/passkeys", "passkey-removed")


@post("/sign-in/passkey", guards=public("the signature is the proof"))
async def sign_in(request: Request) -> Response[bytes]:
    following = next_page(request.query_params.get("next"))
    try:
        account = await service.prove(request.core, await _credential(request), request.request_id)
    except (service.BadPasskey, accounts.WaitingForApproval) as error:
        back = f"/sign-in?{urlencode({'next': following})}"
        return request.page("passkeys/refused.html", status=error.status, failure=text(request.lang, error), back=back)
    actor = Actor(account.id, request.request_id)
    secret = await sessions.open_web(request.core, account, sessions.device_of(request.headers), actor)
    return let_in(request, secret.text, sessions.WEB_LIFE, following)


@get("/.well-known/assetlinks.json", guards=public("phones look here before they trust an app with our passkeys"))
async def android_apps(request: Request) -> Response[list[dict[str, Any]]]:
    """Which Android app may sign people in and open our links, by its package and certificates."""
    return Response(service.android_links(request.core.settings), headers={"Cache-Control": "public, max-age=3600"})


async def _credential(request: Request) -> dict[str, Any]:
    """What the script put into the form; nothing where it did not run."""
    sent = (await request.form()).get("credential")
    try:
        return msgspec.json.decode(sent, type=dict[str, Any]) if isinstance(sent, str) else {}
    except msgspec.DecodeError:
        return {}


async def _list(
    request: Request, status: int = 200, errors: dict[str, list[str]] | None = None, wrong: UUID | None = None,
    failure: AppError | None = None,
) -> Response[bytes]:  # fmt: skip
    """The passkeys; `errors` are those of the name of `wrong`. Raises NotFound when that is none of them."""
    async with request.read() as conn:
        found = await queries.of_person(conn, request.me.institute_id, request.me.user_id)
    passkeys = msgspec.json.decode(found, type=list[Passkey])
    if wrong is not None and wrong not in [passkey.id for passkey in passkeys]:
        raise NotFound
    return request.page(
        "passkeys/list.html", status=failure.status if failure else status,
        passkeys=passkeys, errors=errors or {}, wrong=wrong,
        failure=text(request.lang, failure) if failure else None, idem=new_id(),
    )  # fmt: skip


routes = Router(
    "/", route_handlers=[passkeys_page, options, add, rename, remove, sign_in, android_apps], include_in_schema=False
)
