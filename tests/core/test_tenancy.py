"""One institute's rows only: also when a query forgets its filter, a setting is rolled back, a connection is cut."""

import asyncio

import asyncpg
import pytest

from kaksha.core.db import Conn
from kaksha.core.errors import Conflict, DatabaseDown
from tests.world import World

EVERYBODY = "select institute_id from users"  # forgets `where institute_id = $1`


async def _institutes(conn: Conn) -> set[object]:
    return {row["institute_id"] for row in await conn.fetch(EVERYBODY)}


async def test_a_query_without_a_filter_sees_its_own_institute_only(world: World) -> None:
    for person in ("rohan", "kabir"):
        async with world.db.read(world.institute(person)) as conn:
            assert await _institutes(conn) == {world.institute(person)}


async def test_no_tenant_no_rows(world: World) -> None:
    async with world.db.read(None) as conn:
        assert await _institutes(conn) == set()


async def test_a_rolled_back_transaction_leaves_no_other_tenant_behind(world: World) -> None:
    aarambh, prayas = world.institute("rohan"), world.institute("kabir")
    for institute in (aarambh, prayas, None, aarambh):
        with pytest.raises(ZeroDivisionError):
            async with world.db.write(institute):
                raise ZeroDivisionError
        for other in (aarambh, prayas):
            async with world.db.read(other) as conn:
                assert await _institutes(conn) == {other}


async def test_a_tenant_set_inside_a_transaction_reverts_and_is_set_again(world: World) -> None:
    """A query that changes the setting itself and then fails must not leave the pool believing the wrong tenant."""
    aarambh, prayas = world.institute("rohan"), world.institute("kabir")
    with pytest.raises(Conflict):
        async with world.db.write(aarambh) as tx:
            await tx.conn.execute("select set_config('app.institute_id', $1, false)", str(prayas))
            await tx.conn.execute("insert into users select * from users")
    async with world.db.read(aarambh) as conn:
        assert await _institutes(conn) == {aarambh}


async def test_a_cancelled_request_leaves_no_other_tenant_behind(world: World) -> None:
    aarambh, prayas = world.institute("rohan"), world.institute("kabir")

    async def slow() -> None:
        async with world.db.write(prayas) as tx:
            started.set()
            await tx.conn.fetchval("select pg_sleep(60)")

    for _ in range(6):  # more often than the pool has connections
        started = asyncio.Event()
        task = asyncio.create_task(slow())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with world.db.read(aarambh) as conn:
            assert await _institutes(conn) == {aarambh}


async def test_writing_another_institutes_row_is_refused(world: World) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with world.db.write(world.institute("rohan")) as tx:
            await tx.conn.execute(
                "insert into subjects (institute_id, id, name, code, created_at, updated_at)"
                " values ($1, gen_random_uuid(), 'Art', 'ART', now(), now())",
                world.institute("kabir"),
            )


async def test_every_table_with_a_tenant_is_guarded(world: World) -> None:
    async with world.owner() as owner:
        rows = await owner.fetch(
            """
            select c.relname, c.relrowsecurity, exists (select from pg_policy p where p.polrelid = c.oid) as policy
            from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'institute_id'
            where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
            """
        )
    assert len(rows) >= 14
    assert [row["relname"] for row in rows if not (row["relrowsecurity"] and row["policy"])] == []


async def test_the_application_owns_nothing_and_bypasses_nothing(world: World) -> None:
    async with world.owner() as owner:
        role = await owner.fetchrow("select rolsuper, rolbypassrls, oid from pg_roles where rolname = 'kaksha_app'")
        owned = await owner.fetchval("select count(*) from pg_class where relowner = $1", role["oid"])
    assert (role["rolsuper"], role["rolbypassrls"], owned) == (False, False, 0)


async def test_the_audit_log_takes_no_change(world: World) -> None:
    for statement in ("update audit_log set action = 'x'", "delete from audit_log"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with world.db.write(world.institute("rohan")) as tx:
                await tx.conn.execute(statement)


async def test_a_connection_that_was_killed_is_replaced(world: World) -> None:
    with pytest.raises(DatabaseDown):
        async with world.db.read(None) as conn:
            await conn.fetchval("select pg_terminate_backend(pg_backend_pid())")
            await conn.fetchval("select 1")
    async with world.db.read(None) as conn:
        assert await conn.fetchval("select 1") == 1
