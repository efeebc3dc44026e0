"""SQL of what attendance comes to: each is one statement that answers JSON. `$1` is the institute."""

from datetime import date, datetime

from kaksha.core.db import Conn, Row
from kaksha.core.ids import UUID


async def student(
    conn: Conn, institute_id: UUID, student_id: UUID, viewer_id: UUID, viewer_is_admin: bool, as_parent: bool,
    today: date, now: datetime, first: date | None, last: date | None, subject_id: UUID | None,
    before: tuple[datetime, UUID] | None, page: int, limit: int,
) -> Row | None:  # fmt: skip
    """(data as JSON `StudentAttendance`, total of its records, and where the next page begins: more, at, id).

    For those who may see the student; with `as_parent` for their parents alone.
    """
    return await conn.fetchrow(
        """
        with mine as materialized (
          select * from attendance_of(array[$2::uuid], $7)
        ), asked as materialized (
          select * from mine
          where ($8::date is null or day >= $8) and ($9::date is null or day <= $9)
            and ($10::uuid is null or subject_id = $10)
        ), page as materialized (
          select *, row_number() over (order by starts_at desc, class_id desc) as place from asked
          where $11::timestamptz is null or (starts_at, class_id) < ($11, $12::uuid)
          order by place limit $14 + 1
          offset case when $11::timestamptz is null then ($13::bigint - 1) * $14 else 0 end
        ), shown as (
          select * from page order by place limit $14
        ), whole as (
          select count(*) filter (where attended) as attended, count(attended) as counted,
            count(*) filter (where status is null) as unmarked,
            count(*) filter (where attended and starts_at > coalesce((
              select max(m.starts_at) from mine m where not m.attended), '-infinity')) as streak
          from mine
        ), months as (
          select to_char(day, 'YYYY-MM') as month, count(*) filter (where attended) as attended,
            count(attended) as counted
          from mine group by 1
        ), taught as (
          select subject_id, count(*) filter (where attended) as attended, count(attended) as counted
          from mine group by 1
        )
        select json_build_object(
          'studentId', u.id, 'studentName', u.name, 'minimum', r.minimum, 'percentage', num(t.percent),
          'attended', w.attended, 'counted', w.counted, 'unmarked', w.unmarked, 'canMiss', t.can_miss,
          'mustAttend', t.must_attend, 'streak', w.streak,
          'byMonth', (
            select coalesce(json_agg(json_build_object('month', m.month, 'attended', m.attended, 'counted', m.counted,
              'percentage', num(round(100.0 * m.attended / nullif(m.counted, 0), 1))) order by m.month), '[]')
            from months m),
          'bySubject', (
            select coalesce(json_agg(json_build_object('subjectId', j.id, 'subjectName', j.name,
              'attended', m.attended, 'counted', m.counted,
              'percentage', num(round(100.0 * m.attended / nullif(m.counted, 0), 1))) order by lower(j.name), j.id),
              '[]')
            from taught m join subjects j on j.institute_id = $1 and j.id = m.subject_id),
          'totals', (
            select json_build_object('held', count(*), 'present', count(*) filter (where status = 'present'),
              'absent', count(*) filter (where status = 'absent'), 'late', count(*) filter (where status = 'late'),
              'excused', count(*) filter (where status = 'excused'),
              'unmarked', count(*) filter (where status is null),
              'percentage', num(round(100.0 * count(*) filter (where attended) / nullif(count(attended), 0), 1)))
            from asked),
          'records', (
            select coalesce(json_agg(json_build_object('classId', p.class_id, 'day', p.day,
              'startsAt', iso(p.starts_at), 'endsAt', iso(p.ends_at), 'batchName', b.name, 'subjectId', j.id,
              'subjectName', j.name, 'teacherName', k.name, 'topic', p.topic, 'status', p.status,
              'note', coalesce(p.note, ''), 'markedAt', iso(p.marked_at)) order by p.place), '[]')
            from shown p
            join batches b on b.institute_id = $1 and b.id = p.batch_id
            join subjects j on j.institute_id = $1 and j.id = p.subject_id
            join users k on k.institute_id = $1 and k.id = p.teacher_id)
          )::text as data,
          (select count(*) from asked) as total, (select count(*) > $14 from page) as more,
          (select starts_at from shown order by place desc limit 1) as last_at,
          (select class_id from shown order by place desc limit 1) as last_id
        from students s
        join users u on u.institute_id = $1 and u.id = s.user_id
        cross join whole w
        cross join lateral (
          select coalesce((
            select x.minimum_percent::integer from attendance_settings x where x.institute_id = $1), 75) as minimum) r
        cross join lateral attendance_share(w.attended, w.counted, r.minimum) t
        where s.institute_id = $1 and s.user_id = $2
          and case when $5::boolean
            then exists (
              select from parent_links l where l.institute_id = $1 and l.parent_id = $3 and l.student_id = $2)
            else $3::uuid = $2 or $4::boolean or may_see_student($3, $4, $2, $6) end
        """,
        institute_id, student_id, viewer_id, viewer_is_admin, as_parent, today, now, first, last, subject_id,
        *(before or (None, None)), page, limit,
    )  # fmt: skip


