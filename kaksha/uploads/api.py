"""JSON routes that take files: one, or many with a result for each."""

from dataclasses import dataclass

import msgspec
from litestar import Router, post
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.response import Response

from kaksha.core.errors import AppError, Invalid
from kaksha.core.failures import text
from kaksha.core.http import Ok, Request, allow, raw
from kaksha.core.i18n import N_
from kaksha.core.repeats import Replay
from kaksha.files.models import File, NewFile
from kaksha.files.service import drop, record
from kaksha.uploads import service
from kaksha.uploads.models import PURPOSES, Outcome


def _body(name: str, of: Schema) -> RequestBody:
    purpose = Schema(type=OpenAPIType.STRING, enum=list(PURPOSES))
    whole = Schema(type=OpenAPIType.OBJECT, required=[name, "purpose"], properties={name: of, "purpose": purpose})
    return RequestBody(content={"multipart/form-data": OpenAPIMediaType(schema=whole)}, required=True)


_BINARY = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)


@dataclass
class _OneFile(Operation):
    """The framework cannot know the body: it is read as it arrives."""

    def __post_init__(self) -> None:
        self.request_body = _body("file", _BINARY)


@dataclass
class _ManyFiles(Operation):
    def __post_init__(self) -> None:
        self.request_body = _body("files", Schema(type=OpenAPIType.ARRAY, items=_BINARY))


@post("/files/upload", guards=allow(), request_max_body_size=service.MOST_BODY, operation_class=_OneFile)
async def upload(request: Request) -> Response[Ok[File]]:
    """Send one file: the parts `file` and `purpose`. It is what its bytes say it is; a picture is encoded anew."""
    core, shelf, me = request.core, request.app.state.shelf, request.me
    form = await request.form()
    purpose = service.named_purpose(form, me)
    came = service.of_form(form, purpose, "file")
    if len(came) != 1:
        raise Invalid({"file": [N_("This is required.")]})
    await service.take_turn(core, me)
    async with service.taken(core, shelf, me, came) as (kept,), request.write() as tx:
        return await tx.answer(Ok(data=raw(File, await record(tx, shelf, me, kept))), status=201)


@post(
    "/files/batch-upload", status_code=200, guards=allow(), request_max_body_size=service.MOST_BODY,
    operation_class=_ManyFiles,
)  # fmt: skip
async def batch_upload(request: Request) -> Response[Ok[list[Outcome]]]:
    """Send up to 20 files: the parts `files` and `purpose`. Each is taken or refused for itself, in the order sent."""
    core, shelf, me = request.core, request.app.state.shelf, request.me
    form = await request.form()
    came = service.of_form(form, service.named_purpose(form, me))
    if not came:
        raise Invalid({"files": [N_("This is required.")]})
    await service.take_turn(core, me)
    kept: list[NewFile] = []
    outcomes: list[NewFile | AppError] = []
    try:
        for each in came:
            try:
                kept.append(await service.keep(core, shelf, me, each, sum(file.size for file in kept)))
                outcomes.append(kept[-1])
            except AppError as refused:
                outcomes.append(refused)
        async with request.write() as tx:
            said: list[Outcome] = []
            for each, outcome in zip(came, outcomes, strict=True):
                if isinstance(outcome, AppError):
                    message = text(request.lang, outcome)
                    said.append(Outcome(each.name, code=outcome.code, message=message))
                else:
                    made = msgspec.json.decode(await record(tx, shelf, me, outcome), type=File)
                    said.append(Outcome(made.name, file=made))
            return await tx.answer(Ok(data=said))
    except (Replay, AppError):
        for file in kept:
            await drop(shelf, me.institute_id, file.id)
        raise


routes = Router("/v1", route_handlers=[upload, batch_upload], tags=["files"])
