"""A second server process's stand-in: another server on the same database, with its own pool, ears and memory."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.conftest import address
from tests.world import World, serving


@pytest.fixture(scope="module")
async def other(
    world: World, database: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """Another server beside `world`. Its clock is its own: move both."""
    owner_url, app_url = database
    async with serving(tmp_path_factory.mktemp("other"), app_url, owner_url) as running:
        yield running


@pytest.fixture
async def superuser(server_url: str, database: tuple[str, str]) -> AsyncIterator[asyncpg.Connection]:
    """A connection that may see and end those of others, in this module's database."""
    name = database[0].partition("?")[0].rpartition("/")[2]
    conn = await asyncpg.connect(address(server_url, None, name))
    try:
        yield conn
    finally:
        await conn.close()
