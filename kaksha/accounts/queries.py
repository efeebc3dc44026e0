"""SQL of users. `$1` is the institute wherever a tenant is known."""

from datetime import datetime
from typing import Any

from kaksha.accounts.models import NewUser
from kaksha.core.db import Conn, Row
from kaksha.core.ids import UUID


async def find_sign_ins(conn: Conn, email: str | None, phone: str | None) -> list[Row]:
    """(institute_id, user_id, password_hash) of everybody with this e-mail or phone, in any institute."""
    return await conn.fetch("select institute_id, user_id, password_hash from find_sign_ins($1, $2)", email, phone)


async def find_institute(conn: Conn, code: str) -> UUID | None:
    """The institute with this code."""
    return await conn.fetchval("select find_institute($1)", code)


async def insert_user(conn: Conn, institute_id: UUID, user_id: UUID, new: NewUser, now: datetime) -> None:
    """A new active person."""
    await conn.execute(
        """
        insert into users (institute_id, id, name, email, phone, password_hash, roles, permissions, status, language,
          created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, 'active', $9, $10, $10)
        """,
        institute_id, user_id, new.name, new.email, new.phone, new.password_hash, new.roles, new.permissions,
        new.language, now,
    )  # fmt: skip


async def set_password(conn: Conn, institute_id: UUID, user_id: UUID, password_hash: str, now: datetime) -> None:
    """Replaces a person's password."""
    await conn.execute(
        "update users set password_hash = $3, updated_at = $4 where institute_id = $1 and id = $2",
        institute_id, user_id, password_hash, now,
    )  # fmt: skip


async def profile(conn: Conn, institute_id: UUID, user_id: UUID) -> str | None:
    """A person's own record as JSON (`Profile`)."""
    return await conn.fetchval(
        """
        select json_build_object(
          'id', u.id, 'name', u.name, 'email', u.email, 'phone', u.phone, 'roles', u.roles,
          'permissions', u.permissions, 'instituteId', u.institute_id, 'instituteName', i.name,
          'avatarUrl', '/v1/users/' || u.id || '/avatar?v=' || u.avatar, 'language', u.language,
          'theme', u.theme, 'emailVerified', u.email_verified_at is not null,
          'phoneVerified', u.phone_verified_at is not null, 'createdAt', iso(u.created_at))::text
        from users u join institutes i on i.id = u.institute_id
        where u.institute_id = $1 and u.id = $2
        """,
        institute_id,
        user_id,
    )


async def change_profile(
    conn: Conn, institute_id: UUID, user_id: UUID, name: str | None, language: str | None, theme: str | None,
    now: datetime,
) -> Row | None:  # fmt: skip
    """Sets what is not null and answers the name, language and theme from before."""
    return await conn.fetchrow(
        """
        update users u set name = coalesce($3, u.name), language = coalesce($4, u.language),
          theme = coalesce($5, u.theme), updated_at = $6
        from (select id, name, language, theme from users where institute_id = $1 and id = $2 for update) old
        where u.institute_id = $1 and u.id = old.id
        returning old.name, old.language, old.theme
        """,
        institute_id, user_id, name, language, theme, now,
    )  # fmt: skip


async def sweep(conn: Conn, now: datetime) -> Any:
    """Removes what is past its time in all institutes; answers how many rows."""
    return await conn.fetchval("select sweep($1)", now)
