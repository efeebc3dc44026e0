"""JSON routes: registering, invites, and who waits for approval."""

from typing import Annotated

from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Response

from kaksha.accounts.models import SignedIn
from kaksha.core.db import Actor, Conn
from kaksha.core.errors import NotFound
from kaksha.core.http import Many, Ok, Request, allow, paged, public, raw
from kaksha.core.ids import UUID
from kaksha.joining import queries, service
from kaksha.joining.models import Decline, Invite, InviteMade, NewInvite, Register, Waits
from kaksha.sessions import service as sessions

_OFFICE = ("desk", "academics")


@post("/auth/register", guards=public("this is how one joins"))
async def register(request: Request, data: JSONBody[Register]) -> Ok[SignedIn | Waits]:
    """Register: active at once with an invite's code, else waiting for an admin's approval."""
    comer = await service.register(request.core, data, request.address, request.lang, request.request_id)
    if comer.account.status == "pending":
        return Ok(data=Waits(comer.user))
    actor = Actor(comer.account.id, request.request_id)
    device = sessions.device_of(request.headers)
    return Ok(data=await sessions.open_api(request.core, comer.account, device, actor))


@get("/invites", guards=allow("admin", permission=_OFFICE))
async def invites(
    request: Request,
    page: Annotated[int, QueryParameter(ge=1, le=100_000)] = 1,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
) -> Many[Invite]:
    """The institute's invites, the newest first, and who came by them."""
    async with request.read() as conn:
        found = await queries.invites(conn, request.me.institute_id, request.now, page, limit)
    return paged(raw(list[Invite], found["items"]), page, limit, found["total"])


async def _invite(conn: Conn, request: Request, invite_id: UUID) -> Invite:
    found = await queries.invite(conn, request.me.institute_id, invite_id, request.now)
    if found is None:
        raise NotFound
    return raw(Invite, found)


@post("/invites", guards=allow("admin", permission=_OFFICE))
async def make(request: Request, data: JSONBody[NewInvite]) -> Response[Ok[InviteMade]]:
    """Make an invite. Teachers need the right `academics`, admins an owner, a batch `academics`."""
    async with request.write() as tx:
        invite_id, code = await service.make(tx, request.me, data)
        invite = await _invite(tx.conn, request, invite_id)
        # What is kept for a repetition of the request has no code: it is in the database as a hash only.
        answer = await tx.answer(Ok(data=InviteMade(invite, None, None)), status=201)
    answer.content = Ok(data=InviteMade(invite, code, service.link(request.core, code)))
    return answer


@delete("/invites/{invite_id:uuid}", status_code=200, guards=allow("admin", permission=_OFFICE))
async def revoke(request: Request, invite_id: FromPath[UUID]) -> Response[Ok[None]]:
    """Revoke an invite. Who came by it stays."""
    async with request.write() as tx:
        await service.revoke(tx, request.me, invite_id)
        return await tx.answer(Ok(data=None))


@post("/people/{person_id:uuid}/approve", status_code=200, guards=allow("admin", permission=_OFFICE))
async def approve(request: Request, person_id: FromPath[UUID]) -> Response[Ok[None]]:
    """Let somebody in who waits for approval."""
    async with request.write() as tx:
        await service.approve(tx, request.me, person_id)
        return await tx.answer(Ok(data=None))


@post("/people/{person_id:uuid}/decline", status_code=200, guards=allow("admin", permission=_OFFICE))
async def decline(request: Request, person_id: FromPath[UUID], data: JSONBody[Decline]) -> Response[Ok[None]]:
    """Keep somebody out who waits for approval, and note why."""
    async with request.write() as tx:
        await service.decline(tx, request.me, person_id, data.reason)
        return await tx.answer(Ok(data=None))


routes = Router("/v1", route_handlers=[register, invites, make, revoke, approve, decline], tags=["joining"])
