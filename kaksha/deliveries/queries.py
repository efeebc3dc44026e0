"""SQL of sendings, push targets and the ledger of paid messages. `$1` is the institute."""

from datetime import date, datetime
from typing import Any

import msgspec

from kaksha.core.db import Conn
from kaksha.core.ids import UUID
from kaksha.deliveries.models import Due, NoticeRow, Planned, Receiver


async def institutes(conn: Conn) -> list[UUID]:
    """All institutes, for the periodic job."""
    return [row["id"] for row in await conn.fetch("select every_institute() as id")]


# --- routing ---------------------------------------------------------------------------------------------------------


async def notice(conn: Conn, institute_id: UUID, notice_id: UUID, now: datetime) -> NoticeRow | None:
    """A notice that is due and was not routed yet, held until the transaction ends."""
    row = await conn.fetchrow(
        """
        select kind, made_at from notices
        where institute_id = $1 and id = $2 and routed_at is null and at <= $3 for update
        """,
        institute_id, notice_id, now,
    )  # fmt: skip
    return msgspec.convert(dict(row), NoticeRow) if row else None


async def unrouted(conn: Conn, institute_id: UUID, before: datetime) -> list[UUID]:
    """Notices that should have been routed before this moment, the oldest first."""
    rows = await conn.fetch(
        "select id from notices where institute_id = $1 and routed_at is null and at < $2 order by at limit 500",
        institute_id, before,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def receivers(conn: Conn, institute_id: UUID, notice_id: UUID, topic: str) -> list[Receiver]:
    """Everybody who is told of a notice and is still active; `topic` is the kind's group."""
    rows = await conn.fetch(
        """
        select n.id as notification_id, n.user_id, i.zone, u.digest, u.quiet_from, u.quiet_to,
          u.email is not null and not exists (
            select from dead_addresses a where a.institute_id = $1 and a.user_id = u.id and a.channel = 'email'
              and a.address_hash = sha256(convert_to(u.email, 'UTF8'))) as email,
          u.phone is not null and not exists (
            select from dead_addresses a where a.institute_id = $1 and a.user_id = u.id and a.channel = 'sms'
              and a.address_hash = sha256(convert_to(u.phone, 'UTF8'))) as sms,
          (select coalesce(json_object_agg(c.channel, c.wanted), '{}') from notification_choices c
          where c.institute_id = $1 and c.user_id = u.id and c.topic = $3)::text as chosen,
          array(select p.id from push_targets p where p.institute_id = $1 and p.user_id = u.id) as targets
        from notifications n
        join users u on u.institute_id = $1 and u.id = n.user_id and u.status = 'active'
        join institutes i on i.id = $1
        where n.institute_id = $1 and n.notice_id = $2
        for key share of n
        """,
        institute_id, notice_id, topic,
    )  # fmt: skip
    return [msgspec.convert({**dict(row), "chosen": msgspec.json.decode(row["chosen"])}, Receiver) for row in rows]


async def insert_planned(
    conn: Conn, institute_id: UUID, notice_id: UUID, ids: list[UUID], planned: list[Planned], now: datetime
) -> None:
    """Writes the sendings of a notice, each at most once, and that it was routed."""
    await conn.execute(
        """
        with routed as (
          update notices set routed_at = $3 where institute_id = $1 and id = $2
        )
        insert into deliveries (institute_id, id, notification_id, user_id, channel, target_id, digest, due_at,
          lapses_at)
        select $1, p.* from unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::uuid[], $9::boolean[],
          $10::timestamptz[], $11::timestamptz[]) as p
        on conflict (institute_id, notification_id, channel, target_id) do nothing
        """,
        institute_id, notice_id, now, ids, [one.notification_id for one in planned], [one.user_id for one in planned],
        [one.channel for one in planned], [one.target_id for one in planned], [one.digest for one in planned],
        [one.due_at for one in planned], [one.lapses_at for one in planned],
    )  # fmt: skip


# --- sending ---------------------------------------------------------------------------------------------------------


async def claim(conn: Conn, institute_id: UUID, now: datetime, until: datetime, claim_id: UUID, most: int) -> list[Due]:
    """Takes sendings that are due (digests not), for this worker alone until `until`; what lapsed is dropped.

    One that another worker took and did not finish in its time comes again.
    """
    rows = await conn.fetch(
        """
        with lapsed as (
          update deliveries set state = 'dropped', why = 'lapsed', done_at = $2
          where institute_id = $1 and state = 'waiting' and due_at <= $2 and lapses_at <= $2
        ), due as (
          select id, state = 'sending' as again from deliveries
          where institute_id = $1 and state in ('waiting', 'sending') and due_at <= $2 and not digest
            and (state = 'sending' or lapses_at > $2)
          order by due_at, id limit $5 for update skip locked
        ), claimed as (
          update deliveries d set state = 'sending', attempts = d.attempts + 1, claim = $4, due_at = $3, batch = d.id
          from due where d.institute_id = $1 and d.id = due.id
          returning d.id, d.attempts, d.batch, due.again
        )
        select c.attempts, c.again, c.batch, d.* from claimed c
        join delivery_contents d on d.institute_id = $1 and d.id = c.id order by d.id
        """,
        institute_id, now, until, claim_id, most,
    )  # fmt: skip
    return [_due(row) for row in rows]


async def digest_reader(conn: Conn, institute_id: UUID, now: datetime) -> UUID | None:
    """Somebody whose digest is due."""
    return await conn.fetchval(
        """
        select user_id from deliveries
        where institute_id = $1 and state in ('waiting', 'sending') and due_at <= $2 and digest
        order by due_at, id limit 1
        """,
        institute_id, now,
    )  # fmt: skip


async def claim_digest(
    conn: Conn, institute_id: UUID, user_id: UUID, now: datetime, until: datetime, claim_id: UUID
) -> list[Due]:
    """Takes all of somebody's digest that is due. What was in a mail once stays in that mail, by its `batch`."""
    rows = await conn.fetch(
        """
        with due as materialized (
          select id, state = 'sending' as again from deliveries
          where institute_id = $1 and user_id = $5 and state in ('waiting', 'sending') and due_at <= $2 and digest
          order by id for update
        ), claimed as (
          update deliveries d set state = 'sending', attempts = d.attempts + 1, claim = $4, due_at = $3,
            batch = coalesce(d.batch, (
              select f.id from due f join deliveries b on b.institute_id = $1 and b.id = f.id and b.batch is null
              order by f.id limit 1))
          from due where d.institute_id = $1 and d.id = due.id
          returning d.id, d.attempts, d.batch, due.again
        )
        select c.attempts, c.again, c.batch, d.* from claimed c
        join delivery_contents d on d.institute_id = $1 and d.id = c.id order by d.made_at, d.id
        """,
        institute_id, now, until, claim_id, user_id,
    )  # fmt: skip
    return [_due(row) for row in rows]


def _due(row: Any) -> Due:
    return msgspec.convert({**dict(row), "texts": msgspec.json.decode(row["texts"])}, Due)


async def mark(
    conn: Conn, institute_id: UUID, ids: list[UUID], claim_id: UUID, state: str, due_at: datetime, now: datetime,
    provider_id: str | None, why: str | None,
) -> None:  # fmt: skip
    """How a claimed sending ended; nothing when somebody else has it by now."""
    await conn.execute(
        """
        update deliveries set state = $4, due_at = $5, provider_id = $7, why = $8, claim = null,
          done_at = case when $4 <> 'waiting' then $6::timestamptz end
        where institute_id = $1 and id = any ($2) and claim = $3 and state = 'sending'
        """,
        institute_id, ids, claim_id, state, due_at, now, provider_id, why,
    )  # fmt: skip


async def next_due(conn: Conn, institute_id: UUID, after: datetime) -> datetime | None:
    """When the next sending is due."""
    return await conn.fetchval(
        """
        select min(due_at) from deliveries
        where institute_id = $1 and state in ('waiting', 'sending') and due_at > $2
        """,
        institute_id, after,
    )  # fmt: skip


async def bury(conn: Conn, institute_id: UUID, user_id: UUID, channel: str, address: str, now: datetime) -> None:
    """Notes that an address was refused for good."""
    await conn.execute(
        """
        insert into dead_addresses (institute_id, user_id, channel, address_hash, found_at)
        values ($1, $2, $3, sha256(convert_to($4, 'UTF8')), $5) on conflict do nothing
        """,
        institute_id, user_id, channel, address, now,
    )  # fmt: skip


async def hold_ledger(conn: Conn, institute_id: UUID) -> None:
    """Until the transaction ends nobody else reckons this institute's paid messages."""
    await conn.execute("select pg_advisory_xact_lock(hashtextextended('ledger/' || $1::uuid, 0))", institute_id)


async def reserve(
    conn: Conn, institute_id: UUID, delivery_id: UUID, user_id: UUID, day: date, segments: int, paise: int,
    most: int, most_each: int, now: datetime,
) -> bool:  # fmt: skip
    """Writes a paid message into the ledger if the day's caps have room; one that stands there stays. Hold it first."""
    return await conn.fetchval(
        """
        with room as (
          select from message_costs where institute_id = $1 and day = $4
          having count(*) < $7 and count(*) filter (where user_id = $3) < $8
        ), written as (
          insert into message_costs (institute_id, delivery_id, user_id, day, channel, segments, paise, at)
          select $1, $2, $3, $4, 'sms', $5, $6, $9 from room
          on conflict (institute_id, delivery_id) do nothing
          returning delivery_id
        )
        select exists (select from written)
          or exists (select from message_costs where institute_id = $1 and delivery_id = $2)
        """,
        institute_id, delivery_id, user_id, day, segments, paise, most, most_each, now,
    )  # fmt: skip


# --- push targets ----------------------------------------------------------------------------------------------------


async def save_target(
    conn: Conn, institute_id: UUID, target_id: UUID, user_id: UUID, session_id: UUID, service: str, address: str,
    client_key: bytes | None, client_secret: bytes | None, now: datetime,
) -> UUID:  # fmt: skip
    """Keeps a device for a sign-in; one device rings for the last who registered it."""
    return await conn.fetchval(
        """
        insert into push_targets (institute_id, id, user_id, session_id, service, address, address_hash, client_key,
          client_secret, created_at)
        values ($1, $2, $3, $4, $5, $6, sha256(convert_to($6, 'UTF8')), $7, $8, $9)
        on conflict (institute_id, address_hash) do update set user_id = excluded.user_id,
          session_id = excluded.session_id, client_key = excluded.client_key, client_secret = excluded.client_secret
        returning id
        """,
        institute_id, target_id, user_id, session_id, service, address, client_key, client_secret, now,
    )  # fmt: skip


async def targets(conn: Conn, institute_id: UUID, user_id: UUID, session_id: UUID) -> str:
    """Somebody's devices as JSON (list of `PushTarget`)."""
    return await conn.fetchval(
        """
        select coalesce(json_agg(json_build_object(
          'id', p.id, 'service', p.service, 'platform', s.platform, 'current', p.session_id = $3,
          'createdAt', iso(p.created_at)) order by p.session_id = $3 desc, p.id desc), '[]')::text
        from push_targets p join sessions s on s.institute_id = $1 and s.id = p.session_id
        where p.institute_id = $1 and p.user_id = $2
        """,
        institute_id, user_id, session_id,
    )  # fmt: skip


async def drop_target(conn: Conn, institute_id: UUID, user_id: UUID, target_id: UUID) -> bool:
    """Forgets one of somebody's devices; answers whether there was one."""
    done = await conn.execute(
        "delete from push_targets where institute_id = $1 and user_id = $2 and id = $3",
        institute_id, user_id, target_id,
    )  # fmt: skip
    return done != "DELETE 0"


async def drop_address(conn: Conn, institute_id: UUID, user_id: UUID, address: str) -> None:
    """Forgets one of somebody's devices by its address."""
    await conn.execute(
        """
        delete from push_targets
        where institute_id = $1 and user_id = $2 and address_hash = sha256(convert_to($3, 'UTF8'))
        """,
        institute_id, user_id, address,
    )  # fmt: skip


async def drop_mails(
    conn: Conn, institute_id: UUID, user_id: UUID, digest: bool, names: list[str], now: datetime
) -> None:
    """Drops the mails that wait for somebody: their digest, or those of the named kinds."""
    await conn.execute(
        """
        update deliveries d set state = 'dropped', why = 'unsubscribed', done_at = $5
        from notifications n
        where d.institute_id = $1 and d.user_id = $2 and d.channel = 'email' and d.state = 'waiting'
          and n.institute_id = $1 and n.id = d.notification_id and case when $3 then d.digest else n.kind = any ($4) end
        """,
        institute_id, user_id, digest, names, now,
    )  # fmt: skip
