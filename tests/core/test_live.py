"""Notices between processes: after the commit or never, and heard again after every loss."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from kaksha.core.errors import DatabaseDown
from kaksha.core.live import Ears, tell
from tests.conftest import address
from tests.contracts.wire import Wire
from tests.world import World, until


class _Process:
    """The ears of one process and what they heard."""

    def __init__(self, url: str) -> None:
        self.ears = Ears(url)
        self.heard: list[Any] = []
        self.caught_up = 0
        self.ears.on("test", self.heard.append)
        self.ears.on_resume(self._catch_up)

    async def _catch_up(self) -> None:
        self.caught_up += 1

    async def hears(self, *bodies: Any) -> None:
        await until(lambda: len(self.heard) >= len(bodies))
        assert self.heard == list(bodies)
        self.heard.clear()


@contextlib.asynccontextmanager
async def _listening(process: _Process) -> AsyncIterator[_Process]:
    task = asyncio.create_task(process.ears.run())
    try:
        await until(lambda: process.ears.hears)
        yield process
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not process.ears.hears


@pytest.fixture
async def process(world: World) -> AsyncIterator[_Process]:
    async with _listening(_Process(world.app_url)) as process:
        yield process


@pytest.fixture
async def superuser(server_url: str, world: World) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(address(server_url, None, world.app_url.partition("?")[0].rpartition("/")[2]))
    yield conn
    await conn.close()


async def _end_listening(superuser: asyncpg.Connection) -> None:
    await superuser.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and application_name = 'kaksha ears'"
    )


async def test_a_notice_is_sent_when_its_change_is_committed(world: World, process: _Process) -> None:
    async with world.db.write(None) as tx:
        await tell(tx.conn, "test", {"n": 1, "name": "रोहन"})
        await tell(tx.conn, "nobody listens to this", {})
        await process.ears.settled()
        assert process.heard == []
    await process.hears({"n": 1, "name": "रोहन"})


async def test_what_was_committed_is_heard_once_it_settled(world: World, process: _Process) -> None:
    for number in range(50):
        async with world.db.write(None) as tx:
            await tell(tx.conn, "test", {"n": number})
        await process.ears.settled()
        assert process.heard[-1] == {"n": number}
    await asyncio.gather(*(process.ears.settled() for _ in range(50)))


async def test_what_was_rolled_back_is_never_heard(world: World, process: _Process) -> None:
    with pytest.raises(ZeroDivisionError):
        async with world.db.write(None) as tx:
            await tell(tx.conn, "test", {"n": 1})
            raise ZeroDivisionError
    async with world.db.write(None) as tx:
        await tell(tx.conn, "test", {"n": 2})
    await process.hears({"n": 2})


async def test_a_notice_that_is_too_long_is_refused_in_time(world: World, process: _Process) -> None:
    with pytest.raises(ValueError, match="too long"):
        async with world.db.write(None) as tx:
            await tell(tx.conn, "test", {"n": 1})
            await tell(tx.conn, "test", {"text": "x" * 7000})
    with pytest.raises(ValueError, match="too long"):  # counted in bytes
        async with world.db.write(None) as tx:
            await tell(tx.conn, "test", {"text": "क" * 2500})
    async with world.db.write(None) as tx:
        await tell(tx.conn, "test", {"text": "क" * 2300})
    await process.hears({"text": "क" * 2300})


async def test_ears_that_were_cut_off_say_so_catch_up_and_hear_again(
    world: World, process: _Process, superuser: asyncpg.Connection
) -> None:
    for round_ in range(1, 4):
        assert process.caught_up == round_
        await _end_listening(superuser)
        await until(lambda now=round_: process.caught_up == now + 1 and process.ears.hears)
        async with world.db.write(None) as tx:
            await tell(tx.conn, "test", {"round": round_})
        await process.hears({"round": round_})


async def test_ears_that_heard_only_half_a_goodbye_hear_again(world: World) -> None:
    """The server's last word without the end of the stream: the driver fails in ways of its own."""
    wire = Wire(world.app_url)
    with tempfile.TemporaryDirectory(prefix="kw-") as folder:
        async with wire.open(Path(folder)) as url, _listening(_Process(url)) as process:
            assert wire.goodbye() == 1
            await until(lambda: process.caught_up == 2)
            await until(lambda: process.ears.hears)


async def test_ears_are_not_trusted_before_they_caught_up(world: World) -> None:
    process = _Process(world.app_url)
    go_on = asyncio.Event()
    process.ears.on_resume(go_on.wait)
    task = asyncio.create_task(process.ears.run())
    try:
        await until(lambda: process.caught_up == 1)
        assert not process.ears.hears
        async with world.db.write(None) as tx:
            await tell(tx.conn, "test", {"n": 1})  # is not missed meanwhile
        await process.hears({"n": 1})
        assert not process.ears.hears
        await process.ears.settled()  # does not wait for what does not come
        go_on.set()
        await until(lambda: process.ears.hears)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_ears_survive_a_catch_up_that_fails(world: World) -> None:
    """The pool may be exhausted, or the database go away again, at just this moment."""
    failures: list[Exception] = [DatabaseDown(), TimeoutError(), asyncpg.InterfaceError("closed"), DatabaseDown()]
    process = _Process(world.app_url)

    async def catch_up() -> None:
        if failures:
            raise failures.pop()

    process.ears.on_resume(catch_up)
    async with _listening(process):
        assert not failures
        async with world.db.write(None) as tx:
            await tell(tx.conn, "test", {"n": 1})
        await process.hears({"n": 1})


async def test_a_notice_that_cannot_be_read_harms_nothing(world: World, process: _Process) -> None:
    def angry(_: Any) -> None:
        raise ValueError("handler")

    process.ears.on("angry", angry)
    async with world.db.write(None) as tx:
        await tx.conn.execute("select pg_notify('kaksha', 'garbage')")
        await tx.conn.execute("select pg_notify('kaksha', '{\"kind\": 5}')")
        await tell(tx.conn, "angry", {})
        await tell(tx.conn, "test", {"n": 1})
    await process.hears({"n": 1})
    assert process.ears.hears


async def test_ears_wait_for_a_database_that_is_not_there(world: World) -> None:
    """Here one that nobody may connect to yet."""
    async with world.owner() as owner:
        name = await owner.fetchval("select current_database()")
        await owner.execute(f'alter database "{name}" connection limit 0')
        process = _Process(world.app_url)
        task = asyncio.create_task(process.ears.run())
        try:
            async with asyncio.timeout(10):
                with pytest.raises(asyncpg.TooManyConnectionsError):
                    await asyncpg.connect(world.app_url)
            assert not process.ears.hears
            assert not task.done()
        finally:
            await owner.execute(f'alter database "{name}" connection limit -1')
        await until(lambda: process.ears.hears)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
