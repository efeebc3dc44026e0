"""Pages: push on this device, and the links in mails that end them."""

from litestar import Router, get, post
from litestar.response import Response

from kaksha.core.db import Actor
from kaksha.core.http import NOTICES, Request, allow, form, public, see_other
from kaksha.core.i18n import N_
from kaksha.deliveries import queries, service
from kaksha.deliveries.models import FormTarget, NewTarget, OffTarget, PushKeys, Unsubscribed
from kaksha.notifications.models import GROUPS

NOTICES.update(
    {
        "push-on": N_("Push is on for this device."),
        "push-off": N_("Push is off for this device."),
    }
)
_BACK = "/notifications/preferences"
_LINK = "the link in the mail is the proof, and ends that mail only"


@post("/notifications/push", guards=allow())
async def push_on(request: Request) -> Response[bytes]:
    body = await form(request, FormTarget)
    target = NewTarget(body.endpoint, PushKeys(body.p256dh, body.auth))
    async with request.write() as tx:
        await service.add_target(tx, request.app.state.outside, request.me, target)
        return await tx.see_other(_BACK, "push-on")


@post("/notifications/push/off", guards=allow())
async def push_off(request: Request) -> Response[bytes]:
    body = await form(request, OffTarget)
    async with request.write() as tx:
        await queries.drop_address(tx.conn, tx.institute_id, request.me.user_id, body.endpoint)
        return await tx.see_other(_BACK, "push-off")


@get("/unsubscribe", guards=public(_LINK))
async def unsubscribe_page(request: Request) -> Response[bytes]:
    """Asks: mail programs open links on their own, so the link itself changes nothing."""
    return await _page(request, await _named(request), over=False)


@post("/unsubscribe", guards=public(_LINK))
async def unsubscribe(request: Request) -> Response[bytes]:
    """Ends them: a press on the page, or a mail program's one click (RFC 8058)."""
    what = await _named(request)
    await _set(request, what, False)
    return await _page(request, what, over=True)


@post("/unsubscribe/undo", guards=public(_LINK))
async def undo(request: Request) -> Response[bytes]:
    what = await _named(request)
    await _set(request, what, True)
    return see_other(f"/unsubscribe?token={await _token(request)}")


async def _token(request: Request) -> str:
    """Of the link, or of the page's form."""
    given = request.query_params.get("token")
    return given or (str((await request.form()).get("token", "")) if request.method == "POST" else "")


async def _named(request: Request) -> Unsubscribed:
    return service.unsubscribed(request.core.keys, await _token(request))


async def _set(request: Request, what: Unsubscribed, wanted: bool) -> None:
    actor = Actor(what.user_id, request.request_id)
    async with request.core.db.write(what.institute_id, actor) as tx:
        await service.set_subscribed(tx, what, wanted)


async def _page(request: Request, what: Unsubscribed, *, over: bool) -> Response[bytes]:
    name = next((text for group, text in GROUPS.items() if group == what.topic), None)
    return request.page("deliveries/unsubscribe.html", name=name, token=await _token(request), over=over)


routes = Router("/", route_handlers=[push_on, push_off, unsubscribe_page, unsubscribe, undo], include_in_schema=False)
