"""SQL of the weekly timetable. `$1` is the institute; "today" is the date in its zone."""

from collections.abc import Sequence
from datetime import date, datetime, time

import msgspec

from kaksha.core.db import Conn
from kaksha.core.ids import UUID
from kaksha.weekly.models import Planned, SlotClash, SlotRow, Wanted


async def slots(
    conn: Conn, institute_id: UUID, batch_id: UUID | None, teacher_id: UUID | None, room_id: UUID | None, today: date,
    slot_id: UUID | None = None,
) -> str:  # fmt: skip
    """The slots that are not over as JSON (`list[Slot]`), by weekday and time."""
    return await conn.fetchval(
        """
        select coalesce(json_agg(json_build_object(
          'id', s.id, 'batchId', s.batch_id, 'batchName', b.name, 'subjectId', s.subject_id, 'subjectName', j.name,
          'teacherId', s.teacher_id, 'teacherName', t.name, 'roomId', s.room_id, 'roomName', r.name,
          'weekday', s.weekday, 'starts', to_char(s.starts, 'HH24:MI'), 'minutes', s.minutes, 'fromOn', s.from_on,
          'untilOn', s.until_on) order by s.weekday, s.starts, b.name, s.id), '[]')::text
        from timetable_slots s
        join batches b on b.institute_id = $1 and b.id = s.batch_id
        join subjects j on j.institute_id = $1 and j.id = s.subject_id
        join users t on t.institute_id = $1 and t.id = s.teacher_id
        left join rooms r on r.institute_id = $1 and r.id = s.room_id
        where s.institute_id = $1 and b.archived_at is null and b.ends_on >= $5
          and (s.until_on is null or s.until_on >= $5 and s.until_on >= s.from_on)
          and ($2::uuid is null or s.batch_id = $2) and ($3::uuid is null or s.teacher_id = $3)
          and ($4::uuid is null or s.room_id = $4) and ($6::uuid is null or s.id = $6)
        """,
        institute_id, batch_id, teacher_id, room_id, today, slot_id,
    )  # fmt: skip


async def planned(conn: Conn, institute_id: UUID, batch_id: UUID) -> Planned | None:
    """A batch with what its timetable can hold."""
    row = await conn.fetchrow(
        """
        select b.name, b.starts_on, b.ends_on, (
          select coalesce(json_agg(json_build_array(j.id, j.name || ' · ' || u.name)
            order by lower(j.name), j.id), '[]')
          from batch_subjects s
          join subjects j on j.institute_id = $1 and j.id = s.subject_id
          join users u on u.institute_id = $1 and u.id = s.teacher_id
          where s.institute_id = $1 and s.batch_id = b.id)::text as subjects, (
          select coalesce(json_agg(json_build_array(id, name || ' (' || capacity || ')')
            order by lower(name), id), '[]')
          from rooms where institute_id = $1 and archived_at is null)::text as rooms
        from batches b where b.institute_id = $1 and b.id = $2 and b.archived_at is null
        """,
        institute_id, batch_id,
    )  # fmt: skip
    if row is None:
        return None
    kind = list[tuple[str, str]]
    subjects, rooms = (msgspec.json.decode(row[name], type=kind) for name in ("subjects", "rooms"))
    return Planned(row["name"], row["starts_on"], row["ends_on"], subjects, rooms)


async def slot(conn: Conn, institute_id: UUID, slot_id: UUID) -> SlotRow | None:
    """A slot, held until the transaction ends."""
    row = await conn.fetchrow(
        """
        select id, batch_id, subject_id, teacher_id, room_id, weekday, starts, minutes, from_on, until_on
        from timetable_slots
        where institute_id = $1 and id = $2 and (until_on is null or until_on >= from_on) for no key update
        """,
        institute_id, slot_id,
    )  # fmt: skip
    return SlotRow(*row) if row else None


async def save(conn: Conn, institute_id: UUID, new: SlotRow, now: datetime) -> None:
    """Writes a slot, new or changed."""
    await conn.execute(
        """
        insert into timetable_slots (institute_id, id, batch_id, subject_id, teacher_id, room_id, weekday, starts,
          minutes, from_on, until_on, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
        on conflict (institute_id, id) do update set teacher_id = $5, room_id = $6, weekday = $7, starts = $8,
          minutes = $9, from_on = $10, until_on = $11, updated_at = $12
        """,
        institute_id, new.id, new.batch_id, new.subject_id, new.teacher_id, new.room_id, new.weekday, new.starts,
        new.minutes, new.from_on, new.until_on, now,
    )  # fmt: skip


