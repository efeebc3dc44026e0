"""The large seed, small."""

import asyncpg

from kaksha.accounts.service import normal_email
from kaksha.core.passwords import hash_password, verify_password
from kaksha.sandbox import seeding
from kaksha.sandbox.cast import PASSWORD
from tests.world import NOW


async def fill(owner: asyncpg.Connection, students: int, institutes: int) -> int:
    found = await seeding.standing(owner, students, institutes)
    added: list[int] = []
    if not found.complete:
        await seeding.fill(owner, found, await hash_password(PASSWORD), NOW.date(), added.append)
    assert sum(added) == found.missing
    return found.missing


COUNTS = """
  select i.code, (select count(*) from students s where s.institute_id = i.id) as students,
    (select count(*) from teachers t where t.institute_id = i.id) as teachers,
    (select count(*) from batches b where b.institute_id = i.id) as batches,
    (select count(*) from batch_subjects b where b.institute_id = i.id) as taught,
    (select count(*) from enrolments e where e.institute_id = i.id) as enrolments,
    (select count(*) from parent_links l where l.institute_id = i.id) as links,
    (select count(*) from users u where u.institute_id = i.id) as users
  from institutes i order by i.code
"""


async def test_it_spreads_evenly_and_tops_up(empty: tuple[str, str]) -> None:
    owner = await asyncpg.connect(empty[0])
    assert await fill(owner, 205, 2) == 205
    rows = [tuple(row) for row in await owner.fetch(COUNTS)]
    assert rows == [
        ("bench-001", 103, 2, 3, 6, 103, 83, 103 + 83 + 2 + 1),
        ("bench-002", 102, 2, 3, 6, 102, 82, 102 + 82 + 2 + 1),
    ]
    assert await fill(owner, 205, 2) == 0
    assert await fill(owner, 100, 2) == 0, "less than stands"
    assert [tuple(row) for row in await owner.fetch(COUNTS)] == rows
    assert await fill(owner, 600, 3) == 600 - 205
    topped = [tuple(row) for row in await owner.fetch(COUNTS)]
    ids = "select md5(string_agg(id::text || name, '' order by id)) from users"
    topped_ids = await owner.fetchval(ids)
    await seeding.remove(owner)
    assert await owner.fetchval("select count(*) from users") == 0
    assert await owner.fetchval("select count(*) from institutes") == 0
    await fill(owner, 600, 3)
    assert [tuple(row) for row in await owner.fetch(COUNTS)] == topped, "topping up makes what one go makes"
    assert await owner.fetchval(ids) == topped_ids
    await owner.close()


async def test_its_people_can_sign_in(empty: tuple[str, str]) -> None:
    owner_url, app_url = empty
    owner = await asyncpg.connect(owner_url)
    await fill(owner, 41, 1)
    row = await owner.fetchrow("select * from users where email = 's000001@bench-001.example'")
    assert row is not None
    assert row["email"] == normal_email(row["email"])
    assert row["id"].version == 7
    assert await verify_password(PASSWORD, row["password_hash"])
    app = await asyncpg.connect(app_url)
    await app.execute("select set_config('app.institute_id', $1, false)", str(row["institute_id"]))
    assert await app.fetchval("select count(*) from enrolments") == 41
    await app.close()
    await owner.close()
