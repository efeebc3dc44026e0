"""SQL of notices and of what people chose. `$1` is the institute."""

from datetime import datetime
from typing import Any

from kaksha.core.db import Conn, Row
from kaksha.core.ids import UUID
from kaksha.notifications.models import Choices


async def insert_notice(
    conn: Conn, institute_id: UUID, notice_id: UUID, kind: str, about: UUID | None, texts: str, data: str,
    made_at: datetime, at: datetime, ids: list[UUID], user_ids: list[UUID], dedupe: str | None,
) -> list[Row]:  # fmt: skip
    """A notice with a row for each of the people who are active and were not told yet; answers (user_id, id)."""
    return await conn.fetch(
        """
        with fresh as (
          insert into notifications (institute_id, id, notice_id, user_id, kind, dedupe, at)
          select $1, g.id, $2, u.id, $3, $11, $8
          from unnest($9::uuid[], $10::uuid[]) as g (id, user_id)
          join users u on u.institute_id = $1 and u.id = g.user_id and u.status = 'active'
          on conflict do nothing
          returning user_id, id
        ), notice as (
          insert into notices (institute_id, id, kind, about, texts, data, made_at, at)
          select $1, $2, $3, $4, $5::text::jsonb, $6::text::jsonb, $7, $8 where exists (select from fresh)
        )
        select user_id, id from fresh
        """,
        institute_id, notice_id, kind, about, texts, data, made_at, at, ids, user_ids, dedupe,
    )  # fmt: skip


async def take_back(conn: Conn, institute_id: UUID, kind: str, about: UUID, user_ids: list[UUID] | None) -> list[Row]:
    """Removes what nobody read and no channel has sent or is sending, and drops what waits; answers (user_id, id)."""
    return await conn.fetch(
        """
        with meant as materialized (
          select n.id, n.user_id, n.read_at
          from notices e join notifications n on n.institute_id = $1 and n.notice_id = e.id
          where e.institute_id = $1 and e.about = $3 and e.kind = $2
            and ($4::uuid[] is null or n.user_id = any ($4))
          for update of n
        ), dropped as (
          update deliveries d set state = 'dropped', why = 'withdrawn'
          from meant m
          where d.institute_id = $1 and d.notification_id = m.id and d.state = 'waiting' and d.attempts = 0
          returning d.id
        ), gone as (
          delete from notifications n using meant m
          where n.institute_id = $1 and n.id = m.id and m.read_at is null and not exists (
            select from deliveries d
            where d.institute_id = $1 and d.notification_id = m.id
              and (d.state in ('sending', 'sent') or d.attempts > 0))
          returning n.user_id, n.id
        )
        select user_id, id from gone
        """,
        institute_id, kind, about, user_ids,
    )  # fmt: skip


async def zone(conn: Conn, institute_id: UUID) -> str:
    """The institute's time zone."""
    return await conn.fetchval("select zone from institutes where institute_id = $1", institute_id)


async def page(
    conn: Conn, institute_id: UUID, user_id: UUID, now: datetime, lang: str, unread: bool,
    before: tuple[datetime, UUID] | None, page: int, limit: int,
) -> Row:  # fmt: skip
    """One's notices, newest first: (items as JSON, total, and where the next page begins: at, id)."""
    row = await conn.fetchrow(
        """
        with page as materialized (
          select n.id, n.notice_id, n.at, n.read_at, row_number() over (order by n.at desc, n.id desc) as place
          from notifications n
          where n.institute_id = $1 and n.user_id = $2 and n.at <= $3 and (not $5 or n.read_at is null)
            and ($6::timestamptz is null or (n.at, n.id) < ($6, $7::uuid))
          order by n.at desc, n.id desc
          limit $9 + 1 offset case when $6::timestamptz is null then ($8::bigint - 1) * $9 else 0 end
        )
        select
          (select coalesce(json_agg(json_build_object(
            'id', p.id, 'kind', e.kind, 'title', e.texts -> $4 -> 'title', 'body', e.texts -> $4 -> 'body',
            'data', e.data, 'readAt', iso(p.read_at), 'createdAt', iso(p.at)
          ) order by p.place), '[]')
          from page p join notices e on e.institute_id = $1 and e.id = p.notice_id
          where p.place <= (select min(place) from page) + $9 - 1)::text as items,
          (select count(*) from notifications n
          where n.institute_id = $1 and n.user_id = $2 and n.at <= $3 and (not $5 or n.read_at is null)) as total,
          (select count(*) > $9 from page) as more,
          (select p.at from page p order by p.place limit 1 offset $9 - 1) as last_at,
          (select p.id from page p order by p.place limit 1 offset $9 - 1) as last_id
        """,
        institute_id, user_id, now, lang, unread, *(before or (None, None)), page, limit,
    )  # fmt: skip
    assert row is not None
    return row


