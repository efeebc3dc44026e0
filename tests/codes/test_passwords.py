"""Forgotten and changed passwords, verified e-mails: by API and by page, and nothing for strangers."""

import asyncio
import re

import pytest

from kaksha.core.passwords import hash_password
from kaksha.sandbox.cast import PASSWORD
from kaksha.sandbox.emulators import Emulators
from kaksha.sandbox.inbox import Message
from tests.world import World

NEW = "a better one, truly"


async def _message(sandbox: Emulators, to: str, after: int, said: str = "") -> Message:
    def found() -> list[Message]:
        return [message for message in sandbox.inbox.messages(to=to, after=after) if said in message.text]

    async with asyncio.timeout(15):
        await sandbox.inbox.wait(lambda _: bool(found()), 15)
    return found()[0]


def _last(sandbox: Emulators) -> int:
    return max((message.id for message in sandbox.inbox.messages()), default=0)


def _token(message: Message) -> str:
    found = re.search(r"token=(\S+)", message.text)
    assert found is not None, message.text
    return found.group(1)


async def _forgot(world: World, address: str = "198.51.100.1", **who: str) -> int:
    answer = await world.anyone.post("/v1/auth/forgot-password", json=who, headers={"X-Forwarded-For": address})
    return answer.status_code


async def test_a_forgotten_password_is_set_anew(world: World, sandbox: Emulators) -> None:
    before = await world.sign_in("nandini")
    mark = _last(sandbox)
    assert await _forgot(world, email="Nandini@Aarambh.example") == 200
    message = await _message(sandbox, "nandini@aarambh.example", mark)
    assert message.subject == "Set a new password for Aarambh Classes"
    body = {"token": _token(message), "password": NEW}
    assert (await world.anyone.post("/v1/auth/reset-password", json=body)).status_code == 200
    # Every sign-in ended, the old password is gone, the new one works, and the link does not work twice.
    refreshed = await world.anyone.post("/v1/auth/refresh", json={"refreshToken": before["refreshToken"]})
    assert refreshed.status_code == 401
    login = {"email": "nandini@aarambh.example", "password": PASSWORD}
    assert (await world.anyone.post("/v1/auth/login", json=login)).status_code == 401
    assert (await world.anyone.post("/v1/auth/login", json={**login, "password": NEW})).status_code == 200
    again = await world.anyone.post("/v1/auth/reset-password", json=body)
    assert (again.status_code, again.json()["code"]) == (410, "LINK_EXPIRED")


async def test_the_database_keeps_only_a_hash(world: World, sandbox: Emulators) -> None:
    mark = _last(sandbox)
    assert await _forgot(world, "198.51.100.2", email="imran@prayas.example") == 200
    token = _token(await _message(sandbox, "imran@prayas.example", mark))
    async with world.owner() as owner:
        rows = await owner.fetch("select t::text as row from one_time_tokens t")
        jobs = await owner.fetch("select convert_from(payload, 'UTF8') as payload from jobs.pgqueuer")
    kept = "".join([*(row["row"] for row in rows), *(row["payload"] for row in jobs)])
    assert token not in kept
    assert token.partition("_")[2] not in kept
    assert "imran@prayas.example" not in "".join(row["payload"] for row in jobs)


async def test_a_stranger_is_answered_alike_and_sent_nothing(world: World, sandbox: Emulators) -> None:
    mark = _last(sandbox)
    known = await world.anyone.post(
        "/v1/auth/forgot-password", json={"email": "asha@aarambh.example"}, headers={"X-Forwarded-For": "203.0.113.1"}
    )
    unknown = await world.anyone.post(
        "/v1/auth/forgot-password", json={"email": "nobody@aarambh.example"}, headers={"X-Forwarded-For": "203.0.113.1"}
    )
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    await _message(sandbox, "asha@aarambh.example", mark)
    assert sandbox.inbox.messages(to="nobody@aarambh.example") == []


async def test_a_family_gets_a_link_for_each(world: World, sandbox: Emulators) -> None:
    mark = _last(sandbox)
    assert await _forgot(world, "203.0.113.2", phone="98220 10006") == 200
    for name in ("Rohan", "Meher", "Sunita"):
        assert "token=" in (await _message(sandbox, "+919822010006", mark, name)).text


async def test_a_link_grows_old(world: World, sandbox: Emulators) -> None:
    mark = _last(sandbox)
    assert await _forgot(world, "203.0.113.3", email="farah@prayas.example") == 200
    token = _token(await _message(sandbox, "farah@prayas.example", mark))
    world.clock.forward(minutes=61)
    answer = await world.anyone.post("/v1/auth/reset-password", json={"token": token, "password": NEW})
    assert answer.json()["code"] == "LINK_EXPIRED"


