"""Attacks at whatever size KAKSHA_ATTACK says: everyone gets in, nobody else does, and nobody is locked out.

`make attack` runs them at full size and shows what came back.
"""

import asyncio
import itertools
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpx2
import pytest

from kaksha.accounts.service import SIGN_INS
from kaksha.codes.service import code_of, make_link, opened
from kaksha.core.db import Actor
from kaksha.core.ids import new_id
from kaksha.core.limits import take
from kaksha.core.seal import Keys
from kaksha.sandbox.cast import PASSWORD
from kaksha.sessions import service as sessions
from tests.attacks.conftest import SIZE
from tests.world import World

_places = (f"10.{a}.{b}.{c}" for a, b, c in itertools.product(range(1, 250), range(250), range(1, 250)))
_VIKRAM = "vikram@aarambh.example"


def _told(attack: str, answers: Iterable[httpx2.Response]) -> Counter[int]:
    """How often each status came back; `pytest -s` shows it."""
    found = Counter(answer.status_code for answer in answers)
    sys.stdout.write(f"\n{attack:<58} {'  '.join(f'{status}: {count}' for status, count in sorted(found.items()))}\n")
    return found


async def _post(client: httpx2.AsyncClient, path: str, body: dict[str, Any], place: str, device: str = "") -> Any:
    headers = {"X-Forwarded-For": place} | ({"X-Device-ID": device} if device else {})
    return await client.post(path, json=body, headers=headers)


async def _login(
    client: httpx2.AsyncClient, place: str, email: str, password: str = PASSWORD, device: str = ""
) -> httpx2.Response:
    return await _post(client, "/v1/auth/login", {"email": email, "password": password}, place, device)


async def _waves(tries: Iterable[Awaitable[httpx2.Response]]) -> list[httpx2.Response]:
    """All of them, fifty at once: more would find the queue of passwords full, which is another test."""
    turns = asyncio.Semaphore(50)

    async def one(attempt: Awaitable[httpx2.Response]) -> httpx2.Response:
        async with turns:
            return await attempt

    return await asyncio.gather(*(one(attempt) for attempt in tries))


async def _refreshed(client: httpx2.AsyncClient, token: str) -> httpx2.Response:
    return await _post(client, "/v1/auth/refresh", {"refreshToken": token}, next(_places))


# --- refresh tokens ---------------------------------------------------------------------------------------------


async def test_one_token_refreshed_by_all_at_once(world: World, crowd: httpx2.AsyncClient) -> None:
    first = (await _login(crowd, next(_places), _VIKRAM)).json()["data"]
    async with world.owner() as owner:
        before = await owner.fetchval("select count(*) from refresh_tokens")
        answers = await asyncio.gather(*(_refreshed(crowd, first["refreshToken"]) for _ in range(SIZE)))
        assert set(_told("one token, refreshed at once", answers)) == {200}
        assert len({answer.json()["data"]["refreshToken"] for answer in answers}) == 1
        assert await owner.fetchval("select count(*) from refresh_tokens") == before + 1
    bearer = {"Authorization": f"Bearer {answers[-1].json()['data']['accessToken']}"}
    assert (await crowd.get("/v1/users/profile", headers=bearer)).status_code == 200


async def test_many_tokens_refreshed_at_once(world: World, crowd: httpx2.AsyncClient) -> None:
    """Each family goes on by one token; a token that comes back after the grace ends its own family and no other."""
    signed_in = [(await _login(crowd, next(_places), f"{key}@aarambh.example")).json()["data"]
                 for key in ("rohan", "meher", "sunita", "asha") for _ in range(5)]  # fmt: skip
    first = [each["refreshToken"] for each in signed_in]
    tokens, seen = first, list[httpx2.Response]()
    while len(seen) < SIZE:
        answers = await asyncio.gather(*(_refreshed(crowd, token) for token in tokens for _ in range(2)))
        seen += answers
        tokens = [answer.json()["data"]["refreshToken"] for answer in answers[::2]]
        assert tokens == [answer.json()["data"]["refreshToken"] for answer in answers[1::2]]
    assert set(_told("twenty families, refreshed twice at once", seen)) == {200}
    world.clock.forward(seconds=sessions.GRACE.total_seconds() + 0.001)
    replayed = await _refreshed(crowd, first[0])
    assert (replayed.status_code, replayed.json()["code"]) == (401, "REFRESH_TOKEN_REUSED")
    last = await asyncio.gather(*(_refreshed(crowd, token) for token in tokens))
    assert [answer.status_code for answer in last] == [401] + [200] * 19


# --- passwords ----------------------------------------------------------------------------------------------------


async def test_stuffing_one_account_from_one_address(world: World, crowd: httpx2.AsyncClient) -> None:
    place = next(_places)
    answers = await _waves(_login(crowd, place, _VIKRAM, f"guess {n}") for n in range(SIZE))
    found = _told("one account, one address", answers)
    assert found == {401: 10, 429: SIZE - 10}
    assert (await _login(crowd, next(_places), _VIKRAM)).status_code == 200  # its owner, from wherever


