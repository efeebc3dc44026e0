"""JSON routes of files: sending, fetching, deleting."""

from dataclasses import dataclass
from typing import Annotated

import msgspec
from litestar import Router, delete, get, post
from litestar.datastructures import UploadFile
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import FromPath, QueryParameter
from litestar.response import Response, Stream

from kaksha.core import ranges
from kaksha.core.errors import AppError, Invalid, NotFound, Why
from kaksha.core.failures import text
from kaksha.core.http import Many, Ok, Request, allow, paged, public, raw
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID
from kaksha.core.repeats import Replay
from kaksha.files import queries, service
from kaksha.files.models import PURPOSES, File, FileUsage, Found, MyFile, NewFile, Outcome
from kaksha.gateways.storage import BadRange

Page = Annotated[int, QueryParameter(ge=1, le=100_000)]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]
Inline = Annotated[bool, QueryParameter()]


def _body(name: str, of: Schema) -> RequestBody:
    purpose = Schema(type=OpenAPIType.STRING, enum=list(PURPOSES))
    whole = Schema(type=OpenAPIType.OBJECT, required=[name, "purpose"], properties={name: of, "purpose": purpose})
    return RequestBody(content={"multipart/form-data": OpenAPIMediaType(schema=whole)}, required=True)


_BINARY = Schema(type=OpenAPIType.STRING, format="binary")


@dataclass
class _OneFile(Operation):
    """The framework cannot know: the body is read as it arrives."""

    def __post_init__(self) -> None:
        self.request_body = _body("file", _BINARY)


@dataclass
class _ManyFiles(Operation):
    def __post_init__(self) -> None:
        self.request_body = _body("files", Schema(type=OpenAPIType.ARRAY, items=_BINARY))


@post("/files/upload", guards=allow(), request_max_body_size=service.MOST_BODY, operation_class=_OneFile)
async def upload(request: Request) -> Response[Ok[File]]:
    """Send one file: the parts `file` and `purpose`. It is what its bytes say it is; pictures are encoded anew."""
    form = await request.form()
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Invalid({"file": [N_("This is required.")]})
    shelf = request.app.state.shelf
    kept = await service.keep(request.core, shelf, request.me, service.incoming(file, _purpose(form.get("purpose"))))
    return await _recorded(request, [kept])


async def _recorded(request: Request, kept: list[NewFile]) -> Response[Ok[File]]:
    shelf = request.app.state.shelf
    try:
        async with request.write() as tx:
            made = [await service.record(tx, shelf, request.me, file) for file in kept]
            return await tx.answer(Ok(data=raw(File, made[0])), status=201)
    except (Replay, AppError):
        for file in kept:
            await service.drop(shelf, request.me.institute_id, file.id)
        raise


def _purpose(given: object) -> str:
    return given.strip() if isinstance(given, str) else ""


@get("/files/{file_id:uuid}/download", guards=allow(), media_type="application/octet-stream")
async def download(request: Request, file_id: FromPath[UUID], inline: Inline = False) -> Response[bytes]:
    """The bytes of a file, or a part of them (Range). `inline=true` lets a browser show pictures, sound and films."""
    me = request.me
    async with request.read() as conn:
        found = await queries.found(conn, me.institute_id, file_id, me.user_id, me.is_admin, request.now)
    if found is None:
        raise NotFound
    return await _sent(request, me.institute_id, found, inline)


async def _sent(request: Request, institute_id: UUID, file: Found, inline: bool) -> Response[bytes]:
    part = ranges.wanted(request.headers, file.size, file.tag)
    if part.status == 416:
        raise BadRange(file.size)
    headers = ranges.headers(file.name, file.content_type, file.tag, part, file.size, inline=inline)
    if part.status == 304:
        return Response(b"", status_code=304, headers=headers, media_type=file.content_type)
    content = await service.content(request.app.state.shelf, institute_id, file, part.start, part.end)
    return Stream(content.chunks, status_code=part.status, headers=headers, media_type=file.content_type)  # type: ignore[return-value]


routes = Router("/v1", route_handlers=[upload, download], tags=["files"])