@pytest.mark.parametrize("token", ["x", "ot_x", "rt_" + "A" * 64, "ot_" + "A" * 64])
async def test_a_made_up_link_is_no_link(world: World, token: str) -> None:
    answer = await world.anyone.post("/v1/auth/reset-password", json={"token": token, "password": NEW})
    assert (answer.status_code, answer.json()["code"]) == (410, "LINK_EXPIRED")


async def test_asking_too_often_is_limited_for_everybody_alike(world: World) -> None:
    for email in ("kabir@prayas.example", "nobody2@aarambh.example"):
        statuses = [await _forgot(world, "203.0.113.4", email=email) for _ in range(4)]
        assert statuses == [200, 200, 200, 429]


@pytest.mark.parametrize("password", ["short", "password123", "aaaaaaaaaa", "Vikram Rao", "vikram@aarambh.example"])
async def test_weak_passwords_are_refused(world: World, password: str) -> None:
    world.clock.forward(minutes=10)
    world.forget_clients()
    api = await world.api("vikram")
    body = {"currentPassword": PASSWORD, "newPassword": password}
    answer = await api.post("/v1/auth/change-password", json=body)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["newPassword"]


async def test_a_changed_password_ends_the_other_sign_ins_only(world: World) -> None:
    world.forget_clients()
    api, other = await world.api("vikram"), await world.sign_in("vikram")
    wrong = await api.post("/v1/auth/change-password", json={"currentPassword": "no", "newPassword": NEW})
    assert list(wrong.json()["errors"]) == ["currentPassword"]
    answer = await api.post("/v1/auth/change-password", json={"currentPassword": PASSWORD, "newPassword": NEW})
    assert answer.status_code == 200
    assert (await api.get("/v1/users/profile")).status_code == 200
    refreshed = await world.anyone.post("/v1/auth/refresh", json={"refreshToken": other["refreshToken"]})
    assert refreshed.status_code == 401


async def test_an_e_mail_is_verified_by_its_link(world: World, sandbox: Emulators) -> None:
    async with world.owner() as owner:
        await owner.execute("update users set email_verified_at = null where id = $1", world.id("meher"))
    world.forget_clients()
    pages = await world.pages("meher")
    mark = _last(sandbox)
    assert (await pages.post("/me/verify-email")).status_code == 303
    message = await _message(sandbox, "meher@aarambh.example", mark)
    token = _token(message)
    opened = await world.anyone.get(f"/verify-email?token={token}")
    assert opened.status_code == 200  # opening it, as mail scanners do, uses nothing up
    assert (await pages.post("/verify-email", data={"token": token})).status_code == 303
    api = await world.api("meher")
    assert (await api.get("/v1/users/profile")).json()["data"]["emailVerified"] is True
    again = await world.anyone.post("/v1/auth/verify-email", json={"token": token})
    assert again.json()["code"] == "LINK_EXPIRED"


async def test_the_pages_lead_through_it(world: World, sandbox: Emulators) -> None:
    browser = {"Sec-Fetch-Site": "same-origin", "X-Forwarded-For": "203.0.113.9"}
    mark = _last(sandbox)
    world.clock.forward(hours=1)
    page = await world.anyone.post("/forgot-password", data={"login": "asha@aarambh.example"}, headers=browser)
    assert "If we know this e-mail or phone" in page.text
    token = _token(await _message(sandbox, "asha@aarambh.example", mark))
    assert token in (await world.anyone.get(f"/reset-password?token={token}")).text
    weak = await world.anyone.post("/reset-password", data={"token": token, "password": "123"}, headers=browser)
    assert weak.status_code == 422
    done = await world.anyone.post("/reset-password", data={"token": token, "password": NEW}, headers=browser)
    assert (done.status_code, done.headers["location"]) == (303, "/sign-in")


async def test_a_change_whose_answer_was_lost_is_answered_again(world: World) -> None:
    """The old password is not right any more by then."""
    world.forget_clients()
    async with world.owner() as owner:
        first = await hash_password(PASSWORD)
        await owner.execute("update users set password_hash = $1 where name ~ 'Nandini|Meher'", first)
    api, key = await world.api("nandini"), {"Idempotency-Key": "change-once-1"}
    body = {"currentPassword": PASSWORD, "newPassword": NEW}
    answers = [await api.post("/v1/auth/change-password", json=body, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].text == answers[1].text
    other = await api.post("/v1/auth/change-password", json=body | {"newPassword": NEW + "!"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    pages, form = await world.pages("meher"), {"_idem": "change-once-2", **body}
    assert [(await pages.post("/me/password", data=form)).status_code for _ in range(2)] == [303, 303]
