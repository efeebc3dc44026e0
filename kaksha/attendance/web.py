"""Pages: marking a class, and the institute's rules.

A form sends every student's mark. What was not touched says little: where nobody has marked the student yet it counts
as taken when the class began, so that whatever anybody else saw holds; where somebody has, it is not sent on at all. So
two who mark the same class at once lose nothing.
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Router, get, post
from litestar.datastructures import FormMultiDict
from litestar.params import FromPath
from litestar.response import Response

from kaksha.attendance import queries, service
from kaksha.attendance.models import MarkBody, MarkResult, RulesChange, RulesForm, SheetHead, SheetRow
from kaksha.core.errors import Invalid, NotFound
from kaksha.core.failures import reasons
from kaksha.core.http import NOTICES, Request, allow, form
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.validation import converted
from kaksha.institutes.service import viewer

NOTICES.update(
    {
        "attendance-saved": N_("Attendance is saved."),
        "attendance-told": N_("Attendance is saved. Parents are told in a few minutes: until then you can correct it."),
        "attendance-same": N_("Nothing has changed."),
        "attendance-rules": N_("The rules are saved."),
    }
)

CHOICES = (
    ("present", N_("P"), "good", N_("Present")),
    ("absent", N_("A"), "bad", N_("Absent")),
    ("late", N_("L"), "warn", N_("Late")),
    ("excused", N_("E"), "", N_("Excused")),
)
"""Of each status: value, letter, look and name."""
_MOST_SHOWN = 20


@get("/classes/{class_id:uuid}/attendance", guards=allow("teacher", "admin"))
async def sheet_page(request: Request, class_id: FromPath[UUID]) -> Response[bytes]:
    overruled = request.query_params.get("later", "").split(",")[:_MOST_SHOWN]
    return await _sheet_page(request, class_id, overruled=overruled)


@post("/classes/{class_id:uuid}/attendance", guards=allow("teacher", "admin"))
async def mark(request: Request, class_id: FromPath[UUID]) -> Response[bytes]:
    """All students' marks in one form; whom somebody else marked later stands on the page that it leads to."""
    given = await request.form()
    here = f"/classes/{class_id}/attendance"
    head, _ = await _sheet(request, class_id)
    records = list(_records(given, head))
    try:
        body = converted(MarkBody, {"records": records, "clientId": _uuid(given.get("_idem"))})
        async with request.write() as tx:
            if not records:
                return await tx.see_other(here, "attendance-same")
            result = await service.mark(tx, request.me, class_id, body)
            return await tx.see_other(*_onwards(here, result))
    except Invalid as error:
        return await _sheet_page(request, class_id, error=error, typed=given)


@get("/attendance/settings", guards=allow("admin", permission="academics"))
async def rules_page(request: Request) -> Response[bytes]:
    async with request.read() as conn:
        found = await queries.rules(conn, request.me.institute_id)
    return _rules_page(request, msgspec.to_builtins(found))


@post("/attendance/settings", guards=allow("admin", permission="academics"))
async def change_rules(request: Request) -> Response[bytes]:
    try:
        body = await form(request, RulesForm)
        async with request.write() as tx:
            await service.change_rules(tx, RulesChange(**msgspec.structs.asdict(body)))
            return await tx.see_other("/attendance", "attendance-rules")
    except Invalid as error:
        given = await request.form()
        typed = {name: given.get(name, "") for name in ("minimumPercent", "undoMinutes", "lateCounts")}
        return _rules_page(request, typed, error)


def _records(given: FormMultiDict, head: SheetHead) -> Iterable[dict[str, Any]]:
    """The marks of a form that say something (see above)."""
    for name, status in given.multi_items():
        kind, _, student = name.partition("-")
        if kind != "status":
            continue
        was, taken = given.get(f"was-{student}", ""), given.get(f"at-{student}", "")
        if was == status:
            continue
        if not was and status == "present" and not taken:
            taken = head.starts_at.isoformat()
        yield {"studentId": student, "status": status, "takenAt": taken or None}


def _onwards(here: str, result: MarkResult) -> tuple[str, str | None]:
    """Where a saved form leads to, and what is said there."""
    later = [str(one.student_id) for one in result.records if one.result == "superseded"][:_MOST_SHOWN]
    if later:
        return f"{here}?{urlencode({'later': ','.join(later)}, safe=',')}", None
    if not result.applied:
        return here, "attendance-same"
    return here, "attendance-told" if result.parents_told_at else "attendance-saved"


async def _sheet(request: Request, class_id: UUID) -> tuple[SheetHead, list[SheetRow]]:
    """A class and who was in it. Raises NotFound."""
    me = request.me
    async with request.read() as conn:
        head = await queries.head(conn, me.institute_id, class_id, viewer(me), request.now)
        found = await queries.sheet(conn, me.institute_id, class_id, viewer(me))
    if head is None or found is None:
        raise NotFound
    return head, msgspec.json.decode(found["items"], type=list[SheetRow])


async def _sheet_page(
    request: Request, class_id: UUID, *, overruled: Iterable[str] = (), error: Invalid | None = None,
    typed: FormMultiDict | None = None,
) -> Response[bytes]:  # fmt: skip
    head, rows = await _sheet(request, class_id)
    picked = {
        str(row.student_id): (typed.get(f"status-{row.student_id}") if typed else None) or row.status or "present"
        for row in rows
    }
    return request.page(
        "attendance/sheet.html", status=error.status if error else 200, head=head, rows=rows, picked=picked,
        tally={choice[0]: list(picked.values()).count(choice[0]) for choice in CHOICES}, choices=CHOICES,
        may_mark=head.held and service.may_mark(request.me, head.teacher_id), overruled=set(overruled),
        marked=sum(row.status is not None for row in rows), idem=new_id(),
        errors=reasons(request.lang, error.problems) if error else {},
    )  # fmt: skip


def _rules_page(request: Request, values: dict[str, Any], error: Invalid | None = None) -> Response[bytes]:
    return request.page(
        "attendance/settings.html", status=error.status if error else 200, values=values, idem=new_id(),
        errors=reasons(request.lang, error.problems) if error else {},
    )  # fmt: skip


def _uuid(text: Any) -> str | None:
    try:
        return str(UUID(str(text)))
    except ValueError:
        return None


routes = Router("/", route_handlers=[sheet_page, mark, rules_page, change_rules], include_in_schema=False)
