"""One PostgreSQL for the whole run, one database for each test module (cloned from a migrated one with the cast in it).

`KAKSHA_TEST_POSTGRES` (a superuser's address) runs the same tests on a server of your own, 15 or newer.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from kaksha.core.db import Database
from kaksha.core.migrate import migrate
from kaksha.core.passwords import hash_password
from kaksha.core.postgres import Embedded
from kaksha.core.seal import Keys
from kaksha.sandbox.cast import PASSWORD
from kaksha.sandbox.planting import plant
from tests.world import NOW, World, serving, the_cast

_ROLES = """
do $$ begin
  if not exists (select from pg_roles where rolname = 'kaksha_owner') then create role kaksha_owner login; end if;
  if not exists (select from pg_roles where rolname = 'kaksha_app') then create role kaksha_app login; end if;
end $$
"""


def address(url: str, role: str | None, database: str) -> str:
    """`url` for another role and database of the same server."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    netloc = parts.netloc if role is None else f"{role}@{host}"
    return urlunsplit((parts.scheme, netloc, f"/{database}", parts.query, ""))


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A superuser's address of a running PostgreSQL."""
    given = os.environ.get("KAKSHA_TEST_POSTGRES")
    if given:
        yield given
        return
    # Workers of one run share a folder: the first starts the server, the last stops it.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"kaksha-test-{run}"
    folder.mkdir(mode=0o711, exist_ok=True)
    with Embedded(folder / "postgres") as cluster:
        _forget_soon(cluster.superuser_url)
        yield cluster.superuser_url


def _forget_soon(url: str) -> None:
    """Nothing here outlives the run, so nothing need reach the disk: databases come and go twice as fast."""

    async def set_up() -> None:
        conn = await asyncpg.connect(url)
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            await conn.execute(f"alter system set {setting} = off")
        await conn.execute("select pg_reload_conf()")
        await conn.close()

    asyncio.run(set_up())


@pytest.fixture(scope="session")
async def template(server_url: str, worker_id: str) -> AsyncIterator[str]:
    """The name of a migrated database with the cast in it; module databases are clones of it."""
    name = f"kaksha_template_{worker_id}_{os.getpid()}"
    conn = await asyncpg.connect(server_url)
    try:
        await conn.execute("select pg_advisory_lock(1)")
        await conn.execute(_ROLES)
        await conn.execute("select pg_advisory_unlock(1)")
        await conn.execute(f'create database "{name}" owner kaksha_owner')
    finally:
        await conn.close()
    owner_url, app_url = (address(server_url, role, name) for role in ("kaksha_owner", "kaksha_app"))
    await migrate(owner_url, "kaksha_app")
    db = Database(app_url, Keys("k" * 48), size=2, clock=lambda: NOW)
    await db.open()
    owner = await asyncpg.connect(owner_url)
    password_hash = await hash_password(PASSWORD)
    for plan in the_cast(NOW.date()):
        await plant(db, owner, plan, password_hash)
    await owner.close()
    await db.close()
    yield name
    await _drop(server_url, name)


@pytest.fixture(scope="module")
async def database(server_url: str, template: str, request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, str]]:
    """(owner's address, application's address) of this module's own database."""
    name = f"kaksha_{os.getpid()}_{abs(hash(request.node.nodeid)) % 10**12}"
    conn = await asyncpg.connect(server_url)
    await conn.execute(f'create database "{name}" template "{template}" owner kaksha_owner')
    await conn.close()
    yield address(server_url, "kaksha_owner", name), address(server_url, "kaksha_app", name)
    await _drop(server_url, name)


@pytest.fixture(scope="module")
async def world(database: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A running server with the cast; shared by the tests of a module."""
    owner_url, app_url = database
    async with serving(tmp_path_factory.mktemp("home"), app_url, owner_url) as running:
        yield running


async def _drop(server_url: str, name: str) -> None:
    conn = await asyncpg.connect(server_url)
    try:
        await conn.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await conn.close()
