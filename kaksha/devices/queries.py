"""SQL of one's own sign-ins, preferences, picture and second factor. `$1` is the institute."""

from datetime import datetime

import msgspec

from kaksha.core.db import Conn, Row
from kaksha.core.ids import UUID
from kaksha.devices.models import AvatarRow, Factor, Wanted


async def sign_ins(conn: Conn, institute_id: UUID, user_id: UUID, session_id: UUID, now: datetime) -> str:
    """A person's open sign-ins as JSON (list of `SignInEntry`), `session_id` first, then by when they were seen."""
    return await conn.fetchval(
        """
        select coalesce(json_agg(json_build_object(
          'id', id, 'kind', kind, 'platform', platform, 'appVersion', app_version, 'current', id = $3,
          'createdAt', iso(created_at), 'lastSeenAt', iso(seen_at)
        ) order by id = $3 desc, seen_at desc, id), '[]')::text
        from sessions
        where institute_id = $1 and user_id = $2 and revoked_at is null and expires_at > $4
        """,
        institute_id, user_id, session_id, now,
    )  # fmt: skip


async def is_open(conn: Conn, institute_id: UUID, user_id: UUID, session_id: UUID, now: datetime) -> bool:
    """Whether a person has this sign-in open."""
    return await conn.fetchval(
        """
        select exists (
          select from sessions
          where institute_id = $1 and user_id = $2 and id = $3 and revoked_at is null and expires_at > $4)
        """,
        institute_id, user_id, session_id, now,
    )  # fmt: skip


async def set_role(
    conn: Conn, institute_id: UUID, user_id: UUID, session_id: UUID, role: str, now: datetime
) -> datetime | None:
    """Sets the role that a sign-in acts in; answers as of when it is changed, later than before."""
    return await conn.fetchval(
        """
        update sessions set role = $4, changed_at = greatest($5, changed_at + interval '1 microsecond')
        where institute_id = $1 and user_id = $2 and id = $3 and revoked_at is null
        returning changed_at
        """,
        institute_id, user_id, session_id, role, now,
    )  # fmt: skip


async def preferences(conn: Conn, institute_id: UUID, user_id: UUID) -> str | None:
    """A person's preferences as JSON (`Preferences`)."""
    return await conn.fetchval(
        """
        select json_build_object(
          'language', language, 'theme', theme,
          'quietHours', case when quiet_from is not null then json_build_object(
            'from', to_char(quiet_from, 'HH24:MI'), 'to', to_char(quiet_to, 'HH24:MI')) end,
          'digest', digest)::text
        from users where institute_id = $1 and id = $2
        """,
        institute_id, user_id,
    )  # fmt: skip


async def set_preferences(conn: Conn, institute_id: UUID, user_id: UUID, wanted: Wanted, now: datetime) -> Row | None:
    """Sets what is wanted; answers the digest and quiet hours from before, as texts."""
    return await conn.fetchrow(
        """
        update users u set digest = coalesce($3, u.digest),
          quiet_from = case when $4 then $5::text::time else u.quiet_from end,
          quiet_to = case when $4 then $6::text::time else u.quiet_to end, updated_at = $7
        from (
          select id, digest, quiet_from, quiet_to from users where institute_id = $1 and id = $2 for update) old
        where u.institute_id = $1 and u.id = old.id
        returning old.digest, to_char(old.quiet_from, 'HH24:MI') as quiet_from,
          to_char(old.quiet_to, 'HH24:MI') as quiet_to
        """,
        institute_id, user_id, wanted.digest, wanted.quiet, wanted.quiet_from, wanted.quiet_to, now,
    )  # fmt: skip


async def avatar(conn: Conn, institute_id: UUID, user_id: UUID) -> AvatarRow | None:
    """Somebody's picture, if they have one."""
    version = await conn.fetchval("select avatar from users where institute_id = $1 and id = $2", institute_id, user_id)
    return AvatarRow(user_id, version) if version else None


async def set_avatar(
    conn: Conn, institute_id: UUID, user_id: UUID, version: str | None, now: datetime
) -> AvatarRow | None:
    """Sets or removes somebody's picture; answers the one from before."""
    before = await conn.fetchval(
        """
        update users u set avatar = $3, updated_at = $4
        from (select id, avatar from users where institute_id = $1 and id = $2 for update) old
        where u.institute_id = $1 and u.id = old.id
        returning old.avatar
        """,
        institute_id, user_id, version, now,
    )  # fmt: skip
    return AvatarRow(user_id, before) if before else None


async def factor(conn: Conn, institute_id: UUID, user_id: UUID) -> Factor | None:
    """A person's second factor."""
    row = await conn.fetchrow(
        "select secret, last_step from second_factors where institute_id = $1 and user_id = $2", institute_id, user_id
    )
    return msgspec.convert(dict(row), Factor) if row else None


async def insert_factor(
    conn: Conn, institute_id: UUID, user_id: UUID, secret: bytes, step: int, hashes: list[bytes], now: datetime
) -> None:
    """A confirmed second factor with its recovery codes. Raises Conflict when there is one."""
    await conn.execute(
        """
        with kept as (
          insert into second_factors (institute_id, user_id, secret, last_step, created_at) values ($1, $2, $3, $4, $6)
        ), asked as (
          update users set second_factor = true, updated_at = $6 where institute_id = $1 and id = $2
        )
        insert into recovery_codes (institute_id, user_id, hash) select $1, $2, unnest($5::bytea[])
        """,
        institute_id, user_id, secret, step, hashes, now,
    )  # fmt: skip


async def delete_factor(conn: Conn, institute_id: UUID, user_id: UUID, now: datetime) -> bool:
    """Removes a second factor with its recovery codes; whether there was one."""
    return await conn.fetchval(
        """
        with gone as (
          delete from second_factors where institute_id = $1 and user_id = $2 returning 1
        ), asked as (
          update users set second_factor = false, updated_at = $3 where institute_id = $1 and id = $2
        )
        select exists (select from gone)
        """,
        institute_id, user_id, now,
    )  # fmt: skip


async def use_step(conn: Conn, institute_id: UUID, user_id: UUID, step: int) -> bool:
    """Marks a time step as used; False when it, or a later one, was used before."""
    done = await conn.fetchval(
        """
        update second_factors set last_step = $3 where institute_id = $1 and user_id = $2 and last_step < $3
        returning true
        """,
        institute_id, user_id, step,
    )  # fmt: skip
    return done is True


async def use_recovery_code(conn: Conn, institute_id: UUID, user_id: UUID, hashes: list[bytes], now: datetime) -> bool:
    """Marks a recovery code as used; False when it is unknown or was used before."""
    done = await conn.fetchval(
        """
        update recovery_codes set used_at = $4
        where institute_id = $1 and user_id = $2 and hash = any ($3::bytea[]) and used_at is null
        returning true
        """,
        institute_id, user_id, hashes, now,
    )  # fmt: skip
    return done is True


async def recovery_codes_left(conn: Conn, institute_id: UUID, user_id: UUID) -> int:
    """How many recovery codes are unused."""
    return await conn.fetchval(
        "select count(*) from recovery_codes where institute_id = $1 and user_id = $2 and used_at is null",
        institute_id, user_id,
    )  # fmt: skip
