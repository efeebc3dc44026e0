"""SQL of holidays. `$1` is the institute."""

from collections.abc import Sequence
from datetime import date, datetime

from kaksha.core.db import Conn, Row
from kaksha.core.ids import UUID
from kaksha.holidays.models import HolidayRow


async def holidays(
    conn: Conn, institute_id: UUID, viewer: UUID | None, first: date, last: date, today: date, page: int, limit: int
) -> Row:  # fmt: skip
    """(total, items as JSON `list[Holiday]`) of the holidays with a day from `first` to `last` that concern `viewer`
    (None: everybody), the first ones first."""
    row = await conn.fetchrow(
        """
        with seen as (
          select h.*, b.name as batch, row_number() over (order by h.starts_on, h.name, h.id) as n
          from holidays h left join batches b on b.institute_id = $1 and b.id = h.batch_id
          where h.institute_id = $1 and h.starts_on <= $4 and h.ends_on >= $3
            and ($2::uuid is null or h.batch_id is null
              or h.batch_id in (select id from batches_of($2, $5) as mine (id)))
        )
        select (select count(*) from seen) as total, (
          select coalesce(json_agg(json_build_object('id', id, 'name', name, 'startsOn', starts_on, 'endsOn', ends_on,
            'batchId', batch_id, 'batchName', batch) order by n), '[]')::text
          from (select * from seen order by n limit $7 offset ($6::bigint - 1) * $7) shown) as items
        """,
        institute_id, viewer, first, last, today, page, limit,
    )  # fmt: skip
    assert row is not None
    return row


async def holiday(conn: Conn, institute_id: UUID, holiday_id: UUID) -> str | None:
    """A holiday as JSON (`Holiday`)."""
    return await conn.fetchval(
        """
        select json_build_object('id', h.id, 'name', h.name, 'startsOn', h.starts_on, 'endsOn', h.ends_on,
          'batchId', h.batch_id, 'batchName', b.name)::text
        from holidays h left join batches b on b.institute_id = $1 and b.id = h.batch_id
        where h.institute_id = $1 and h.id = $2
        """,
        institute_id, holiday_id,
    )  # fmt: skip


async def row(conn: Conn, institute_id: UUID, holiday_id: UUID) -> HolidayRow | None:
    """A holiday, held until the transaction ends."""
    found = await conn.fetchrow(
        "select id, batch_id, name, starts_on, ends_on from holidays where institute_id = $1 and id = $2"
        " for no key update",
        institute_id, holiday_id,
    )  # fmt: skip
    return HolidayRow(*found) if found else None


async def save(conn: Conn, institute_id: UUID, new: HolidayRow, now: datetime) -> None:
    """Writes a holiday, new or changed."""
    await conn.execute(
        """
        insert into holidays (institute_id, id, batch_id, name, starts_on, ends_on, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $7)
        on conflict (institute_id, id) do update set name = $4, starts_on = $5, ends_on = $6, updated_at = $7
        """,
        institute_id, new.id, new.batch_id, new.name, new.starts_on, new.ends_on, now,
    )  # fmt: skip


async def remove(conn: Conn, institute_id: UUID, holiday_id: UUID) -> None:
    await conn.execute("delete from holidays where institute_id = $1 and id = $2", institute_id, holiday_id)


async def batches(conn: Conn, institute_id: UUID, today: date) -> list[tuple[UUID, str]]:
    """The batches that are not over, as (id, name)."""
    rows = await conn.fetch(
        "select id, name from batches where institute_id = $1 and archived_at is null and ends_on >= $2"
        " order by lower(name), id",
        institute_id, today,
    )  # fmt: skip
    return [(found["id"], found["name"]) for found in rows]


async def has_batch(conn: Conn, institute_id: UUID, batch_id: UUID) -> bool:
    return await conn.fetchval(
        "select exists (select from batches where institute_id = $1 and id = $2 and archived_at is null)",
        institute_id, batch_id,
    )  # fmt: skip


async def cancel_classes(conn: Conn, institute_id: UUID, new: HolidayRow, now: datetime) -> list[UUID]:
    """Cancels the classes of its days that have not begun, and answers them."""
    rows = await conn.fetch(
        """
        update classes c set cancelled_at = $7, cancel_reason = $4, holiday_id = $2, revision = revision + 1,
          updated_at = $7
        from institutes i
        where c.institute_id = $1 and i.id = $1 and c.cancelled_at is null and c.started_at is null
          and c.starts_at > $7 and ($3::uuid is null or c.batch_id = $3)
          and c.starts_at >= $5::date::timestamp at time zone i.zone
          and c.starts_at < ($6::date + 1)::timestamp at time zone i.zone
        returning c.id
        """,
        institute_id, new.id, new.batch_id, new.name, new.starts_on, new.ends_on, now,
    )  # fmt: skip
    return [found["id"] for found in rows]


async def cancelled_by(
    conn: Conn, institute_id: UUID, holiday_id: UUID, starts_on: date | None, ends_on: date | None, now: datetime
) -> list[UUID]:  # fmt: skip
    """The classes ahead that the holiday cancelled on other days than those given."""
    rows = await conn.fetch(
        """
        select c.id from classes c join institutes i on i.id = c.institute_id
        where c.institute_id = $1 and c.holiday_id = $2 and c.starts_at > $5
          and coalesce((c.starts_at at time zone i.zone)::date not between $3::date and $4::date, true)
        order by c.starts_at, c.id
        """,
        institute_id, holiday_id, starts_on, ends_on, now,
    )  # fmt: skip
    return [found["id"] for found in rows]


async def audience(conn: Conn, institute_id: UUID, class_ids: Sequence[UUID]) -> list[UUID]:
    """Who is in these classes on their days, their parents, and who gives them."""
    rows = await conn.fetch(
        """
        with students as materialized (
          select distinct e.student_id
          from classes c
          join institutes i on i.id = c.institute_id
          join enrolments e on e.institute_id = $1 and e.batch_id = c.batch_id
            and e.starts_on <= (c.starts_at at time zone i.zone)::date
            and (e.ends_on is null or e.ends_on > (c.starts_at at time zone i.zone)::date)
          where c.institute_id = $1 and c.id = any ($2::uuid[])
        )
        select student_id as id from students
        union select parent_id from parent_links where institute_id = $1
          and student_id in (select student_id from students)
        union select teacher_id from classes where institute_id = $1 and id = any ($2::uuid[])
        """,
        institute_id, list(class_ids),
    )  # fmt: skip
    return [found["id"] for found in rows]
