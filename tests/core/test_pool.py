"""The pool: never more than its size, nobody forgotten, nothing leaked, and the tenant's own connection first."""

import asyncio
import random
from uuid import uuid4

import asyncpg
import pytest

from kaksha.core.errors import DatabaseDown
from kaksha.core.pool import Connection, Pool
from tests.world import World, until


def _pool(world: World, size: int, wait: float = 5.0) -> Pool:
    async def connect() -> Connection:
        return await asyncpg.connect(world.app_url, connection_class=Connection)

    return Pool(size, connect, wait)


async def test_the_tenants_own_connection_comes_first(world: World) -> None:
    pool, (mine, other) = _pool(world, 3), (uuid4(), uuid4())
    first, second = await pool.acquire(None), await pool.acquire(None)
    first.tenant, second.tenant = mine, other
    pool.release(first)
    pool.release(second)
    assert await pool.acquire(mine) is first
    assert await pool.acquire(other) is second
    pool.release(first)
    pool.release(second)
    await pool.close()


async def test_who_waits_too_long_hears_of_it_and_leaks_nothing(world: World) -> None:
    pool = _pool(world, 1, wait=0.05)
    only = await pool.acquire(None)
    for _ in range(3):
        with pytest.raises(DatabaseDown):
            await pool.acquire(None)
    pool.release(only)
    assert await pool.acquire(None) is only
    pool.release(only)
    await pool.close()


async def test_waiters_are_served_in_turn(world: World) -> None:
    pool, served = _pool(world, 1), list[int]()
    only = await pool.acquire(None)

    async def use(number: int) -> None:
        conn = await pool.acquire(None)
        served.append(number)
        pool.release(conn)

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(use(number))
            await asyncio.sleep(0)
        pool.release(only)
    assert served == [0, 1, 2, 3, 4]
    await pool.close()


async def test_a_waiter_that_was_cancelled_as_its_turn_came_gives_it_on(world: World) -> None:
    pool = _pool(world, 1)
    only = await pool.acquire(None)
    waiter = asyncio.create_task(pool.acquire(None))
    await asyncio.sleep(0)
    pool.release(only)  # its turn has come,
    waiter.cancel()  # and it gives up before it runs
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert await pool.acquire(None) is only
    pool.release(only)
    await pool.close()


async def test_a_closed_connection_makes_room_for_who_waits(world: World) -> None:
    pool = _pool(world, 1)
    only = await pool.acquire(None)
    waiter = asyncio.create_task(pool.acquire(None))
    await asyncio.sleep(0)
    only.terminate()
    pool.release(only)
    fresh = await waiter
    assert await fresh.fetchval("select 1") == 1
    pool.release(fresh)
    await pool.close()


async def test_a_connection_that_cannot_be_made_leaves_its_room() -> None:
    tries = 0

    async def connect() -> Connection:
        nonlocal tries
        tries += 1
        raise ConnectionRefusedError

    pool = Pool(1, connect, 1.0)
    for number in range(1, 4):
        with pytest.raises(DatabaseDown):
            await pool.acquire(None)
        assert tries == number


async def test_closing_ends_the_waiting_and_what_is_in_use(world: World) -> None:
    pool = _pool(world, 1)
    only = await pool.acquire(None)
    waiter = asyncio.create_task(pool.acquire(None))
    await asyncio.sleep(0)
    await pool.close()
    with pytest.raises(DatabaseDown):
        await waiter
    pool.release(only)
    assert only.is_closed()
    with pytest.raises(DatabaseDown):
        await pool.acquire(None)


async def test_a_long_idle_connection_is_closed(world: World) -> None:
    pool = _pool(world, 2)
    old, other = await pool.acquire(None), await pool.acquire(None)
    pool.release(old)
    old.idle_since -= 301
    pool.release(other)
    await until(old.is_closed)
    assert not other.is_closed()
    await pool.close()


async def test_a_crowd_never_uses_more_than_its_size(world: World) -> None:
    size, chance = 4, random.Random(7)
    pool, in_use, most = _pool(world, size), set[Connection](), 0

    async def use() -> None:
        nonlocal most
        conn = await pool.acquire(chance.choice(tenants))
        assert conn not in in_use
        in_use.add(conn)
        most = max(most, len(in_use))
        try:
            await conn.fetchval("select pg_sleep(0.001)")
            if chance.random() < 0.05:
                conn.terminate()
        finally:
            in_use.discard(conn)
            pool.release(conn)

    tenants = [uuid4() for _ in range(6)]
    crowd = [asyncio.create_task(use()) for _ in range(300)]
    await asyncio.sleep(0)
    for task in chance.sample(crowd, 60):
        task.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
    assert most <= size
    again = [await pool.acquire(None) for _ in range(size)]  # every place is still there
    for conn in again:
        pool.release(conn)
    await pool.close()