async def unmarked(
    conn: Conn, institute_id: UUID, teacher_id: UUID | None, since: datetime, now: datetime
) -> str:  # fmt: skip
    """Classes held since a moment in which a student is not marked, newest first, as JSON (`list[Unmarked]`): those
    that a teacher gives, or all."""
    return await conn.fetchval(
        """
        select coalesce(json_agg(json_build_object(
          'classId', c.id, 'batchName', b.name, 'subjectName', j.name, 'teacherId', t.id, 'teacherName', t.name,
          'roomName', r.name, 'startsAt', iso(c.starts_at), 'endsAt', iso(c.ends_at), 'students', n.students,
          'marked', n.marked) order by c.starts_at desc, c.id), '[]')::text
        from classes c
        join institutes i on i.id = c.institute_id
        join batches b on b.institute_id = $1 and b.id = c.batch_id
        join subjects j on j.institute_id = $1 and j.id = c.subject_id
        join users t on t.institute_id = $1 and t.id = c.teacher_id
        left join rooms r on r.institute_id = $1 and r.id = c.room_id
        cross join lateral (
          select count(*) as students, count(m.id) as marked
          from enrolments e
          left join attendance_marks m on m.institute_id = $1 and m.class_id = c.id and m.student_id = e.student_id
          where e.institute_id = $1 and e.batch_id = c.batch_id
            and e.starts_on <= (c.starts_at at time zone i.zone)::date
            and (e.ends_on is null or e.ends_on > (c.starts_at at time zone i.zone)::date)) n
        where c.institute_id = $1 and c.cancelled_at is null and c.starts_at >= $3
          and (c.started_at is not null or c.starts_at <= $4) and ($2::uuid is null or c.teacher_id = $2)
          and n.marked < n.students
        """,
        institute_id, teacher_id, since, now,
    )  # fmt: skip


async def is_teacher(conn: Conn, institute_id: UUID, teacher_id: UUID | None) -> bool:
    """Whether this person teaches here."""
    return await conn.fetchval(
        "select exists (select from teachers where institute_id = $1 and user_id = $2)", institute_id, teacher_id
    )


async def day(conn: Conn, institute_id: UUID, on: date, start: datetime, end: datetime, now: datetime) -> str:
    """The classes of a day, which lasts from `start` until before `end`, and who was absent, as JSON (`Day`)."""
    return await conn.fetchval(
        """
        with held as materialized (
          select c.id, c.batch_id, b.name as batch, j.name as subject, t.name as teacher, c.starts_at, c.ends_at,
            c.started_at is not null or c.starts_at <= $5 as held
          from classes c
          join batches b on b.institute_id = $1 and b.id = c.batch_id
          join subjects j on j.institute_id = $1 and j.id = c.subject_id
          join users t on t.institute_id = $1 and t.id = c.teacher_id
          where c.institute_id = $1 and c.cancelled_at is null and c.starts_at >= $3 and c.starts_at < $4
        ), there as materialized (
          select h.id as class_id, h.batch_id, h.batch, h.subject, h.starts_at, e.student_id, m.status
          from held h
          join enrolments e on e.institute_id = $1 and e.batch_id = h.batch_id and e.starts_on <= $2
            and (e.ends_on is null or e.ends_on > $2)
          left join attendance_marks m on m.institute_id = $1 and m.class_id = h.id and m.student_id = e.student_id
        ), counted as (
          select class_id, count(*) as students, count(status) as marked,
            count(*) filter (where status = 'present') as present, count(*) filter (where status = 'absent') as absent,
            count(*) filter (where status = 'late') as late, count(*) filter (where status = 'excused') as excused
          from there group by class_id
        ), missing as (
          select student_id, batch_id, batch, count(status) as classes,
            json_agg(subject order by starts_at) filter (where status = 'absent') as subjects
          from there group by student_id, batch_id, batch having count(*) filter (where status = 'absent') > 0
        )
        select json_build_object(
          'day', $2::date,
          'classes', (
            select coalesce(json_agg(json_build_object(
              'classId', h.id, 'batchId', h.batch_id, 'batchName', h.batch, 'subjectName', h.subject,
              'teacherName', h.teacher, 'startsAt', iso(h.starts_at), 'endsAt', iso(h.ends_at), 'held', h.held,
              'students', coalesce(n.students, 0), 'marked', coalesce(n.marked, 0),
              'present', coalesce(n.present, 0), 'absent', coalesce(n.absent, 0), 'late', coalesce(n.late, 0),
              'excused', coalesce(n.excused, 0)) order by h.starts_at, lower(h.batch), h.id), '[]')
            from held h left join counted n on n.class_id = h.id),
          'absent', (
            select coalesce(json_agg(json_build_object(
              'studentId', u.id, 'studentName', u.name, 'rollNo', s.roll_no, 'batchId', m.batch_id,
              'batchName', m.batch, 'subjects', m.subjects, 'classes', m.classes)
              order by lower(m.batch), m.batch_id, lower(u.name), u.id), '[]')
            from missing m
            join students s on s.institute_id = $1 and s.user_id = m.student_id
            join users u on u.institute_id = $1 and u.id = m.student_id))::text
        """,
        institute_id, on, start, end, now,
    )  # fmt: skip
