"""SQL of institutes, subjects and rooms. `$1` is the institute; higher features know more: their functions tell."""

from datetime import datetime

import msgspec

from kaksha.core.db import Conn, Row
from kaksha.core.ids import UUID
from kaksha.institutes.models import Institute, Room, Subject, SubjectSort


async def institute(conn: Conn, institute_id: UUID) -> str | None:
    """The institute as JSON (`Institute`)."""
    return await conn.fetchval(
        """
        select json_build_object('id', id, 'code', code, 'name', name, 'zone', zone, 'currency', currency,
          'language', language, 'phone', phone, 'email', email, 'address', address, 'gstin', gstin)::text
        from institutes where institute_id = $1
        """,
        institute_id,
    )


async def institute_for_change(conn: Conn, institute_id: UUID) -> Institute | None:
    """The institute, held until the transaction ends: others who want to change it or its catalogue wait."""
    row = await conn.fetchrow(
        """
        select id, code, name, zone, currency, language, phone, email, address, gstin
        from institutes where institute_id = $1 for no key update
        """,
        institute_id,
    )
    return msgspec.convert(dict(row), Institute) if row else None


async def save_institute(conn: Conn, institute_id: UUID, new: Institute, now: datetime) -> None:
    """Writes all that may change."""
    await conn.execute(
        """
        update institutes set name = $2, zone = $3, language = $4, phone = $5, email = $6, address = $7, gstin = $8,
          updated_at = $9
        where institute_id = $1
        """,
        institute_id, new.name, new.zone, new.language, new.phone, new.email, new.address, new.gstin, now,
    )  # fmt: skip


async def knows_zone(conn: Conn, zone: str) -> bool:
    """Whether PostgreSQL has this time zone too: each day's date is computed there."""
    return await conn.fetchval("select exists (select from pg_timezone_names where name = $1)", zone)


async def subjects(
    conn: Conn, institute_id: UUID, viewer: UUID | None, now: datetime, q: str | None, sort: SubjectSort, page: int,
    limit: int,
) -> Row:  # fmt: skip
    """(total, items as JSON `list[Subject]`) of a page; all of the institute's when `viewer` is None."""
    row = await conn.fetchrow(
        """
        with seen as (
          select s.id, s.name, s.code
          from subjects s join institutes i on i.id = s.institute_id
          where s.institute_id = $1 and s.archived_at is null
            and ($2::uuid is null or s.id in (
              select id from subjects_of($2, ($3::timestamptz at time zone i.zone)::date) as mine (id)))
            and ($4::text is null or strpos(lower(s.name), lower($4)) > 0 or strpos(lower(s.code), lower($4)) > 0)
        ), shown as (
          select *, row_number() over (order by
            case $5::text when 'name' then lower(name) when 'code' then lower(code) end,
            case $5::text when '-name' then lower(name) when '-code' then lower(code) end desc, id) as n
          from seen order by n limit $7 offset ($6::bigint - 1) * $7
        )
        select (select count(*) from seen) as total,
          (select coalesce(json_agg(json_build_object('id', id, 'name', name, 'code', code) order by n), '[]')::text
            from shown) as items
        """,
        institute_id, viewer, now, q, sort, page, limit,
    )  # fmt: skip
    assert row is not None
    return row


async def subject(
    conn: Conn, institute_id: UUID, subject_id: UUID, viewer: UUID | None, now: datetime
) -> str | None:  # fmt: skip
    """A subject as JSON (`Subject`), for those who may see it: `viewer` None sees all of the institute's."""
    return await conn.fetchval(
        """
        select json_build_object('id', s.id, 'name', s.name, 'code', s.code)::text
        from subjects s join institutes i on i.id = s.institute_id
        where s.institute_id = $1 and s.id = $2 and s.archived_at is null
          and ($3::uuid is null or s.id in (
            select id from subjects_of($3, ($4::timestamptz at time zone i.zone)::date) as mine (id)))
        """,
        institute_id, subject_id, viewer, now,
    )  # fmt: skip


async def subject_row(conn: Conn, institute_id: UUID, subject_id: UUID) -> Subject | None:
    """A subject that is not archived."""
    row = await conn.fetchrow(
        "select id, name, code from subjects where institute_id = $1 and id = $2 and archived_at is null",
        institute_id, subject_id,
    )  # fmt: skip
    return msgspec.convert(dict(row), Subject) if row else None


