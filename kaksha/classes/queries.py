"""SQL of classes. `$1` is the institute."""

from collections.abc import Sequence
from datetime import date, datetime

from kaksha.classes.models import JOINS, Attending, Clash, ClassRow, Place, Teaching, Timed
from kaksha.core.db import Conn
from kaksha.core.ids import UUID


async def one(conn: Conn, institute_id: UUID, class_id: UUID, viewer: UUID | None, now: datetime) -> str | None:
    """A class as JSON (`Class`), for those who may see it; `viewer` None sees every one."""
    return await conn.fetchval(
        """
        select class_json(c, b.name, j.name, t.name, p.name, r.name, $4, $5, mine.staff)::text
        from classes c
        join institutes i on i.id = c.institute_id
        join batches b on b.institute_id = $1 and b.id = c.batch_id
        join subjects j on j.institute_id = $1 and j.id = c.subject_id
        join users t on t.institute_id = $1 and t.id = c.teacher_id
        left join users p on p.institute_id = $1 and p.id = c.planned_teacher_id
        left join rooms r on r.institute_id = $1 and r.id = c.room_id
        cross join lateral (
          select $3::uuid is null or $3 in (c.teacher_id, c.planned_teacher_id) or exists (
            select from batch_subjects s
            where s.institute_id = $1 and s.batch_id = c.batch_id and s.teacher_id = $3) as staff) mine
        where c.institute_id = $1 and c.id = $2
          and (mine.staff or exists (
            select from enrolments e
            where e.institute_id = $1 and e.batch_id = c.batch_id
              and e.starts_on <= (c.starts_at at time zone i.zone)::date
              and (e.ends_on is null or e.ends_on > (c.starts_at at time zone i.zone)::date)
              and (e.student_id = $3 or e.student_id in (
                select l.student_id from parent_links l where l.institute_id = $1 and l.parent_id = $3))))
        """,
        institute_id, class_id, viewer, now, JOINS,
    )  # fmt: skip


async def row(conn: Conn, institute_id: UUID, class_id: UUID) -> ClassRow | None:
    """A class as it is kept, held until the transaction ends."""
    found = await conn.fetchrow(
        """
        select c.id, c.batch_id, b.name as batch_name, c.subject_id, j.name as subject_name, c.teacher_id,
          t.name as teacher_name, c.planned_teacher_id, c.room_id, c.starts_at, c.ends_at, c.topic, c.meeting_url,
          c.started_at, c.ended_at, c.cancelled_at, c.cancel_reason as reason, c.slot_id, c.slot_on,
          (c.starts_at at time zone i.zone)::date as day, i.zone
        from classes c
        join institutes i on i.id = c.institute_id
        join batches b on b.institute_id = $1 and b.id = c.batch_id
        join subjects j on j.institute_id = $1 and j.id = c.subject_id
        join users t on t.institute_id = $1 and t.id = c.teacher_id
        where c.institute_id = $1 and c.id = $2
        for no key update of c
        """,
        institute_id, class_id,
    )  # fmt: skip
    return ClassRow(*found) if found else None


async def attending(conn: Conn, institute_id: UUID, class_id: UUID) -> list[Attending]:
    """Who was in the batch on the day of the class, by name."""
    rows = await conn.fetch(
        """
        select u.id, u.name, s.roll_no
        from classes c
        join institutes i on i.id = c.institute_id
        join enrolments e on e.institute_id = $1 and e.batch_id = c.batch_id
          and e.starts_on <= (c.starts_at at time zone i.zone)::date
          and (e.ends_on is null or e.ends_on > (c.starts_at at time zone i.zone)::date)
        join students s on s.institute_id = $1 and s.user_id = e.student_id
        join users u on u.institute_id = $1 and u.id = e.student_id
        where c.institute_id = $1 and c.id = $2
        order by lower(u.name), u.id
        """,
        institute_id, class_id,
    )  # fmt: skip
    return [Attending(*found) for found in rows]


async def clash(
    conn: Conn, institute_id: UUID, wanted: Timed, but: Sequence[UUID] = ()
) -> Clash | None:  # fmt: skip
    """The first class in the way of `wanted`, other than those of `but`."""
    found = await conn.fetchrow(
        """
        select c.id, b.name, j.name, t.name, r.name, c.starts_at, c.ends_at, c.batch_id = $2, c.teacher_id = $3,
          coalesce(c.room_id = $4, false)
        from classes c
        join batches b on b.institute_id = $1 and b.id = c.batch_id
        join subjects j on j.institute_id = $1 and j.id = c.subject_id
        join users t on t.institute_id = $1 and t.id = c.teacher_id
        left join rooms r on r.institute_id = $1 and r.id = c.room_id
        where c.institute_id = $1 and c.cancelled_at is null and c.starts_at < $6 and c.ends_at > $5
          and c.starts_at > $5::timestamptz - interval '12 hours'
          and (c.batch_id = $2 or c.teacher_id = $3 or c.room_id = $4) and c.id <> all ($7::uuid[])
        order by c.starts_at, c.id limit 1
        """,
        institute_id, wanted.batch_id, wanted.teacher_id, wanted.room_id, wanted.starts_at, wanted.ends_at, list(but),
    )  # fmt: skip
    return Clash(*found) if found else None


