"""Notices: a list of them for everybody who asks, and how many can be told in a second within business transactions."""

import asyncio
import time
from collections.abc import Iterator
from itertools import cycle
from uuid import UUID

import asyncpg

from bench.people import Person
from kaksha.core.db import Actor, Database
from kaksha.core.ids import new_id
from kaksha.core.seal import Keys
from kaksha.notifications.models import kinds
from kaksha.notifications.service import notify

__all__ = ["plant", "told_per_second"]

_KIND = kinds.register("bench.told", group="announcements", title="{what} at {n}", body="{what}", path="/home")
_BESIDE = 8
_TOLD = 10
"""People told of one change: about what a class's attendance or a batch's grade is."""


async def plant(owner_url: str) -> None:
    """Twenty-five notices for every student of the seed, four in five of them read; earlier ones are removed."""
    owner = await asyncpg.connect(owner_url)
    try:
        await owner.execute("truncate notices, notifications, deliveries cascade; delete from jobs.pgqueuer")
        await owner.execute(
            """
            insert into notices (institute_id, id, kind, texts, data, made_at, at, routed_at)
            select i.id, gen_random_uuid(), 'bench.told',
              jsonb_build_object('en', t.said, 'hi', t.said), '{"path": "/home"}', now(),
              now() - n * interval '1 h', now()
            from institutes i, generate_series(1, 25) n,
              lateral (select jsonb_build_object('title', 'Physics ' || n, 'body', 'Marks are out: ' || n) as said) t
            """
        )
        await owner.execute(
            """
            insert into notifications (institute_id, id, notice_id, user_id, kind, at, read_at)
            select e.institute_id, gen_random_uuid(), e.id, s.user_id, e.kind, e.at,
              case when extract(hour from e.at)::int % 5 > 0 then e.at end
            from notices e join students s on s.institute_id = e.institute_id
            """
        )
        await owner.execute("analyze notices; analyze notifications")
    finally:
        await owner.close()


async def told_per_second(app_url: str, secret: str, everybody: list[Person], seconds: float) -> float:
    """Notices told, ten in a transaction that changes a row of its own, committed; per second."""
    db = Database(app_url, Keys(secret), size=_BESIDE)
    await db.open()
    families: dict[UUID, list[UUID]] = {}
    for person in everybody:
        families.setdefault(person.institute_id, []).append(person.id)
    people, until, told = cycle(everybody), time.monotonic() + seconds, 0

    async def work(mine: Iterator[Person]) -> None:
        nonlocal told
        while time.monotonic() < until:
            person = next(mine)
            async with db.write(person.institute_id, Actor(person.id)) as tx:
                await tx.conn.execute(
                    "update users set updated_at = $3 where institute_id = $1 and id = $2",
                    person.institute_id, person.id, tx.now,
                )  # fmt: skip
                await notify(
                    tx,
                    _KIND,
                    to=families[person.institute_id][:_TOLD],
                    about=new_id(),
                    facts={"what": "Physics", "n": told},
                )
            told += min(_TOLD, len(families[person.institute_id]))

    try:
        await asyncio.gather(*(work(people) for _ in range(_BESIDE)))
    finally:
        await db.close()
    return told / seconds
