"""The audit log: who did what, with names sealed until the person's key is dropped."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from kaksha.core import audit
from kaksha.core.db import Actor
from kaksha.core.seal import Keys, SealBroken, open_sealed, seal
from kaksha.sandbox.cast import PASSWORD
from tests.world import World

_KEYS = Keys("k" * 48)


async def _entries(world: World, key: str, since: int = 0) -> list[asyncpg.Record]:
    """What was written of this person's doings, in order."""
    async with world.owner() as owner:
        rows = await owner.fetch(
            "select a.*, k.sealed_key from audit_log a left join person_keys k"
            " on k.institute_id = a.institute_id and k.user_id = a.person_id"
            " where a.institute_id = $1 and (a.actor_id = $2 or a.actor_id is null) order by a.id",
            world.institute(key), world.id(key),
        )  # fmt: skip
    return rows[since:]


def _json(row: asyncpg.Record, column: str) -> Any:
    return json.loads(row[column]) if row[column] else None


async def test_sign_in_and_out_are_in_the_log(world: World) -> None:
    before = len(await _entries(world, "rohan"))
    given = {"X-Request-ID": "audit-test-1", "X-Platform": "android", "X-Device-ID": "d-1"}
    body = {"email": "rohan@aarambh.example", "password": PASSWORD}
    signed_in = await world.anyone.post("/v1/auth/login", json=body, headers=given)
    bearer = {"Authorization": f"Bearer {signed_in.json()['data']['accessToken']}", "X-Request-ID": "audit-test-2"}
    assert (await world.anyone.post("/v1/auth/logout", json={}, headers=bearer)).status_code == 200
    opened, ended = await _entries(world, "rohan", before)
    assert (opened["action"], opened["actor_id"], opened["request_id"]) == (
        "session.opened", world.id("rohan"), "audit-test-1",
    )  # fmt: skip
    assert _json(opened, "after") == {"kind": "api", "platform": "android"}
    assert opened["at"] == world.clock()
    assert (ended["action"], ended["subject_id"], ended["request_id"]) == (
        "session.ended", opened["subject_id"], "audit-test-2",
    )  # fmt: skip
    assert _json(ended, "after") == {"why": "signed out"}


async def test_a_refused_sign_in_opens_nothing(world: World) -> None:
    before = len(await _entries(world, "meher"))
    body = {"email": "meher@aarambh.example", "password": "wrong"}
    assert (await world.anyone.post("/v1/auth/login", json=body)).status_code == 401
    assert await _entries(world, "meher", before) == []


async def test_a_reused_token_is_in_the_log_with_its_request(world: World) -> None:
    token = (await world.sign_in("vikram"))["refreshToken"]
    assert (await world.anyone.post("/v1/auth/refresh", json={"refreshToken": token})).status_code == 200
    world.clock.at += timedelta(seconds=21)
    before = len(await _entries(world, "vikram"))
    for _ in range(3):
        sent = {"X-Request-ID": "audit-test-3"}
        answer = await world.anyone.post("/v1/auth/refresh", json={"refreshToken": token}, headers=sent)
        assert answer.status_code == 401
    (ended,) = await _entries(world, "vikram", before)
    assert (ended["action"], ended["actor_id"], ended["request_id"]) == ("session.ended", None, "audit-test-3")
    assert _json(ended, "after") == {"why": "refresh token reused"}


async def test_a_name_is_sealed_and_opens_with_the_persons_key(world: World) -> None:
    api, pages = await world.api("sunita"), await world.pages("sunita")
    before = len(await _entries(world, "sunita"))
    assert (await api.patch("/v1/users/profile", json={"name": "Sunita Sharma", "theme": "dark"})).status_code == 200
    assert (await pages.post("/me", data={"name": "सुनीता", "language": "en"})).status_code == 303
    assert (await api.patch("/v1/users/profile", json={"theme": "light"})).status_code == 200
    first, second, third = await _entries(world, "sunita", before)
    for entry, names in ((first, ["Sunita Deshpande", "Sunita Sharma"]), (second, ["Sunita Sharma", "सुनीता"])):
        assert (entry["action"], entry["subject_id"], entry["person_id"]) == (
            "profile.changed", world.id("sunita"), world.id("sunita"),
        )  # fmt: skip
        assert audit.unseal(_KEYS, entry["person_id"], entry["sealed_key"], entry["sealed"]) == {"name": names}
    assert _json(first, "before")["theme"] == "system"
    assert _json(first, "after")["theme"] == "dark"
    assert (third["person_id"], third["sealed"]) == (None, None)
    await _nothing_is_readable(world, "Sunita", "Deshpande", "Sharma", "सुनीता", "sunita@", "9822010006", PASSWORD)


