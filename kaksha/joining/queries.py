"""SQL of invites and of who waits for approval. `$1` is the institute."""

from datetime import datetime

import msgspec

from kaksha.core.db import Conn, Row
from kaksha.core.ids import UUID
from kaksha.joining.models import Choice, Institute, Known, NewInvite, Waiting


async def institute(conn: Conn, institute_id: UUID) -> Institute | None:
    """The institute that somebody joins."""
    row = await conn.fetchrow(
        "select id, code, name, zone, language from institutes where institute_id = $1", institute_id
    )
    return msgspec.convert(dict(row), Institute) if row else None


async def known(conn: Conn, institute_id: UUID, code_hashes: list[bytes], now: datetime) -> Known | None:
    """The invite with one of these, whatever state it is in.

    It is good while it is open and what it leads to is still there; one for staff, while who made it is still active.
    """
    row = await conn.fetchrow(
        """
        select v.id, v.role, v.batch_id, b.name as batch_name, b.course, v.student_id, c.name as student_name,
          v.relation, v.uses_left, v.code_hash,
          v.uses_left > 0 and v.revoked_at is null and v.expires_at > $3
            and (v.batch_id is null or b.archived_at is null)
            and (v.student_id is null or c.status <> 'disabled' and 'student' = any (c.roles))
            and (v.role in ('student', 'parent') or maker.status = 'active') as good
        from invites v
        join users maker on maker.institute_id = v.institute_id and maker.id = v.created_by
        left join batches b on b.institute_id = v.institute_id and b.id = v.batch_id
        left join users c on c.institute_id = v.institute_id and c.id = v.student_id
        where v.institute_id = $1 and v.code_hash = any ($2::bytea[])
        """,
        institute_id, code_hashes, now,
    )  # fmt: skip
    return msgspec.convert(dict(row), Known) if row else None


async def hold_invite(conn: Conn, institute_id: UUID, code_hash: bytes) -> None:
    """Others who use or revoke this invite wait until the transaction ends."""
    await conn.execute(
        "select from invites where institute_id = $1 and code_hash = $2 for no key update", institute_id, code_hash
    )


async def hold_comer(conn: Conn, institute_id: UUID, who: str) -> None:
    """Another registration of the same person waits until the transaction ends."""
    await conn.execute(
        "select pg_advisory_xact_lock(hashtextextended('join/' || $1::uuid || $2, 0))", institute_id, who
    )


async def insert_invite(
    conn: Conn, institute_id: UUID, invite_id: UUID, code_hash: bytes, new: NewInvite, expires_at: datetime,
    created_by: UUID, now: datetime,
) -> None:  # fmt: skip
    """A new invite."""
    await conn.execute(
        """
        insert into invites (institute_id, id, code_hash, role, batch_id, student_id, relation, uses, uses_left,
          expires_at, label, created_by, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, $11, $12)
        """,
        institute_id, invite_id, code_hash, new.role, new.batch_id, new.student_id, new.relation, new.uses, expires_at,
        new.label, created_by, now,
    )  # fmt: skip


async def use_invite(conn: Conn, institute_id: UUID, invite_id: UUID, user_id: UUID, now: datetime) -> None:
    """Counts one use."""
    await conn.execute(
        """
        with counted as (
          update invites set uses_left = uses_left - 1 where institute_id = $1 and id = $2 returning id
        )
        insert into invite_uses (institute_id, invite_id, user_id, used_at) select $1, id, $3, $4 from counted
        """,
        institute_id, invite_id, user_id, now,
    )  # fmt: skip


async def revoke_invite(conn: Conn, institute_id: UUID, invite_id: UUID, now: datetime) -> bool:
    """Ends an invite; false when it was revoked before."""
    done = await conn.fetchval(
        "update invites set revoked_at = $3 where institute_id = $1 and id = $2 and revoked_at is null returning true",
        institute_id, invite_id, now,
    )  # fmt: skip
    return bool(done)


async def came_just_now(
    conn: Conn, institute_id: UUID, invite_id: UUID | None, name: str, email: str | None, phone: str | None,
    role: str, since: datetime,
) -> list[Row]:  # fmt: skip
    """(id, password_hash) of those who registered like this since a moment: by this invite, or by none and waiting."""
    return await conn.fetch(
        """
        select u.id, u.password_hash from users u
        where u.institute_id = $1 and u.name = $3 and u.email is not distinct from $4
          and u.phone is not distinct from $5 and u.roles = array[$6::text] and u.created_at > $7
          and u.password_hash is not null
          and case when $2::uuid is null then u.status = 'pending'
            else u.status = 'active' and exists (
              select from invite_uses i where i.institute_id = $1 and i.invite_id = $2 and i.user_id = u.id) end
        order by u.id
        """,
        institute_id, invite_id, name, email, phone, role, since,
    )  # fmt: skip


