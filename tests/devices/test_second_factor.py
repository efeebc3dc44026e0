"""The second step of staff: set up in a page, asked for at every door, each code good once."""

import base64
import re
from html import unescape

import httpx2
import pytest

from kaksha.sandbox.cast import PASSWORD
from tests.devices.hands import code as app_code, switched_on
from tests.world import World


async def _asked(world: World, key: str) -> str:
    """The ticket that a right password is answered with."""
    world.clock.forward(minutes=2)
    given = {"email": world.people[key].email, "password": PASSWORD}
    answer = await world.anyone.post("/v1/auth/login", json=given)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data.keys() == {"secondFactor", "ticket"}
    assert data["secondFactor"] is True
    return data["ticket"]


async def _answer(world: World, ticket: str, code: str) -> httpx2.Response:
    return await world.anyone.post("/v1/auth/second-factor", json={"ticket": ticket, "code": code})


@pytest.fixture(scope="module")
async def vikram(world: World) -> tuple[str, list[str]]:
    return await switched_on(world, "vikram")


async def test_a_password_alone_opens_nothing(world: World, vikram: tuple[str, list[str]]) -> None:
    async with world.owner() as owner:
        count = "select count(*) from sessions where user_id = $1"
        before = await owner.fetchval(count, world.id("vikram"))
        ticket = await _asked(world, "vikram")
        form = {"login": world.people["vikram"].email, "password": PASSWORD}
        page = await world.anyone.post("/sign-in?next=/batches", data=form)
        assert page.status_code == 200
        assert 'action="/sign-in/second-factor?next=%2Fbatches"' in page.text.replace("/batches", "%2Fbatches")
        assert "set-cookie" not in page.headers
        assert await owner.fetchval(count, world.id("vikram")) == before
    bearer = {"Authorization": f"Bearer {ticket}"}
    assert (await world.anyone.get("/v1/users/profile", headers=bearer)).status_code == 401
    answer = await _answer(world, ticket, app_code(vikram[0], world))
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["user"]["id"] == str(world.id("vikram"))


async def test_the_page_asks_and_lets_in(world: World, vikram: tuple[str, list[str]]) -> None:
    world.clock.forward(minutes=5)
    form = {"login": world.people["vikram"].email, "password": PASSWORD}
    async with httpx2.AsyncClient(base_url=world.url, headers={"Sec-Fetch-Site": "same-origin"}) as browser:
        page = (await browser.post("/sign-in?next=/batches", data=form)).text
        ticket = re.search(r'name="ticket" value="([^"]+)"', page)
        action = re.search(r'action="(/sign-in/second-factor[^"]*)"', page)
        assert ticket is not None
        assert action is not None
        wrong = await browser.post(unescape(action[1]), data={"ticket": ticket[1], "code": "123"})
        assert wrong.status_code == 401
        assert ticket[1] in wrong.text
        right = await browser.post(unescape(action[1]), data={"ticket": ticket[1], "code": app_code(vikram[0], world)})
        assert (right.status_code, right.headers["location"]) == (303, "/batches")
        assert (await browser.get("/me")).status_code == 200


async def test_a_step_works_once_and_only_about_now(world: World, vikram: tuple[str, list[str]]) -> None:
    key, _ = vikram
    world.clock.forward(minutes=10)
    ticket = await _asked(world, "vikram")
    for steps in (-2, 2):
        assert (await _answer(world, ticket, app_code(key, world, steps))).json()["code"] == "WRONG_SECOND_FACTOR"
    code = app_code(key, world)
    assert (await _answer(world, ticket, code)).status_code == 200
    again = await _answer(world, ticket, code)
    assert (again.status_code, again.json()["code"]) == (401, "WRONG_SECOND_FACTOR")
    # Nor does the one before it, which is still within the drift.
    assert (await _answer(world, ticket, app_code(key, world, -1))).status_code == 401


async def test_only_a_few_codes_may_be_tried(world: World, vikram: tuple[str, list[str]]) -> None:
    world.clock.forward(minutes=10)
    ticket = await _asked(world, "vikram")
    tried = [(await _answer(world, ticket, f"{number:06}")).status_code for number in range(7)]
    assert tried == [401] * 5 + [429] * 2
    right = await _answer(world, ticket, app_code(vikram[0], world))
    assert right.status_code == 429, "guessing is over, also for the right one"
    world.clock.forward(minutes=3)
    assert (await _answer(world, ticket, app_code(vikram[0], world))).status_code == 200


async def test_a_recovery_code_works_once(world: World, vikram: tuple[str, list[str]]) -> None:
    world.clock.forward(minutes=10)
    ticket = await _asked(world, "vikram")
    code = vikram[1][0]
    assert (await _answer(world, ticket, code.upper().replace("-", " "))).status_code == 200
    assert (await _answer(world, ticket, code)).status_code == 401
    world.forget_clients()
    async with world.owner() as owner:
        kept = await owner.fetch("select hash from recovery_codes where user_id = $1", world.id("vikram"))
        assert all(code.replace("-", "").encode() not in row["hash"] for row in kept)


async def test_a_ticket_ends_and_is_nobody_elses(world: World, vikram: tuple[str, list[str]]) -> None:
    world.clock.forward(minutes=10)
    ticket = await _asked(world, "vikram")
    assert (await _answer(world, ticket + "x", app_code(vikram[0], world))).status_code == 401
    world.clock.forward(minutes=6)
    late = await _answer(world, ticket, app_code(vikram[0], world))
    assert (late.status_code, late.json()["code"]) == (401, "TOKEN_EXPIRED")


async def test_the_secret_is_sealed_and_the_password_switches_it_off(world: World) -> None:
    key, _ = await switched_on(world, "nandini")
    async with world.owner() as owner:
        kept = await owner.fetchval("select secret from second_factors where user_id = $1", world.id("nandini"))
    assert base64.b32decode(key) not in kept
    pages = await world.pages("nandini")
    wrong = await pages.post("/me/second-factor/off", data={"password": "not this one"})
    assert wrong.status_code == 422
    await _asked(world, "nandini")
    assert (await pages.post("/me/second-factor/off", data={"password": PASSWORD})).status_code == 303
    world.clock.forward(minutes=1)
    assert "accessToken" in await world.sign_in("nandini")
    assert (await pages.post("/me/second-factor/off", data={"password": PASSWORD})).status_code == 404


async def test_a_sealed_key_is_only_ones_own_and_only_staff_have_it(world: World) -> None:
    asha, nandini = await world.pages("asha"), await world.pages("nandini")
    page = (await asha.get("/me/second-factor")).text
    secret = re.search(r'data-copy="([A-Z2-7]{32})"', page)
    sealed = re.search(r'name="secret" value="([^"]+)"', page)
    assert secret is not None
    assert sealed is not None
    stolen = await nandini.post("/me/second-factor", data={"secret": sealed[1], "code": app_code(secret[1], world)})
    assert stolen.status_code == 422
    assert "accessToken" in await world.sign_in("nandini")
    for key in ("rohan", "sunita"):
        assert (await (await world.pages(key)).get("/me/second-factor")).status_code == 403
