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
