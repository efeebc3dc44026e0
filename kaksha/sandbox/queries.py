"""SQL of the operator's commands and the demo. `$1` is the institute wherever a tenant is known.

Rows of a table go in all at once; planting what stands already changes nothing.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, cast

from kaksha.core.db import Conn, Row
from kaksha.core.ids import UUID
from kaksha.sandbox.cast import InstitutePlan

Rows = Sequence[Sequence[Any]]
Days = tuple[date, date, datetime]
"""A batch's first and last day, and when it was set up."""


async def plant_institute(owner: Conn, plan: InstitutePlan) -> UUID:
    """The planned institute, unless it stands; answers whose its code is."""
    await owner.execute(
        """
        insert into institutes (id, code, name, phone, email, address, demo, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $8) on conflict do nothing
        """,
        plan.id, plan.code, plan.name, plan.phone, plan.email, plan.address, plan.demo, plan.created_at,
    )  # fmt: skip
    return cast(UUID, await institute_called(owner, plan.code))


async def institute_called(owner: Conn, code: str) -> UUID | None:
    """The institute with this code."""
    return await owner.fetchval("select id from institutes where code = $1", code)


async def plant_users(conn: Conn, rows: Rows) -> None:
    """(institute, id, name, email, phone, password hash, roles, permissions, status, language, verified, created)."""
    await conn.executemany(
        """
        insert into users (institute_id, id, name, email, phone, password_hash, roles, permissions, status, language,
          email_verified_at, phone_verified_at, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $12) on conflict do nothing
        """,
        rows,
    )


async def plant_students(conn: Conn, rows: Rows) -> None:
    """(institute, user, roll number, grade, joined on)."""
    await conn.executemany(
        """
        insert into students (institute_id, user_id, roll_no, grade, joined_on) values ($1, $2, $3, $4, $5)
        on conflict do nothing
        """,
        rows,
    )


async def plant_teachers(conn: Conn, rows: Rows) -> None:
    """(institute, user, title, joined on)."""
    await conn.executemany(
        """
        insert into teachers (institute_id, user_id, title, joined_on) values ($1, $2, $3, $4) on conflict do nothing
        """,
        rows,
    )


async def plant_parent_links(conn: Conn, rows: Rows) -> None:
    """(institute, parent, student, relation, created)."""
    await conn.executemany(
        """
        insert into parent_links (institute_id, parent_id, student_id, relation, created_at)
        values ($1, $2, $3, $4, $5) on conflict do nothing
        """,
        rows,
    )


async def plant_subjects(conn: Conn, rows: Rows) -> None:
    """(institute, id, code, name, created)."""
    await conn.executemany(
        """
        insert into subjects (institute_id, id, code, name, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $5) on conflict do nothing
        """,
        rows,
    )


async def plant_batches(conn: Conn, rows: Rows) -> None:
    """(institute, id, code, name, course, medium, capacity, first day, last day, created)."""
    await conn.executemany(
        """
        insert into batches (institute_id, id, code, name, course, medium, capacity, starts_on, ends_on, created_at,
          updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) on conflict do nothing
        """,
        rows,
    )


async def plant_batch_subjects(conn: Conn, rows: Rows) -> None:
    """(institute, batch, subject, teacher)."""
    await conn.executemany(
        """
        insert into batch_subjects (institute_id, batch_id, subject_id, teacher_id) values ($1, $2, $3, $4)
        on conflict do nothing
        """,
        rows,
    )


async def plant_enrolments(conn: Conn, rows: Rows) -> None:
    """(institute, id, batch, student, first day, created)."""
    await conn.executemany(
        """
        insert into enrolments (institute_id, id, batch_id, student_id, starts_on, created_at)
        values ($1, $2, $3, $4, $5, $6) on conflict do nothing
        """,
        rows,
    )


async def one_at_a_time(conn: Conn) -> None:
    """Waits until no other process plants or rolls; until the transaction ends nobody else does."""
    await conn.execute("select pg_advisory_xact_lock($1)", 0x64656D6F)  # "demo"


async def last_roll(conn: Conn, institute_id: UUID) -> Row | None:
    """The day to which the demo was last brought, and the edition of its plan."""
    return await conn.fetchrow(
        """
        select (after ->> 'day')::date as day, (after ->> 'edition')::integer as edition
        from audit_log where institute_id = $1 and subject_id = $1 and action = 'demo.rolled'
        order by id desc limit 1
        """,
        institute_id,
    )


async def move_batch(conn: Conn, institute_id: UUID, batch_id: UUID, was: Days, becomes: Days) -> None:
    """Gives a batch new days, if it still has the old ones and no other batch of its code runs on the new ones."""
    await conn.execute(
        """
        update batches b set starts_on = $6, ends_on = $7,
          created_at = $8, updated_at = case when b.updated_at = $5 then $8 else b.updated_at end
        where b.institute_id = $1 and b.id = $2 and b.starts_on = $3 and b.ends_on = $4 and b.created_at = $5
          and b.archived_at is null
          and not exists (
            select from batches o
            where o.institute_id = $1 and o.id <> b.id and lower(o.code) = lower(b.code) and o.archived_at is null
              and o.starts_on <= $7 and o.ends_on >= $6)
        """,
        institute_id, batch_id, *was, *becomes,
    )  # fmt: skip


async def batch_days(conn: Conn, institute_id: UUID) -> list[Row]:
    """First and last day of every batch that is in use."""
    return await conn.fetch(
        "select id, starts_on, ends_on from batches where institute_id = $1 and archived_at is null", institute_id
    )


