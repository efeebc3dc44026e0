"""JSON routes of files that are there: listing one's own, fetching, deleting."""

from typing import Annotated, Any

from litestar import Router, delete, get
from litestar.params import FromPath, QueryParameter
from litestar.response import Response

from kaksha.core import ranges
from kaksha.core.errors import NotFound
from kaksha.core.http import Many, Ok, Request, allow, paged, public, raw
from kaksha.core.ids import UUID
from kaksha.files import queries, service
from kaksha.files.models import File, FileUsage, MyFile

Page = Annotated[int, QueryParameter(ge=1, le=100_000)]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]
Inline = Annotated[bool, QueryParameter(description="true lets a browser show pictures, sound and films")]


@get("/files", guards=allow())
async def mine(request: Request, page: Page = 1, limit: Limit = 20) -> Many[MyFile]:
    """What one has uploaded, the newest first."""
    me = request.me
    async with request.read() as conn:
        found = await queries.mine(conn, me.institute_id, me.user_id, request.now, page, limit)
    return paged(raw(list[MyFile], found["items"]), page, limit, found["total"])


@get("/files/usage", guards=allow())
async def usage(request: Request) -> Ok[FileUsage]:
    """How much space one's uploads take, and how much there is."""
    me = request.me
    async with request.read() as conn:
        own, _ = await queries.usage(conn, me.institute_id, me.user_id)
    return Ok(data=FileUsage(own, request.app.state.shelf.person_bytes))


@get("/files/{file_id:uuid}", guards=allow())
async def file(request: Request, file_id: FromPath[UUID]) -> Ok[File]:
    """What a file is called and how large it is, with a fresh `url`."""
    me = request.me
    async with request.read() as conn:
        found = await queries.file(conn, me.institute_id, file_id, me.user_id, me.is_admin, request.now)
    if found is None:
        raise NotFound
    return Ok(data=raw(File, found))


@get("/files/{file_id:uuid}/download", guards=allow(), media_type="application/octet-stream")
async def download(request: Request, file_id: FromPath[UUID], inline: Inline = False) -> Response[Any]:
    """The bytes of a file, or a part of them (Range, If-Range, If-None-Match)."""
    me = request.me
    async with request.read() as conn:
        found = await queries.found(conn, me.institute_id, file_id, me.user_id, me.is_admin, request.now)
    if found is None:
        raise NotFound
    opened = service.reader(request.app.state.shelf, me.institute_id, found)
    return await ranges.answer(request.headers, found, opened, inline=inline)


@get(
    "/files/signed/{token:str}", guards=public("the signature in the address is the proof"),
    media_type="application/octet-stream",
)  # fmt: skip
async def signed(request: Request, token: FromPath[str], inline: Inline = False) -> Response[Any]:
    """The same by a file's `url`, which works for one to two hours and for whoever holds it."""
    institute_id, found = await service.signed(request.core, token)
    opened = service.reader(request.app.state.shelf, institute_id, found)
    return await ranges.answer(request.headers, found, opened, inline=inline)


@delete("/files/{file_id:uuid}", status_code=200, guards=allow())
async def remove(request: Request, file_id: FromPath[UUID]) -> Response[Ok[None]]:
    """Delete a file: one's own while nothing hangs on it; an admin may delete any that they may see."""
    async with request.write() as tx:
        await service.delete(tx, request.me, file_id)
        answer = await tx.answer(Ok(data=None))
    await service.drop(request.app.state.shelf, request.me.institute_id, file_id)
    return answer


routes = Router("/v1", route_handlers=[mine, usage, file, download, signed, remove], tags=["files"])
