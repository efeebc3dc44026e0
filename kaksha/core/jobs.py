"""Background jobs in PostgreSQL (pgqueuer): a job exists exactly when the transaction that wanted it committed.

A job is delivered at least once, so every job must be safe to repeat. Its payload is `{institute_id, ids}`; the tenant
is set before the job runs. Periodic jobs run once over all processes.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import cast
from uuid import UUID

import asyncpg
import msgspec
import structlog

os.environ.setdefault("PGQUEUER_SCHEMA", "jobs")  # read when pgqueuer is imported

from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job as _Job, Schedule as _Schedule
from pgqueuer.queries import Queries

from kaksha.core.db import Conn

__all__ = ["Jobs", "Payload", "enqueue"]

_ATTEMPTS = 8
_FIRST_WAIT = 2.0
"""Seconds before the second attempt; doubles, so the last one comes after about four minutes."""

_DRAIN_SECONDS = 2.0
"""After its connection is lost, a loop may take this long to end: what it runs will be delivered once more anyway.

Left alone the library sees the loss when it next asks, which is after 30 s.
"""

_log = structlog.get_logger("kaksha.jobs")


class Payload(msgspec.Struct, frozen=True):
    """What a job is told: whose it is, and the ids it is about."""

    institute_id: UUID | None
    ids: dict[str, str] = {}


Handler = Callable[[Payload], Awaitable[None]]
Tick = Callable[[], Awaitable[None]]


async def enqueue(
    conn: Conn,
    name: str,
    institute_id: UUID | None,
    *,
    delay: timedelta = timedelta(),
    dedupe: str | None = None,
    **ids: object,
) -> None:
    """Adds a job in the caller's transaction; with `dedupe`, a waiting one of that key stands for it.

    Keys belong to their institute and job. A job that runs does not count: it may have read what this transaction
    changes. One that waits is held until this transaction ends, so that it cannot run before.
    """
    payload = msgspec.json.encode(Payload(institute_id, {key: str(value) for key, value in ids.items()}))
    queue = Queries(AsyncpgDriver(cast(asyncpg.Connection, conn)))
    whose = f"{name}/{institute_id}/{dedupe}"
    for key in (whose, f"{whose}/again", None) if dedupe else (None,):
        if await queue.enqueue(name, payload, execute_after=delay, dedupe_key=key, on_conflict="skip") != [None]:
            return
        if await conn.fetchval(
            "select true from jobs.pgqueuer where dedupe_key = $1 and status = 'queued' for share", key
        ):
            return


class Jobs:
    """The worker of one process: which jobs there are, and the loop that runs them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._handlers: dict[str, Handler] = {}
        self._ticks: dict[str, tuple[str, Tick]] = {}
        self.alive = False
        """Whether the loop is connected and runs."""

    def on(self, name: str, handler: Handler) -> None:
        """Registers the handler of jobs called `name`."""
        self._handlers[name] = handler

    def every(self, name: str, cron: str, tick: Tick) -> None:
        """Registers a periodic job; `cron` has five fields, in UTC."""
        self._ticks[name] = (cron, tick)

    async def run(self) -> None:
        """Works until cancelled, connecting again after every loss."""
        wait = 0.2
        while True:
            conn: asyncpg.Connection | None = None
            try:
                conn = await asyncpg.connect(self._url, timeout=5, server_settings={"application_name": "kaksha jobs"})
                self.alive = True
                wait = 0.2
                await self._work(conn)
            except Exception as error:  # a driver without its server raises many kinds; the loop outlives all
                _log.warning("jobs.lost", error=type(error).__name__, retry_in=wait)
            finally:
                self.alive = False
                if conn is not None:
                    conn.terminate()
            await asyncio.sleep(wait)
            wait = min(wait * 2, 10.0)

    async def _work(self, conn: asyncpg.Connection) -> None:
        queue = PgQueuer(AsyncpgDriver(conn))
        for name, handler in self._handlers.items():
            queue.entrypoint(name, accepts_context=False, on_failure="hold")(_called(name, handler))
        for name, (cron, tick) in self._ticks.items():
            queue.schedule(name, cron)(_ticked(name, tick))
        lost = asyncio.Event()
        conn.add_termination_listener(lambda _: lost.set())
        gone = asyncio.create_task(lost.wait())
        working = asyncio.create_task(queue.run(shutdown_on_listener_failure=True, max_concurrent_tasks=20))
        drain: float | None = None
        try:
            await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                drain = _DRAIN_SECONDS
                raise ConnectionResetError
            await working
        finally:
            queue.shutdown.set()
            working.cancel()
            gone.cancel()
            await asyncio.wait({working}, timeout=drain)


def _called(name: str, handler: Handler) -> Callable[[_Job], Awaitable[None]]:
    async def run(job: _Job) -> None:
        try:
            await handler(msgspec.json.decode(job.payload or b"{}", type=Payload))
        except Exception as error:
            _log.error("job.failed", job=name, attempt=job.attempts + 1, error=repr(error))
            if job.attempts + 1 >= _ATTEMPTS:
                raise  # held as failed: an operator looks at it
            raise RetryRequested(timedelta(seconds=_FIRST_WAIT * 2**job.attempts)) from error

    return run


def _ticked(name: str, tick: Tick) -> Callable[[_Schedule], Awaitable[None]]:
    async def run(_: _Schedule) -> None:
        try:
            await tick()
        except Exception as error:  # the next tick is another chance; the schedule must not die of one failure
            _log.error("tick.failed", job=name, error=repr(error))

    return run
