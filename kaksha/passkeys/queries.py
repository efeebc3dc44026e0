"""SQL of passkeys. `$1` is the institute."""

from datetime import datetime

import msgspec

from kaksha.core.db import Conn
from kaksha.core.ids import UUID
from kaksha.passkeys.models import PasskeyRow


async def insert(
    conn: Conn, institute_id: UUID, passkey_id: UUID, user_id: UUID, credential_id: bytes, public_key: bytes,
    sign_count: int, backed_up: bool, label: str, now: datetime,
) -> bool:  # fmt: skip
    """A new passkey; answers False when the credential is known."""
    added = await conn.fetchval(
        """
        insert into passkeys (institute_id, id, user_id, credential_id, public_key, sign_count, backed_up, label,
          created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (institute_id, credential_id) do nothing returning true
        """,
        institute_id, passkey_id, user_id, credential_id, public_key, sign_count, backed_up, label, now,
    )  # fmt: skip
    return bool(added)


async def credential_ids(conn: Conn, institute_id: UUID, user_id: UUID) -> list[bytes]:
    """The credentials that a person has, so that a device does not make a second one."""
    rows = await conn.fetch(
        "select credential_id from passkeys where institute_id = $1 and user_id = $2 and revoked_at is null",
        institute_id, user_id,
    )  # fmt: skip
    return [row["credential_id"] for row in rows]


async def by_credential(conn: Conn, institute_id: UUID, credential_id: bytes) -> PasskeyRow | None:
    """The passkey with this credential, if it was not removed."""
    row = await conn.fetchrow(
        """
        select id, user_id, public_key from passkeys
        where institute_id = $1 and credential_id = $2 and revoked_at is null
        """,
        institute_id, credential_id,
    )  # fmt: skip
    return msgspec.convert(dict(row), PasskeyRow) if row else None


async def use(conn: Conn, institute_id: UUID, passkey_id: UUID, sign_count: int, now: datetime) -> bool | None:
    """Notes a use; answers False when the device counts no further than before, None when the passkey is gone."""
    return await conn.fetchval(
        """
        with held as (
          select id, sign_count < $3 or sign_count = 0 as onward from passkeys
          where institute_id = $1 and id = $2 and revoked_at is null for update
        ), noted as (
          update passkeys p set used_at = $4, sign_count = $3 from held
          where p.institute_id = $1 and p.id = held.id and held.onward
        )
        select onward from held
        """,
        institute_id, passkey_id, sign_count, now,
    )  # fmt: skip


async def of_person(conn: Conn, institute_id: UUID, user_id: UUID) -> str:
    """A person's passkeys as JSON (list of `Passkey`)."""
    return await conn.fetchval(
        """
        select coalesce(json_agg(json_build_object(
          'id', id, 'label', label, 'backedUp', backed_up, 'createdAt', iso(created_at), 'usedAt', iso(used_at)
        ) order by created_at, id), '[]')::text
        from passkeys where institute_id = $1 and user_id = $2 and revoked_at is null
        """,
        institute_id, user_id,
    )  # fmt: skip


async def rename(conn: Conn, institute_id: UUID, user_id: UUID, passkey_id: UUID, label: str) -> str | None:
    """Gives a person's passkey another name and answers the one from before."""
    return await conn.fetchval(
        """
        update passkeys p set label = $4
        from (
          select id, label from passkeys
          where institute_id = $1 and user_id = $2 and id = $3 and revoked_at is null for update
        ) old
        where p.institute_id = $1 and p.id = old.id returning old.label
        """,
        institute_id, user_id, passkey_id, label,
    )  # fmt: skip


async def revoke(conn: Conn, institute_id: UUID, user_id: UUID, passkey_id: UUID, now: datetime) -> bool:
    """Ends a passkey; answers whether the person had it."""
    ended = await conn.fetchval(
        """
        update passkeys set revoked_at = $4
        where institute_id = $1 and user_id = $2 and id = $3 and revoked_at is null returning true
        """,
        institute_id, user_id, passkey_id, now,
    )  # fmt: skip
    return bool(ended)