async def people_as_they_are(conn: Conn, institute_id: UUID, ids: Sequence[UUID]) -> list[Row]:
    """What shows whether somebody touched these people; their rows are locked."""
    return await conn.fetch(
        """
        select u.id, u.created_at, u.updated_at, s.joined_on, s.left_on,
          (select json_agg(json_build_array(e.id, e.starts_on, e.ends_on))::text
           from enrolments e where e.institute_id = $1 and e.student_id = u.id) as enrolments
        from users u left join students s on s.institute_id = u.institute_id and s.user_id = u.id
        where u.institute_id = $1 and u.id = any ($2::uuid[])
        order by u.id for no key update of u
        """,
        institute_id,
        ids,
    )


async def move_users(conn: Conn, rows: Rows) -> None:
    """(institute, id, created)."""
    await conn.executemany(
        """
        update users set created_at = $3, updated_at = $3,
          email_verified_at = case when email_verified_at is not null then $3::timestamptz end,
          phone_verified_at = case when phone_verified_at is not null then $3::timestamptz end
        where institute_id = $1 and id = $2
        """,
        rows,
    )


async def move_students(conn: Conn, rows: Rows) -> None:
    """(institute, user, joined on)."""
    await conn.executemany("update students set joined_on = $3 where institute_id = $1 and user_id = $2", rows)


async def move_enrolments(conn: Conn, rows: Rows) -> None:
    """(institute, id, first day, created)."""
    await conn.executemany(
        "update enrolments set starts_on = $3, created_at = $4 where institute_id = $1 and id = $2", rows
    )


async def plant_marks(conn: Conn, institute_id: UUID, now: datetime) -> None:
    """Marks the held classes that nobody has marked, all but the last of today: most students are there, a few of
    them far too rarely. The same class and student always get the same mark."""
    await conn.execute(
        """
        insert into attendance_marks (institute_id, class_id, student_id, id, status, taken_at, marked_by, marked_at)
        select $1, c.id, e.student_id, overlay(overlay(d.hash placing '7' from 13) placing '8' from 17)::uuid,
          case when d.draw < r.risk then 'absent' when d.draw < r.risk + 0.05 then 'late'
            when d.draw < r.risk + 0.07 then 'excused' else 'present' end,
          least($2, c.starts_at + interval '5 minutes'), c.teacher_id, least($2, c.starts_at + interval '5 minutes')
        from institutes i
        join classes c on c.institute_id = $1 and c.cancelled_at is null and c.starts_at <= $2
        join enrolments e on e.institute_id = $1 and e.batch_id = c.batch_id
          and e.starts_on <= (c.starts_at at time zone i.zone)::date
          and (e.ends_on is null or e.ends_on > (c.starts_at at time zone i.zone)::date)
        cross join lateral (select md5(c.id::text || e.student_id::text) as hash) h
        cross join lateral (
          select h.hash, ('x' || left(h.hash, 6))::bit(24)::integer / 16777216.0 as draw) d
        cross join lateral (
          select case when md5(e.student_id::text) < '12' then 0.34 else 0.05 end as risk) r
        where i.id = $1
          and not exists (select from attendance_marks m where m.institute_id = $1 and m.class_id = c.id)
          and c.id is distinct from (
            select l.id from classes l
            where l.institute_id = $1 and l.cancelled_at is null and l.starts_at <= $2
              and l.starts_at >= date_trunc('day', $2 at time zone i.zone) at time zone i.zone
            order by l.starts_at desc, l.id limit 1)
        on conflict do nothing
        """,
        institute_id, now,
    )  # fmt: skip


async def insert_institute(
    owner: Conn, institute_id: UUID, code: str, name: str, zone: str, language: str, now: datetime
) -> None:  # fmt: skip
    """A new institute."""
    await owner.execute(
        """
        insert into institutes (id, code, name, zone, language, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $6)
        """,
        institute_id, code, name, zone, language, now,
    )  # fmt: skip


async def institutes(owner: Conn) -> list[Row]:
    """Every institute with its numbers."""
    return await owner.fetch(
        """
        select i.id, i.code, i.name, i.zone, i.language, i.demo, i.created_at,
          (select count(*) from students s where s.institute_id = i.id and s.left_on is null) as students,
          (select count(*) from teachers t where t.institute_id = i.id and t.left_on is null) as teachers
        from institutes i order by i.code
        """
    )


async def server(conn: Conn) -> Row:
    """The server's version, its time, and the role of this connection with what it may do beyond its grants."""
    row = await conn.fetchrow(
        """
        select current_setting('server_version_num')::integer / 10000 as major, clock_timestamp() as now,
          r.rolname as role, r.rolsuper or r.rolbypassrls as above_rules,
          has_schema_privilege('public', 'create') as creates,
          (select count(*) from pg_class c
           where c.relnamespace in ('public'::regnamespace, to_regnamespace('jobs'))
             and c.relkind in ('r', 'p', 'v', 'S') and pg_has_role(c.relowner, 'usage')) as owns
        from pg_roles r where r.rolname = current_user
        """
    )
    assert row is not None
    return row


async def unguarded_tables(conn: Conn) -> list[Row]:
    """Tables with an institute in each row, but without row-level security or a policy."""
    return await conn.fetch(
        """
        select c.relname as name from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'institute_id' and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
          and not (c.relrowsecurity and exists (select from pg_policy p where p.polrelid = c.oid))
        order by c.relname
        """
    )


async def applied_migrations(owner: Conn) -> dict[int, str] | None:
    """Number and digest of what was applied; None when the database is empty."""
    if await owner.fetchval("select to_regclass('public.schema_migrations')") is None:
        return None
    rows = await owner.fetch("select number, digest from schema_migrations")
    return {row["number"]: row["digest"] for row in rows}