async def invites(
    conn: Conn, institute_id: UUID, now: datetime, page: int, limit: int, invite_id: UUID | None = None
) -> Row:
    """(total, items as JSON `list[Invite]`) of a page of the institute's invites, the newest first."""
    row = await conn.fetchrow(
        """
        with shown as (
          select v.* from invites v where v.institute_id = $1 and ($5::uuid is null or v.id = $5)
          order by v.id desc limit $4 offset ($3::bigint - 1) * $4
        )
        select (select count(*) from invites where institute_id = $1) as total, coalesce(json_agg(json_build_object(
          'id', v.id, 'role', v.role,
          'batch', case when v.batch_id is not null then json_build_object('id', v.batch_id, 'name', b.name) end,
          'student', case when v.student_id is not null then json_build_object('id', v.student_id, 'name', c.name) end,
          'relation', v.relation, 'uses', v.uses, 'usesLeft', v.uses_left, 'expiresAt', iso(v.expires_at),
          'label', v.label,
          'state', case when v.revoked_at is not null then 'revoked' when v.uses_left = 0 then 'used'
            when v.expires_at <= $2 then 'expired' else 'open' end,
          'createdBy', maker.name, 'createdAt', iso(v.created_at),
          'usedBy', (
            select coalesce(json_agg(json_build_object('id', u.id, 'name', u.name, 'at', iso(used.used_at))
              order by used.used_at desc, u.id desc), '[]')
            from (
              select i.user_id, i.used_at from invite_uses i where i.institute_id = $1 and i.invite_id = v.id
              order by i.used_at desc, i.user_id desc limit 20) used
            join users u on u.institute_id = $1 and u.id = used.user_id)) order by v.id desc), '[]')::text as items
        from shown v
        join users maker on maker.institute_id = $1 and maker.id = v.created_by
        left join batches b on b.institute_id = $1 and b.id = v.batch_id
        left join users c on c.institute_id = $1 and c.id = v.student_id
        """,
        institute_id, now, page, limit, invite_id,
    )  # fmt: skip
    assert row is not None
    return row


async def invite(conn: Conn, institute_id: UUID, invite_id: UUID, now: datetime) -> str | None:
    """An invite as JSON (`Invite`)."""
    found = await invites(conn, institute_id, now, 1, 1, invite_id)
    return found["items"][1:-1] or None  # a list of one, without its brackets


async def open_batches(conn: Conn, institute_id: UUID, now: datetime) -> list[Choice]:
    """The batches that are not over, for an invite to lead into."""
    rows = await conn.fetch(
        """
        select b.id, b.name, b.course as detail
        from batches b join institutes i on i.id = b.institute_id
        where b.institute_id = $1 and b.archived_at is null and b.ends_on >= ($2::timestamptz at time zone i.zone)::date
        order by lower(b.name), b.id
        """,
        institute_id, now,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Choice) for row in rows]


async def student(conn: Conn, institute_id: UUID, student_id: UUID) -> Choice | None:
    """A student who is not disabled."""
    row = await conn.fetchrow(
        """
        select u.id, u.name, s.roll_no || ' · ' || s.grade as detail
        from users u join students s on s.institute_id = u.institute_id and s.user_id = u.id
        where u.institute_id = $1 and u.id = $2 and 'student' = any (u.roles) and u.status <> 'disabled'
        """,
        institute_id, student_id,
    )  # fmt: skip
    return msgspec.convert(dict(row), Choice) if row else None


async def students_called(conn: Conn, institute_id: UUID, said: str, limit: int) -> list[Choice]:
    """Students whom a search finds, as `people` searches."""
    rows = await conn.fetch(
        """
        select u.id, u.name, s.roll_no || ' · ' || s.grade as detail
        from search_people($2) as found (id)
        join users u on u.institute_id = $1 and u.id = found.id and 'student' = any (u.roles)
          and u.status <> 'disabled'
        join students s on s.institute_id = u.institute_id and s.user_id = u.id
        order by lower(u.name), u.id limit $3
        """,
        institute_id, said, limit,
    )  # fmt: skip
    return [msgspec.convert(dict(row), Choice) for row in rows]


async def waiting(conn: Conn, institute_id: UUID, page: int, limit: int) -> tuple[int, list[Waiting]]:
    """How many wait for approval, and a page of them; who came first stands first."""
    rows = await conn.fetch(
        """
        select u.id, u.name, u.email, u.phone, u.roles, s.grade, u.created_at, count(*) over () as total
        from users u left join students s on s.institute_id = u.institute_id and s.user_id = u.id
        where u.institute_id = $1 and u.status = 'pending'
        order by u.created_at, u.id limit $2 offset $3
        """,
        institute_id, limit, (page - 1) * limit,
    )  # fmt: skip
    return rows[0]["total"] if rows else 0, [msgspec.convert(dict(row), Waiting) for row in rows]


async def office(conn: Conn, institute_id: UUID) -> list[UUID]:
    """The admins who let people in."""
    rows = await conn.fetch(
        "select id from users where institute_id = $1 and permissions && array['desk', 'academics', 'owner']",
        institute_id,
    )
    return [row["id"] for row in rows]


async def hold_waiting(conn: Conn, institute_id: UUID, person_id: UUID) -> str | None:
    """A person's status, held until the transaction ends; None when there is no such person."""
    return await conn.fetchval(
        "select status from users where institute_id = $1 and id = $2 for no key update", institute_id, person_id
    )
