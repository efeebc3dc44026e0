"""A database that is away: said within two seconds in both faces, and over as soon as it is back."""

import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from kaksha.core.db import Database
from kaksha.core.errors import DatabaseDown
from tests.contracts.wire import Wire
from tests.world import World, until_ready


@pytest.fixture
async def away(world: World, server_url: str) -> AsyncIterator[None]:
    """The world's database takes no connection, and has ended those there were."""
    name = world.app_url.rpartition("?")[0].rpartition("/")[2]
    conn = await asyncpg.connect(server_url)
    await conn.execute(f'alter database "{name}" with allow_connections false')
    await conn.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
    yield
    await conn.execute(f'alter database "{name}" with allow_connections true')
    await conn.close()


async def test_it_says_so_within_two_seconds(world: World, away: None) -> None:
    began = time.monotonic()
    login = {"email": "rohan@aarambh.example", "password": "kaksha-demo"}
    api = await world.anyone.post("/v1/auth/login", json=login)
    assert (api.status_code, api.json()["code"]) == (503, "DATABASE_UNAVAILABLE")
    assert api.headers["retry-after"]
    page = await world.anyone.post("/sign-in", data={"login": login["email"], "password": login["password"]})
    assert page.status_code == 503
    assert "temporarily unavailable" in page.text
    assert (await world.anyone.get("/readyz")).json()["data"]["database"] == "unavailable"
    assert (await world.anyone.get("/healthz")).status_code == 200
    assert time.monotonic() - began < 3 * 2


async def test_it_recovers_by_itself(world: World) -> None:
    await until_ready(world)
    api = await world.api("rohan")
    assert (await api.get("/v1/users/profile")).status_code == 200


async def test_a_goodbye_that_was_only_half_heard(world: World) -> None:
    """The server's last word has arrived, the end of the stream has not: the driver can do nothing with that."""
    wire = Wire(world.app_url)
    with tempfile.TemporaryDirectory(prefix="kw-") as folder:
        async with wire.open(Path(folder)) as url:
            db = Database(url, world.db.keys, size=1)
            await db.open()
            async with db.read(None) as conn:
                assert await conn.fetchval("select 1") == 1
            assert wire.goodbye() == 1
            async with world.owner() as owner:
                await owner.fetchval("select 1")  # another round trip: the driver has read the word by now
            with pytest.raises(DatabaseDown):
                async with db.read(None) as conn:
                    await conn.fetchval("select 1")
            async with db.read(None) as conn:
                assert await conn.fetchval("select 1") == 1
            await db.close()
