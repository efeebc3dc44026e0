"""The page of one's own files: what one has uploaded, how much space it takes, and papers handed to the office."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Response

from kaksha.core.answers import Pagination
from kaksha.core.errors import AppError, Invalid
from kaksha.core.failures import reasons, text
from kaksha.core.http import NOTICES, Request, allow
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.files import service as files
from kaksha.files.models import File, Hook
from kaksha.uploads import service

NOTICES.update({"files-sent": N_("Your files are with the office."), "file-deleted": N_("The file is deleted.")})
PURPOSE = "document"
_A_PAGE = 20


@get("/files", guards=allow())
async def my_files(request: Request, page: Annotated[int, QueryParameter(ge=1, le=100_000)] = 1) -> Response[bytes]:
    return await _page(request, page)


async def _page(request: Request, page: int = 1, failure: AppError | None = None) -> Response[bytes]:
    async with request.read() as conn:
        found, total, used = await files.mine(conn, request.me, request.now, page, _A_PAGE)
    response = request.page(
        "uploads/files.html",
        status=failure.status if failure else 200,
        files=found, used=used, most=request.app.state.shelf.person_bytes,
        pagination=Pagination(page, _A_PAGE, total, -(-total // _A_PAGE)),
        failure=text(request.lang, failure) if failure and not isinstance(failure, Invalid) else None,
        errors=reasons(request.lang, failure.problems) if isinstance(failure, Invalid) else {},
        idem=new_id(),
    )  # fmt: skip
    response.headers.update(failure.headers if failure else {})
    return response


@post("/files", guards=allow(), request_max_body_size=service.MOST_BODY)
async def hand_in(request: Request) -> Response[bytes]:
    core, shelf, me = request.core, request.app.state.shelf, request.me
    try:
        form = await request.form()
        came, ids = service.of_form(form, PURPOSE), service.ids_of_form(form)
        if not came and not ids:
            raise Invalid({"files": [N_("This is required.")]})
        await service.take_turn(core, me)
        async with service.taken(core, shelf, me, came) as kept, request.write() as tx:
            for file in kept:
                ids.append(msgspec.json.decode(await files.record(tx, shelf, me, file), type=File).id)
            hook = Hook(files.OWN, me.user_id)
            await files.attach(tx, ids, hook=hook, audience=[], purposes=(PURPOSE,))
            return await tx.see_other("/files", "files-sent")
    except AppError as error:
        return await _page(request, failure=error)


@post("/files/{file_id:uuid}/delete", guards=allow())
async def delete(request: Request, file_id: FromPath[UUID]) -> Response[bytes]:
    async with request.write() as tx:
        await files.delete(tx, request.me, file_id)
        answer = await tx.see_other("/files", "file-deleted")
    await files.drop(request.app.state.shelf, request.me.institute_id, file_id)
    return answer


routes = Router("/", route_handlers=[my_files, hand_in, delete], include_in_schema=False)
