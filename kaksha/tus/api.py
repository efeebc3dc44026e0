"""The tus endpoint. An upload begins with one's token; from then on its address is the proof.

HEAD is answered as GET is (`core.edge`), so the handler that says how far an upload is is a GET.
"""

from litestar import Router, delete, get, patch, post, route
from litestar.params import FromPath
from litestar.response import Response

from kaksha.core import repeats, tus
from kaksha.core.http import Request, allow, public
from kaksha.tus import service
from kaksha.uploads.service import MOST_BODY

_PROOF = "the signature in the address is the proof"


@route("/files/tus", http_method=["OPTIONS"], guards=public("says what the endpoint can do"), include_in_schema=False)
async def options() -> Response[None]:
    headers = tus.answered() | tus.OFFERED | {"Tus-Max-Size": str(MOST_BODY - (1 << 20))}
    return Response(None, status_code=204, headers=headers)


@post("/files/tus", guards=allow(), media_type="application/octet-stream")
async def begin(request: Request) -> Response[bytes]:
    """Begin a resumable upload (tus 1.0): Upload-Length, and Upload-Metadata with filename, filetype and purpose."""
    core, me = request.core, request.me
    new = service.asked(request.headers)
    await service.check(core, request.app.state.shelf, me, new)
    async with request.write() as tx:
        location = service.address(core, me.institute_id, await service.begin(tx, me, new))
        await repeats.keep(tx, tx.key, 201, b"", location)
    headers = tus.answered(0, tx.now + service.LIFE, Location=location)
    return Response(b"", status_code=201, headers=headers, media_type="application/octet-stream")


@get("/files/tus/{token:str}", guards=public(_PROOF), media_type="application/octet-stream")
async def state(request: Request, token: FromPath[str]) -> Response[bytes]:
    """How far an upload is (HEAD): Upload-Offset, and when it is done File-Id."""
    tus.checked(request.headers)
    _, upload = await service.found(request.core, token)
    headers = tus.answered(
        upload.received, upload.expires_at, Upload_Length=str(upload.size), **_file_id(upload.file_id)
    )
    return Response(b"", status_code=200, headers=headers, media_type="application/octet-stream")


@patch("/files/tus/{token:str}", status_code=204, guards=public(_PROOF), request_max_body_size=MOST_BODY)
async def send(request: Request, token: FromPath[str]) -> Response[None]:
    """Send on from Upload-Offset, with Upload-Checksum if wanted; the last byte makes it a file, named by File-Id."""
    asked = request.headers
    tus.checked(asked)
    tus.check_body(asked)
    checksum, offset = tus.checksum_of(asked), tus.number_of(asked, "upload-offset")
    institute_id, upload = await service.found(request.core, token)
    upload = await service.receive(
        request.core, request.app.state.shelf, institute_id, upload, offset, request.stream(), checksum
    )
    headers = tus.answered(upload.received, upload.expires_at, **_file_id(upload.file_id))
    return Response(None, status_code=204, headers=headers)


@delete("/files/tus/{token:str}", guards=public(_PROOF))
async def end(request: Request, token: FromPath[str]) -> Response[None]:
    """End an upload; what came of it is removed. A file that it became stays."""
    tus.checked(request.headers)
    institute_id, upload = await service.found(request.core, token)
    await service.end(request.core, institute_id, upload)
    return Response(None, status_code=204, headers=tus.answered())


def _file_id(file_id: object) -> dict[str, str]:
    return {"File_Id": str(file_id)} if file_id else {}


routes = Router("/v1", route_handlers=[options, begin, state, send, end], tags=["files"])
