"""SQL of schedules: who has which classes when. `$1` is the institute; each is one statement that answers JSON."""

from datetime import date, datetime

from kaksha.classes.models import JOINS
from kaksha.core.db import Conn, Row
from kaksha.core.ids import UUID


async def schedule(
    conn: Conn, institute_id: UUID, viewer: UUID | None, start: datetime, end: datetime, now: datetime,
    batch_id: UUID | None = None, teacher_id: UUID | None = None, student_id: UUID | None = None,
    room_id: UUID | None = None, page: int = 1, limit: int = 500, class_id: UUID | None = None,
) -> Row:  # fmt: skip
    """(total, items as JSON `list[Class]`) of what begins from `start` until before `end` and `viewer` may see.

    `viewer` None sees all. Others see what they teach, what batches they teach have when they ask for one batch,
    teacher, room or class, and what they or their children are in on that day.
    """
    row = await conn.fetchrow(
        """
        with seen as (
          select c.*,
            $2::uuid is null or $2 in (c.teacher_id, c.planned_teacher_id)
              or exists (
                select from batch_subjects t
                where t.institute_id = $1 and t.batch_id = c.batch_id and t.teacher_id = $2) as staff,
            $2::uuid is null or $2 in (c.teacher_id, c.planned_teacher_id) as own
          from classes c
          where c.institute_id = $1 and c.starts_at >= $3 and c.starts_at < $4
            and ($6::uuid is null or c.batch_id = $6) and ($7::uuid is null or c.teacher_id = $7)
            and ($9::uuid is null or c.room_id = $9) and ($13::uuid is null or c.id = $13)
            and ($8::uuid is null or exists (
              select from enrolments e join institutes i on i.id = e.institute_id
              where e.institute_id = $1 and e.student_id = $8 and e.batch_id = c.batch_id
                and e.starts_on <= (c.starts_at at time zone i.zone)::date
                and (e.ends_on is null or e.ends_on > (c.starts_at at time zone i.zone)::date)))
        ), shown as (
          select *, count(*) over () as total, row_number() over (order by starts_at, id) as n
          from seen s
          where own or staff and num_nonnulls($6::uuid, $7::uuid, $9::uuid, $13::uuid) > 0 or exists (
            select from enrolments e join institutes i on i.id = e.institute_id
            where e.institute_id = $1 and e.batch_id = s.batch_id
              and e.starts_on <= (s.starts_at at time zone i.zone)::date
              and (e.ends_on is null or e.ends_on > (s.starts_at at time zone i.zone)::date)
              and (e.student_id = $2 or e.student_id in (
                select l.student_id from parent_links l where l.institute_id = $1 and l.parent_id = $2)))
          order by n limit $12 offset ($11::bigint - 1) * $12
        )
        select coalesce(max(h.total), 0) as total, coalesce(json_agg(
          class_json(c, b.name, j.name, t.name, p.name, r.name, $5, $10, h.staff) order by h.n), '[]')::text as items
        from shown h
        join classes c on c.institute_id = $1 and c.id = h.id
        join batches b on b.institute_id = $1 and b.id = c.batch_id
        join subjects j on j.institute_id = $1 and j.id = c.subject_id
        join users t on t.institute_id = $1 and t.id = c.teacher_id
        left join users p on p.institute_id = $1 and p.id = c.planned_teacher_id
        left join rooms r on r.institute_id = $1 and r.id = c.room_id
        """,
        institute_id, viewer, start, end, now, batch_id, teacher_id, student_id, room_id, JOINS, page, limit, class_id,
    )  # fmt: skip
    assert row is not None
    return row


async def week_of(
    conn: Conn, institute_id: UUID, student_id: UUID, viewer_id: UUID, viewer_is_admin: bool, today: date,
    start: datetime, end: datetime, now: datetime, zone: str,
) -> str | None:  # fmt: skip
    """A student's classes as JSON (`list[Class]`), for those who may see the student: of the batches they are in on
    each day."""
    return await conn.fetchval(
        """
        select (
          select coalesce(json_agg(class_json(c, b.name, j.name, t.name, p.name, r.name, $8, $10,
            $4 or $3 in (c.teacher_id, c.planned_teacher_id)) order by c.starts_at, c.id), '[]')
          from enrolments e
          join batches b on b.institute_id = $1 and b.id = e.batch_id
          join classes c on c.institute_id = $1 and c.batch_id = e.batch_id and c.starts_at >= $6 and c.starts_at < $7
            and (c.starts_at at time zone $9)::date >= e.starts_on
            and (e.ends_on is null or (c.starts_at at time zone $9)::date < e.ends_on)
          join subjects j on j.institute_id = $1 and j.id = c.subject_id
          join users t on t.institute_id = $1 and t.id = c.teacher_id
          left join users p on p.institute_id = $1 and p.id = c.planned_teacher_id
          left join rooms r on r.institute_id = $1 and r.id = c.room_id
          where e.institute_id = $1 and e.student_id = $2)::text
        from students s
        where s.institute_id = $1 and s.user_id = $2
          and ($3::uuid = $2 or $4::boolean or may_see_student($3, $4, $2, $5))
        """,
        institute_id, student_id, viewer_id, viewer_is_admin, today, start, end, now, zone, JOINS,
    )  # fmt: skip


async def teacher_week(
    conn: Conn, institute_id: UUID, teacher_id: UUID, viewer_id: UUID, viewer_is_admin: bool, start: datetime,
    end: datetime, now: datetime,
) -> str | None:  # fmt: skip
    """A teacher's classes as JSON (`list[Class]`), for the teacher and admins: given, or given by a substitute."""
    return await conn.fetchval(
        """
        select (
          select coalesce(json_agg(class_json(c, b.name, j.name, u.name, p.name, r.name, $7, $8, true)
            order by c.starts_at, c.id), '[]')
          from (
            select m.* from classes m
            where m.institute_id = $1 and m.teacher_id = $2 and m.starts_at >= $5 and m.starts_at < $6
            union all
            select m.* from classes m
            where m.institute_id = $1 and m.planned_teacher_id = $2 and m.starts_at >= $5 and m.starts_at < $6
          ) mine
          join classes c on c.institute_id = $1 and c.id = mine.id
          join batches b on b.institute_id = $1 and b.id = c.batch_id
          join subjects j on j.institute_id = $1 and j.id = c.subject_id
          join users u on u.institute_id = $1 and u.id = c.teacher_id
          left join users p on p.institute_id = $1 and p.id = c.planned_teacher_id
          left join rooms r on r.institute_id = $1 and r.id = c.room_id)::text
        from teachers t
        where t.institute_id = $1 and t.user_id = $2 and ($3::uuid = $2 or $4::boolean)
        """,
        institute_id, teacher_id, viewer_id, viewer_is_admin, start, end, now, JOINS,
    )  # fmt: skip