async def _nothing_is_readable(world: World, *words: str) -> None:
    """No column of the log or its keys holds one of these words."""
    async with world.owner() as owner:
        for table in ("audit_log", "person_keys"):
            for row in await owner.fetch(f"select * from {table}"):
                for column, value in row.items():
                    raw = value if isinstance(value, bytes) else str(value).encode()
                    for word in words:
                        assert word.lower().encode() not in raw.lower(), (table, column)


async def test_another_key_opens_nothing(world: World) -> None:
    async with world.db.write(world.institute("asha"), Actor(world.id("asha"))) as tx:
        for key in ("asha", "nandini"):
            await audit.record(
                tx, "test.sealed", None, person_id=world.id(key), personal={"name": world.people[key].name}
            )
    entries = [entry for entry in await _entries(world, "asha") if entry["action"] == "test.sealed"]
    mine, theirs = entries
    for keys, person, key, sealed in (
        (Keys("x" * 48), mine["person_id"], mine["sealed_key"], mine["sealed"]),
        (_KEYS, mine["person_id"], theirs["sealed_key"], mine["sealed"]),
        (_KEYS, mine["person_id"], mine["sealed_key"], theirs["sealed"]),
        (_KEYS, theirs["person_id"], mine["sealed_key"], mine["sealed"]),
        (_KEYS, mine["person_id"], mine["sealed_key"], mine["sealed"][:-1] + bytes([mine["sealed"][-1] ^ 1])),
    ):
        with pytest.raises(SealBroken):
            audit.unseal(keys, person, key, sealed)


async def test_dropping_a_key_leaves_the_log_whole(world: World) -> None:
    """And what is recorded of the same person later is sealed with a new key."""
    institute, person = world.institute("kabir"), world.id("kabir")
    for name in ("before", "after"):
        async with world.db.write(institute, Actor(person)) as tx:
            await audit.record(tx, "test.sealed", person, person_id=person, personal={"name": name})
            if name == "before":
                await tx.conn.execute("delete from person_keys where user_id = $1", person)
    gone, kept = [entry for entry in await _entries(world, "kabir") if entry["action"] == "test.sealed"]
    with pytest.raises(SealBroken):
        audit.unseal(_KEYS, person, gone["sealed_key"], gone["sealed"])
    assert audit.unseal(_KEYS, person, kept["sealed_key"], kept["sealed"]) == {"name": "after"}


async def test_what_is_rolled_back_is_not_in_the_log(world: World) -> None:
    before = len(await _entries(world, "asha"))
    with pytest.raises(ZeroDivisionError):
        async with world.db.write(world.institute("asha"), Actor(world.id("asha"))) as tx:
            await audit.record(tx, "test.undone", None)
            raise ZeroDivisionError
    assert len(await _entries(world, "asha")) == before


def test_a_seal_differs_each_time_and_belongs_to_its_context() -> None:
    key, context = _KEYS.derive("test"), UUID(int=1).bytes
    first, second = seal(key, b"value", context), seal(key, b"value", context)
    assert first != second
    assert open_sealed([key], first, context) == b"value"
    for bad in (b"", first[:11], first[:-1], first + b"x"):
        with pytest.raises(ValueError):  # noqa: PT011 - SealBroken, or a value too short to be one
            open_sealed([key], bad, context)
    with pytest.raises(SealBroken):
        open_sealed([key], first, UUID(int=2).bytes)
    assert _KEYS.derive("a") != _KEYS.derive("b")
