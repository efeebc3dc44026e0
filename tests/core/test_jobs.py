"""Background jobs: there exactly when their transaction committed, tried again when they fail, never lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from kaksha.core import jobs as jobs_module
from kaksha.core.db import SYSTEM, Database
from kaksha.core.jobs import Jobs, Payload, enqueue
from kaksha.core.seal import Keys
from kaksha.sandbox.cast import AARAMBH, PRAYAS
from tests.conftest import address
from tests.world import NOW, until


@pytest.fixture(scope="module")
async def db(database: tuple[str, str]) -> AsyncIterator[Database]:
    db = Database(database[1], Keys("k" * 48), size=4, clock=lambda: NOW)
    await db.open()
    yield db
    await db.close()


@pytest.fixture(scope="module")
async def superuser(server_url: str, database: tuple[str, str]) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(address(server_url, None, database[0].partition("?")[0].rpartition("/")[2]))
    yield conn
    await conn.close()


@contextlib.asynccontextmanager
async def _working(*workers: Jobs) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        await until(lambda: all(worker.alive for worker in workers))
        yield
        assert not any(task.done() for task in tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not any(worker.alive for worker in workers)


class _Done:
    """A handler that remembers what it was told."""

    def __init__(self) -> None:
        self.payloads: list[Payload] = []

    async def __call__(self, payload: Payload) -> None:
        self.payloads.append(payload)

    async def are(self, *numbers: str) -> None:
        await until(lambda: len(self.payloads) >= len(numbers))
        assert sorted(payload.ids["n"] for payload in self.payloads) == sorted(numbers)


def _worker(database: tuple[str, str], **handlers: Callable[[Payload], Any]) -> Jobs:
    jobs = Jobs(database[1])
    for name, handler in handlers.items():
        jobs.on(name, handler)
    return jobs


async def _add(db: Database, name: str, n: object, institute: UUID | None = AARAMBH, **options: Any) -> None:
    async with db.write(institute, SYSTEM) as tx:
        await enqueue(tx.conn, name, institute, n=n, **options)


async def _waiting(superuser: asyncpg.Connection, name: str) -> list[asyncpg.Record]:
    return await superuser.fetch("select * from jobs.pgqueuer where entrypoint = $1 order by id", name)


async def test_a_job_exists_exactly_when_its_change_does(
    database: tuple[str, str], db: Database, superuser: asyncpg.Connection
) -> None:
    done = _Done()
    async with _working(_worker(database, commit=done)):
        for number in range(3):
            with pytest.raises(ZeroDivisionError):
                async with db.write(AARAMBH, SYSTEM) as tx:
                    await enqueue(tx.conn, "commit", AARAMBH, n=f"rolled back {number}")
                    raise ZeroDivisionError
        async with db.write(AARAMBH, SYSTEM) as tx:
            await enqueue(tx.conn, "commit", AARAMBH, n="committed", other=AARAMBH)
            assert done.payloads == []
        await done.are("committed")
        assert done.payloads == [Payload(AARAMBH, {"n": "committed", "other": str(AARAMBH)})]
        async with asyncio.timeout(5):
            while await _waiting(superuser, "commit"):
                await asyncio.sleep(0.01)
    await done.are("committed")  # once


async def test_a_hundred_jobs_run_once_each_over_two_workers(database: tuple[str, str], db: Database) -> None:
    done = _Done()
    async with _working(_worker(database, many=done), _worker(database, many=done)):
        async with db.write(None, SYSTEM) as tx:
            for number in range(100):
                await enqueue(tx.conn, "many", None, n=number)
        await done.are(*map(str, range(100)))


async def test_a_job_for_later_waits(database: tuple[str, str], db: Database, superuser: asyncpg.Connection) -> None:
    done = _Done()
    await _add(db, "later", 1, delay=timedelta(hours=1))
    async with _working(_worker(database, later=done)):
        await _add(db, "later", 2)
        await done.are("2")
    (job,) = await _waiting(superuser, "later")
    assert timedelta(minutes=59) < job["execute_after"] - job["created"] <= timedelta(hours=1)


async def test_a_job_that_fails_is_tried_again(
    database: tuple[str, str], db: Database, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "_FIRST_WAIT", 0.005)
    tries: list[int] = []

    async def third_time(_: Payload) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise ZeroDivisionError

    async with _working(_worker(database, third=third_time)):
        await _add(db, "third", 1)
        await until(lambda: len(tries) == 3)
        async with asyncio.timeout(5):
            while await _waiting(superuser, "third"):
                await asyncio.sleep(0.01)
    assert len(tries) == 3


async def test_a_job_that_never_works_is_kept_for_the_operator(
    database: tuple[str, str], db: Database, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "_FIRST_WAIT", 0.001)
    tries: list[int] = []

    async def never(_: Payload) -> None:
        tries.append(1)
        raise ZeroDivisionError

    async with _working(_worker(database, never=never)):
        await _add(db, "never", 1)
        async with asyncio.timeout(15):
            while (await _waiting(superuser, "never"))[0]["status"] != "failed":
                await asyncio.sleep(0.02)
        await _add(db, "never", 2)  # stops nobody else's work
        await until(lambda: len(tries) > 8)
    assert (await _waiting(superuser, "never"))[0]["attempts"] == 7
    assert jobs_module._ATTEMPTS == 8


async def test_the_wait_before_the_next_try_grows(
    database: tuple[str, str], db: Database, superuser: asyncpg.Connection
) -> None:
    async def never(_: Payload) -> None:
        raise ZeroDivisionError

    async with _working(_worker(database, slow=never)):
        await _add(db, "slow", 1)
        async with asyncio.timeout(5):
            while (job := (await _waiting(superuser, "slow"))[0])["attempts"] != 1:
                await asyncio.sleep(0.01)
    assert 1.5 < (job["execute_after"] - job["created"]).total_seconds() < 5


async def test_a_job_whose_payload_is_garbage_is_a_failed_job(
    database: tuple[str, str], superuser: asyncpg.Connection
) -> None:
    async with _working(_worker(database, garbage=_Done())):
        await superuser.execute(
            "insert into jobs.pgqueuer (priority, entrypoint, payload, status, attempts)"
            " values (0, 'garbage', '{\"institute_id\": 5}', 'queued', 7)"
        )
        async with asyncio.timeout(5):
            while (await _waiting(superuser, "garbage"))[0]["status"] != "failed":
                await asyncio.sleep(0.01)


async def test_one_waiting_job_stands_for_many(
    database: tuple[str, str], db: Database, superuser: asyncpg.Connection
) -> None:
    for number in range(3):
        await _add(db, "once", number, dedupe="the same")
    await _add(db, "once", 3, dedupe="another")
    await _add(db, "once", 4, PRAYAS, dedupe="the same")  # another institute's is another
    await _add(db, "twice", 5, dedupe="the same")  # and so is another job's
    done = _Done()
    async with _working(_worker(database, once=done, twice=done)):
        await done.are("0", "3", "4", "5")
    await _add(db, "once", 6, dedupe="the same")
    assert len(await _waiting(superuser, "once")) == 1


async def test_a_running_job_does_not_stand_for_what_changed_since(
    database: tuple[str, str], db: Database, superuser: asyncpg.Connection
) -> None:
    started, go_on, done = asyncio.Event(), asyncio.Event(), _Done()

    async def slow(payload: Payload) -> None:
        started.set()
        await go_on.wait()
        await done(payload)

    async with _working(_worker(database, running=slow)):
        await _add(db, "running", "first", dedupe="x")
        await started.wait()
        for number in range(3):
            await _add(db, "running", f"again {number}", dedupe="x", delay=timedelta(seconds=1))
        waiting = await _waiting(superuser, "running")
        go_on.set()
        assert len(waiting) == 2
        await done.are("first", "again 0")


async def test_a_waiting_job_does_not_start_before_those_it_stands_for(
    database: tuple[str, str], db: Database, superuser: asyncpg.Connection
) -> None:
    done = _Done()
    await _add(db, "held", "first", dedupe="x")
    async with db.write(AARAMBH, SYSTEM) as tx:
        await enqueue(tx.conn, "held", AARAMBH, dedupe="x", n="second")
        async with _working(_worker(database, held=done, free=done)):
            await _add(db, "held", "third", dedupe="x")  # does not wait for the second
            await _add(db, "free", "free")
            await done.are("free")
            assert [job["status"] for job in await _waiting(superuser, "held")] == ["queued"]
    async with _working(_worker(database, held=done)):
        await done.are("free", "first")


async def test_a_worker_survives_a_connection_that_is_cut(
    database: tuple[str, str], db: Database, superuser: asyncpg.Connection
) -> None:
    done = _Done()
    worker = _worker(database, cut=done)
    async with _working(worker):
        for number in range(2):
            await _add(db, "cut", f"before {number}")
            await until(lambda now=number: len(done.payloads) == 2 * now + 1)
            pid = (
                "select pid from pg_stat_activity"
                " where datname = current_database() and application_name = 'kaksha jobs'"
            )
            old = await superuser.fetchval(pid)
            assert await superuser.fetchval("select pg_terminate_backend($1)", old)
            async with asyncio.timeout(10):
                while (new := await superuser.fetchval(pid)) in (None, old):
                    await asyncio.sleep(0.01)
            assert new != old
            await _add(db, "cut", f"after {number}")
            await until(lambda now=number: len(done.payloads) == 2 * now + 2)


async def test_an_idle_worker_notices_at_once_that_it_was_cut(
    database: tuple[str, str], superuser: asyncpg.Connection
) -> None:
    """And one that was told so in the middle of asking for work."""
    worker = _worker(database, idle=_Done())
    mine = "datname = current_database() and application_name = 'kaksha jobs'"
    async with _working(worker):
        for _ in range(8):
            old = await superuser.fetchval(f"select pid from pg_stat_activity where {mine}")
            await superuser.execute("select pg_terminate_backend($1)", old)
            await until(lambda: not worker.alive, seconds=5)
            await until(lambda: worker.alive, seconds=5)


_YEARLY = "0 0 1 1 *"


@pytest.mark.parametrize("round_", range(3))
async def test_a_periodic_job_runs_once_over_two_workers(
    database: tuple[str, str], superuser: asyncpg.Connection, round_: int
) -> None:
    ticks: list[int] = []
    go_on = asyncio.Event()
    name = f"tick {round_}"

    async def tick() -> None:
        ticks.append(1)
        await go_on.wait()
        raise ZeroDivisionError  # must not end the schedule

    await superuser.execute(
        "insert into jobs.pgqueuer_schedules (expression, entrypoint, next_run)"
        " values ($1, $2, now() - interval '1 hour')",
        _YEARLY, name,
    )  # fmt: skip
    workers = [Jobs(database[1]) for _ in range(2)]
    for worker in workers:
        worker.every(name, _YEARLY, tick)
    async with _working(*workers), asyncio.timeout(10):
        await until(lambda: ticks)
        go_on.set()
        schedule = "select * from jobs.pgqueuer_schedules where entrypoint = $1"
        while (row := await superuser.fetchrow(schedule, name))["status"] != "queued":
            await asyncio.sleep(0.01)
    assert len(ticks) == 1
    assert row["next_run"] > row["last_run"]
    assert len(await superuser.fetch(schedule, name)) == 1


async def test_a_periodic_job_is_registered_once(database: tuple[str, str], superuser: asyncpg.Connection) -> None:
    ticks: list[int] = []

    async def tick() -> None:
        ticks.append(1)

    workers = [Jobs(database[1]) for _ in range(2)]
    for worker in workers:
        worker.every("new", _YEARLY, tick)
    schedule = "select last_run from jobs.pgqueuer_schedules where entrypoint = 'new'"
    async with _working(*workers), asyncio.timeout(10):
        while not await superuser.fetch(schedule):
            await asyncio.sleep(0.01)
    async with _working(*workers):
        pass
    assert [row["last_run"] for row in await superuser.fetch(schedule)] == [None]
    assert ticks == []


async def test_a_worker_waits_for_a_database_that_is_not_there(
    database: tuple[str, str], db: Database, superuser: asyncpg.Connection
) -> None:
    name = await superuser.fetchval("select current_database()")
    await _add(db, "patient", 1)
    done = _Done()
    worker = _worker(database, patient=done)
    await superuser.execute(f'alter database "{name}" connection limit 0')
    task = asyncio.create_task(worker.run())
    try:
        with pytest.raises(asyncpg.TooManyConnectionsError):
            await asyncpg.connect(database[1])
        assert not worker.alive
    finally:
        await superuser.execute(f'alter database "{name}" connection limit -1')
    await done.are("1")
    assert worker.alive
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
