"""SQL of what the forms offer. `$1` is the institute."""

from datetime import date, datetime

from kaksha.core.db import Conn, Row
from kaksha.core.ids import UUID
from kaksha.rescheduling.models import Free


async def choices(conn: Conn, institute_id: UUID, today: date) -> Row:
    """(taught, rooms) as JSON lists of (value, text): what batches are taught, and the rooms in use."""
    row = await conn.fetchrow(
        """
        select (
          select coalesce(json_agg(json_build_array(b.id || '.' || j.id, b.name || ' · ' || j.name || ' · ' || u.name)
            order by lower(b.name), lower(j.name), j.id), '[]')::text
          from batches b
          join batch_subjects s on s.institute_id = $1 and s.batch_id = b.id
          join subjects j on j.institute_id = $1 and j.id = s.subject_id
          join users u on u.institute_id = $1 and u.id = s.teacher_id
          where b.institute_id = $1 and b.archived_at is null and b.ends_on >= $2) as taught, (
          select coalesce(json_agg(json_build_array(id, name || ' (' || capacity || ')')
            order by lower(name), id), '[]')::text
          from rooms where institute_id = $1 and archived_at is null) as rooms
        """,
        institute_id, today,
    )  # fmt: skip
    assert row is not None
    return row


async def teachers(
    conn: Conn, institute_id: UUID, class_id: UUID, subject_id: UUID, starts_at: datetime, ends_at: datetime
) -> list[Free]:  # fmt: skip
    """Everybody who could give a class: free ones first, those who teach its subject before others."""
    rows = await conn.fetch(
        """
        select u.id, u.name, exists (
            select from classes c
            where c.institute_id = $1 and c.teacher_id = u.id and c.cancelled_at is null and c.id <> $2
              and c.starts_at < $5 and c.ends_at > $4 and c.starts_at > $4::timestamptz - interval '12 hours') as busy,
          exists (select from batch_subjects s
            where s.institute_id = $1 and s.teacher_id = u.id and s.subject_id = $3) as teaches_it
        from teachers t
        join users u on u.institute_id = $1 and u.id = t.user_id
        join institutes i on i.id = t.institute_id
        where t.institute_id = $1 and u.status = 'active' and 'teacher' = any (u.roles)
          and (t.left_on is null or t.left_on > ($4 at time zone i.zone)::date)
        order by busy, teaches_it desc, lower(u.name), u.id
        """,
        institute_id, class_id, subject_id, starts_at, ends_at,
    )  # fmt: skip
    return [Free(*row) for row in rows]
