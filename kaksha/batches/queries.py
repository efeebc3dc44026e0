"""SQL of batches and enrolments. `$1` is the institute; "today" is the date in its zone."""

from collections.abc import Sequence
from datetime import date, datetime

from kaksha.batches.models import BatchRow, BatchSort, Enrolment, RosterSort, Student, SubjectTeacher, Teacher, Teaching
from kaksha.core.db import Conn, Row
from kaksha.core.ids import UUID


async def batches(
    conn: Conn, institute_id: UUID, viewer: UUID | None, now: datetime, q: str | None, course: str | None,
    subject_id: UUID | None, sort: BatchSort, page: int, limit: int, batch_id: UUID | None = None,
) -> Row:  # fmt: skip
    """(total, items as JSON `list[Batch]`) of a page of the batches that `viewer` belongs to; None: of all."""
    row = await conn.fetchrow(
        """
        with clock as (
          select ($3::timestamptz at time zone zone)::date as today from institutes where institute_id = $1
        ), seen as (
          select b.id, b.name, b.code, b.course, b.medium, b.capacity, b.starts_on, b.ends_on, c.today
          from batches b, clock c
          where b.institute_id = $1 and b.archived_at is null
            and ($2::uuid is null or b.id in (select id from batches_of($2, c.today) as mine (id)))
            and ($4::text is null or strpos(lower(b.name), lower($4)) > 0 or strpos(lower(b.code), lower($4)) > 0
              or strpos(lower(b.course), lower($4)) > 0)
            and ($5::text is null or lower(b.course) = lower($5))
            and ($6::uuid is null or b.id in (
              select t.batch_id from batch_subjects t where t.institute_id = $1 and t.subject_id = $6))
            and ($10::uuid is null or b.id = $10)
        ), shown as (
          select *, row_number() over (order by
            case $7::text when 'name' then lower(name) end, case $7::text when '-name' then lower(name) end desc,
            case $7::text when 'startsOn' then starts_on end, case $7::text when '-startsOn' then starts_on end desc,
            lower(name), id) as n
          from seen order by n limit $9 offset ($8::bigint - 1) * $9
        )
        select (select count(*) from seen) as total, coalesce(json_agg(json_build_object(
          'id', b.id, 'name', b.name, 'code', b.code, 'course', b.course, 'medium', b.medium, 'capacity', b.capacity,
          'startsOn', b.starts_on, 'endsOn', b.ends_on,
          'students', (
            select count(*) from enrolments e
            where e.institute_id = $1 and e.batch_id = b.id and e.starts_on <= b.today
              and (e.ends_on is null or e.ends_on > b.today)),
          'subjects', (
            select coalesce(json_agg(json_build_object('id', s.id, 'name', s.name, 'code', s.code,
              'teacherId', t.teacher_id, 'teacherName', u.name) order by lower(s.name)), '[]')
            from batch_subjects t
            join subjects s on s.institute_id = $1 and s.id = t.subject_id
            join users u on u.institute_id = $1 and u.id = t.teacher_id
            where t.institute_id = $1 and t.batch_id = b.id)) order by b.n), '[]')::text as items
        from shown b
        """,
        institute_id, viewer, now, q, course, subject_id, sort, page, limit, batch_id,
    )  # fmt: skip
    assert row is not None
    return row


async def batch(conn: Conn, institute_id: UUID, batch_id: UUID, viewer: UUID | None, now: datetime) -> str | None:
    """A batch as JSON (`Batch`), for those who belong to it; `viewer` None sees every one."""
    found = await batches(conn, institute_id, viewer, now, None, None, None, "name", 1, 1, batch_id)
    return found["items"][1:-1] or None  # a list of one, without its brackets


async def roster(
    conn: Conn, institute_id: UUID, batch_id: UUID, teacher: UUID | None, now: datetime, q: str | None,
    sort: RosterSort, page: int, limit: int, student_id: UUID | None = None,
) -> Row | None:  # fmt: skip
    """(total, items as JSON `list[RosterStudent]`) of a batch that `teacher` teaches, or of any; None: no such batch.

    With `student_id` of this student only.
    """
    return await conn.fetchrow(
        """
        with seen as (
          select e.student_id, u.name, s.roll_no, s.grade, e.starts_on, e.ends_on
          from enrolments e
          join institutes i on i.id = e.institute_id
          join students s on s.institute_id = $1 and s.user_id = e.student_id
          join users u on u.institute_id = $1 and u.id = e.student_id
          where e.institute_id = $1 and e.batch_id = $2
            and (e.ends_on is null
              or e.ends_on > ($4::timestamptz at time zone i.zone)::date and e.ends_on > e.starts_on)
            and ($5::text is null or strpos(lower(u.name), lower($5)) > 0 or strpos(lower(s.roll_no), lower($5)) > 0)
            and ($9::uuid is null or e.student_id = $9)
        ), shown as (
          select *, row_number() over (order by
            case $6::text when 'name' then lower(name) when 'rollNo' then lower(roll_no) end,
            case $6::text when '-name' then lower(name) when '-rollNo' then lower(roll_no) end desc,
            student_id, starts_on) as n
          from seen order by n limit $8 offset ($7::bigint - 1) * $8
        )
        select (select count(*) from seen) as total,
          (select coalesce(json_agg(json_build_object('studentId', student_id, 'studentName', name, 'rollNo', roll_no,
            'grade', grade, 'startsOn', starts_on, 'endsOn', ends_on) order by n), '[]')::text from shown) as items
        from batches b
        where b.institute_id = $1 and b.id = $2 and b.archived_at is null
          and ($3::uuid is null or exists (
            select from batch_subjects t where t.institute_id = $1 and t.batch_id = $2 and t.teacher_id = $3))
        """,
        institute_id, batch_id, teacher, now, q, sort, page, limit, student_id,
    )  # fmt: skip


