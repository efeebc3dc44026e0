"""Pages: one's notices by day, and what one wants to hear of."""

from itertools import groupby

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath
from litestar.response import Response

from kaksha.core import i18n
from kaksha.core.errors import Invalid, NotFound
from kaksha.core.failures import reasons
from kaksha.core.http import NOTICES, Pagination, Request, allow, form
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.notifications import queries, service
from kaksha.notifications.models import ICONS, Notification, PreferencesForm, kinds

NOTICES.update(
    {
        "notices-read": N_("Everything is marked as read."),
        "notice-removed": N_("The notice is removed."),
        "notices-chosen": N_("Saved."),
    }
)
_PAGE = 30


@get("/notifications", guards=allow())
async def notices_page(request: Request) -> Response[bytes]:
    me, page = request.me, _page_number(request.query_params.get("page", "1"))
    unread = request.query_params.get("show") == "unread"
    async with request.read() as conn:
        found = await queries.page(conn, me.institute_id, me.user_id, request.now, me.lang, unread, None, page, _PAGE)
    items = msgspec.json.decode(found["items"], type=list[Notification])
    shown = [(item, _icon(item.kind)) for item in items]
    by_day = groupby(shown, key=lambda each: i18n.day(each[0].created, me.lang, me.zone, request.now))
    return request.page(
        "notifications/notices.html", days=[(day, list(each)) for day, each in by_day], unread=unread,
        fresh=any(item.read_at is None for item in items),
        pagination=Pagination(page, _PAGE, found["total"], -(-found["total"] // _PAGE)), idem=new_id(),
    )  # fmt: skip


def _page_number(text: str) -> int:
    """Links of ours are right; what somebody typed into the address shows the first page."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def _icon(name: str) -> str:
    kind = kinds.get(name)
    return ICONS[kind.group] if kind else "bell"


@post("/notifications/{notification_id:uuid}/open", guards=allow())
async def open_notice(request: Request, notification_id: FromPath[UUID]) -> Response[bytes]:
    """Marks it as read and goes to what it is about."""
    async with request.write() as tx:
        await service.read(tx, request.me, notification_id)
        me = request.me
        found = await queries.one(tx.conn, tx.institute_id, me.user_id, notification_id, tx.now, me.lang)
        if found is None:
            raise NotFound
        path = str(msgspec.json.decode(found, type=Notification).data.get("path", ""))
        answer = await tx.see_other(path if path.startswith("/") and not path.startswith("//") else "/notifications")
    await request.core.ears.settled()
    return answer


@post("/notifications/{notification_id:uuid}/delete", guards=allow())
async def delete_notice(request: Request, notification_id: FromPath[UUID]) -> Response[bytes]:
    async with request.write() as tx:
        await service.delete(tx, request.me, notification_id)
        answer = await tx.see_other("/notifications", "notice-removed")
    await request.core.ears.settled()
    return answer


@post("/notifications/read-all", guards=allow())
async def read_all_notices(request: Request) -> Response[bytes]:
    async with request.write() as tx:
        await service.read_all(tx, request.me)
        answer = await tx.see_other("/notifications", "notices-read")
    await request.core.ears.settled()
    return answer


@get("/notifications/preferences", guards=allow())
async def choices_page(request: Request) -> Response[bytes]:
    return await _choices(request, None)


@post("/notifications/preferences", guards=allow())
async def choose(request: Request) -> Response[bytes]:
    try:
        body = service.as_change(await form(request, PreferencesForm))
        async with request.write() as tx:
            await service.change_preferences(tx, request.me, body)
            return await tx.see_other("/notifications/preferences", "notices-chosen")
    except Invalid as error:
        return await _choices(request, error)


async def _choices(request: Request, error: Invalid | None) -> Response[bytes]:
    async with request.read() as conn:
        kept = await service.preferences(conn, request.me)
    quiet = kept.quiet_hours
    times = {"from": quiet.from_ if quiet else "", "to": quiet.to if quiet else ""}
    if error is not None:
        given = await request.form()
        times = {name: str(given.get(name, "")) for name in times}
    problems = {name.removeprefix("quietHours."): whys for name, whys in (error.problems if error else {}).items()}
    return request.page(
        "notifications/choices.html", status=422 if error else 200, kept=kept, times=times,
        errors=reasons(request.lang, problems), idem=new_id(),
        push_key=request.app.state.outside.push_key,
    )  # fmt: skip


routes = Router(
    "/",
    route_handlers=[
        notices_page, open_notice, delete_notice, read_all_notices, choices_page, choose,
    ],
    include_in_schema=False,
)  # fmt: skip
