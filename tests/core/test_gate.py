"""Who a proof belongs to: what is remembered, and what must be forgotten when roles change."""

import asyncio
import math
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from kaksha.core import gate as gate_module
from kaksha.core.db import SYSTEM
from kaksha.core.gate import ACCESS, Gate, SessionChange
from kaksha.core.http import Principal
from kaksha.core.live import Ears
from kaksha.core.seal import Keys
from kaksha.core.tokens import Tokens
from kaksha.sessions import service
from tests.world import NOW, World


async def _get(world: World, bearer: str, scheme: str = "Bearer") -> httpx2.Response:
    return await world.anyone.get("/v1/users/profile", headers={"Authorization": f"{scheme} {bearer}".encode()})


async def _claims(world: World, data: Any) -> dict[str, Any]:
    return Tokens(Keys("k" * 48)).read(ACCESS, data["accessToken"], world.clock())


async def _give_roles(world: World, key: str, *roles: str) -> None:
    """As an admin's change of a person does it."""
    async with world.db.write(world.institute(key), SYSTEM) as tx:
        await tx.conn.execute("update users set roles = $2 where id = $1", world.id(key), list(roles))
        await service.refresh_sign_ins(tx, world.id(key))


async def test_a_token_is_spent_after_ten_minutes(world: World) -> None:
    data = await world.sign_in("rohan")
    assert (await _get(world, data["accessToken"])).status_code == 200
    world.clock.forward(minutes=9, seconds=59)
    assert (await _get(world, data["accessToken"])).status_code == 200
    world.clock.forward(minutes=1, seconds=1)
    for _ in range(2):  # remembered, and not
        answer = await _get(world, data["accessToken"])
        assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_EXPIRED")
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_what_is_no_access_token_is_refused(world: World) -> None:
    world.clock.forward(minutes=5)
    data = await world.sign_in("rohan")
    good = data["accessToken"]
    head, body, signature = good.split(".")
    tokens, stranger = Tokens(Keys("k" * 48)), Tokens(Keys("x" * 48))
    claims = await _claims(world, data)
    own = {key: value for key, value in claims.items() if key not in ("iss", "aud", "iat", "exp")}
    life = service.ACCESS_LIFE
    bad = [
        "garbage", f"{head}.{body}.", f"{head}.{body[:-1]}.{signature}", f"eyJhbGciOiJub25lIn0.{body}.",
        stranger.sign(ACCESS, own, world.clock(), life), tokens.sign("profiles", own, world.clock(), life),
        *(tokens.sign(ACCESS, {k: v for k, v in own.items() if k != left}, world.clock(), life) for left in own),
        tokens.sign(ACCESS, {**own, "iid": "nobody"}, world.clock(), life), data["refreshToken"], "A" * 20_000,
        "%00", "क.ख.ग",
    ]  # fmt: skip
    for token in bad:
        answer = await _get(world, token)
        assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_TOKEN"), token
    again = tokens.sign(ACCESS, own, world.clock(), life)  # nothing else was wrong with those
    for token, scheme in ((good, "Bearer"), (good, "bearer"), (again, "Bearer")):
        assert (await _get(world, token, scheme)).status_code == 200
    for scheme in ("Basic", "Token", "Bearer,"):
        answer = await _get(world, good, scheme)
        assert (answer.status_code, answer.json()["code"]) == (401, "NOT_SIGNED_IN")


async def test_neither_face_takes_the_others_proof(world: World) -> None:
    """Also when the other face has just remembered it."""
    world.clock.forward(minutes=5)
    token = (await world.sign_in("rohan"))["accessToken"]
    pages = await world.pages("rohan")
    cookie = pages.cookies["kaksha_session"]
    assert (await _get(world, token)).status_code == 200
    assert (await pages.get("/me")).status_code == 200
    answer = await _get(world, cookie)
    assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_TOKEN")
    page = await world.anyone.get("/me", headers={"Cookie": f"kaksha_session={token}"})
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=/me")
    assert (await pages.get("/v1/users/profile")).status_code == 401
    assert (await pages.get("//v1/users/profile")).status_code in (401, 404)
    assert (await world.anyone.get("/me", headers={"Authorization": f"Bearer {token}"})).status_code == 303


async def test_roles_in_a_token_follow_a_change_of_roles(world: World) -> None:
    world.clock.forward(minutes=5)
    data = await world.sign_in("vikram")
    assert (await _claims(world, data))["rol"] == ["teacher"]
    assert (await _get(world, data["accessToken"])).status_code == 200
    for roles in (["teacher", "admin"], ["teacher"], ["admin"], ["teacher"]):  # the clock stands still meanwhile
        await _give_roles(world, "vikram", *roles)
        async with asyncio.timeout(1):
            while (answer := await _get(world, data["accessToken"])).status_code == 200:
                await asyncio.sleep(0.01)
        assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_EXPIRED")
        renewed = await world.anyone.post("/v1/auth/refresh", json={"refreshToken": data["refreshToken"]})
        data = renewed.json()["data"]
        assert data["user"]["roles"] == roles
        assert (await _claims(world, data))["rol"] == roles
        assert (await _get(world, data["accessToken"])).status_code == 200