async def batch_for_change(conn: Conn, institute_id: UUID, batch_id: UUID, now: datetime) -> BatchRow | None:
    """A batch, held until the transaction ends: others who want to change it or who is in it wait."""
    row = await conn.fetchrow(
        """
        select b.id, b.name, b.code, b.course, b.medium, b.capacity, b.starts_on, b.ends_on,
          ($3::timestamptz at time zone i.zone)::date as today
        from batches b join institutes i on i.id = b.institute_id
        where b.institute_id = $1 and b.id = $2 and b.archived_at is null
        for no key update of b
        """,
        institute_id, batch_id, now,
    )  # fmt: skip
    return BatchRow(*row) if row else None


async def code_taken(conn: Conn, institute_id: UUID, new: BatchRow) -> bool:
    """Whether another batch has this code on one of the same days."""
    return await conn.fetchval(
        "select exists (select from batches where institute_id = $1 and id <> $2 and archived_at is null"
        " and lower(code) = lower($3) and starts_on <= $5 and ends_on >= $4)",
        institute_id, new.id, new.code, new.starts_on, new.ends_on,
    )  # fmt: skip


async def save_batch(conn: Conn, institute_id: UUID, new: BatchRow, now: datetime) -> None:
    """Writes a batch, new or changed."""
    await conn.execute(
        """
        insert into batches (institute_id, id, name, code, course, medium, capacity, starts_on, ends_on, created_at,
          updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
        on conflict (institute_id, id) do update set name = $3, code = $4, course = $5, medium = $6, capacity = $7,
          starts_on = $8, ends_on = $9, updated_at = $10
        """,
        institute_id, new.id, new.name, new.code, new.course, new.medium, new.capacity, new.starts_on, new.ends_on, now,
    )  # fmt: skip


async def archive_batch(conn: Conn, institute_id: UUID, batch_id: UUID, last_day: date, now: datetime) -> int:
    """Archives a batch, and ends with its last day the enrolments that have no end yet; answers how many."""
    return await conn.fetchval(
        """
        with gone as (
          update batches set archived_at = $4, updated_at = $4 where institute_id = $1 and id = $2
        ), ended as (
          update enrolments set ends_on = greatest(starts_on, $3::date + 1)
          where institute_id = $1 and batch_id = $2 and ends_on is null returning 1
        )
        select count(*) from ended
        """,
        institute_id, batch_id, last_day, now,
    )  # fmt: skip


async def set_teachings(conn: Conn, institute_id: UUID, batch_id: UUID, new: Sequence[Teaching]) -> None:
    """Makes `new` all that a batch is taught; rows that stay the same are not touched."""
    await conn.execute(
        """
        with gone as (
          delete from batch_subjects where institute_id = $1 and batch_id = $2 and subject_id <> all ($3::uuid[])
        )
        insert into batch_subjects as t (institute_id, batch_id, subject_id, teacher_id)
        select $1, $2, * from unnest($3::uuid[], $4::uuid[])
        on conflict (institute_id, batch_id, subject_id) do update set teacher_id = excluded.teacher_id
          where t.teacher_id <> excluded.teacher_id
        """,
        institute_id, batch_id, [one.subject_id for one in new], [one.teacher_id for one in new],
    )  # fmt: skip


async def teachers(conn: Conn, institute_id: UUID, now: datetime) -> list[Teacher]:
    """Everybody who teaches at the institute."""
    rows = await conn.fetch(
        """
        select t.user_id as id, u.name
        from teachers t
        join users u on u.institute_id = t.institute_id and u.id = t.user_id
        join institutes i on i.id = t.institute_id
        where t.institute_id = $1 and u.status <> 'disabled' and 'teacher' = any (u.roles)
          and (t.left_on is null or t.left_on > ($2::timestamptz at time zone i.zone)::date)
        order by lower(u.name), u.id
        """,
        institute_id, now,
    )  # fmt: skip
    return [Teacher(*row) for row in rows]


