"""JSON routes: one class; change, hand over, cancel and restore classes."""

from typing import Annotated

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Response

from kaksha.classes import service as classes
from kaksha.classes.models import Class
from kaksha.core.db import Write
from kaksha.core.http import Ok, Request, allow, raw
from kaksha.core.ids import UUID
from kaksha.rescheduling import service
from kaksha.rescheduling.models import Cancellation, ClassChange, Substitution

_ACADEMICS = allow("admin", permission="academics")


async def _answer(tx: Write, class_id: UUID) -> Ok[Class]:
    return Ok(data=raw(Class, await classes.shown(tx, class_id)))


@get("/classes/{class_id:uuid}", guards=allow())
async def one(request: Request, class_id: FromPath[UUID]) -> Ok[Class]:
    """A class, for those who teach it or are in its batch on its day, and admins."""
    async with request.read() as conn:
        return Ok(data=raw(Class, await classes.seen(conn, request.me, class_id, request.now)))


@patch("/classes/{class_id:uuid}", guards=_ACADEMICS)
async def change(request: Request, class_id: FromPath[UUID], data: JSONBody[ClassChange]) -> Response[Ok[Class]]:
    """Change a class; `scope` "following" or "all" changes the weekly timetable with it."""
    async with request.write() as tx:
        await service.change(tx, class_id, data)
        return await tx.answer(await _answer(tx, class_id))


@post("/classes/{class_id:uuid}/substitute", guards=_ACADEMICS)
async def substitute(request: Request, class_id: FromPath[UUID], data: JSONBody[Substitution]) -> Response[Ok[Class]]:
    """Let somebody else give a class; the planned teacher's own id gives it back."""
    async with request.write() as tx:
        await service.change(tx, class_id, ClassChange(teacher_id=data.teacher_id))
        return await tx.answer(await _answer(tx, class_id))


@post("/classes/{class_id:uuid}/cancel", guards=_ACADEMICS)
async def cancel(request: Request, class_id: FromPath[UUID], data: JSONBody[Cancellation]) -> Response[Ok[Class]]:
    """Cancel a class that has not begun; everybody concerned is told the reason."""
    async with request.write() as tx:
        await service.cancel(tx, class_id, data.reason)
        return await tx.answer(await _answer(tx, class_id))


@delete("/classes/{class_id:uuid}", status_code=200, guards=_ACADEMICS)
async def cancel_by_delete(
    request: Request, class_id: FromPath[UUID], reason: Annotated[str, QueryParameter()] = ""
) -> Response[Ok[Class]]:
    """The same as cancel, with `reason` in the address (may be absent): a class is never deleted."""
    async with request.write() as tx:
        await service.cancel(tx, class_id, reason or "–")
        return await tx.answer(await _answer(tx, class_id))


@post("/classes/{class_id:uuid}/restore", guards=_ACADEMICS)
async def restore(request: Request, class_id: FromPath[UUID]) -> Response[Ok[Class]]:
    """Take a cancellation back, if nothing else is there by now."""
    async with request.write() as tx:
        await service.restore(tx, class_id)
        return await tx.answer(await _answer(tx, class_id))


routes = Router("/v1", route_handlers=[one, change, substitute, cancel, cancel_by_delete, restore], tags=["classes"])
