"""Pages: where one starts, the home of each role, a parent's children."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, cast

import msgspec
from litestar import Router, get
from litestar.params import FromPath
from litestar.response import Response

from kaksha.core.clock import local_date
from kaksha.core.errors import NotFound
from kaksha.core.html import Me
from kaksha.core.http import Request, allow, public, see_other
from kaksha.core.i18n import N_, gettext, ngettext
from kaksha.core.ids import UUID
from kaksha.home import service
from kaksha.home.models import DASHBOARDS, AdminDashboard, ParentDashboard, StudentDashboard

_ACTIONS = {
    "attendance.marked": N_("Attendance marked"),
    "attendance.rules_changed": N_("Rules of attendance changed"),
    "batch.archived": N_("Batch archived"),
    "batch.changed": N_("Batch changed"),
    "batch.created": N_("Batch created"),
    "batch.subjects_set": N_("Subjects of a batch set"),
    "demo.rolled": N_("Demo moved to today"),
    "enrolment.created": N_("Student put into a batch"),
    "enrolment.ended": N_("Student taken out of a batch"),
    "institute.changed": N_("Institute changed"),
    "institute.created": N_("Institute created"),
    "parent.linked": N_("Parent and child linked"),
    "parent.unlinked": N_("Parent and child no longer linked"),
    "person.changed": N_("Person changed"),
    "person.created": N_("Person added"),
    "person.disabled": N_("Person disabled"),
    "person.enabled": N_("Person admitted"),
    "profile.changed": N_("Own profile changed"),
    "subject.archived": N_("Subject archived"),
    "subject.changed": N_("Subject changed"),
    "subject.created": N_("Subject created"),
}
"""What the entries of the audit log are called; one without a name here is shown as it is kept."""


class Need(msgspec.Struct, frozen=True):
    """Something that waits for an admin: what, whom it is about (name, address), how many more, where it is done."""

    title: str
    who: list[tuple[str, str]]
    more: int
    action: str
    href: str
    icon: str


@get("/", guards=public("it only leads to where one may go"))
async def start(request: Request) -> Response[bytes]:
    return see_other("/sign-in" if request.maybe_me is None else "/home")


@get("/home", guards=allow())
async def home(request: Request) -> Response[bytes]:
    role = cast(Me, request.me.me).role
    try:
        async with request.read() as conn:
            found = await service.own(conn, request.me, role, request.now)
    except NotFound:  # the role was given, its record was not: the office still has to fill it in
        return _page(request, "home/unready.html")
    board = msgspec.json.decode(found, type=DASHBOARDS[role])
    extras = _extras(board, request.lang) if isinstance(board, AdminDashboard) else {}
    return _page(request, f"home/{role}.html", board=board, **extras)


@get("/children", guards=allow("parent"))
async def children(request: Request) -> Response[bytes]:
    async with request.read() as conn:
        found = await service.parent(conn, request.me, request.me.user_id, request.now)
    return _page(request, "home/children.html", board=msgspec.json.decode(found, type=ParentDashboard))


@get("/children/{student_id:uuid}", guards=allow("parent"))
async def child(request: Request, student_id: FromPath[UUID]) -> Response[bytes]:
    async with request.read() as conn:
        found = await service.child(conn, request.me, student_id, request.now)
    return _page(request, "home/child.html", board=msgspec.json.decode(found, type=StudentDashboard))


def _page(request: Request, template: str, **context: Any) -> Response[bytes]:
    return request.page(template, today=local_date(request.now, request.me.zone), **context)


def _extras(board: AdminDashboard, lang: str) -> dict[str, Any]:
    """What the admin's page says beside the dashboard: what needs them, when things were, what actions are called."""
    people = {person.id: datetime.fromisoformat(person.created_at) for person in board.newest}
    changes = {line.id: datetime.fromisoformat(line.at) for line in board.changes}
    return {"needs": list(_needs(board, lang)), "moments": people | changes, "actions": _ACTIONS}


def _needs(board: AdminDashboard, lang: str) -> Iterator[Need]:
    """What waits, the most pressing first: people at the door, subjects nobody teaches, students nobody placed."""

    def need(n: int, title: str, action: str, who: Iterable[tuple[str, str]], href: str, icon: str) -> Need:
        named = list(who)[:3]
        # About one person or batch it leads there at once.
        return Need(title.format(n=n), named, n - len(named), action, named[0][1] if n == 1 else href, icon)

    counts = board.counts
    if n := counts.pending:
        title = ngettext(lang, "{n} person waits for approval", "{n} people wait for approval", n)
        who = ((one.name, f"/people/{one.id}") for one in board.pending)
        yield need(n, title, gettext(lang, "Look at them"), who, "/joining/waiting", "key")
    if n := counts.without_teacher:
        title = ngettext(lang, "{n} subject without a teacher", "{n} subjects without a teacher", n)
        who = (
            (f"{one.name}, {one.batch_name}", f"/batches/{one.batch_id}") if one.batch_id else (one.name, "/batches")
            for one in board.without_teacher
        )
        yield need(n, title, gettext(lang, "Go to the batches"), who, "/batches", "book")
    if n := counts.without_batch:
        title = ngettext(lang, "{n} student without a batch", "{n} students without a batch", n)
        who = ((one.name, f"/people/{one.id}") for one in board.without_batch)
        yield need(n, title, gettext(lang, "Place them"), who, "/batches", "layers")
    if n := counts.nearly_full:
        title = ngettext(lang, "{n} batch is full or nearly so", "{n} batches are full or nearly so", n)
        who = ((one.name, f"/batches/{one.id}") for one in board.batches[:n])
        yield need(n, title, gettext(lang, "Look at the seats"), who, "/batches", "warning")
    if n := counts.without_parent:
        title = ngettext(lang, "{n} student without a parent", "{n} students without a parent", n)
        who = ((one.name, f"/people/{one.id}") for one in board.without_parent)
        yield need(n, title, gettext(lang, "Link their parents"), who, "/people?role=student", "people")


routes = Router("/", route_handlers=[start, home, children, child], include_in_schema=False)
