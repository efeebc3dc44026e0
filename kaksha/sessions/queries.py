"""SQL of sessions and refresh tokens, and of the person behind them. `$1` is the institute."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from kaksha.core.db import Conn, Row
from kaksha.core.ids import UUID
from kaksha.sessions.models import Account, Device, RefreshRow, SessionRow


async def account(conn: Conn, institute_id: UUID, user_id: UUID) -> Account | None:
    """A person of the institute."""
    row = await conn.fetchrow(
        """
        select u.id, u.institute_id, u.name, u.email, u.phone, u.roles, u.permissions, u.status, u.language, u.theme,
          u.avatar, u.second_factor, u.password_hash, i.name as institute_name, i.zone
        from users u join institutes i on i.id = u.institute_id
        where u.institute_id = $1 and u.id = $2
        """,
        institute_id,
        user_id,
    )
    return msgspec.convert(dict(row), Account) if row else None


async def hold_user(conn: Conn, institute_id: UUID, user_id: UUID) -> None:
    """Keeps a person as they are until the transaction ends: who changes them waits, or was waited for."""
    await conn.execute("select from users where institute_id = $1 and id = $2 for share", institute_id, user_id)


async def insert_session(
    conn: Conn, institute_id: UUID, session_id: UUID, user_id: UUID, kind: str, secret_hash: bytes | None, role: str,
    device: Device, now: datetime, expires_at: datetime,
) -> None:  # fmt: skip
    """A new sign-in."""
    await conn.execute(
        """
        insert into sessions (institute_id, id, user_id, kind, secret_hash, role, device_id, platform, app_version,
          created_at, seen_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)
        """,
        institute_id, session_id, user_id, kind, secret_hash, role, device.id, device.platform, device.app_version,
        now, expires_at,
    )  # fmt: skip


async def knows_device(conn: Conn, institute_id: UUID, user_id: UUID, device: Device) -> bool | None:
    """Whether a person signed in from this device before; None when they never signed in."""
    return await conn.fetchval(
        """
        select bool_or(device_id is not distinct from $3
          and ($3::text is not null or platform is not distinct from $4))
        from sessions where institute_id = $1 and user_id = $2
        """,
        institute_id, user_id, device.id, device.platform,
    )  # fmt: skip


async def web_session(conn: Conn, institute_id: UUID, secret_hash: bytes, now: datetime) -> SessionRow | None:
    """The open page session of a cookie, marked as seen now.

    The count of unread notices comes with it, so that no page needs a statement for its bell.
    The session is read beside the update, not returned by it, so that `changed_at` and the person are of one moment.
    """
    row = await conn.fetchrow(
        """
        with seen as (
          update sessions set seen_at = $3
          where institute_id = $1 and secret_hash = $2 and revoked_at is null and expires_at > $3
          returning id
        )
        select s.id as session_id, s.role, s.expires_at, s.changed_at, u.id, u.institute_id, u.name, u.email, u.phone,
          u.roles, u.permissions, u.status, u.language, u.theme, u.avatar, u.second_factor,
          i.name as institute_name, i.zone,
          (select count(*) from (
            select from notifications n
            where n.institute_id = $1 and n.user_id = u.id and n.read_at is null and n.at <= $3 limit 100) r) as unread
        from seen
        join sessions s on s.institute_id = $1 and s.id = seen.id
        join users u on u.institute_id = s.institute_id and u.id = s.user_id and u.status = 'active'
        join institutes i on i.id = u.institute_id
        """,
        institute_id, secret_hash, now,
    )  # fmt: skip
    if row is None:
        return None
    found = dict(row)
    session = {
        "id": found.pop("session_id"),
        "role": found.pop("role"),
        "expires_at": found.pop("expires_at"),
        "changed_at": found.pop("changed_at"),
        "unread": found.pop("unread"),
    }
    return msgspec.convert({**session, "user": found}, SessionRow)


async def insert_refresh_token(
    conn: Conn, institute_id: UUID, token_hash: bytes, session_id: UUID, now: datetime, expires_at: datetime
) -> None:
    """A refresh token of a session."""
    await conn.execute(
        """
        insert into refresh_tokens (institute_id, hash, session_id, issued_at, expires_at) values ($1, $2, $3, $4, $5)
        """,
        institute_id, token_hash, session_id, now, expires_at,
    )  # fmt: skip


async def rotate(
    conn: Conn, institute_id: UUID, token_hash: bytes, next_hash: bytes, now: datetime, expires_at: datetime
) -> RefreshRow | None:
    """Uses an unused token of an open session: marks it, adds its successor, and answers the session and its person.

    None when the token is unknown, used, expired, or its session or person is no longer good.
    """
    row = await conn.fetchrow(
        """
        with used as (
          update refresh_tokens t set used_at = $4
          from sessions s join users u on u.institute_id = s.institute_id and u.id = s.user_id
            join institutes i on i.id = u.institute_id
          where t.institute_id = $1 and t.hash = $2 and t.used_at is null and t.expires_at > $4
            and s.institute_id = $1 and s.id = t.session_id and s.revoked_at is null and u.status = 'active'
          returning t.session_id, t.used_at, t.expires_at, s.revoked_at, s.changed_at, u.id, u.institute_id, u.name,
            u.email, u.phone, u.roles, u.permissions, u.status, u.language, u.avatar, i.zone
        ), next as (
          insert into refresh_tokens (institute_id, hash, session_id, issued_at, expires_at)
          select $1, $3, session_id, $4, $5 from used
        ), seen as (
          update sessions set seen_at = $4, expires_at = $5
          where institute_id = $1 and id = (select session_id from used)
        )
        select * from used
        """,
        institute_id, token_hash, next_hash, now, expires_at,
    )  # fmt: skip
    return _refresh_row(row)


async def refresh_token(conn: Conn, institute_id: UUID, token_hash: bytes) -> RefreshRow | None:
    """A refresh token with its session and person, whatever state they are in."""
    row = await conn.fetchrow(
        """
        select t.session_id, t.used_at, t.expires_at, s.revoked_at, s.changed_at, u.id, u.institute_id, u.name,
          u.email, u.phone, u.roles, u.permissions, u.status, u.language, u.avatar, i.zone
        from refresh_tokens t
        join sessions s on s.institute_id = t.institute_id and s.id = t.session_id
        join users u on u.institute_id = s.institute_id and u.id = s.user_id
        join institutes i on i.id = u.institute_id
        where t.institute_id = $1 and t.hash = $2
        """,
        institute_id, token_hash,
    )  # fmt: skip
    return _refresh_row(row)


def _refresh_row(row: Row | None) -> RefreshRow | None:
    if row is None:
        return None
    found = dict(row)
    return msgspec.convert({**found, "person": found}, RefreshRow)


async def end_sessions(
    conn: Conn, institute_id: UUID, user_id: UUID, session_id: UUID | None, but: UUID | None, why: str, now: datetime
) -> list[UUID]:
    """Ends one open session of a person, or all of them for None, and answers which."""
    rows = await conn.fetch(
        """
        update sessions set revoked_at = $6, changed_at = $6, revoked_why = $5
        where institute_id = $1 and user_id = $2 and ($3::uuid is null or id = $3) and ($4::uuid is null or id <> $4)
          and revoked_at is null
        returning id
        """,
        institute_id, user_id, session_id, but, why, now,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def touch_sessions(
    conn: Conn, institute_id: UUID, user_id: UUID, kind: str | None, now: datetime
) -> list[tuple[UUID, datetime]]:
    """Marks a person's open sessions (of one kind) as changed, each later than before, and answers which and when."""
    rows = await conn.fetch(
        """
        update sessions set changed_at = greatest($4, changed_at + interval '1 microsecond')
        where institute_id = $1 and user_id = $2 and ($3::text is null or kind = $3) and revoked_at is null
          and expires_at > $4
        returning id, changed_at
        """,
        institute_id, user_id, kind, now,
    )  # fmt: skip
    return [(row["id"], row["changed_at"]) for row in rows]


async def session_change(conn: Conn, institute_id: UUID, session_id: UUID) -> Row | None:
    """When a session changed, and whether it is over."""
    return await conn.fetchrow(
        "select id, changed_at, revoked_at is not null as ended from sessions where institute_id = $1 and id = $2",
        institute_id, session_id,
    )  # fmt: skip


async def changed_sessions(conn: Conn, since: datetime) -> Iterable[Row]:
    """Sessions of all institutes that changed since a moment."""
    return await conn.fetch("select session_id, changed_at, ended from sessions_changed_since($1)", since)
