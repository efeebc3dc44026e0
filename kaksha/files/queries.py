"""SQL of files and of who may see them. `$1` is the institute; "today" is the date in its zone."""

from datetime import datetime

import msgspec

from kaksha.core.db import Conn, Row
from kaksha.core.ids import UUID
from kaksha.files.models import Audience, Found, Hook, NewFile


async def insert(conn: Conn, institute_id: UUID, file: NewFile, uploader_id: UUID, now: datetime) -> str:
    """Writes the row of a stored file; answers it as JSON (`File`)."""
    return await conn.fetchval(
        """
        insert into files as f (institute_id, id, uploader_id, purpose, name, content_type, size, sha256, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, decode($8, 'hex'), $9)
        returning file_json(f, $9)::text
        """,
        institute_id, file.id, uploader_id, file.purpose, file.name, file.content_type, file.size, file.sha256, now,
    )  # fmt: skip


async def usage(conn: Conn, institute_id: UUID, user_id: UUID, now: datetime) -> tuple[int, int]:
    """Bytes of a person and of the whole institute; what a person is still sending counts for them too."""
    row = await conn.fetchrow(
        """
        select
          coalesce((select bytes from file_usage where institute_id = $1 and owner_id = $2), 0)
          + coalesce((
            select sum(size) from uploads
            where institute_id = $1 and uploader_id = $2 and file_id is null and expires_at > $3), 0)::bigint as own,
          coalesce((select bytes from file_usage where institute_id = $1 and owner_id = $1), 0) as whole
        """,
        institute_id, user_id, now,
    )  # fmt: skip
    assert row is not None
    return row["own"], row["whole"]


async def stored(conn: Conn, institute_id: UUID, user_id: UUID) -> tuple[int, int]:
    """Bytes of the files of a person and of the whole institute; held until the transaction ends."""
    rows = await conn.fetch(
        "select owner_id, bytes from file_usage where institute_id = $1 and owner_id in ($1, $2) for update",
        institute_id, user_id,
    )  # fmt: skip
    found = {row["owner_id"]: row["bytes"] for row in rows}
    return found.get(user_id, 0), found.get(institute_id, 0)


async def mine(conn: Conn, institute_id: UUID, user_id: UUID, now: datetime, page: int, limit: int) -> Row:
    """A page of one's own uploads, the newest first: `items` (list of `MyFile`) as JSON, `total`, and one's bytes."""
    row = await conn.fetchrow(
        """
        with own as (
          select f from files f where f.institute_id = $1 and f.uploader_id = $2
        ), shown as (
          select file_json(f, $3) || jsonb_build_object('createdAt', iso((f).created_at), 'inUse', exists (
            select from file_grants g where g.institute_id = $1 and g.file_id = (f).id)) as item, (f).id as id
          from own order by (f).id desc limit $5 offset ($4 - 1) * $5
        )
        select coalesce((select jsonb_agg(item order by id desc) from shown), '[]')::text as items,
          (select count(*) from own) as total,
          coalesce((select bytes from file_usage where institute_id = $1 and owner_id = $2), 0) as bytes
        """,
        institute_id, user_id, now, page, limit,
    )  # fmt: skip
    assert row is not None
    return row


async def file(
    conn: Conn, institute_id: UUID, file_id: UUID, viewer: UUID, is_admin: bool, now: datetime
) -> str | None:
    """A file as JSON (`File`), for somebody who may see it."""
    return await conn.fetchval(
        """
        select file_json(f, $5)::text from files f join institutes i on i.institute_id = f.institute_id
        where f.institute_id = $1 and f.id = $2
          and may_see_file($3, $4, f.id, ($5::timestamptz at time zone i.zone)::date)
        """,
        institute_id, file_id, viewer, is_admin, now,
    )  # fmt: skip


async def found(
    conn: Conn, institute_id: UUID, file_id: UUID, viewer: UUID, is_admin: bool, now: datetime
) -> Found | None:
    """A file for somebody who may see it."""
    row = await conn.fetchrow(
        """
        select f.id, f.name, f.content_type, f.size, f.sha256
        from files f join institutes i on i.institute_id = f.institute_id
        where f.institute_id = $1 and f.id = $2
          and may_see_file($3, $4, f.id, ($5::timestamptz at time zone i.zone)::date)
        """,
        institute_id, file_id, viewer, is_admin, now,
    )  # fmt: skip
    return msgspec.convert(dict(row), Found) if row else None


async def signed(conn: Conn, institute_id: UUID, file_id: UUID) -> tuple[Found, bytes] | None:
    """A file and the key that its addresses are signed with; whoever asks checks the signature."""
    row = await conn.fetchrow(
        """
        select f.id, f.name, f.content_type, f.size, f.sha256, k.key
        from files f join file_keys k on k.institute_id = f.institute_id
        where f.institute_id = $1 and f.id = $2
        """,
        institute_id, file_id,
    )  # fmt: skip
    if row is None:
        return None
    values = dict(row)
    key = values.pop("key")
    return msgspec.convert(values, Found), key