async def clash(conn: Conn, institute_id: UUID, wanted: SlotRow, but: Sequence[UUID]) -> SlotClash | None:
    """The first slot of the same weekday and days that takes time of the same batch, teacher or room."""
    row = await conn.fetchrow(
        """
        select b.name, j.name, t.name, r.name, s.starts, s.minutes, s.teacher_id = $3, coalesce(s.room_id = $4, false)
        from timetable_slots s
        join batches b on b.institute_id = $1 and b.id = s.batch_id
        join subjects j on j.institute_id = $1 and j.id = s.subject_id
        join users t on t.institute_id = $1 and t.id = s.teacher_id
        left join rooms r on r.institute_id = $1 and r.id = s.room_id
        where s.institute_id = $1 and s.weekday = $5 and b.archived_at is null
          and (s.batch_id = $2 or s.teacher_id = $3 or s.room_id = $4)
          and extract(epoch from s.starts) < extract(epoch from $6::time) + $7::integer * 60
          and extract(epoch from s.starts) + s.minutes * 60 > extract(epoch from $6::time)
          and s.from_on <= least($9::date, b.ends_on) and least(s.until_on, b.ends_on) >= $8
          and coalesce(s.until_on >= s.from_on, true) and s.id <> all ($10::uuid[])
        order by s.starts limit 1
        """,
        institute_id, wanted.batch_id, wanted.teacher_id, wanted.room_id, wanted.weekday, wanted.starts, wanted.minutes,
        wanted.from_on, wanted.until_on, list(but),
    )  # fmt: skip
    return SlotClash(*row) if row else None


async def wanted(
    conn: Conn, institute_id: UUID, slot_id: UUID | None, now: datetime, last: date
) -> list[Wanted]:  # fmt: skip
    """The classes that slots (or one) want until `last`, that are not made yet and lie ahead; no holidays.

    Their times are of the institute's clock: the same in the week in which clocks change.
    """
    rows = await conn.fetch(
        """
        select s.id, d.day::date, s.batch_id, s.subject_id, s.teacher_id, s.room_id,
          (d.day::date + s.starts) at time zone i.zone,
          (d.day::date + s.starts) at time zone i.zone + s.minutes * interval '1 minute'
        from timetable_slots s
        join institutes i on i.id = s.institute_id
        join batches b on b.institute_id = $1 and b.id = s.batch_id and b.archived_at is null
        cross join lateral generate_series(
          greatest(s.from_on, b.starts_on, ($3::timestamptz at time zone i.zone)::date)::timestamp,
          least(s.until_on, b.ends_on, $4::date)::timestamp, interval '1 day') as d (day)
        where s.institute_id = $1 and ($2::uuid is null or s.id = $2) and extract(isodow from d.day) = s.weekday
          and (d.day::date + s.starts) at time zone i.zone > $3
          and not exists (
            select from classes c where c.institute_id = $1 and c.slot_id = s.id and c.slot_on = d.day::date)
          and not exists (
            select from holidays h
            where h.institute_id = $1 and h.starts_on <= d.day::date and h.ends_on >= d.day::date
              and (h.batch_id is null or h.batch_id = s.batch_id))
        order by 7, s.id
        """,
        institute_id, slot_id, now, last,
    )  # fmt: skip
    return [Wanted(*row) for row in rows]


async def make(
    conn: Conn, institute_id: UUID, ids: Sequence[UUID], new: Sequence[Wanted], now: datetime
) -> list[tuple[UUID, date]]:  # fmt: skip
    """Makes the classes into whose way none comes, and answers their (slot, day); one that stands is not made again."""
    rows = await conn.fetch(
        """
        with given as (
          select * from unnest($2::uuid[], $3::uuid[], $4::date[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[],
            $9::timestamptz[], $10::timestamptz[])
            with ordinality as g (id, slot_id, day, batch_id, subject_id, teacher_id, room_id, starts_at, ends_at, n)
        ), free as (
          select g.* from given g
          where not exists (
              select from classes c
              where c.institute_id = $1 and c.cancelled_at is null and c.starts_at < g.ends_at
                and c.starts_at > g.starts_at - interval '12 hours' and c.ends_at > g.starts_at
                and (c.batch_id = g.batch_id or c.teacher_id = g.teacher_id or c.room_id = g.room_id))
            and not exists (select from given o where o.n < g.n and o.batch_id = g.batch_id
              and o.starts_at < g.ends_at and o.ends_at > g.starts_at)
            and not exists (select from given o where o.n < g.n and o.teacher_id = g.teacher_id
              and o.starts_at < g.ends_at and o.ends_at > g.starts_at)
            and not exists (select from given o where o.n < g.n and o.room_id = g.room_id
              and o.starts_at < g.ends_at and o.ends_at > g.starts_at)
        )
        insert into classes (institute_id, id, batch_id, subject_id, teacher_id, room_id, starts_at, ends_at, slot_id,
          slot_on, created_at, updated_at)
        select $1, id, batch_id, subject_id, teacher_id, room_id, starts_at, ends_at, slot_id, day, $11, $11 from free
        on conflict (institute_id, slot_id, slot_on) do nothing
        returning slot_id, slot_on
        """,
        institute_id, list(ids), [one.slot_id for one in new], [one.day for one in new],
        [one.batch_id for one in new], [one.subject_id for one in new], [one.teacher_id for one in new],
        [one.room_id for one in new], [one.starts_at for one in new], [one.ends_at for one in new], now,
    )  # fmt: skip
    return [(row["slot_id"], row["slot_on"]) for row in rows]