async def subjects_like(conn: Conn, institute_id: UUID, new: Subject) -> Row:
    """(name, code): whether another subject has that name or code."""
    row = await conn.fetchrow(
        """
        select coalesce(bool_or(lower(name) = lower($3)), false) as name,
          coalesce(bool_or(lower(code) = lower($4)), false) as code
        from subjects where institute_id = $1 and id <> $2 and archived_at is null
        """,
        institute_id, new.id, new.name, new.code,
    )  # fmt: skip
    assert row is not None
    return row


async def insert_subject(conn: Conn, institute_id: UUID, new: Subject, now: datetime) -> None:
    await conn.execute(
        "insert into subjects (institute_id, id, name, code, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)",
        institute_id, new.id, new.name, new.code, now,
    )  # fmt: skip


async def save_subject(conn: Conn, institute_id: UUID, new: Subject, now: datetime) -> None:
    await conn.execute(
        "update subjects set name = $3, code = $4, updated_at = $5 where institute_id = $1 and id = $2",
        institute_id, new.id, new.name, new.code, now,
    )  # fmt: skip


async def archive_subject(conn: Conn, institute_id: UUID, subject_id: UUID, now: datetime) -> None:
    await conn.execute(
        "update subjects set archived_at = $3, updated_at = $3 where institute_id = $1 and id = $2",
        institute_id, subject_id, now,
    )  # fmt: skip


async def batches_teaching(conn: Conn, institute_id: UUID, subject_id: UUID, now: datetime) -> list[str]:
    """The names of the batches that teach it and are not over."""
    rows = await conn.fetch(
        """
        select b.name from institutes i, batches_teaching($2, ($3::timestamptz at time zone i.zone)::date) as b (name)
        where i.institute_id = $1
        """,
        institute_id, subject_id, now,
    )  # fmt: skip
    return [row["name"] for row in rows]


async def rooms(conn: Conn, institute_id: UUID, q: str | None, page: int, limit: int) -> Row:
    """(total, items as JSON `list[Room]`) of the rooms in use, by name."""
    row = await conn.fetchrow(
        """
        with seen as (
          select id, name, capacity, row_number() over (order by lower(name), id) as n from rooms
          where institute_id = $1 and archived_at is null
            and ($2::text is null or strpos(lower(name), lower($2)) > 0)
        )
        select (select count(*) from seen) as total, (
          select coalesce(json_agg(
            json_build_object('id', id, 'name', name, 'capacity', capacity) order by n), '[]')::text
          from (select * from seen order by n limit $4 offset ($3::bigint - 1) * $4) shown) as items
        """,
        institute_id, q, page, limit,
    )  # fmt: skip
    assert row is not None
    return row


async def room(conn: Conn, institute_id: UUID, room_id: UUID) -> Room | None:
    """A room in use."""
    row = await conn.fetchrow(
        "select id, name, capacity from rooms where institute_id = $1 and id = $2 and archived_at is null",
        institute_id, room_id,
    )  # fmt: skip
    return Room(*row) if row else None


async def room_name_taken(conn: Conn, institute_id: UUID, new: Room) -> bool:
    """Whether another room in use has this name."""
    return await conn.fetchval(
        "select exists (select from rooms where institute_id = $1 and id <> $2 and lower(name) = lower($3)"
        " and archived_at is null)",
        institute_id, new.id, new.name,
    )  # fmt: skip


async def save_room(conn: Conn, institute_id: UUID, new: Room, now: datetime) -> None:
    """Writes a room, new or changed."""
    await conn.execute(
        """
        insert into rooms (institute_id, id, name, capacity, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)
        on conflict (institute_id, id) do update set name = $3, capacity = $4, updated_at = $5
        """,
        institute_id, new.id, new.name, new.capacity, now,
    )  # fmt: skip


async def archive_room(conn: Conn, institute_id: UUID, room_id: UUID, now: datetime) -> None:
    await conn.execute(
        "update rooms set archived_at = $3, updated_at = $3 where institute_id = $1 and id = $2",
        institute_id, room_id, now,
    )  # fmt: skip


async def classes_in(conn: Conn, institute_id: UUID, room_id: UUID, now: datetime) -> int:
    """How many classes ahead, and slots of the timetable that are not over, take place there."""
    return await conn.fetchval(
        "select classes_in($2, $3) from institutes where institute_id = $1", institute_id, room_id, now
    )
