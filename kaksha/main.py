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
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.types import ASGIApp, Scope

from kaksha.accounts import (
    api as accounts_api,
    jobs as accounts_jobs,
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
from kaksha.core.errors import AppError
from kaksha.core.gate import Gate
from kaksha.core.http import Core, Policy, Request
from kaksha.core.jobs import Jobs
from kaksha.core.live import Ears
from kaksha.core.seal import Keys
from kaksha.core.settings import Settings, SettingsError
from kaksha.core.tokens import Tokens
from kaksha.deliveries import api as deliveries_api, jobs as deliveries_jobs, web as deliveries_web
from kaksha.deliveries.service import Outside
from kaksha.devices import api as devices_api, web as devices_web
from kaksha.files import api as files_api, jobs as files_jobs
from kaksha.files.service import Shelf
from kaksha.gateways import mail, push, scanner, sms, storage
from kaksha.gateways.push_content import private_key, vapid
from kaksha.holidays import api as holidays_api, web as holidays_web
from kaksha.home import (
    api as home_api,
    web as home_web,
)
from kaksha.institutes import (
    api as institutes_api,
    web as institutes_web,
)
from kaksha.joining import api as joining_api, web as joining_web
from kaksha.notifications import api as notifications_api, jobs as notifications_jobs, web as notifications_web
from kaksha.passkeys import api as passkeys_api, web as passkeys_web
from kaksha.people import api as people_api, web as people_web
from kaksha.registers import api as registers_api, web as registers_web
from kaksha.rescheduling import api as rescheduling_api, web as rescheduling_web
from kaksha.schedules import api as schedules_api, web as schedules_web
from kaksha.sessions import service as sessions
from kaksha.tus import api as tus_api, jobs as tus_jobs, web as tus_web
from kaksha.uploads import api as uploads_api, web as uploads_web
from kaksha.weekly import api as weekly_api, jobs as weekly_jobs, web as weekly_web

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
    uploads_api.routes,
    uploads_web.routes,
    tus_api.routes,
    tus_web.routes,
    institutes_api.routes,
    institutes_web.routes,
    batches_api.routes,
    batches_web.routes,
    notifications_api.routes,
    notifications_web.routes,
    deliveries_api.routes,
    deliveries_web.routes,
    people_api.routes,
    people_web.routes,
    joining_api.routes,
    joining_web.routes,
    classes_api.routes,
    schedules_api.routes,
    schedules_web.routes,
    weekly_api.routes,
    weekly_web.routes,
    rescheduling_api.routes,
    rescheduling_web.routes,
    holidays_api.routes,
    holidays_web.routes,
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
        exception_handlers={Exception: failures.handle, sessions.SecondFactorNeeded: devices_web.second_step},
        request_max_body_size=settings.max_body_bytes,
        openapi_config=openapi.config(),
        lifespan=[lambda _: running(process, with_jobs=settings.worker == "inline")],
        after_exception=[known_anyhow],
        state=State(
            {
                "core": core,
                "jobs": jobs,
                "demo_people": demo_people,
                "inbox_url": inbox_url,
                "storage": process.shelf.storage,
                "storage_answers": lambda: storage.answers(process.shelf.storage),
                "shelf": process.shelf,
                "outside": process.outside,
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
    outside: Outside
    shelf: Shelf


def build_process(settings: Settings, app_url: str, clock: Clock = system_clock) -> Process:
    """Puts the parts of a process together. Raises SettingsError for a gateway that cannot be used."""
    keys = Keys(settings.secret_key, settings.previous_secret_keys)
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
        load=lambda cookie, now: sessions.page_session(holder["core"], cookie, now),
        changes=lambda principal: sessions.session_changes(db, principal),
    )
    core = holder["core"] = Core(settings, db, keys, ears, gate)
    jobs, out = Jobs(listen_url), _outgoing(settings)
    outside = Outside(
        out.mail, out.sms, _push(settings, keys, clock), settings.sms_daily_cap, settings.sms_notices_a_day,
        settings.sms_segment_paise,
    )  # fmt: skip
    accounts_jobs.register(jobs, core)
    codes_jobs.register(jobs, core, out)
    notifications_jobs.register(jobs, core)
    deliveries_jobs.register(jobs, core, outside)
    shelf = _shelf(settings)
    files_jobs.register(jobs, core, shelf)
    tus_jobs.register(jobs, core, shelf)
    weekly_jobs.register(jobs, core)
    return Process(core, jobs, out, outside, shelf)


def _outgoing(settings: Settings) -> Outgoing:
    variable = "SMTP_URL"
    try:
        post = mail.configure(settings.smtp_url, settings.mail_from)
        variable = "SMS_URL"
        return Outgoing(post, sms.configure(settings.sms_url), settings.sms_daily_cap)
    except ValueError as why:
        raise SettingsError([f"{variable}: {why}"]) from why


def _push(settings: Settings, keys: Keys, clock: Clock) -> push.PushConfig:
    given = settings.vapid_private_key
    contact = settings.api_base_url if settings.secure else f"mailto:{settings.mail_from}"
    own = vapid(keys.derive("vapid") if given is None else private_key(given), contact)
    try:
        return push.configure(own, clock, settings.push_hosts, settings.fcm_credentials, settings.fcm_url)
    except ValueError as why:
        raise SettingsError([f"FCM_CREDENTIALS: {why}"]) from why


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
        await push.close(process.outside.push)
        await core.db.close()


async def known_anyhow(error: Exception, scope: Scope) -> None:
    """An address without a route has no policy that finds the reader: their frame stays around "not found" too."""
    if isinstance(error, NotFoundException | MethodNotAllowedException) and "user" not in scope:
        with contextlib.suppress(AppError):
            await Policy(frozenset(), frozenset(), "nothing is shown").admit(Request(scope))  # type: ignore[arg-type]


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
