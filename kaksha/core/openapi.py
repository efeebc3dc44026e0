"""The API's description: /openapi.json, and /docs to read it without any script."""

import msgspec
from litestar import Litestar, Router, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.response import Response

from kaksha.core.http import Request, public

_WHY = "integrators read it before they have an account"


def config() -> OpenAPIConfig:
    """How the description is made. The framework insists on addresses of its own; they get the same policy."""
    return OpenAPIConfig(
        title="Kaksha",
        version="1",
        create_examples=False,
        render_plugins=[JsonRenderPlugin()],
        openapi_router=Router("/schema", route_handlers=[], guards=public(_WHY), include_in_schema=False),
        components=Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}),
    )


def document(application: Litestar) -> bytes:
    """The description as it is committed: stable order, two spaces."""
    schema = application.openapi_schema.to_schema()
    return msgspec.json.format(msgspec.json.encode(schema, order="sorted"), indent=2) + b"\n"


@get("/openapi.json", guards=public(_WHY), include_in_schema=False)
async def openapi_json(request: Request) -> Response[bytes]:
    return Response(document(request.app), media_type="application/json")


routes = Router("/", route_handlers=[openapi_json])