async def test_stuffing_one_account_from_everywhere(world: World, crowd: httpx2.AsyncClient) -> None:
    """Stops at fifty; who signed in from an address or with a device before still does."""
    home, device = next(_places), secrets.token_hex(8)
    assert (await _login(crowd, home, _VIKRAM, device=device)).status_code == 200
    answers = await _waves(
        _login(crowd, next(_places), _VIKRAM, f"guess {n}", secrets.token_hex(8)) for n in range(SIZE)
    )
    found = _told("one account, an address and device for each try", answers)
    assert found == {401: 50, 429: SIZE - 50}
    assert (await _login(crowd, home, _VIKRAM)).status_code == 200
    assert (await _login(crowd, next(_places), _VIKRAM, device=device)).status_code == 200
    assert (await _login(crowd, next(_places), "nandini@aarambh.example")).status_code == 200
    assert (await _login(crowd, next(_places), _VIKRAM)).status_code == 429  # the right password opens no strange place
    # Even knowing the owner's device brings ten tries, not ten thousand, and the owner's address stays open.
    stolen = await asyncio.gather(*(_login(crowd, next(_places), _VIKRAM, "x", device) for _ in range(12)))
    assert Counter(answer.status_code for answer in stolen) == {401: 10, 429: 2}
    assert (await _login(crowd, home, _VIKRAM)).status_code == 200


async def test_stuffing_all_accounts_from_one_address(world: World, crowd: httpx2.AsyncClient) -> None:
    """Stops at sixty, for members and strangers alike; a neighbour who signed in there before still does."""
    school = next(_places)
    assert (await _login(crowd, school, "rohan@aarambh.example")).status_code == 200
    members = [f"{key}@aarambh.example" for key in ("vikram", "nandini", "meher", "sunita", "asha")]
    logins = [*members, *(f"s{n}@aarambh.example" for n in range(SIZE - len(members)))]
    answers = await _waves(_login(crowd, school, login, "kaksha-demo1") for login in logins)
    found = _told("an account for each try, one address", answers)
    assert found == {401: 60, 429: SIZE - 60}
    assert (await _login(crowd, school, "rohan@aarambh.example")).status_code == 200
    assert (await _login(crowd, next(_places), _VIKRAM)).status_code == 200


async def test_a_browser_is_known_again(world: World) -> None:
    """By a cookie of its own, which stays when somebody signs out and says nothing of who it was."""
    form = {"login": "nandini@aarambh.example", "password": PASSWORD}
    async with httpx2.AsyncClient(base_url=world.url, headers={"Sec-Fetch-Site": "same-origin"}) as browser:
        assert (await browser.post("/sign-in", data=form, headers={"X-Forwarded-For": next(_places)})).is_redirect
        await browser.post("/sign-out")
        assert set(browser.cookies) - {"kaksha_notice"} == {"kaksha_device"}
        async with world.db.read(None) as conn:  # what fifty wrong ones from elsewhere leave behind
            for _ in range(SIGN_INS.login.burst):
                await take(conn, SIGN_INS.login, form["login"], world.clock())
        elsewhere = {"X-Forwarded-For": next(_places)}
        assert (await world.anyone.post("/sign-in", data=form, headers=elsewhere)).status_code == 429
        assert (await browser.post("/sign-in", data=form, headers={"X-Forwarded-For": next(_places)})).is_redirect


# --- codes and links ------------------------------------------------------------------------------------------------


async def _asked(client: httpx2.AsyncClient, phone: str, place: str) -> httpx2.Response:
    return await _post(client, "/v1/auth/otp/request", {"phone": phone}, place)


async def test_guessing_a_code(world: World, crowd: httpx2.AsyncClient) -> None:
    """Five tries for a challenge, and those of strangers keep nobody from the code that reaches their own phone."""
    phone, home = world.people["kabir"].phone or "", next(_places)

    async def enter(challenge: str, code: str, place: str) -> httpx2.Response:
        return await _post(crowd, "/v1/auth/otp/verify", {"challenge": challenge, "code": code}, place)

    def right(challenge: str) -> str:
        core: Any = type("Core", (), {"keys": Keys(world.settings.secret_key)})
        asked = opened(core, "challenge", challenge)
        assert asked is not None

        return code_of(core, asked)

    own = (await _asked(crowd, phone, home)).json()["data"]["challenge"]
    assert (await enter(own, right(own), home)).status_code == 200
    world.clock.forward(seconds=30)
    challenge = (await _asked(crowd, phone, next(_places))).json()["data"]["challenge"]
    wrong = [f"{n:06}" for n in range(SIZE + 1) if f"{n:06}" != right(challenge)][:SIZE]
    answers = await asyncio.gather(*(enter(challenge, code, next(_places)) for code in wrong))
    found = _told("one challenge", answers)
    assert found == {401: 5, 429: SIZE - 5}
    assert (await enter(challenge, right(challenge), home)).status_code == 429
    # New challenges: few for a phone, and their guesses are counted together.
    statuses = [(await _asked(crowd, phone, next(_places))).status_code for _ in range(10)]
    assert statuses.count(200) <= 5
    world.clock.forward(seconds=30)
    own = (await _asked(crowd, phone, home)).json()["data"]["challenge"]
    assert (await enter(own, right(own), home)).status_code == 200


