"""JSON routes of the devices that take push."""

from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.response import Response

from kaksha.core.http import Ok, Request, allow, raw
from kaksha.core.ids import UUID
from kaksha.deliveries import queries, service
from kaksha.deliveries.models import AppTarget, NewTarget, PushSetup, PushTarget


async def _targets(request: Request) -> list[PushTarget]:
    me = request.me
    async with request.read() as conn:
        return raw(list[PushTarget], await queries.targets(conn, me.institute_id, me.user_id, me.session_id))


@get("/notifications/push", guards=allow())
async def push_setup(request: Request) -> Ok[PushSetup]:
    """The key that browsers subscribe with, and one's own devices that take push."""
    return Ok(data=PushSetup(request.app.state.outside.push_key, await _targets(request)))


@post("/notifications/push", guards=allow())
async def add(request: Request, data: JSONBody[NewTarget | AppTarget]) -> Response[Ok[list[PushTarget]]]:
    """Register this device: a browser's subscription, or an app's token. It goes with this sign-in."""
    me = request.me
    async with request.write() as tx:
        await service.add_target(tx, request.app.state.outside, me, data)
        found = await queries.targets(tx.conn, tx.institute_id, me.user_id, me.session_id)
        return await tx.answer(Ok(data=raw(list[PushTarget], found)), status=201)


@delete("/notifications/push/{target_id:uuid}", status_code=200, guards=allow())
async def remove(request: Request, target_id: FromPath[UUID]) -> Response[Ok[None]]:
    """Forget one of one's own devices."""
    async with request.write() as tx:
        await service.remove_target(tx, request.me, target_id)
        return await tx.answer(Ok(data=None))


routes = Router("/v1", route_handlers=[push_setup, add, remove], tags=["notifications"])
