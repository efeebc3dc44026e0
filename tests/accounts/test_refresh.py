"""Refresh tokens: used once, followed by one successor, and a token in two hands ends its whole sign-in."""

import asyncio
import base64
import secrets
import time
from pathlib import Path
from typing import Any

import httpx2

from kaksha.core.seal import Keys
from kaksha.core.tokens import Tokens
from tests.world import World, serving


async def _refresh(world: World, token: str) -> httpx2.Response:
    return await world.anyone.post("/v1/auth/refresh", json={"refreshToken": token})


async def _good(world: World, access_token: str) -> bool:
    answer = await world.anyone.get("/v1/users/profile", headers={"Authorization": f"Bearer {access_token}"})
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def _refused_within_a_second(worlds: list[World], access_token: str) -> None:
    began = time.monotonic()
    while any([await _good(world, access_token) for world in worlds]):
        assert time.monotonic() - began < 1
        await asyncio.sleep(0.01)


async def _rows(world: World) -> tuple[int, int, int]:
    """(refresh tokens, those that are unused, sign-ins that ended)."""
    async with world.owner() as owner:
        return tuple(
            await owner.fetchrow(
                "select count(*), count(*) filter (where used_at is null),"
                " (select count(*) from sessions where revoked_at is not null) from refresh_tokens"
            )
        )


async def _sign_in(*worlds: World, key: str = "rohan") -> Any:
    """A sign-in half a minute later, so that the limit never counts; at the same time on all of `worlds`."""
    worlds[0].clock.forward(seconds=30)
    for world in worlds:
        world.clock.at = worlds[0].clock.at
    return await worlds[0].sign_in(key)


async def test_a_refresh_brings_new_tokens_that_work(world: World) -> None:
    first = await _sign_in(world)
    world.clock.forward(minutes=2)
    answer = await _refresh(world, first["refreshToken"])
    assert answer.status_code == 200, answer.text
    second = answer.json()["data"]
    assert second.keys() == first.keys()
    assert second["user"] == first["user"]
    assert second["refreshToken"] != first["refreshToken"]
    assert second["accessToken"] != first["accessToken"]
    assert await _good(world, second["accessToken"])
    assert await _good(world, first["accessToken"])  # until its own time is over
    third = await _refresh(world, second["refreshToken"])
    assert third.status_code == 200


async def test_two_hundred_at_once_get_the_same_successor(world: World, other: World) -> None:
    token = (await _sign_in(world, other))["refreshToken"]
    before = await _rows(world)
    answers = await asyncio.gather(*(_refresh(server, token) for server in (world, other) for _ in range(100)))
    assert [answer.status_code for answer in answers] == [200] * 200
    successors = {answer.json()["data"]["refreshToken"] for answer in answers}
    assert len(successors) == 1
    assert await _rows(world) == (before[0] + 1, before[1], before[2])
    assert all([await _good(world, answer.json()["data"]["accessToken"]) for answer in answers[::40]])
    last = await asyncio.gather(*(_refresh(server, *successors) for server in (world, other) for _ in range(10)))
    assert [answer.status_code for answer in last] == [200] * 20
    assert await _rows(world) == (before[0] + 2, before[1], before[2])


async def test_a_lost_answer_may_be_asked_for_again(world: World, other: World) -> None:
    """Twenty seconds long, also at another server, and also when the successor has been used by then."""
    token = (await _sign_in(world, other))["refreshToken"]
    successor = (await _refresh(world, token)).json()["data"]["refreshToken"]
    for server in (world, other):
        server.clock.forward(seconds=10)
    assert (await _refresh(world, successor)).status_code == 200
    for server in (world, other):
        server.clock.forward(seconds=10)
    again = await _refresh(other, token)
    assert (again.status_code, again.json()["data"]["refreshToken"]) == (200, successor)
    assert await _good(world, again.json()["data"]["accessToken"])


async def test_a_token_in_two_hands_ends_the_sign_in_everywhere(world: World, other: World) -> None:
    elsewhere = await _sign_in(world, other)
    pages = await world.pages("rohan")
    stolen = await _sign_in(world, other)
    taken = (await _refresh(world, stolen["refreshToken"])).json()["data"]
    assert await _good(other, stolen["accessToken"])
    assert await _good(other, taken["accessToken"])
    for server in (world, other):
        server.clock.forward(seconds=20.001)
    before = await _rows(world)
    reused = await _refresh(other, stolen["refreshToken"])
    assert (reused.status_code, reused.json()["code"]) == (401, "REFRESH_TOKEN_REUSED")
    for token in (stolen["accessToken"], taken["accessToken"]):
        await _refused_within_a_second([world, other], token)
    for token in (stolen["refreshToken"], taken["refreshToken"]):
        answer = await _refresh(world, token)
        assert (answer.status_code, answer.json()["code"]) == (401, "SESSION_EXPIRED")
    # Nothing else of this person ended.
    assert await _rows(world) == (before[0], before[1], before[2] + 1)
    assert (await _refresh(world, elsewhere["refreshToken"])).status_code == 200
    assert (await pages.get("/me")).status_code == 200


