"""A world to attack: behind one proxy of ours, so that every caller says an address, and without jobs beside it."""

import os
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.world import World, serving

SIZE = int(os.environ.get("KAKSHA_ATTACK", "120"))
"""Tries of each attack; `make attack` makes ten thousand of them."""


@pytest.fixture(scope="module")
async def world(database: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    owner_url, app_url = database
    home = tmp_path_factory.mktemp("home")
    async with serving(home, app_url, owner_url, TRUSTED_PROXIES="1", WORKER="external") as running:
        yield running


@pytest.fixture(autouse=True)
async def fresh(world: World) -> None:
    """No limit remembers the attack before."""
    async with world.owner() as owner:
        await owner.execute("delete from rate_limits")


@pytest.fixture
async def crowd(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Many connections at once, and no hurry."""
    limits = httpx2.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx2.AsyncClient(base_url=world.url, timeout=None, limits=limits) as client:
        yield client