async def test_a_proof_made_while_roles_change_does_not_outlive_the_change(world: World) -> None:
    """It holds the roles from before, although it is younger than the beginning of the change."""
    world.clock.forward(minutes=5)
    data, pages = await world.sign_in("nandini"), await world.pages("nandini")
    async with world.db.write(world.institute("nandini"), SYSTEM) as tx:
        await tx.conn.execute(
            "update users set roles = '{teacher,admin}', theme = 'dark' where id = $1", world.id("nandini")
        )
        world.clock.forward(seconds=5)
        renewed = await world.anyone.post("/v1/auth/refresh", json={"refreshToken": data["refreshToken"]})
        old = renewed.json()["data"]
        assert old["user"]["roles"] == ["teacher"]
        assert (await _get(world, old["accessToken"])).status_code == 200
        world.clock.forward(minutes=10)  # the page session is read again, with the look from before
        renewed = await world.anyone.post("/v1/auth/refresh", json={"refreshToken": old["refreshToken"]})
        old = renewed.json()["data"]
        assert 'data-theme="dark"' not in (await pages.get("/me")).text
        await service.refresh_sign_ins(tx, world.id("nandini"))
        # From here on a refresh waits for the sessions' rows and then goes on with what it read before.
        late = asyncio.create_task(world.anyone.post("/v1/auth/refresh", json={"refreshToken": old["refreshToken"]}))
        async with asyncio.timeout(10), world.owner() as watcher:
            while not await watcher.fetchval("select count(*) from pg_locks where not granted"):
                assert not late.done()
                await asyncio.sleep(0.01)
    late_data = (await late).json()["data"]
    for token in (old["accessToken"], late_data["accessToken"]):
        async with asyncio.timeout(1):
            while (await _get(world, token)).status_code == 200:
                await asyncio.sleep(0.01)
    async with asyncio.timeout(1):
        while 'data-theme="dark"' not in (await pages.get("/me")).text:
            await asyncio.sleep(0.01)
    renewed = await world.anyone.post("/v1/auth/refresh", json={"refreshToken": late_data["refreshToken"]})
    assert sorted(renewed.json()["data"]["user"]["roles"]) == ["admin", "teacher"]


async def test_two_changes_at_once_are_two(world: World) -> None:
    """The one that began first and ends last must not look older than the other."""
    world.clock.forward(minutes=5)
    data = await world.sign_in("meher")
    async with world.db.write(world.institute("meher"), SYSTEM) as early:
        await early.conn.fetchval("select 1")
        world.clock.forward(seconds=5)
        await _give_roles(world, "meher", "student", "parent")
        renewed = await world.anyone.post("/v1/auth/refresh", json={"refreshToken": data["refreshToken"]})
        data = renewed.json()["data"]
        await early.conn.execute("update users set roles = '{student}' where id = $1", world.id("meher"))
        await service.refresh_sign_ins(early, world.id("meher"))
    async with asyncio.timeout(1):
        while (await _get(world, data["accessToken"])).status_code == 200:
            await asyncio.sleep(0.01)


def _gate(changes: list[SessionChange]) -> Gate:
    async def load(_: str, __: object) -> None:
        return None

    async def listed(_: Principal | None) -> list[SessionChange]:
        return changes

    return Gate(Tokens(Keys("k" * 48)), Ears("postgresql://nowhere"), lambda: NOW, load, listed)


async def test_what_a_gate_knows_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "_MOST", 50)
    gate = _gate([])
    tokens, who = Tokens(Keys("k" * 48)), str(uuid4())
    for _ in range(200):
        own = {
            "sub": who, "iid": who, "sid": str(uuid4()), "rol": [], "prm": [], "lng": "en", "zon": "Asia/Kolkata",
            "upd": 0.0,
        }  # fmt: skip
        await gate.token(tokens.sign(ACCESS, own, NOW, service.ACCESS_LIFE))
    assert len(gate._known) == 50


def test_many_notices_cost_little_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Old ones are looked for now and then, not at each new one."""
    monkeypatch.setattr(gate_module, "_MOST", 50)
    gate = _gate([])
    looked = 0
    for at in range(2000):
        before = gate._void_before
        gate._heard({"session_id": str(uuid4()), "at": float(at), "ended": False})
        looked += gate._void_before is not before
    assert len(gate._void_before) == 2000
    assert 1 <= looked <= 10


async def test_an_ended_sign_in_stays_ended() -> None:
    session = uuid4()
    gate = _gate([])
    gate._heard({"session_id": str(session), "at": 5.0, "ended": True})
    gate._heard({"session_id": str(session), "at": 9.0, "ended": False})
    assert gate._void_before[session][0] == math.inf