async def next_free(
    conn: Conn, institute_id: UUID, wanted: Timed, zone: str, but: Sequence[UUID] = ()
) -> datetime | None:  # fmt: skip
    """The first moment of the next 14 days at which batch, teacher and room are free for as long as `wanted` takes.

    Tried are the wanted time of each day and the end of each class in the way, between 6 in the morning and 10 at night
    (or the wanted hours, where they lie outside) and not on a holiday.
    """
    return await conn.fetchval(
        """
        with busy as materialized (
          select starts_at, ends_at from classes
          where institute_id = $1 and cancelled_at is null
            and starts_at > $5::timestamptz - interval '12 hours' and starts_at < $5::timestamptz + interval '15 days'
            and (batch_id = $2 or teacher_id = $3 or room_id = $4) and id <> all ($8::uuid[])
        ), tried (at) as (
          select ends_at from busy where ends_at > $5
          union
          select (($5::timestamptz at time zone $7) + n * interval '1 day') at time zone $7
          from generate_series(0, 14) as days (n)
        ), local as (
          select at, at at time zone $7 as starts, (at + ($6::timestamptz - $5)) at time zone $7 as ends,
            ($5 at time zone $7)::time as wanted_from, ($6 at time zone $7)::time as wanted_until
          from tried
        )
        select min(at) from local
        where starts::time >= least('06:00'::time, wanted_from) and ends::date = starts::date
          and ends::time <= greatest('22:00'::time, wanted_until)
          and not exists (select from busy where starts_at < at + ($6::timestamptz - $5) and ends_at > at)
          and not exists (
            select from holidays h
            where h.institute_id = $1 and h.starts_on <= starts::date and h.ends_on >= starts::date
              and (h.batch_id is null or h.batch_id = $2))
        """,
        institute_id, wanted.batch_id, wanted.teacher_id, wanted.room_id, wanted.starts_at, wanted.ends_at, zone,
        list(but),
    )  # fmt: skip


async def teaching(conn: Conn, institute_id: UUID, batch_id: UUID, subject_id: UUID) -> Teaching | None:
    """The days of a batch and who teaches it this subject; None: no such batch or subject."""
    found = await conn.fetchrow(
        """
        select b.starts_on, b.ends_on, t.teacher_id
        from batches b
        join subjects s on s.institute_id = $1 and s.id = $3 and s.archived_at is null
        left join batch_subjects t on t.institute_id = $1 and t.batch_id = b.id and t.subject_id = s.id
        where b.institute_id = $1 and b.id = $2 and b.archived_at is null
        """,
        institute_id, batch_id, subject_id,
    )  # fmt: skip
    return Teaching(*found) if found else None


async def place(conn: Conn, institute_id: UUID, room_id: UUID, batch_id: UUID, day: date) -> Place | None:
    """A room in use, and how many students the batch has on a day."""
    found = await conn.fetchrow(
        """
        select r.name, r.capacity, (
          select count(*) from enrolments e
          where e.institute_id = $1 and e.batch_id = $3 and e.starts_on <= $4
            and (e.ends_on is null or e.ends_on > $4))
        from rooms r where r.institute_id = $1 and r.id = $2 and r.archived_at is null
        """,
        institute_id, room_id, batch_id, day,
    )  # fmt: skip
    return Place(*found) if found else None


async def holiday_on(conn: Conn, institute_id: UUID, batch_id: UUID, day: date) -> str | None:
    """The name of a holiday that the batch has on a day."""
    return await conn.fetchval(
        "select name from holidays where institute_id = $1 and starts_on <= $3 and ends_on >= $3"
        " and (batch_id is null or batch_id = $2) order by starts_on limit 1",
        institute_id, batch_id, day,
    )  # fmt: skip


async def insert(conn: Conn, institute_id: UUID, new: ClassRow, now: datetime) -> None:
    """A new class."""
    await conn.execute(
        """
        insert into classes (institute_id, id, batch_id, subject_id, teacher_id, room_id, starts_at, ends_at, topic,
          meeting_url, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
        """,
        institute_id, new.id, new.batch_id, new.subject_id, new.teacher_id, new.room_id, new.starts_at, new.ends_at,
        new.topic, new.meeting_url, now,
    )  # fmt: skip


async def save(conn: Conn, institute_id: UUID, new: ClassRow, now: datetime) -> None:
    """Writes all of a class that may change."""
    await conn.execute(
        """
        update classes set teacher_id = $3, planned_teacher_id = $4, room_id = $5, starts_at = $6, ends_at = $7,
          topic = $8, meeting_url = $9, started_at = $10, ended_at = $11, cancelled_at = $12, cancel_reason = $13,
          holiday_id = null, revision = revision + 1, updated_at = $14
        where institute_id = $1 and id = $2
        """,
        institute_id, new.id, new.teacher_id, new.planned_teacher_id, new.room_id, new.starts_at, new.ends_at,
        new.topic, new.meeting_url, new.started_at, new.ended_at, new.cancelled_at, new.reason, now,
    )  # fmt: skip


async def is_teacher(conn: Conn, institute_id: UUID, teacher_id: UUID, day: date) -> bool:
    """Whether somebody teaches at the institute on a day."""
    return await conn.fetchval(
        "select exists (select from teachers t join users u on u.institute_id = $1 and u.id = t.user_id"
        " where t.institute_id = $1 and t.user_id = $2 and u.status = 'active' and 'teacher' = any (u.roles)"
        " and (t.left_on is null or t.left_on > $3))",
        institute_id, teacher_id, day,
    )  # fmt: skip