async def drop_unwanted(conn: Conn, institute_id: UUID, now: datetime, slot_id: UUID | None = None) -> int:
    """Removes classes ahead that their slot or batch no longer wants, if nothing about them was changed."""
    return await conn.fetchval(
        """
        with gone as (
          delete from classes c using timetable_slots s, batches b
          where c.institute_id = $1 and s.institute_id = $1 and s.id = c.slot_id and b.institute_id = $1
            and b.id = c.batch_id and c.starts_at > $2 and c.started_at is null
            and (b.archived_at is not null or c.slot_on > least(s.until_on, b.ends_on) or c.slot_on < s.from_on)
            and ($3::uuid is null or s.id = $3)
          returning 1)
        select count(*) from gone
        """,
        institute_id, now, slot_id,
    )  # fmt: skip


async def defer(conn: Conn) -> None:
    """Until the commit, classes may meet: a series moves one after the other."""
    await conn.execute("set constraints all deferred")


async def shift(
    conn: Conn, institute_id: UUID, old_id: UUID, first: date, days: int, new: SlotRow, zone: str, now: datetime
) -> None:  # fmt: skip
    """Hands the classes of a slot that stand for `first` or a later day and have not begun to `new`."""
    await conn.execute(
        """
        update classes set slot_id = $5, slot_on = slot_on + $4::integer, teacher_id = $6, planned_teacher_id = null,
          room_id = $7, starts_at = (slot_on + $4::integer + $8::time) at time zone $10,
          ends_at = (slot_on + $4::integer + $8::time) at time zone $10 + $9::integer * interval '1 minute',
          revision = revision + 1, updated_at = $11
        where institute_id = $1 and slot_id = $2 and slot_on >= $3 and starts_at > $11 and started_at is null
        """,
        institute_id, old_id, first, days, new.id, new.teacher_id, new.room_id, new.starts, new.minutes, zone, now,
    )  # fmt: skip


async def apply_holidays(conn: Conn, institute_id: UUID, slot_id: UUID, now: datetime) -> None:
    """Cancels the slot's classes ahead that lie on a holiday, and restores those that no longer do."""
    await conn.execute(
        """
        with found as (
          select c.id, h.id as holiday_id, h.name
          from classes c
          join institutes i on i.id = c.institute_id
          left join lateral (
            select id, name from holidays
            where institute_id = $1 and (batch_id is null or batch_id = c.batch_id)
              and (c.starts_at at time zone i.zone)::date between starts_on and ends_on
            order by starts_on limit 1) h on true
          where c.institute_id = $1 and c.slot_id = $2 and c.starts_at > $3 and c.started_at is null
            and (c.cancelled_at is null or c.holiday_id is not null) and c.holiday_id is distinct from h.id
        )
        update classes c set holiday_id = f.holiday_id, cancel_reason = f.name,
          cancelled_at = case when f.holiday_id is not null then $3::timestamptz end
        from found f where c.institute_id = $1 and c.id = f.id
        """,
        institute_id, slot_id, now,
    )  # fmt: skip


async def ahead(conn: Conn, institute_id: UUID, slot_id: UUID, now: datetime) -> list[UUID]:
    """The slot's classes that have not begun."""
    rows = await conn.fetch(
        "select id from classes where institute_id = $1 and slot_id = $2 and starts_at > $3 and started_at is null"
        " order by starts_at",
        institute_id, slot_id, now,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def first_movable(
    conn: Conn, institute_id: UUID, slot_id: UUID, first: date, days: int, starts: time, zone: str, now: datetime
) -> date:  # fmt: skip
    """The first day from `first` on whose class, moved by `days` to another time, would still lie ahead."""
    found: date | None = await conn.fetchval(
        """
        select min(slot_on) from classes
        where institute_id = $1 and slot_id = $2 and slot_on >= $3 and starts_at > $7 and started_at is null
          and (slot_on + $4::integer + $5::time) at time zone $6 > $7
        """,
        institute_id, slot_id, first, days, starts, zone, now,
    )  # fmt: skip
    return found or first


async def remove_empty(conn: Conn, institute_id: UUID, slot_id: UUID) -> None:
    """Removes a slot that stands for no day and has no class."""
    await conn.execute(
        "delete from timetable_slots s where institute_id = $1 and id = $2 and until_on < from_on"
        " and not exists (select from classes c where c.institute_id = $1 and c.slot_id = s.id)",
        institute_id, slot_id,
    )  # fmt: skip


async def every_institute(conn: Conn) -> list[UUID]:
    return [row[0] for row in await conn.fetch("select every_institute()")]
