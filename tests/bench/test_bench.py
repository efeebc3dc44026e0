"""The bench keeps working: its limit answers what Kaksha answers, and its load counts what comes back."""

import asyncio
import itertools
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn

from bench.__main__ import Bench, Options
from bench.ground import Server
from bench.limit import Limit
from bench.load import Load
from bench.people import Person, dashboard, refresh, refreshed
from kaksha.core.settings import load
from tests.world import World, until


@pytest.fixture(scope="module")
async def limit(world: World) -> AsyncIterator[Server]:
    """The limit on the world's database, with its key and clock."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = {"PORT": str(port), "KAKSHA_SECRET_KEY": world.settings.secret_key, "DATABASE_URL": world.app_url}
    application = Limit(load(given, env_file=Path("/nonexistent")), world.clock)
    config = uvicorn.Config(application, host="127.0.0.1", port=port, log_level="warning", ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started or task.done())
    yield Server("limit", os.getpid(), port, 0.0)
    server.should_exit = True
    await task


async def person(world: World, key: str) -> Person:
    """Somebody of the cast as the bench knows them."""
    email = world.people[key].email
    assert email is not None
    tokens = await world.sign_in(key)
    return Person(world.id(key), world.institute(key), email, f"10.0.0.{len(key)}", tokens["refreshToken"])


async def test_limit_and_kaksha_answer_the_same(world: World, limit: Server) -> None:
    everybody = [await person(world, "rohan"), await person(world, "kabir")]
    bench = Bench(Options(0, 0, 2, 0.1, 1, "", False), everybody, [], backend=0)
    kaksha = Server("kaksha", os.getpid(), world.settings.port, 0.0)
    await bench.check([limit, kaksha])


async def test_a_load_counts_answers_and_renews_tokens(world: World, limit: Server) -> None:
    rohan = await person(world, "rohan")
    before = rohan.refresh_token
    closed = Load(limit.port, itertools.repeat(rohan), refresh, connections=1, heard=refreshed)
    await closed.start()
    await asyncio.sleep(0.2)
    await closed.stop()
    sample = closed.take()
    assert len(sample.millis) > 1
    assert not sample.errors
    assert rohan.refresh_token != before


async def test_an_open_load_keeps_its_pace_and_names_refusals(world: World, limit: Server) -> None:
    nobody = await person(world, "rohan")
    nobody.dashboard = b"GET /v1/nothing HTTP/1.1\r\nhost: localhost\r\n\r\n"
    paced = Load(world.settings.port, itertools.repeat(nobody), dashboard, connections=1, per_second=50.0)
    await paced.start()
    await asyncio.sleep(0.3)
    await paced.stop()
    sample = paced.take()
    assert not sample.millis
    assert set(sample.errors) == {404}
    assert 5 <= sample.errors[404] <= 16