async def for_deletion(
    conn: Conn, institute_id: UUID, file_id: UUID, viewer: UUID, is_admin: bool, now: datetime
) -> Row | None:
    """Whose a file is and whether anything holds it, for somebody who may see it."""
    return await conn.fetchrow(
        """
        select f.uploader_id, f.purpose, f.size, exists (
          select from file_grants g where g.institute_id = $1 and g.file_id = f.id) as in_use
        from files f join institutes i on i.institute_id = f.institute_id
        where f.institute_id = $1 and f.id = $2
          and may_see_file($3, $4, f.id, ($5::timestamptz at time zone i.zone)::date)
        """,
        institute_id, file_id, viewer, is_admin, now,
    )  # fmt: skip


async def delete(conn: Conn, institute_id: UUID, file_id: UUID) -> bool:
    """Removes a file's row that nothing hangs on; whether it was there. Raises Conflict when something does."""
    done = await conn.fetchval(
        "delete from files where institute_id = $1 and id = $2 returning true", institute_id, file_id
    )
    return done is True


async def release(conn: Conn, institute_id: UUID, file_id: UUID) -> None:
    """Takes a file off everything."""
    await conn.execute("delete from file_grants where institute_id = $1 and file_id = $2", institute_id, file_id)


async def claimable(
    conn: Conn, institute_id: UUID, file_ids: list[UUID], hook: Hook, uploader_id: UUID | None, purposes: list[str]
) -> set[UUID]:
    """Which of the files may hang on a thing: those that do already, and the person's own that hang on nothing."""
    rows = await conn.fetch(
        """
        select f.id from files f
        where f.institute_id = $1 and f.id = any ($2::uuid[]) and (
          exists (
            select from file_grants g
            where g.institute_id = $1 and g.file_id = f.id and g.hook = $3 and g.hook_id = $4)
          or f.uploader_id = $5 and f.purpose = any ($6::text[]) and not exists (
            select from file_grants g where g.institute_id = $1 and g.file_id = f.id))
        """,
        institute_id, file_ids, hook.kind, hook.id, uploader_id, purposes,
    )  # fmt: skip
    return {row["id"] for row in rows}


async def grant(
    conn: Conn, institute_id: UUID, file_ids: list[UUID], hook: Hook, audience: list[Audience], now: datetime
) -> None:
    """Lets files hang on a thing for these, and for nobody else that it hung there for before."""
    await detach(conn, institute_id, hook, file_ids)
    kinds = [each.kind for each in audience] or ["nobody"]
    ids = [each.id or institute_id for each in audience] or [institute_id]
    await conn.execute(
        """
        insert into file_grants (institute_id, file_id, hook, hook_id, audience, audience_id, created_at)
        select $1, f.id, $3, $4, a.kind, a.id, $7
        from unnest($2::uuid[]) f (id) cross join unnest($5::text[], $6::uuid[]) a (kind, id)
        on conflict do nothing
        """,
        institute_id, file_ids, hook.kind, hook.id, kinds, ids, now,
    )  # fmt: skip


async def detach(conn: Conn, institute_id: UUID, hook: Hook, file_ids: list[UUID] | None) -> None:
    """Takes these files (or all) off a thing."""
    await conn.execute(
        """
        delete from file_grants
        where institute_id = $1 and hook = $2 and hook_id = $3 and ($4::uuid[] is null or file_id = any ($4))
        """,
        institute_id, hook.kind, hook.id, file_ids,
    )  # fmt: skip


async def every_institute(conn: Conn) -> list[UUID]:
    """All institutes, for the periodic clean-up."""
    return [row[0] for row in await conn.fetch("select * from every_institute()")]


async def drop_stale(conn: Conn, institute_id: UUID, before: datetime, most: int) -> list[UUID]:
    """Removes the rows of files that were uploaded before then and never hung on anything; answers which."""
    rows = await conn.fetch(
        """
        delete from files f
        where f.institute_id = $1 and f.id in (
          select s.id from files s
          where s.institute_id = $1 and s.created_at < $2 and not exists (
            select from file_grants g where g.institute_id = $1 and g.file_id = s.id)
          order by s.created_at limit $3)
        returning f.id
        """,
        institute_id, before, most,
    )  # fmt: skip
    return [row[0] for row in rows]


async def known(conn: Conn, institute_id: UUID, file_ids: list[UUID]) -> set[UUID]:
    """Which of the ids are files."""
    rows = await conn.fetch(
        "select id from files where institute_id = $1 and id = any ($2::uuid[])", institute_id, file_ids
    )
    return {row[0] for row in rows}
