"""JSON routes: the sheet of a class, marking it, and the institute's rules."""

from litestar import Router, get, patch, post
from litestar.params import FromPath, JSONBody
from litestar.response import Response

from kaksha.attendance import queries, service
from kaksha.attendance.models import MarkBody, MarkResult, Rules, RulesChange, SheetRow, TeacherMark
from kaksha.core.errors import NotFound
from kaksha.core.http import Many, Ok, Request, allow, paged, raw
from kaksha.core.ids import UUID
from kaksha.institutes.service import viewer


async def _sheet(request: Request, class_id: UUID, who: UUID | None) -> Many[SheetRow]:
    async with request.read() as conn:
        found = await queries.sheet(conn, request.me.institute_id, class_id, who)
    if found is None:
        raise NotFound
    return paged(raw(list[SheetRow], found["items"]), 1, max(1, found["total"]), found["total"])


@get("/classes/{class_id:uuid}/attendance", guards=allow("teacher", "admin"))
async def sheet(request: Request, class_id: FromPath[UUID]) -> Many[SheetRow]:
    """Everybody who was in the class on its day, whole, with their marks; for its teacher, its batch's and admins."""
    return await _sheet(request, class_id, viewer(request.me))


@get("/teachers/{teacher_id:uuid}/classes/{class_id:uuid}/attendance", guards=allow("teacher", "admin"))
async def teacher_sheet(
    request: Request, teacher_id: FromPath[UUID], class_id: FromPath[UUID]
) -> Many[SheetRow]:  # fmt: skip
    """The same for a class that this teacher may see."""
    if teacher_id != request.me.user_id and not request.me.is_admin:
        raise NotFound
    return await _sheet(request, class_id, teacher_id)


@post("/classes/{class_id:uuid}/attendance/mark", status_code=200, guards=allow("teacher", "admin"))
async def mark(request: Request, class_id: FromPath[UUID], data: JSONBody[MarkBody]) -> Response[Ok[MarkResult]]:
    """Mark a class that was held: its teacher (who stands in, too) or an admin for academics. All rows, or none."""
    async with request.write() as tx:
        return await tx.answer(Ok(data=await service.mark(tx, request.me, class_id, data)))


@post("/teachers/{teacher_id:uuid}/attendance/mark", status_code=200, guards=allow("teacher", "admin"))
async def teacher_mark(
    request: Request, teacher_id: FromPath[UUID], data: JSONBody[TeacherMark]
) -> Response[Ok[MarkResult]]:
    """The same for a class that this teacher gives."""
    async with request.write() as tx:
        return await tx.answer(Ok(data=await service.mark(tx, request.me, data.class_id, data, teacher_id)))


@get("/attendance/settings", guards=allow("teacher", "admin"))
async def rules(request: Request) -> Ok[Rules]:
    """The institute's rules of attendance."""
    async with request.read() as conn:
        return Ok(data=await queries.rules(conn, request.me.institute_id))


@patch("/attendance/settings", guards=allow("admin", permission="academics"))
async def change_rules(request: Request, data: JSONBody[RulesChange]) -> Response[Ok[Rules]]:
    """Change them; what is absent stays."""
    async with request.write() as tx:
        await service.change_rules(tx, data)
        return await tx.answer(Ok(data=await queries.rules(tx.conn, tx.institute_id)))


routes = Router(
    "/v1", route_handlers=[sheet, teacher_sheet, mark, teacher_mark, rules, change_rules], tags=["attendance"]
)
