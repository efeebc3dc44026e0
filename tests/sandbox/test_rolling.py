"""The demo planted, rolled and visited."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from kaksha.core.db import Database
from kaksha.core.seal import Keys
from kaksha.sandbox import rolling
from kaksha.sandbox.cast import AARAMBH
from kaksha.sandbox.demo import demo
from tests.sandbox.conftest import wipe
from tests.world import NOW, Clock


class Server:
    """A database with the demo, as one process after the other finds it on its day."""

    def __init__(self, owner: asyncpg.Connection, db: Database, clock: Clock) -> None:
        self.owner = owner
        self.db = db
        self.clock = clock

    async def start(self, at: datetime) -> None:
        self.clock.at = at
        await rolling.stand(self.db, self.owner)

    async def dump(self, *without: str) -> dict[str, list[Any]]:
        """Every row of every table; password hashes are salted and file keys random, so they are left out."""
        tables = await self.owner.fetch(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1"
        )
        found: dict[str, list[Any]] = {}
        for (table,) in tables:
            rows = await self.owner.fetch(f"select to_jsonb(t) - 'password_hash' - 'key' as row from \"{table}\" t")
            found[table] = sorted((json.loads(row["row"]) for row in rows), key=json.dumps)
        return {table: rows for table, rows in found.items() if table not in without and table != "schema_migrations"}


@pytest.fixture
async def server(empty: tuple[str, str]) -> AsyncIterator[Server]:
    """The demo, new."""
    owner_url, app_url = empty
    clock = Clock()
    db = Database(app_url, Keys("k" * 48), size=3, clock=clock)
    await db.open()
    owner = await asyncpg.connect(owner_url)
    server = Server(owner, db, clock)
    await server.start(NOW)
    yield server
    await owner.close()
    await db.close()


async def test_seeding_twice_changes_nothing(server: Server) -> None:
    before = await server.dump()
    await server.start(NOW)
    assert await server.dump() == before
    await server.start(NOW + timedelta(hours=5))
    after = await server.dump()
    was, now = ({json.dumps(mark) for mark in found.pop("attendance_marks")} for found in (before, after))
    assert was < now, "what was marked stays; classes held since are marked too"
    assert after == before
    assert len(before["users"]) > 220
    assert len(before["enrolments"]) == sum(len(batch.students) for plan in demo(NOW.date()) for batch in plan.batches)


@pytest.mark.parametrize(
    "days",
    [
        [NOW + timedelta(10)],
        [datetime(2027, 3, 31, 18, 35, tzinfo=NOW.tzinfo)],  # five past midnight in India
        [NOW + timedelta(1), datetime(2027, 3, 30, 12, tzinfo=NOW.tzinfo), datetime(2027, 4, 3, 12, tzinfo=NOW.tzinfo)],
        [NOW + timedelta(365)],
        [NOW + timedelta(30), NOW + timedelta(12)],  # somebody set the clock back
    ],
)
async def test_a_rolled_demo_is_a_new_one(server: Server, days: list[datetime]) -> None:
    for day in days:
        await server.start(day)
    # Classes that were held, their marks and the holidays of a session that is over stay; a new demo had none of them.
    own = ("attendance_marks", "audit_log", "classes", "holidays")
    rolled = await server.dump(*own)
    await wipe(server.owner)
    await server.start(days[-1])
    assert rolled == await server.dump(*own)


@pytest.mark.parametrize("hour", range(0, 24, 5))
async def test_at_any_hour_a_class_was_held_is_today_and_is_ahead(server: Server, hour: int) -> None:
    """For everybody whom the sign-in page offers, on any weekday; three months of them, a few cancelled."""
    for day in (0, 3, 6, 9):
        now = NOW.replace(hour=hour) + timedelta(day)
        await server.start(now)
        for code in ("JEE-A", "F8"):
            row = await server.owner.fetchrow(
                """
                select count(*) filter (
                    where ended_at > $2::timestamptz - interval '36 hours' and ended_at <= $2) as held,
                  count(*) filter (where (starts_at at time zone 'Asia/Kolkata')::date
                    = ($2 at time zone 'Asia/Kolkata')::date) as today,
                  count(*) filter (where starts_at > $2) as ahead, count(*) filter (where ends_at <= $2) as past,
                  count(*) filter (where cancelled_at is not null and ends_at <= $2) as cancelled
                from classes c join batches b on b.institute_id = c.institute_id and b.id = c.batch_id
                where c.institute_id = $1 and b.code = $3
                """,
                AARAMBH, now, code,
            )  # fmt: skip
            assert min(row["held"], row["today"]) > 0, (code, day, dict(row))
            assert row["ahead"] > 30
            assert row["past"] > 120
            assert 0 < row["cancelled"] < row["past"] / 10, dict(row)


async def test_what_a_visitor_changed_stays(server: Server) -> None:
    plan = next(plan for plan in demo(NOW.date()) if plan.id == AARAMBH)
    newest = [person for person in plan.people if person.created_at and (NOW - person.created_at).days < 14]
    renamed, moved = [person for person in newest if person.roles == ("student",)][:2]
    waiting = next(person for person in plan.people if person.status == "pending")
    mother = next(person for person in plan.people if person.key == "sunita")
    visit = NOW + timedelta(hours=1)
    now = server.owner.execute
    await now("update users set name = 'Visited', updated_at = $2 where id = $1", renamed.id, visit)
    await now("update users set status = 'active', updated_at = $2 where id = $1", waiting.id, visit)
    await now("update enrolments set ends_on = $2 where student_id = $1", moved.id, NOW.date())
    await now("delete from parent_links where parent_id = $1", mother.id)
    await now("update batches set name = 'My JEE', updated_at = $1 where code = 'JEE-A'", visit)
    await now("update batches set ends_on = '2027-02-15', updated_at = $1 where code = 'F9'", visit)
    await now("update batches set archived_at = $1, updated_at = $1 where code = 'BRD-12'", visit)
    await now(
        """
        insert into batches
          (institute_id, id, code, name, course, capacity, starts_on, ends_on, created_at, updated_at)
        values ($1, $2, 'f10', 'Next year', 'Class 10', 40, '2027-04-05', '2028-03-31', $3, $3)
        """,
        AARAMBH, UUID(int=plan.id.int + 0xFFF), visit,
    )  # fmt: skip
    before = {key: rows for key, rows in (await server.dump()).items() if key != "audit_log"}
    await server.start(NOW + timedelta(365))
    after = await server.dump()

    def of(dump: dict[str, list[Any]], table: str, column: str, value: object) -> list[Any]:
        return [row for row in dump[table] if row[column] == str(value)]

    for person in (renamed, moved, waiting):
        assert of(after, "users", "id", person.id) == of(before, "users", "id", person.id)
        assert of(after, "students", "user_id", person.id) == of(before, "students", "user_id", person.id)
        assert of(after, "enrolments", "student_id", person.id) == of(before, "enrolments", "student_id", person.id)
    assert not of(after, "parent_links", "parent_id", mother.id)
    for code in ("F9", "BRD-12", "F10", "f10"):
        assert of(after, "batches", "code", code) == of(before, "batches", "code", code)
    (jee,) = of(after, "batches", "code", "JEE-A")
    assert (jee["name"], jee["starts_on"]) == ("My JEE", "2027-04-01"), "a name does not stop the year"
    (kept,) = of(after, "users", "id", plan.people[-2].id)
    assert kept["status"] == "active"


async def test_two_processes_roll_once(server: Server) -> None:
    server.clock.at = NOW + timedelta(3)
    done = await asyncio.gather(rolling.roll(server.db), rolling.roll(server.db))
    assert sorted(done) == [False, True]
    notes = await server.owner.fetch("select after ->> 'day' as day from audit_log where institute_id = $1", AARAMBH)
    assert [date.fromisoformat(note["day"]) for note in notes] == [NOW.date(), NOW.date() + timedelta(3)]


async def test_a_stranger_with_the_demos_code_is_left_alone(server: Server) -> None:
    await wipe(server.owner)
    await server.owner.execute(
        "insert into institutes (id, code, name, created_at, updated_at) values ($1, 'aarambh', 'Another', $2, $2)",
        UUID(int=AARAMBH.int + 1), NOW,
    )  # fmt: skip
    with pytest.raises(rolling.NotOurs, match="aarambh"):
        await server.start(NOW)
    assert await server.owner.fetchval("select count(*) from users") == 0
