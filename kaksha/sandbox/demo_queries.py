"""SQL of what the demo's days are made of: notices and papers, past the features' rules."""

from datetime import datetime

from kaksha.core.db import Conn
from kaksha.core.ids import UUID


async def plant_notice(
    conn: Conn, institute_id: UUID, notice_id: UUID, kind: str, about: UUID, texts: str, data: str, at: datetime
) -> None:
    """A notice of the demo, as if it had been sent at its time; one that stands moves there."""
    await conn.execute(
        """
        insert into notices (institute_id, id, kind, about, texts, data, made_at, at, routed_at)
        values ($1, $2, $3, $4, $5::text::jsonb, $6::text::jsonb, $7, $7, $7)
        on conflict (institute_id, id) do update set texts = excluded.texts, data = excluded.data,
          made_at = excluded.made_at, at = excluded.at, routed_at = excluded.routed_at
        """,
        institute_id, notice_id, kind, about, texts, data, at,
    )  # fmt: skip


async def plant_notification(
    conn: Conn, institute_id: UUID, notice_id: UUID, user_id: UUID, kind: str, at: datetime, new: bool
) -> None:
    """Its receiver's row, unread; unless it is new, only where it still is."""
    await conn.execute(
        """
        with moved as (
          update notifications set at = $5, read_at = null where institute_id = $1 and id = $2 returning id
        )
        insert into notifications (institute_id, id, notice_id, user_id, kind, at)
        select $1, $2, $2, $3, $4, $5 where $6 and not exists (select from moved)
        """,
        institute_id, notice_id, user_id, kind, at, new,
    )  # fmt: skip


async def has_file(conn: Conn, institute_id: UUID, file_id: UUID) -> bool:
    """Whether a file was planted before, even if its owner deleted it since: what a visitor removed stays away."""
    return await conn.fetchval(
        """
        select exists (select from files where institute_id = $1 and id = $2)
          or exists (select from audit_log where institute_id = $1 and subject_id = $2)
        """,
        institute_id, file_id,
    )  # fmt: skip


async def plant_file(
    conn: Conn, institute_id: UUID, file_id: UUID, owner_id: UUID, name: str, content_type: str, size: int,
    sha256: bytes, now: datetime,
) -> None:  # fmt: skip
    """A paper that somebody handed to the office."""
    await conn.execute(
        """
        with kept as (
          insert into files (institute_id, id, uploader_id, purpose, name, content_type, size, sha256, created_at)
          values ($1, $2, $3, 'document', $4, $5, $6, $7, $8) on conflict do nothing returning id
        )
        insert into file_grants (institute_id, file_id, hook, hook_id, audience, audience_id, created_at)
        select $1, id, 'own', $3, 'nobody', $1, $8 from kept
        """,
        institute_id, file_id, owner_id, name, content_type, size, sha256, now,
    )  # fmt: skip


async def plant_marks(conn: Conn, institute_id: UUID, now: datetime) -> None:
    """Marks the held classes that nobody has marked, all but the last of today: most students are there, a few of
    them far too rarely. The same class and student always get the same mark."""
    await conn.execute(
        """
        insert into attendance_marks (institute_id, class_id, student_id, id, status, taken_at, marked_by, marked_at)
        select $1, c.id, e.student_id, overlay(overlay(d.hash placing '7' from 13) placing '8' from 17)::uuid,
          case when d.draw < r.risk then 'absent' when d.draw < r.risk + 0.05 then 'late'
            when d.draw < r.risk + 0.07 then 'excused' else 'present' end,
          least($2, c.starts_at + interval '5 minutes'), c.teacher_id, least($2, c.starts_at + interval '5 minutes')
        from institutes i
        join classes c on c.institute_id = $1 and c.cancelled_at is null and c.starts_at <= $2
        join enrolments e on e.institute_id = $1 and e.batch_id = c.batch_id
          and e.starts_on <= (c.starts_at at time zone i.zone)::date
          and (e.ends_on is null or e.ends_on > (c.starts_at at time zone i.zone)::date)
        cross join lateral (select md5(c.id::text || e.student_id::text) as hash) h
        cross join lateral (
          select h.hash, ('x' || left(h.hash, 6))::bit(24)::integer / 16777216.0 as draw) d
        cross join lateral (
          select case when md5(e.student_id::text) < '12' then 0.34 else 0.05 end as risk) r
        where i.id = $1
          and not exists (select from attendance_marks m where m.institute_id = $1 and m.class_id = c.id)
          and c.id is distinct from (
            select l.id from classes l
            where l.institute_id = $1 and l.cancelled_at is null and l.starts_at <= $2
              and l.starts_at >= date_trunc('day', $2 at time zone i.zone) at time zone i.zone
            order by l.starts_at desc, l.id limit 1)
        on conflict do nothing
        """,
        institute_id, now,
    )  # fmt: skip
