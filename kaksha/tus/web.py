"""Where the upload widget of the pages begins an upload: by the page's session. Its pieces go to the API's address."""

import msgspec
from litestar import Router, post
from litestar.response import Response

from kaksha.core import tus
from kaksha.core.errors import AppError
from kaksha.core.failures import text
from kaksha.core.http import Request, allow
from kaksha.tus import service


@post("/files/tus", guards=allow())
async def begin(request: Request) -> Response[bytes]:
    """Refusals are JSON, though this is a page's address: a script reads them."""
    core, me = request.core, request.me
    try:
        new = service.asked(request.headers)
        await service.check(core, request.app.state.shelf, me, new)
    except AppError as error:
        body = msgspec.json.encode({"code": error.code, "message": text(request.lang, error)})
        return Response(body, status_code=error.status, headers=error.headers, media_type="application/json")
    async with request.write() as tx:
        location = service.address(core, me.institute_id, await service.begin(tx, me, new))
    return Response(b"", status_code=201, headers=tus.answered(0, Location=location), media_type="text/plain")


routes = Router("/", route_handlers=[begin], include_in_schema=False)
