"""SQL of marks, of what phones sent, and of an institute's rules. `$1` is the institute."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from kaksha.attendance.models import DEFAULTS, Given, Rules, SheetHead
from kaksha.core.db import Conn, Row
from kaksha.core.ids import UUID, new_id


async def head(
    conn: Conn, institute_id: UUID, class_id: UUID, viewer: UUID | None, now: datetime
) -> SheetHead | None:  # fmt: skip
    """A class for those who may see its sheet: who gives it or was to, who teaches its batch; None sees every one."""
    row = await conn.fetchrow(
        """
        select c.id, c.batch_id, b.name, j.name, c.teacher_id, t.name, r.name, c.topic, c.starts_at, c.ends_at,
          c.cancelled_at is null and (c.started_at is not null or c.starts_at <= $4), c.cancelled_at is not null
        from classes c
        join batches b on b.institute_id = $1 and b.id = c.batch_id
        join subjects j on j.institute_id = $1 and j.id = c.subject_id
        join users t on t.institute_id = $1 and t.id = c.teacher_id
        left join rooms r on r.institute_id = $1 and r.id = c.room_id
        where c.institute_id = $1 and c.id = $2
          and ($3::uuid is null or $3 in (c.teacher_id, c.planned_teacher_id) or exists (
            select from batch_subjects s where s.institute_id = $1 and s.batch_id = c.batch_id and s.teacher_id = $3))
        """,
        institute_id, class_id, viewer, now,
    )  # fmt: skip
    return SheetHead(*row) if row else None


async def sheet(conn: Conn, institute_id: UUID, class_id: UUID, viewer: UUID | None) -> Row | None:
    """(total, items as JSON `list[SheetRow]`) of a class, for those of `head`: by roll number. None: no such class."""
    return await conn.fetchrow(
        """
        with seen as (
          select c.id, c.batch_id, c.starts_at, (c.starts_at at time zone i.zone)::date as day, i.zone
          from classes c join institutes i on i.id = c.institute_id
          where c.institute_id = $1 and c.id = $2
            and ($3::uuid is null or $3 in (c.teacher_id, c.planned_teacher_id) or exists (
              select from batch_subjects s where s.institute_id = $1 and s.batch_id = c.batch_id and s.teacher_id = $3))
        ), month as materialized (
          select k.id from seen c
          join classes k on k.institute_id = $1 and k.batch_id = c.batch_id and k.cancelled_at is null
            and k.starts_at >= date_trunc('month', c.day::timestamp) at time zone c.zone
            and k.starts_at < c.starts_at
        ), missed as materialized (
          select m.student_id, count(*) as times
          from month k join attendance_marks m on m.institute_id = $1 and m.class_id = k.id and m.status = 'absent'
          group by m.student_id
        )
        select count(e.id) as total, coalesce(json_agg(json_build_object(
          'studentId', e.student_id, 'studentName', u.name, 'rollNo', s.roll_no, 'status', m.status,
          'note', coalesce(m.note, ''), 'missed', coalesce(d.times, 0), 'markedAt', iso(m.marked_at),
          'markedByName', w.name) order by length(s.roll_no), s.roll_no, lower(u.name), u.id)
          filter (where e.id is not null), '[]')::text as items
        from seen c
        left join enrolments e on e.institute_id = $1 and e.batch_id = c.batch_id and e.starts_on <= c.day
          and (e.ends_on is null or e.ends_on > c.day)
        left join students s on s.institute_id = $1 and s.user_id = e.student_id
        left join users u on u.institute_id = $1 and u.id = e.student_id
        left join attendance_marks m on m.institute_id = $1 and m.class_id = c.id and m.student_id = e.student_id
        left join users w on w.institute_id = $1 and w.id = m.marked_by
        left join missed d on d.student_id = e.student_id
        group by c.id
        """,
        institute_id, class_id, viewer,
    )  # fmt: skip


async def sent(conn: Conn, institute_id: UUID, ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """What was sent under these ids before: id -> digest."""
    rows = await conn.fetch(
        "select id, digest from attendance_sent where institute_id = $1 and id = any ($2::uuid[])", institute_id, ids
    )
    return {row["id"]: row["digest"] for row in rows}


async def insert_sent(
    conn: Conn, institute_id: UUID, class_id: UUID, rows: Iterable[tuple[UUID, UUID | None, bytes]], now: datetime
) -> None:
    """Notes what was sent: (id, student or None for a whole call, digest)."""
    ids, students, digests = zip(*rows, strict=True)
    await conn.execute(
        """
        insert into attendance_sent (institute_id, id, class_id, student_id, digest, sent_at)
        select $1, g.id, $2, g.student_id, g.digest, $6
        from unnest($3::uuid[], $4::uuid[], $5::bytea[]) as g (id, student_id, digest)
        """,
        institute_id, class_id, list(ids), list(students), list(digests), now,
    )  # fmt: skip


async def mark(
    conn: Conn, institute_id: UUID, class_id: UUID, given: Sequence[Given], marked_by: UUID, now: datetime, tell: bool
) -> list[Row]:
    """Writes the marks of a class that the caller holds, all in one statement; answers for each what came of it.

    A mark is written where none was taken later. One that says what holds already only moves `taken_at`, so that it
    wins over what was seen before it. With `tell`, who becomes absent or late is noted as told.
    """
    return await conn.fetch(
        """
        with given as materialized (
          select * from unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[], $8::boolean[])
            with ordinality as g (id, student_id, status, note, taken_at, again, n)
        ), before as materialized (
          select m.* from attendance_marks m
          where m.institute_id = $1 and m.class_id = $2 and m.student_id in (select student_id from given)
        ), written as (
          insert into attendance_marks as m (institute_id, class_id, student_id, id, status, note, taken_at, marked_by,
            marked_at, told_absent, told_late)
          select $1, $2, g.student_id, g.id, g.status, g.note, g.taken_at, $9, $10,
            $11 and g.status = 'absent', $11 and g.status = 'late'
          from given g left join before b on b.student_id = g.student_id
          where not g.again and (b.id is null or b.taken_at <= g.taken_at)
          on conflict (institute_id, student_id, class_id) do update set
            taken_at = excluded.taken_at, status = excluded.status, note = excluded.note,
            marked_by = case when (m.status, m.note) = (excluded.status, excluded.note)
              then m.marked_by else excluded.marked_by end,
            marked_at = case when (m.status, m.note) = (excluded.status, excluded.note)
              then m.marked_at else excluded.marked_at end,
            told_absent = m.told_absent or excluded.told_absent and m.status <> 'absent',
            told_late = m.told_late or excluded.told_late and m.status <> 'late'
          where m.taken_at <= excluded.taken_at
          returning m.*
        )
        select g.student_id, coalesce(w.id, b.id) as id, b.status as was,
          coalesce(b.told_absent, false) as told_absent, coalesce(b.told_late, false) as told_late,
          coalesce(w.status, b.status) as status, coalesce(w.taken_at, b.taken_at) as taken_at,
          coalesce(w.marked_at, b.marked_at) as marked_at, coalesce(w.marked_by, b.marked_by) as marked_by,
          u.name as marked_by_name,
          case
            when (b.status, b.note) = (g.status, g.note) then 'unchanged'
            when w.id is not null then 'applied'
            else 'superseded'
          end as result
        from given g
        left join before b on b.student_id = g.student_id
        left join written w on w.student_id = g.student_id
        left join users u on u.institute_id = $1 and u.id = coalesce(w.marked_by, b.marked_by)
        order by g.n
        """,
        institute_id, class_id, [new_id() for _ in given], [one.student_id for one in given],
        [one.status for one in given], [one.note for one in given], [one.taken_at for one in given],
        [one.again for one in given], marked_by, now, tell,
    )  # fmt: skip


async def parents(conn: Conn, institute_id: UUID, student_ids: Sequence[UUID]) -> list[Row]:
    """(student, parent) of these students."""
    return await conn.fetch(
        "select student_id, parent_id from parent_links where institute_id = $1 and student_id = any ($2::uuid[])",
        institute_id, student_ids,
    )  # fmt: skip


async def set_told(conn: Conn, institute_id: UUID, rows: Iterable[tuple[UUID, UUID, bool, bool]]) -> None:
    """(class, student, told absent, told late): what parents know or will be told."""
    classes, students, absent, late = zip(*rows, strict=True)
    await conn.execute(
        """
        update attendance_marks m set told_absent = g.absent, told_late = g.late
        from unnest($2::uuid[], $3::uuid[], $4::boolean[], $5::boolean[]) as g (class_id, student_id, absent, late)
        where m.institute_id = $1 and m.class_id = g.class_id and m.student_id = g.student_id
        """,
        institute_id, list(classes), list(students), list(absent), list(late),
    )  # fmt: skip


async def rules(conn: Conn, institute_id: UUID) -> Rules:
    """What the institute decided, or the defaults."""
    row = await conn.fetchrow(
        "select minimum_percent, undo_minutes, late_counts from attendance_settings where institute_id = $1",
        institute_id,
    )
    return Rules(*row) if row else DEFAULTS


async def save_rules(conn: Conn, institute_id: UUID, new: Rules, now: datetime) -> None:
    """Writes all of them."""
    await conn.execute(
        """
        insert into attendance_settings (institute_id, minimum_percent, undo_minutes, late_counts, updated_at)
        values ($1, $2, $3, $4, $5)
        on conflict (institute_id) do update set minimum_percent = excluded.minimum_percent,
          undo_minutes = excluded.undo_minutes, late_counts = excluded.late_counts, updated_at = excluded.updated_at
        """,
        institute_id, new.minimum_percent, new.undo_minutes, new.late_counts, now,
    )  # fmt: skip
