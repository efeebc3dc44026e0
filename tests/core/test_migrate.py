"""Migrations: applied once, from several processes at once, and refused when they do not fit."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import asyncpg
import pytest

from kaksha.core.migrate import MigrationError, known, migrate
from tests.conftest import address

_numbers = itertools.count()


@pytest.fixture
async def empty(server_url: str, template: str) -> AsyncIterator[str]:
    """The owner's address of a database without anything; `template` made the roles."""
    name = f"{template}_empty_{next(_numbers)}"
    conn = await asyncpg.connect(server_url)
    await conn.execute(f'create database "{name}" owner kaksha_owner')
    yield address(server_url, "kaksha_owner", name)
    await conn.execute(f'drop database "{name}" with (force)')
    await conn.close()


async def test_all_apply_once_however_many_processes_try(empty: str) -> None:
    applied = await asyncio.gather(*(migrate(empty, "kaksha_app") for _ in range(4)))
    assert sorted(len(each) for each in applied) == [0, 0, 0, len(known())]
    assert await migrate(empty, "kaksha_app") == []


async def test_an_edited_migration_is_refused(empty: str) -> None:
    await migrate(empty, "kaksha_app")
    conn = await asyncpg.connect(empty)
    await conn.execute("update schema_migrations set digest = 'other' where number = 2")
    await conn.close()
    with pytest.raises(MigrationError, match="0002"):
        await migrate(empty, "kaksha_app")


async def test_a_newer_database_is_refused(empty: str) -> None:
    await migrate(empty, "kaksha_app")
    conn = await asyncpg.connect(empty)
    await conn.execute("insert into schema_migrations (number, name, digest) values (9999, 'later', 'x')")
    await conn.close()
    with pytest.raises(MigrationError, match="newer"):
        await migrate(empty, "kaksha_app")
