"""Signing out: this sign-in, another of one's own, or all; refused everywhere within a second, and for good."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from tests.world import World, serving


async def _get(world: World, access_token: str) -> httpx2.Response:
    return await world.anyone.get("/v1/users/profile", headers={"Authorization": f"Bearer {access_token}"})


async def _good(world: World, access_token: str) -> bool:
    answer = await _get(world, access_token)
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def _out(world: World, access_token: str, **body: Any) -> httpx2.Response:
    return await world.anyone.post("/v1/auth/logout", json=body, headers={"Authorization": f"Bearer {access_token}"})


async def _refused_within_a_second(worlds: list[World], access_token: str) -> None:
    began = time.monotonic()
    while any([await _good(world, access_token) for world in worlds]):
        assert time.monotonic() - began < 1
        await asyncio.sleep(0.01)


async def _sign_in(world: World, key: str = "rohan") -> Any:
    world.clock.forward(seconds=30)
    return await world.sign_in(key)


async def _ears(superuser: asyncpg.Connection) -> set[int]:
    """PostgreSQL's processes that serve the LISTEN connections of our servers."""
    rows = await superuser.fetch(
        "select pid from pg_stat_activity where datname = current_database() and application_name = 'kaksha ears'"
    )
    return {row["pid"] for row in rows}


async def _hearing(world: World) -> None:
    """Waits until the server says that notices arrive."""
    async with asyncio.timeout(10):
        while (await world.anyone.get("/readyz")).json()["data"]["notices"] != "ready":
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def _no_new_connections(superuser: asyncpg.Connection) -> AsyncIterator[None]:
    name = await superuser.fetchval("select current_database()")
    await superuser.execute(f'alter database "{name}" connection limit 0')
    try:
        yield
    finally:
        await superuser.execute(f'alter database "{name}" connection limit -1')


async def test_this_sign_in_ends_on_every_server(world: World, other: World) -> None:
    mine, elsewhere = await _sign_in(world), await _sign_in(world)
    assert await _good(other, mine["accessToken"])
    answer = await _out(world, mine["accessToken"])
    assert (answer.status_code, answer.json()["data"]) == (200, None)
    await _refused_within_a_second([world, other], mine["accessToken"])
    refused = await _get(other, mine["accessToken"])
    assert refused.json()["code"] == "TOKEN_EXPIRED"  # a refresh decides what is the matter
    refused = await world.anyone.post("/v1/auth/refresh", json={"refreshToken": mine["refreshToken"]})
    assert (refused.status_code, refused.json()["code"]) == (401, "SESSION_EXPIRED")
    assert await _good(world, elsewhere["accessToken"])


async def test_another_device_is_signed_out_by_its_refresh_token(world: World, other: World) -> None:
    mine, lost = await _sign_in(world), await _sign_in(world)
    rotated = await world.anyone.post("/v1/auth/refresh", json={"refreshToken": lost["refreshToken"]})
    assert rotated.status_code == 200
    # Also by one that was used: it names the same sign-in.
    assert (await _out(world, mine["accessToken"], refreshToken=lost["refreshToken"])).status_code == 200
    await _refused_within_a_second([world, other], lost["accessToken"])
    await _refused_within_a_second([world, other], rotated.json()["data"]["accessToken"])
    assert await _good(other, mine["accessToken"])


async def test_nobody_is_signed_out_by_somebody_elses_token(world: World) -> None:
    mine = await _sign_in(world)
    for key in ("meher", "kabir"):
        theirs = await _sign_in(world, key)
        answer = await _out(world, mine["accessToken"], refreshToken=theirs["refreshToken"])
        assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_TOKEN")
        assert await _good(world, theirs["accessToken"])
    assert (await _out(world, mine["accessToken"], refreshToken="garbage")).status_code == 401
    assert await _good(world, mine["accessToken"])


async def test_everywhere_is_every_sign_in_of_mine_and_nobody_elses(world: World, other: World) -> None:
    first, second, meher = await _sign_in(world), await _sign_in(world), await _sign_in(world, "meher")
    pages = await world.pages("rohan")
    assert (await pages.get("/me")).status_code == 200
    assert (await _out(other, first["accessToken"], everywhere=True)).status_code == 200
    for data in (first, second):
        await _refused_within_a_second([world, other], data["accessToken"])
    async with asyncio.timeout(1):
        while (await pages.get("/me")).status_code != 303:
            await asyncio.sleep(0.01)
    assert await _good(world, meher["accessToken"])
    world.forget_clients()


async def test_signing_out_takes_a_sign_in(world: World) -> None:
    answer = await world.anyone.post("/v1/auth/logout", json={"everywhere": True})
    assert (answer.status_code, answer.json()["code"]) == (401, "NOT_SIGNED_IN")


async def test_a_server_that_hears_nothing_asks_the_database(
    world: World, other: World, superuser: asyncpg.Connection
) -> None:
    data = await _sign_in(world)
    other.clock.at = world.clock.at
    pages = await other.pages("rohan")
    for server in (world, other):
        await _hearing(server)
        assert await _good(server, data["accessToken"])
    assert (await pages.get("/me")).status_code == 200
    async with _no_new_connections(superuser):
        heard = await _ears(superuser)
        assert len(heard) == 2
        await superuser.execute("select pg_terminate_backend(pid) from unnest($1::int[]) pid", list(heard))
        async with asyncio.timeout(5):
            while (await other.anyone.get("/readyz")).json()["data"]["notices"] == "ready":
                await asyncio.sleep(0.01)
        assert await _good(other, data["accessToken"])
        assert (await _out(world, data["accessToken"], everywhere=True)).status_code == 200
        assert not await _good(other, data["accessToken"])  # at the first question
        assert not await _good(world, data["accessToken"])
        assert (await pages.get("/me")).status_code == 303
    for server in (world, other):
        await _hearing(server)
    assert not heard & await _ears(superuser)
    assert not await _good(other, data["accessToken"])
    data = await _sign_in(world)
    assert await _good(other, data["accessToken"])
    assert (await _out(world, data["accessToken"])).status_code == 200
    await _refused_within_a_second([world, other], data["accessToken"])
    other.forget_clients()


async def test_a_connection_that_fell_silent_is_not_trusted(
    world: World, other: World, superuser: asyncpg.Connection
) -> None:
    """Nobody closes it, nothing arrives: a cut cable, here a stopped server process."""
    data = await _sign_in(world)
    for server in (world, other):
        await _hearing(server)
        assert await _good(server, data["accessToken"])
    stopped = set[int]()
    try:
        for pid in await _ears(superuser):
            try:
                os.kill(pid, signal.SIGSTOP)
            except (ProcessLookupError, PermissionError):
                pytest.skip("PostgreSQL runs elsewhere")
            stopped.add(pid)
        began = time.monotonic()
        assert (await _out(world, data["accessToken"])).status_code == 200
        await _refused_within_a_second([world, other], data["accessToken"])
        assert time.monotonic() - began < 3  # does not wait for an answer that does not come, either
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    for server in (world, other):
        await _hearing(server)


async def test_a_restarted_server_still_refuses(world: World, database: tuple[str, str], tmp_path: Path) -> None:
    data = await _sign_in(world)
    assert (await _out(world, data["accessToken"])).status_code == 200
    owner_url, app_url = database
    async with serving(tmp_path, app_url, owner_url) as fresh:
        fresh.clock.at = world.clock.at
        assert not await _good(fresh, data["accessToken"])
        await _hearing(fresh)
        assert not await _good(fresh, data["accessToken"])
