"""The whole application, put together: read this first.

`Edge` (request ids, limits, headers, metrics) wraps the Litestar application, whose routes are those of the features
listed in ROUTES. Beside it run the ears (notices from other processes) and, unless `WORKER=external`, the jobs.
"""

import asyncio
import contextlib
import gc
from collections.abc import AsyncGenerator, Sequence

import msgspec
from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.types import ASGIApp

from kaksha.accounts import (
    api as accounts_api,
    jobs as accounts_jobs,
    service as accounts,
    web as accounts_web,
)
from kaksha.attendance import api as attendance_api, web as attendance_web
from kaksha.batches import (
    api as batches_api,
    web as batches_web,
)
from kaksha.classes import api as classes_api
from kaksha.codes import api as codes_api, jobs as codes_jobs, web as codes_web
from kaksha.codes.jobs import Outgoing
from kaksha.core import failures, health, openapi, statics
from kaksha.core.answers import Json
from kaksha.core.clock import Clock, system_clock
from kaksha.core.db import Database
from kaksha.core.edge import Edge
from kaksha.core.gate import Gate
from kaksha.core.http import Core, Policy, Request
from kaksha.core.jobs import Jobs
from kaksha.core.live import Ears
from kaksha.core.seal import Keys
from kaksha.core.settings import Settings, SettingsError
from kaksha.core.tokens import Tokens
from kaksha.devices import api as devices_api, web as devices_web
from kaksha.files import api as files_api
from kaksha.files.service import Shelf
from kaksha.gateways import mail, scanner, sms, storage
from kaksha.home import (
    api as home_api,
    web as home_web,
)
from kaksha.institutes import (
    api as institutes_api,
    web as institutes_web,
)
from kaksha.joining import api as joining_api, web as joining_web
from kaksha.notifications import api as notifications_api
from kaksha.passkeys import api as passkeys_api, web as passkeys_web
from kaksha.people import api as people_api, web as people_web
from kaksha.registers import api as registers_api, web as registers_web
from kaksha.schedules import api as schedules_api

ROUTES: tuple[Router, ...] = (
    statics.routes,
    health.routes,
    openapi.routes,
    accounts_api.routes,
    accounts_web.routes,
    codes_api.routes,
    codes_web.routes,
    devices_api.routes,
    devices_web.routes,
    passkeys_api.routes,
    passkeys_web.routes,
    files_api.routes,
    institutes_api.routes,
    institutes_web.routes,
    batches_api.routes,
    batches_web.routes,
    notifications_api.routes,
    people_api.routes,
    people_web.routes,
    joining_api.routes,
    joining_web.routes,
    classes_api.routes,
    schedules_api.routes,
    attendance_api.routes,
    attendance_web.routes,
    registers_api.routes,
    registers_web.routes,
    home_api.routes,
    home_web.routes,
)


DemoPerson = tuple[str, str, str]
"""Name, role and e-mail of somebody whom the demo's sign-in page offers."""


def build(
    settings: Settings,
    app_url: str,
    *,
    clock: Clock = system_clock,
    demo_people: Sequence[DemoPerson] = (),
    inbox_url: str | None = None,
) -> ASGIApp:
    """The ASGI application of one process. `app_url` is the database address of the application's role.

    The demo's sign-in page offers `demo_people`, and the inbox of the sandbox at `inbox_url`.
    """
    process = build_process(settings, app_url, clock)
    core, jobs = process.core, process.jobs
    application = Litestar(
        route_handlers=ROUTES,
        request_class=Request,
        response_class=Json,
        exception_handlers={Exception: failures.handle, accounts.SecondFactorNeeded: devices_web.second_step},
        request_max_body_size=settings.max_body_bytes,
        openapi_config=openapi.config(),
        lifespan=[lambda _: running(process, with_jobs=settings.worker == "inline")],
        state=State(
            {
                "core": core,
                "jobs": jobs,
                "demo_people": demo_people,
                "inbox_url": inbox_url,
                "storage": process.shelf.storage,
                "shelf": process.shelf,
            }
        ),
        logging_config=None,
        debug=False,
    )
    check_policies(application)
    for _, _, handler in openapi.handlers(application):
        # The framework copies the whole handler for each call of a guard (15 us); the policy needs none of it.
        handler.authorize_connection = handler.resolve_guards()[0].admit
    return Edge(application, settings)


class Process(msgspec.Struct, frozen=True):
    """What a process has one of; the web process and `kaksha worker` are made of the same."""

    core: Core
    jobs: Jobs
    out: Outgoing
    shelf: Shelf


def build_process(settings: Settings, app_url: str, clock: Clock = system_clock) -> Process:
    """Puts the parts of a process together. Raises SettingsError for a gateway that cannot be used."""
    keys = Keys(settings.secret_key)
    db = Database(
        app_url,
        keys,
        size=settings.database_pool_size,
        transaction_pooler=settings.database_pooler == "transaction",
        clock=clock,
    )
    listen_url = settings.database_direct_url or app_url
    ears = Ears(listen_url)
    holder: dict[str, Core] = {}
    gate = Gate(
        Tokens(keys),
        ears,
        clock,
        load=lambda cookie, now: accounts.page_session(holder["core"], cookie, now),
        changes=lambda principal: accounts.session_changes(db, principal),
    )
    core = holder["core"] = Core(settings, db, keys, ears, gate)
    jobs, out = Jobs(listen_url), _outgoing(settings)
    accounts_jobs.register(jobs, core)
    codes_jobs.register(jobs, core, out)
    return Process(core, jobs, out, _shelf(settings))


def _outgoing(settings: Settings) -> Outgoing:
    variable = "SMTP_URL"
    try:
        post = mail.configure(settings.smtp_url, settings.mail_from)
        variable = "SMS_URL"
        return Outgoing(post, sms.configure(settings.sms_url), settings.sms_daily_cap)
    except ValueError as why:
        raise SettingsError([f"{variable}: {why}"]) from why


def _shelf(settings: Settings) -> Shelf:
    variable = "STORAGE_URL"
    try:
        files = storage.configure(settings.storage_url, settings.home)
        variable = "CLAMD_URL"
        looks = scanner.configure(settings.clamd_url)
    except ValueError as why:
        raise SettingsError([f"{variable}: {why}"]) from why
    return Shelf(files, looks, settings.files_person_mb << 20, settings.files_institute_mb << 20)


@contextlib.asynccontextmanager
async def running(process: Process, *, with_jobs: bool) -> AsyncGenerator[None]:
    """Opens the pool and runs the ears and, if wanted, the jobs for as long as the block lasts."""
    core = process.core
    await core.db.open()
    # What was built until now stays: the collector need not look at it again, which stopped the loop for 0.1 s.
    gc.collect()
    gc.freeze()
    loops = [asyncio.create_task(core.ears.run(), name="ears")]
    if with_jobs:
        loops.append(asyncio.create_task(process.jobs.run(), name="jobs"))
    try:
        yield
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await sms.close(process.out.sms)
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
