"""SQL of uploads in pieces. `$1` is the institute."""

from datetime import datetime

import msgspec

from kaksha.core.db import Conn
from kaksha.core.ids import UUID
from kaksha.tus.models import Upload


async def insert(
    conn: Conn, institute_id: UUID, upload_id: UUID, uploader_id: UUID, purpose: str, name: str, declared_type: str,
    size: int, now: datetime, expires_at: datetime,
) -> None:  # fmt: skip
    """A new upload without any bytes."""
    await conn.execute(
        """
        insert into uploads (institute_id, id, uploader_id, purpose, name, declared_type, size, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        institute_id, upload_id, uploader_id, purpose, name, declared_type, size, now, expires_at,
    )  # fmt: skip


async def under_way(conn: Conn, institute_id: UUID, uploader_id: UUID, now: datetime) -> int:
    """Bytes that a person is still sending."""
    return await conn.fetchval(
        """
        select coalesce(sum(size), 0)::bigint from uploads
        where institute_id = $1 and uploader_id = $2 and file_id is null and expires_at > $3
        """,
        institute_id, uploader_id, now,
    )  # fmt: skip


async def upload(conn: Conn, institute_id: UUID, upload_id: UUID, now: datetime) -> Upload | None:
    """An upload that has not expired, of somebody who may still sign in."""
    row = await conn.fetchrow(
        """
        select p.id, p.uploader_id, p.purpose, p.name, p.declared_type, p.size, p.received, p.pieces, p.file_id,
          p.expires_at, u.roles
        from uploads p join users u on u.institute_id = p.institute_id and u.id = p.uploader_id
        where p.institute_id = $1 and p.id = $2 and p.expires_at > $3 and u.status = 'active'
        """,
        institute_id, upload_id, now,
    )  # fmt: skip
    return msgspec.convert(dict(row), Upload) if row else None


async def advance(
    conn: Conn, institute_id: UUID, upload: Upload, pieces: list[str], received: int, file_id: UUID | None,
    expires_at: datetime,
) -> bool:  # fmt: skip
    """Counts pieces that are stored; False when the upload went on elsewhere since it was read, or is gone."""
    done = await conn.fetchval(
        """
        update uploads set received = $4, pieces = pieces || $5::text[], file_id = $6, expires_at = $7
        where institute_id = $1 and id = $2 and received = $3 and file_id is null
        returning true
        """,
        institute_id, upload.id, upload.received, received, pieces, file_id, expires_at,
    )  # fmt: skip
    return done is True


async def delete(conn: Conn, institute_id: UUID, upload_id: UUID) -> bool:
    """Ends an upload; whether it was there."""
    done = await conn.fetchval(
        "delete from uploads where institute_id = $1 and id = $2 returning true", institute_id, upload_id
    )
    return done is True


async def drop_expired(conn: Conn, institute_id: UUID, now: datetime) -> list[UUID]:
    """Ends the uploads whose time is over; answers which."""
    rows = await conn.fetch(
        "delete from uploads where institute_id = $1 and expires_at <= $2 returning id", institute_id, now
    )
    return [row[0] for row in rows]


async def known(conn: Conn, institute_id: UUID, upload_ids: list[UUID]) -> set[UUID]:
    """Which of the ids are uploads that are not done."""
    rows = await conn.fetch(
        "select id from uploads where institute_id = $1 and id = any ($2::uuid[]) and file_id is null",
        institute_id, upload_ids,
    )  # fmt: skip
    return {row[0] for row in rows}