async def test_a_sign_in_that_nobody_uses_is_over_after_sixty_days(world: World) -> None:
    token = (await _sign_in(world, key="meher"))["refreshToken"]
    began = world.clock.at
    try:
        world.clock.forward(days=59)
        token = (await _refresh(world, token)).json()["data"]["refreshToken"]  # starts it anew
        world.clock.forward(days=60)
        answer = await _refresh(world, token)
        assert (answer.status_code, answer.json()["code"]) == (401, "SESSION_EXPIRED")
    finally:
        world.clock.at = began


async def test_a_disabled_person_gets_no_new_tokens(world: World) -> None:
    token = (await _sign_in(world, key="vikram"))["refreshToken"]
    async with world.owner() as owner:
        await owner.execute("update users set status = 'disabled' where id = $1", world.id("vikram"))
    answer = await _refresh(world, token)
    assert (answer.status_code, answer.json()["code"]) == (401, "SESSION_EXPIRED")
    async with world.owner() as owner:
        await owner.execute("update users set status = 'active' where id = $1", world.id("vikram"))
    assert (await _refresh(world, token)).status_code == 200


async def test_what_is_no_refresh_token_of_ours_is_refused_and_changes_nothing(world: World) -> None:
    good = (await _sign_in(world, key="nandini"))["refreshToken"]
    used = (await _sign_in(world, key="nandini"))["refreshToken"]
    assert (await _refresh(world, used)).status_code == 200
    access = (await _sign_in(world, key="nandini"))["accessToken"]
    pages = await world.pages("nandini")
    cookie = next(iter(pages.cookies.values()))
    body = base64.urlsafe_b64decode(good.removeprefix("rt_"))
    foreign = "rt_" + base64.urlsafe_b64encode(world.institute("kabir").bytes + body[16:]).decode()
    nowhere = "rt_" + base64.urlsafe_b64encode(secrets.token_bytes(16) + body[16:]).decode()
    other_keys = Tokens(Keys("x" * 48))
    before = await _rows(world)
    bad = [
        "garbage", "rt_", "rt_garbage", "rt_" + "A" * 64, "rt_" + "=" * 64, f"rt_{good}", "क" * 60, "rt_" + "é" * 64,
        good + "A", good[:-1], good[:-4], good.upper(), good[:-1] + ("A" if good[-1] != "A" else "B"),
        good[:3] + " " + good[3:], good + "=", good + "\n", good[:10] + "." + good[10:], " " + good,
        good.replace("rt_", "ws_"), cookie, cookie.replace("ws_", "rt_"), access[:200],
        foreign, nowhere, other_keys.successor("rt", Tokens(Keys("k" * 48)).parse("rt", used)).text,
        other_keys.opaque("rt", world.institute("rohan")).text, "\x00" * 67,
    ]  # fmt: skip
    for token in bad:
        answer = await _refresh(world, token)
        assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_TOKEN"), repr(token)
        assert answer.headers["www-authenticate"] == "Bearer"
    assert (await _refresh(world, access)).status_code == 422  # longer than any refresh token
    assert (await _refresh(world, "")).status_code == 422
    assert await _rows(world) == before
    assert (await _refresh(world, good)).status_code == 200


async def test_the_spent_access_token_beside_it_does_not_matter(world: World) -> None:
    """Clients send their Authorization header with every request, and refresh because it is spent."""
    data = await _sign_in(world, key="sunita")
    world.clock.forward(minutes=11)
    headers = {"Authorization": f"Bearer {data['accessToken']}"}
    body = {"refreshToken": data["refreshToken"]}
    answer = await world.anyone.post("/v1/auth/refresh", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    login = {"email": world.people["sunita"].email, "password": "kaksha-demo"}
    assert (await world.anyone.post("/v1/auth/login", json=login, headers=headers)).status_code == 200


async def test_all_of_it_works_behind_a_transaction_pooler(database: tuple[str, str], tmp_path: Path) -> None:
    owner_url, app_url = database
    async with serving(
        tmp_path, app_url, owner_url, DATABASE_POOLER="transaction", DATABASE_DIRECT_URL=app_url
    ) as pooled:
        token = (await pooled.sign_in("asha"))["refreshToken"]
        assert (await _refresh(pooled, token)).status_code == 200
        pages = await pooled.pages("asha")
        assert (await pages.get("/me")).status_code == 200
