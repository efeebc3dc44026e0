"""SQL of one-time links. `$1` is the institute."""

from datetime import datetime

from kaksha.core.db import Conn, Row
from kaksha.core.ids import UUID


async def insert_token(
    conn: Conn, institute_id: UUID, token_id: UUID, user_id: UUID, purpose: str, sent_to: str, token_hash: bytes,
    now: datetime, expires_at: datetime,
) -> None:  # fmt: skip
    """A link's token; a job that runs again finds it there."""
    await conn.execute(
        """
        insert into one_time_tokens (institute_id, id, user_id, purpose, sent_to, hash, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (institute_id, id) do nothing
        """,
        institute_id, token_id, user_id, purpose, sent_to, token_hash, now, expires_at,
    )  # fmt: skip


async def use_token(conn: Conn, institute_id: UUID, purpose: str, token_hash: bytes, now: datetime) -> Row | None:
    """Uses a good token up, and every other of that purpose with it; answers (user_id, sent_to)."""
    return await conn.fetchrow(
        """
        with found as (
          select user_id, sent_to from one_time_tokens
          where institute_id = $1 and hash = $3 and purpose = $2 and used_at is null and expires_at > $4
          for update
        ), used as (
          update one_time_tokens t set used_at = $4
          where t.institute_id = $1 and t.purpose = $2 and t.used_at is null
            and t.user_id = (select user_id from found)
        )
        select user_id, sent_to from found
        """,
        institute_id, purpose, token_hash, now,
    )  # fmt: skip


async def peek_token(conn: Conn, institute_id: UUID, purpose: str, token_hash: bytes, now: datetime) -> Row | None:
    """Whose a good token is, without using it: (user_id, name)."""
    return await conn.fetchrow(
        """
        select t.user_id, u.name from one_time_tokens t
        join users u on u.institute_id = t.institute_id and u.id = t.user_id
        where t.institute_id = $1 and t.hash = $3 and t.purpose = $2 and t.used_at is null and t.expires_at > $4
        """,
        institute_id, purpose, token_hash, now,
    )  # fmt: skip


async def mark_verified(conn: Conn, institute_id: UUID, user_id: UUID, address: str, now: datetime) -> bool:
    """Marks the e-mail or phone as proven, if it still is the person's; answers whether it was."""
    return bool(
        await conn.fetchval(
            """
            update users set
              email_verified_at = case when email = $3 then $4 else email_verified_at end,
              phone_verified_at = case when phone = $3 then $4 else phone_verified_at end,
              updated_at = $4
            where institute_id = $1 and id = $2 and (email = $3 or phone = $3)
            returning true
            """,
            institute_id, user_id, address, now,
        )
    )  # fmt: skip