async def unread(conn: Conn, institute_id: UUID, user_id: UUID, now: datetime) -> int:
    """How many notices one has not read; 100 stands for more."""
    return await conn.fetchval(
        """
        select count(*) from (
          select from notifications
          where institute_id = $1 and user_id = $2 and read_at is null and at <= $3 limit 100) n
        """,
        institute_id, user_id, now,
    )  # fmt: skip


async def mark_read(conn: Conn, institute_id: UUID, user_id: UUID, notification_id: UUID, now: datetime) -> Any:
    """Marks one of one's notices as read; answers whether it was unread, None when there is none."""
    return await conn.fetchval(
        """
        update notifications n set read_at = coalesce(n.read_at, $4)
        from (
          select id, read_at from notifications
          where institute_id = $1 and user_id = $2 and id = $3 and at <= $4 for update) old
        where n.institute_id = $1 and n.id = old.id
        returning old.read_at is null
        """,
        institute_id, user_id, notification_id, now,
    )  # fmt: skip


async def mark_all_read(conn: Conn, institute_id: UUID, user_id: UUID, now: datetime) -> int:
    """Marks all that one sees as read; answers how many were not."""
    done = await conn.execute(
        """
        update notifications set read_at = $3
        where institute_id = $1 and user_id = $2 and read_at is null and at <= $3
        """,
        institute_id, user_id, now,
    )  # fmt: skip
    return int(done.split()[-1])


async def one(
    conn: Conn, institute_id: UUID, user_id: UUID, notification_id: UUID, now: datetime, lang: str
) -> str | None:
    """One of one's notices as JSON (`Notification`)."""
    return await conn.fetchval(
        """
        select json_build_object(
          'id', n.id, 'kind', e.kind, 'title', e.texts -> $5 -> 'title', 'body', e.texts -> $5 -> 'body',
          'data', e.data, 'readAt', iso(n.read_at), 'createdAt', iso(n.at))::text
        from notifications n join notices e on e.institute_id = $1 and e.id = n.notice_id
        where n.institute_id = $1 and n.user_id = $2 and n.id = $3 and n.at <= $4
        """,
        institute_id, user_id, notification_id, now, lang,
    )  # fmt: skip


async def delete(conn: Conn, institute_id: UUID, user_id: UUID, notification_id: UUID, now: datetime) -> bool:
    """Removes one of one's notices, and with it what of it was not sent yet; answers whether there was one."""
    return bool(
        await conn.fetchval(
            """
            delete from notifications where institute_id = $1 and user_id = $2 and id = $3 and at <= $4
            returning true
            """,
            institute_id, user_id, notification_id, now,
        )
    )  # fmt: skip


async def choices(conn: Conn, institute_id: UUID, user_id: UUID) -> list[Row]:
    """(topic, channel, wanted) of what somebody chose otherwise than by default."""
    return await conn.fetch(
        "select topic, channel, wanted from notification_choices where institute_id = $1 and user_id = $2",
        institute_id, user_id,
    )  # fmt: skip


async def save_choices(conn: Conn, institute_id: UUID, user_id: UUID, new: Choices) -> None:
    """Keeps what somebody chose."""
    await conn.execute(
        """
        insert into notification_choices (institute_id, user_id, topic, channel, wanted)
        select $1, $2, c.topic, c.channel, c.wanted
        from unnest($3::text[], $4::text[], $5::boolean[]) as c (topic, channel, wanted)
        on conflict (institute_id, user_id, topic, channel) do update set wanted = excluded.wanted
        """,
        institute_id, user_id, new.topics, new.channels, new.wanted,
    )  # fmt: skip
