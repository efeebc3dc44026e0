"""A database that is migrated and empty: what a new server has."""

import os
from collections.abc import AsyncIterator

import asyncpg
import pytest

from kaksha.core.migrate import migrate
from tests.conftest import address


@pytest.fixture(scope="module")
async def module_database(server_url: str, template: str, worker_id: str) -> AsyncIterator[tuple[str, str]]:
    name = f"kaksha_empty_{worker_id}_{os.getpid()}"
    conn = await asyncpg.connect(server_url)
    await conn.execute(f'create database "{name}" owner kaksha_owner')
    owner_url, app_url = (address(server_url, role, name) for role in ("kaksha_owner", "kaksha_app"))
    await migrate(owner_url, "kaksha_app")
    yield owner_url, app_url
    await conn.execute(f'drop database "{name}" with (force)')
    await conn.close()


@pytest.fixture
async def empty(module_database: tuple[str, str]) -> tuple[str, str]:
    """(owner's address, application's address)."""
    owner = await asyncpg.connect(module_database[0])
    await wipe(owner)
    await owner.close()
    return module_database


async def wipe(owner: asyncpg.Connection) -> None:
    """Empties every table."""
    tables = await owner.fetch(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        " and relname <> 'schema_migrations'"
    )
    await owner.execute("truncate " + ", ".join(table["relname"] for table in tables))
