"""One-time codes by SMS: five tries, once, young, and nothing told to strangers."""

import asyncio
import re
from typing import Any

from kaksha.sandbox.emulators import Emulators
from kaksha.sandbox.inbox import Message
from tests.world import World

KABIR = "+919822020004"
FAMILY = "+919822010006"


async def _ask(world: World, phone: str, address: str = "198.51.100.7") -> Any:
    world.clock.forward(minutes=11)  # past every limit of the tests before
    answer = await world.anyone.post(
        "/v1/auth/otp/request", json={"phone": phone}, headers={"X-Forwarded-For": address}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def _code(sandbox: Emulators, to: str, after: int) -> str:
    def found() -> list[Message]:
        return sandbox.inbox.messages(to=to, after=after)

    async with asyncio.timeout(15):
        await sandbox.inbox.wait(lambda _: bool(found()), 15)
    digits = re.match(r"(\d{6}) is your Kaksha code|(\d{6})", found()[0].text)
    assert digits is not None, found()[0].text
    return digits.group(1) or digits.group(2)


def _last(sandbox: Emulators) -> int:
    return max((message.id for message in sandbox.inbox.messages()), default=0)


async def _enter(world: World, challenge: str, code: str) -> Any:
    return await world.anyone.post("/v1/auth/otp/verify", json={"challenge": challenge, "code": code})


async def test_a_code_signs_in_once(world: World, sandbox: Emulators) -> None:
    mark = _last(sandbox)
    asked = await _ask(world, "98220 20004")
    code = await _code(sandbox, KABIR, mark)
    assert sandbox.inbox.messages(to=KABIR, after=mark)[0].text.splitlines()[-1] == f"@localhost #{code}"
    answer = await _enter(world, asked["challenge"], f"{code[:3]} {code[3:]}")
    assert answer.json()["data"]["user"]["id"] == str(world.id("kabir"))
    again = await _enter(world, asked["challenge"], code)
    assert (again.status_code, again.json()["code"]) == (401, "WRONG_CODE")


async def test_a_family_chooses_who_it_is(world: World, sandbox: Emulators) -> None:
    mark = _last(sandbox)
    asked = await _ask(world, FAMILY)
    choice = (await _enter(world, asked["challenge"], await _code(sandbox, FAMILY, mark))).json()["data"]
    assert len(choice["profiles"]) == 3
    body = {"profileTicket": choice["profileTicket"], "userId": str(world.id("sunita"))}
    assert (await world.anyone.post("/v1/auth/login", json=body)).json()["data"]["user"]["id"] == body["userId"]


async def test_five_tries_and_no_more(world: World, sandbox: Emulators) -> None:
    mark = _last(sandbox)
    asked = await _ask(world, KABIR)
    code = await _code(sandbox, KABIR, mark)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    answers = [await _enter(world, asked["challenge"], wrong) for _ in range(5)]
    assert {answer.json()["code"] for answer in answers} == {"WRONG_CODE"}
    last = await _enter(world, asked["challenge"], code)
    assert (last.status_code, last.json()["code"]) == (429, "TOO_MANY_TRIES")


async def test_of_fifty_at_once_five_are_tries(world: World, sandbox: Emulators) -> None:
    asked = await _ask(world, KABIR)
    answers = await asyncio.gather(*(_enter(world, asked["challenge"], "000000") for _ in range(50)))
    assert sum(answer.json()["code"] == "WRONG_CODE" for answer in answers) <= 5


async def test_a_code_is_good_for_five_minutes(world: World, sandbox: Emulators) -> None:
    mark = _last(sandbox)
    asked = await _ask(world, KABIR)
    code = await _code(sandbox, KABIR, mark)
    world.clock.forward(minutes=5)
    assert (await _enter(world, asked["challenge"], code)).json()["code"] == "WRONG_CODE"


async def test_a_code_fits_its_own_asking_only(world: World, sandbox: Emulators) -> None:
    mark = _last(sandbox)
    await _ask(world, KABIR)
    code = await _code(sandbox, KABIR, mark)
    other = await _ask(world, "+919822010001", "198.51.100.8")
    assert (await _enter(world, other["challenge"], code)).json()["code"] == "WRONG_CODE"
    assert (await _enter(world, "made up", code)).json()["code"] == "WRONG_CODE"


async def test_a_stranger_is_asked_for_a_code_that_never_comes(world: World, sandbox: Emulators) -> None:
    mark = _last(sandbox)
    known = await _ask(world, KABIR)
    await _code(sandbox, KABIR, mark)
    stranger = await _ask(world, "98220 99999")
    assert stranger.keys() == known.keys()
    assert len(stranger["challenge"]) == len(known["challenge"])
    assert sandbox.inbox.messages(to="+919822099999") == []
    for _ in range(5):
        assert (await _enter(world, stranger["challenge"], "123456")).json()["code"] == "WRONG_CODE"
    assert (await _enter(world, stranger["challenge"], "123456")).json()["code"] == "TOO_MANY_TRIES"


async def test_codes_are_limited_per_phone(world: World) -> None:
    world.clock.forward(minutes=60)
    headers = {"X-Forwarded-For": "198.51.100.20"}
    body = {"phone": "+919822020002"}
    first = await world.anyone.post("/v1/auth/otp/request", json=body, headers=headers)
    second = await world.anyone.post("/v1/auth/otp/request", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (200, 429)
    assert 1 <= int(second.headers["retry-after"]) <= 30
    world.clock.forward(seconds=31)
    third = await world.anyone.post("/v1/auth/otp/request", json=body, headers=headers)
    assert third.status_code == 200


async def test_the_pages_sign_in_by_code(world: World, sandbox: Emulators) -> None:
    world.clock.forward(minutes=60)
    mark = _last(sandbox)
    browser = {"Sec-Fetch-Site": "same-origin", "X-Forwarded-For": "198.51.100.30"}
    page = await world.anyone.post("/sign-in/code?next=/batches", data={"phone": KABIR}, headers=browser)
    challenge = re.search(r'name="challenge" value="([^"]+)"', page.text)
    assert challenge is not None
    form = {"phone": KABIR, "challenge": challenge.group(1), "code": "000000"}
    wrong = await world.anyone.post("/sign-in/code/enter?next=/batches", data=form, headers=browser)
    assert wrong.status_code == 401
    assert "That is not the code" in wrong.text
    form["code"] = await _code(sandbox, KABIR, mark)
    done = await world.anyone.post("/sign-in/code/enter?next=/batches", data=form, headers=browser)
    assert (done.status_code, done.headers["location"]) == (303, "/batches")
    assert "kaksha_session=" in done.headers["set-cookie"]