async def test_guesses_of_codes_are_counted_over_challenges(world: World, crowd: httpx2.AsyncClient) -> None:
    phone, seen = "+919822010001", Counter[int]()
    for _ in range(6):
        world.clock.forward(minutes=11)
        challenge = (await _asked(crowd, phone, next(_places))).json()["data"]["challenge"]
        body = {"challenge": challenge, "code": "x"}
        for _ in range(5):
            seen[(await _post(crowd, "/v1/auth/otp/verify", body, next(_places))).status_code] += 1
    assert seen[401] <= 23, seen


async def test_guessing_a_reset_link(world: World, crowd: httpx2.AsyncClient) -> None:
    """Nothing but the one that was sent works; that one works once, and only its hash is kept."""
    institute = world.institute("nandini")
    async with world.db.write(institute, Actor(None)) as tx:
        person = await sessions.account(world.db, institute, world.id("nandini"))
        token = await make_link(tx, person, "reset_password", new_id(), person.email or "")
    async with world.owner() as owner:
        (kept,) = await owner.fetch("select to_jsonb(t)::text as row from one_time_tokens t")
        assert token.partition("_")[2] not in kept["row"]
    guesses = [token[:25] + secrets.token_urlsafe(40)[: len(token) - 25] for _ in range(SIZE)]
    sent = {"password": "a long walk home"}
    path = "/v1/auth/reset-password"
    answers = await asyncio.gather(*(_post(crowd, path, sent | {"token": each}, next(_places)) for each in guesses))
    assert set(_told("reset tokens of the right institute", answers)) == {410}
    both = await asyncio.gather(*(_post(crowd, path, sent | {"token": token}, next(_places)) for _ in range(5)))
    assert sorted(answer.status_code for answer in both) == [200, 410, 410, 410, 410]
    async with world.owner() as owner:
        kept = await owner.fetchval("select password_hash from users where id = $1", world.id("vikram"))
        await owner.execute("update users set password_hash = $2 where id = $1", world.id("nandini"), kept)


# --- who exists -----------------------------------------------------------------------------------------------------

_SAMPLES = max(20, SIZE // 50)
_numbers = itertools.count(10000)


def _registration(reach: str) -> dict[str, Any]:
    return {"name": "Some Body", "email": reach, "password": "a long walk home", "role": "parent",
            "instituteCode": "aarambh"}  # fmt: skip


_ASKS: dict[str, Callable[[str], tuple[str, dict[str, Any]]]] = {
    "login": lambda who: ("/v1/auth/login", {"email": who, "password": "wrong"}),
    "forgot": lambda who: ("/v1/auth/forgot-password", {"email": who}),
    "code": lambda who: ("/v1/auth/otp/request", {"phone": who}),
    "register": lambda who: ("/v1/auth/register", _registration(who)),
}


@pytest.mark.parametrize("ask", _ASKS)
async def test_nothing_tells_who_exists(world: World, ask: str) -> None:
    """Neither status nor body nor time: of pairs of answers, the member's is the slower one about half the time."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    shapes: dict[bool, set[Any]] = {True: set(), False: set()}

    async def once(member: bool) -> None:
        n = next(_numbers)
        if ask == "code":
            who = "+919822010002" if member else f"+9198300{n:05}"
        else:
            who = _VIKRAM if member else f"vikra{n}@aarambh.example"
        path, body = _ASKS[ask](who)
        began = time.perf_counter()
        answer = await _post(world.anyone, path, body, next(_places))
        seconds[member].append(time.perf_counter() - began)
        shapes[member].add((answer.status_code, *_shape(answer.json())))

    for _ in range(_SAMPLES):
        world.clock.forward(minutes=11)  # past the limits, which are the same for both
        for member in random.sample((True, False), 2):
            await once(member)
    assert shapes[True] == shapes[False]
    pairs = [(mine > theirs) + (mine == theirs) / 2 for mine in seconds[True] for theirs in seconds[False]]
    slower, spread = sum(pairs) / len(pairs), ((2 * _SAMPLES + 1) / (12 * _SAMPLES**2)) ** 0.5
    sys.stdout.write(
        f"\n{f'{ask}: a member is answered later than a stranger':<58} {slower:.3f} of {len(pairs)} pairs\n"
    )
    assert abs(slower - 0.5) < max(0.1, 4 * spread), seconds


def _shape(value: Any) -> tuple[str, ...]:
    data = value.get("data")
    return (*sorted(value), *(sorted(data) if isinstance(data, dict) else ()), str(value.get("message")))
