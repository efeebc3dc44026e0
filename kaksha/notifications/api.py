"""JSON routes of one's own notices and of what one wants to hear of."""

from typing import Annotated

from litestar import Router, delete, get, patch, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Response

from kaksha.core.errors import NotFound
from kaksha.core.http import Many, Ok, Request, allow, paged, raw
from kaksha.core.ids import UUID
from kaksha.notifications import queries, service
from kaksha.notifications.models import Notification, Preferences, PreferencesChange, ReadMark

Page = Annotated[int, QueryParameter(ge=1, le=100_000)]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]
Cursor = Annotated[str | None, QueryParameter(max_length=200)]


@get("/notifications", guards=allow())
async def notifications(
    request: Request, unread: FromQuery[bool] = False, cursor: Cursor = None, page: Page = 1, limit: Limit = 20
) -> Many[Notification]:
    """One's own notices, newest first. `cursor` goes on where a page ended, whatever came since."""
    me = request.me
    before = service.after_cursor(cursor)
    async with request.read() as conn:
        found = await queries.page(conn, me.institute_id, me.user_id, request.now, me.lang, unread, before, page, limit)
    further = service.cursor(found["last_at"], found["last_id"]) if found["more"] else None
    return paged(raw(list[Notification], found["items"]), page, limit, found["total"], further)


async def _read(request: Request, notification_id: UUID) -> Response[Ok[Notification]]:
    async with request.write() as tx:
        await service.read(tx, request.me, notification_id)
        found = await queries.one(
            tx.conn, tx.institute_id, request.me.user_id, notification_id, tx.now, request.me.lang
        )
        if found is None:
            raise NotFound
        return await tx.answer(Ok(data=raw(Notification, found)))


@post("/notifications/{notification_id:uuid}/read", status_code=200, guards=allow())
async def read(request: Request, notification_id: FromPath[UUID]) -> Response[Ok[Notification]]:
    """Mark one of one's own notices as read; again changes nothing."""
    return await _read(request, notification_id)


@put("/notifications/{notification_id:uuid}/read", guards=allow())
async def put_read(request: Request, notification_id: FromPath[UUID]) -> Response[Ok[Notification]]:
    """The same as POST."""
    return await _read(request, notification_id)


@patch("/notifications/{notification_id:uuid}/read", guards=allow())
async def patch_read(request: Request, notification_id: FromPath[UUID]) -> Response[Ok[Notification]]:
    """The same as POST."""
    return await _read(request, notification_id)


async def _read_all(request: Request) -> Response[Ok[ReadMark]]:
    async with request.write() as tx:
        marked = await service.read_all(tx, request.me)
        left = await queries.unread(tx.conn, tx.institute_id, request.me.user_id, tx.now)
        return await tx.answer(Ok(data=ReadMark(marked, left)))


@post("/notifications/read-all", status_code=200, guards=allow())
async def read_all(request: Request) -> Response[Ok[ReadMark]]:
    """Mark all of one's own notices as read."""
    return await _read_all(request)


@put("/notifications/read-all", guards=allow())
async def put_read_all(request: Request) -> Response[Ok[ReadMark]]:
    """The same as POST."""
    return await _read_all(request)


@delete("/notifications/{notification_id:uuid}", status_code=200, guards=allow())
async def remove(request: Request, notification_id: FromPath[UUID]) -> Response[Ok[None]]:
    """Remove one of one's own notices; what of it was not sent yet is not sent."""
    async with request.write() as tx:
        await service.delete(tx, request.me, notification_id)
        return await tx.answer(Ok(data=None))


@get("/notifications/preferences", guards=allow())
async def preferences(request: Request) -> Ok[Preferences]:
    """By which channels each group of notices reaches one, quiet hours and the digest."""
    async with request.read() as conn:
        return Ok(data=await service.preferences(conn, request.me))


async def _change(request: Request, body: PreferencesChange) -> Response[Ok[Preferences]]:
    async with request.write() as tx:
        await service.change_preferences(tx, request.me, body)
        return await tx.answer(Ok(data=await service.preferences(tx.conn, request.me)))


@put("/notifications/preferences", guards=allow())
async def put_preferences(request: Request, data: JSONBody[PreferencesChange]) -> Response[Ok[Preferences]]:
    """Change what one wants to hear of; what is absent stays."""
    return await _change(request, data)


@post("/notifications/preferences", status_code=200, guards=allow())
async def post_preferences(request: Request, data: JSONBody[PreferencesChange]) -> Response[Ok[Preferences]]:
    """The same as PUT."""
    return await _change(request, data)


routes = Router(
    "/v1",
    route_handlers=[
        notifications, read, put_read, patch_read, read_all, put_read_all, remove, preferences, put_preferences,
        post_preferences,
    ],
    tags=["notifications"],
)  # fmt: skip
