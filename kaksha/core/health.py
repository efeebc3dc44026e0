"""Is it alive, is it ready, how is it doing: /healthz, /readyz, /metrics."""

import asyncio
import hmac

from litestar import Router, get
from litestar.response import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from kaksha.core.errors import DatabaseDown, NotFound
from kaksha.core.http import Ok, Request, public

_WHY = "balancers and monitors have no account"


@get("/healthz", guards=public(_WHY), tags=["operating"])
async def healthz() -> Ok[dict[str, str]]:
    """The process answers."""
    return Ok(data={"status": "alive"})


@get("/readyz", guards=public(_WHY), tags=["operating"])
async def readyz(request: Request) -> Response[Ok[dict[str, str]]]:
    """Whether requests can be served now: 200, or 503 naming what is missing."""
    core = request.core
    found = {"database": "ready", "notices": "ready" if core.ears.hears else "catching up"}
    jobs = request.app.state.jobs
    found["jobs"] = "elsewhere" if core.settings.worker == "external" else "ready" if jobs.alive else "starting"
    try:
        async with asyncio.timeout(2), core.db.read(None) as conn:
            await conn.fetchval("select 1")
    except (DatabaseDown, TimeoutError):
        found["database"] = "unavailable"
    found["storage"] = "ready" if await request.app.state.storage_answers() else "unavailable"
    ready = found["database"] == found["storage"] == "ready" and found["jobs"] != "starting"
    return Response(Ok(data=found), status_code=200 if ready else 503)


@get("/metrics", guards=public("a token or loopback, checked here"), include_in_schema=False)
async def metrics(request: Request) -> Response[bytes]:
    """Prometheus text; for holders of METRICS_TOKEN, or from this machine when none is set."""
    expected = request.core.settings.metrics_token
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if expected is None:
        if request.address not in ("127.0.0.1", "::1"):
            raise NotFound
    elif not hmac.compare_digest(given.encode(), expected.encode()):
        raise NotFound
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


routes = Router("/", route_handlers=[healthz, readyz, metrics])
