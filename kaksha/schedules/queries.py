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


async def choices(conn: Conn, institute_id: UUID, viewer: UUID | None, today: date) -> Row:
    """(batches, teachers, rooms, children) that `viewer` may look at, each as [(id, name)]; None, an admin, all."""
    row = await conn.fetchrow(
        """
        select (
          select coalesce(json_agg(json_build_array(b.id, b.name) order by lower(b.name), b.id), '[]')::text
          from batches b
          where b.institute_id = $1 and b.archived_at is null and b.ends_on >= $3
            and ($2::uuid is null or exists (
              select from batch_subjects s where s.institute_id = $1 and s.batch_id = b.id and s.teacher_id = $2))
          ) as batches, (
          select coalesce(json_agg(json_build_array(u.id, u.name) order by lower(u.name), u.id), '[]')::text
          from teachers t join users u on u.institute_id = $1 and u.id = t.user_id
          where t.institute_id = $1 and $2::uuid is null and (t.left_on is null or t.left_on > $3)
          ) as teachers, (
          select coalesce(json_agg(json_build_array(r.id, r.name) order by lower(r.name), r.id), '[]')::text
          from rooms r where r.institute_id = $1 and r.archived_at is null and $2::uuid is null
          ) as rooms, (
          select coalesce(json_agg(json_build_array(u.id, u.name) order by lower(u.name), u.id), '[]')::text
          from parent_links l join users u on u.institute_id = $1 and u.id = l.student_id
          where l.institute_id = $1 and l.parent_id = $2
          ) as children
        """,
        institute_id, viewer, today,
    )  # fmt: skip
    assert row is not None
    return row


async def taught(
    conn: Conn, institute_id: UUID, teacher_id: UUID, now: datetime, batch_id: UUID | None, q: str | None, page: int,
    limit: int,
) -> Row | None:  # fmt: skip
    """(total, items as JSON `list[TaughtStudent]`) of whom a teacher teaches today; None: no such teacher."""
    return await conn.fetchrow(
        """
        with seen as (
          select u.id, u.name, s.roll_no, s.grade, json_agg(b.name order by lower(b.name)) as batches,
            row_number() over (order by lower(u.name), u.id) as n
          from (select distinct batch_id from batch_subjects
            where institute_id = $1 and teacher_id = $2 and ($4::uuid is null or batch_id = $4)) t
          join batches b on b.institute_id = $1 and b.id = t.batch_id and b.archived_at is null
          join institutes i on i.id = b.institute_id
          join enrolments e on e.institute_id = $1 and e.batch_id = b.id
            and e.starts_on <= ($3::timestamptz at time zone i.zone)::date
            and (e.ends_on is null or e.ends_on > ($3::timestamptz at time zone i.zone)::date)
          join students s on s.institute_id = $1 and s.user_id = e.student_id
          join users u on u.institute_id = $1 and u.id = e.student_id
          where $5::text is null or strpos(lower(u.name), lower($5)) > 0 or strpos(lower(s.roll_no), lower($5)) > 0
          group by u.id, u.name, s.roll_no, s.grade
        )
        select (select count(*) from seen) as total, (
          select coalesce(json_agg(json_build_object('id', id, 'name', name, 'rollNo', roll_no, 'grade', grade,
            'batches', batches) order by n), '[]')::text
          from (select * from seen order by n limit $7 offset ($6::bigint - 1) * $7) shown) as items
        from teachers where institute_id = $1 and user_id = $2
        """,
        institute_id, teacher_id, now, batch_id, q, page, limit,
    )  # fmt: skip
