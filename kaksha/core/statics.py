"""Built files under /static (hashed names, cached for ever), and the few that must lie at the root."""

from pathlib import Path

from litestar import Router, get
from litestar.params import FromPath
from litestar.response import Response

from kaksha.core.errors import NotFound
from kaksha.core.http import Request, public

_FOLDER = Path(__file__).parent / "static"
_KINDS = {
    ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
    ".png": "image/png", ".webmanifest": "application/manifest+json", ".woff2": "font/woff2",
}  # fmt: skip
_WHY = "the app's own files are the same for everybody"


@get("/static/{name:str}", guards=public(_WHY))
async def static_file(name: FromPath[str]) -> Response[bytes]:
    return _file(name, "public, max-age=31536000, immutable")


@get("/sw.js", guards=public(_WHY))
async def service_worker() -> Response[bytes]:
    return _file("sw.js", "no-cache")


@get("/manifest.webmanifest", guards=public(_WHY))
async def manifest() -> Response[bytes]:
    return _file("manifest.webmanifest", "no-cache")


@get("/offline", guards=public(_WHY))
async def offline(request: Request) -> Response[bytes]:
    return request.page("core/offline.html")


def _file(name: str, caching: str) -> Response[bytes]:
    kind = _KINDS.get(Path(name).suffix)
    path = _FOLDER / name
    if kind is None or path.parent != _FOLDER or not path.is_file():
        raise NotFound
    return Response(path.read_bytes(), media_type=kind, headers={"Cache-Control": caching})


routes = Router("/", route_handlers=[static_file, service_worker, manifest, offline], include_in_schema=False)