async def subjects_and_teachers(conn: Conn, institute_id: UUID, batch_id: UUID) -> list[SubjectTeacher]:
    """Every open subject of the institute, and each that the batch is taught, with its teacher there."""
    rows = await conn.fetch(
        """
        select s.id, s.name, s.archived_at is null, t.teacher_id, u.name
        from subjects s
        left join batch_subjects t on t.institute_id = $1 and t.batch_id = $2 and t.subject_id = s.id
        left join users u on u.institute_id = $1 and u.id = t.teacher_id
        where s.institute_id = $1 and (s.archived_at is null or t.teacher_id is not null)
        order by lower(s.name), s.id
        """,
        institute_id, batch_id,
    )  # fmt: skip
    return [SubjectTeacher(*row) for row in rows]


async def student(conn: Conn, institute_id: UUID, student_id: UUID) -> Student | None:
    """A student of the institute, held so that they do not leave meanwhile."""
    row = await conn.fetchrow(
        """
        select u.id, u.name, s.left_on
        from students s join users u on u.institute_id = s.institute_id and u.id = s.user_id
        where s.institute_id = $1 and s.user_id = $2 and u.status <> 'disabled'
        for share of s, u
        """,
        institute_id, student_id,
    )  # fmt: skip
    return Student(*row) if row else None


async def family(conn: Conn, institute_id: UUID, student_id: UUID) -> list[UUID]:
    """A student and their parents."""
    rows = await conn.fetch(
        "select $2::uuid as id union select parent_id from parent_links where institute_id = $1 and student_id = $2",
        institute_id, student_id,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def candidates(conn: Conn, institute_id: UUID, batch_id: UUID, q: str, now: datetime, limit: int) -> list[Row]:
    """Up to `limit` students (rows of `Candidate`) by name or roll number; the one with just that number first."""
    return await conn.fetch(
        """
        select u.id, u.name, s.roll_no, s.grade, exists (
          select from enrolments e
          where e.institute_id = $1 and e.batch_id = $2 and e.student_id = u.id
            and (e.ends_on is null or e.ends_on > c.today and e.ends_on > e.starts_on)) as in_batch
        from students s
        join users u on u.institute_id = s.institute_id and u.id = s.user_id
        cross join (select ($4::timestamptz at time zone zone)::date as today from institutes where institute_id = $1) c
        where s.institute_id = $1 and u.status <> 'disabled' and (s.left_on is null or s.left_on > c.today)
          and (strpos(lower(u.name), lower($3)) > 0 or strpos(lower(s.roll_no), lower($3)) > 0)
        order by lower(s.roll_no) = lower($3) desc, in_batch, lower(u.name), u.id
        limit $5
        """,
        institute_id, batch_id, q, now, limit,
    )  # fmt: skip


async def is_in(conn: Conn, institute_id: UUID, batch_id: UUID, student_id: UUID, starts_on: date) -> bool:
    """Whether the student is in the batch on any day from `starts_on`."""
    return await conn.fetchval(
        "select exists (select from enrolments where institute_id = $1 and batch_id = $2 and student_id = $3"
        " and daterange(starts_on, ends_on) && daterange($4, null))",
        institute_id, batch_id, student_id, starts_on,
    )  # fmt: skip


async def peak(conn: Conn, institute_id: UUID, batch_id: UUID, first: date) -> int:
    """The most students that are in the batch on one day from `first` on: it can only rise where one starts."""
    return await conn.fetchval(
        """
        with here as (select starts_on, ends_on from enrolments where institute_id = $1 and batch_id = $2)
        select max((select count(*) from here where starts_on <= day and (ends_on is null or ends_on > day)))
        from (select $3::date union select starts_on from here where starts_on > $3) as days (day)
        """,
        institute_id, batch_id, first,
    )  # fmt: skip


async def save_enrolment(conn: Conn, institute_id: UUID, new: Enrolment, now: datetime) -> None:
    """Writes an enrolment: a new one, or the end of one."""
    await conn.execute(
        """
        insert into enrolments (institute_id, id, batch_id, student_id, starts_on, ends_on, created_at)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict (institute_id, id) do update set ends_on = $6
        """,
        institute_id, new.id, new.batch_id, new.student_id, new.starts_on, new.ends_on, now,
    )  # fmt: skip


async def enrolment(
    conn: Conn, institute_id: UUID, batch_id: UUID, student_id: UUID, today: date
) -> Enrolment | None:  # fmt: skip
    """The enrolment that is not over; when another lies ahead, the earlier one."""
    row = await conn.fetchrow(
        """
        select id, batch_id, student_id, starts_on, ends_on from enrolments
        where institute_id = $1 and batch_id = $2 and student_id = $3
          and (ends_on is null or ends_on > $4 and ends_on > starts_on)
        order by starts_on limit 1
        """,
        institute_id, batch_id, student_id, today,
    )  # fmt: skip
    return Enrolment(*row) if row else None
