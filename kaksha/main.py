"""The whole application, put together: read this first.

`Edge` (request ids, limits, headers, metrics) wraps the Litestar application, whose routes are those of the features
listed in ROUTES. Beside it run the ears (notices from other processes) and, unless `WORKER=external`, the jobs.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.types import ASGIApp

from kaksha.accounts import (
    api as accounts_api,
    jobs as accounts_jobs,
    service as accounts,
    web as accounts_web,
)
from kaksha.batches import (
    api as batches_api,
    web as batches_web,
)
from kaksha.core import failures, health, openapi, statics
from kaksha.core.clock import Clock, system_clock
from kaksha.core.db import Database
from kaksha.core.edge import Edge
from kaksha.core.gate import Gate
from kaksha.core.http import Core, Policy, Request
from kaksha.core.jobs import Jobs
from kaksha.core.live import Ears
from kaksha.core.seal import Keys
from kaksha.core.settings import Settings
from kaksha.core.tokens import Tokens
from kaksha.home import (
    api as home_api,
    web as home_web,
)
from kaksha.institutes import (
    api as institutes_api,
    web as institutes_web,
)
from kaksha.people import api as people_api, web as people_web

ROUTES: tuple[Router, ...] = (
    statics.routes,
    health.routes,
    openapi.routes,
    accounts_api.routes,
    accounts_web.routes,
    institutes_api.routes,
    institutes_web.routes,
    batches_api.routes,
    batches_web.routes,
    people_api.routes,
    people_web.routes,
    home_api.routes,
    home_web.routes,
)


DemoPerson = tuple[str, str, str]
"""Name, role and e-mail of somebody whom the demo's sign-in page offers."""


def build(
    settings: Settings, app_url: str, *, clock: Clock = system_clock, demo_people: Sequence[DemoPerson] = ()
) -> ASGIApp:
    """The ASGI application of one process. `app_url` is the database address of the application's role."""
    core, jobs = build_core(settings, app_url, clock)
    application = Litestar(
        route_handlers=ROUTES,
        request_class=Request,
        exception_handlers={Exception: failures.handle},
        request_max_body_size=settings.max_body_bytes,
        openapi_config=openapi.config(),
        lifespan=[lambda _: running(core, jobs if settings.worker == "inline" else None)],
        state=State({"core": core, "jobs": jobs, "demo_people": demo_people}),
        logging_config=None,
        debug=False,
    )
    check_policies(application)
    return Edge(application, settings)


def build_core(settings: Settings, app_url: str, clock: Clock = system_clock) -> tuple[Core, Jobs]:
    """What a process has one of, and its jobs; used by the web process and by `kaksha worker`."""
    keys = Keys(settings.secret_key)
    db = Database(
        app_url,
        keys,
        size=settings.database_pool_size,
        transaction_pooler=settings.database_pooler == "transaction",
        clock=clock,
    )
    ears = Ears(app_url)
    holder: dict[str, Core] = {}
    gate = Gate(
        Tokens(keys),
        ears,
        clock,
        load=lambda cookie, now: accounts.page_session(holder["core"], cookie, now),
        changes=lambda principal: accounts.session_changes(db, principal),
    )
    core = holder["core"] = Core(settings, db, keys, ears, gate)
    jobs = Jobs(app_url)
    accounts_jobs.register(jobs, core)
    return core, jobs


@contextlib.asynccontextmanager
async def running(core: Core, jobs: Jobs | None) -> AsyncGenerator[None]:
    """Opens the pool and runs the ears and the jobs for as long as the block lasts."""
    await core.db.open()
    loops = [asyncio.create_task(core.ears.run(), name="ears")]
    if jobs is not None:
        loops.append(asyncio.create_task(jobs.run(), name="jobs"))
    try:
        yield
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await core.db.close()


def check_policies(application: Litestar) -> None:
    """Refuses to start when a route does not say, exactly once, who may call it."""
    found = openapi.handlers(application)
    silent = [
        f"{method} {path}"
        for method, path, handler in found
        if [isinstance(guard, Policy) for guard in handler.resolve_guards()] != [True]
    ]
    if silent or not found:
        raise RuntimeError(f"these routes do not say who may call them: {', '.join(silent) or 'none were found'}")
