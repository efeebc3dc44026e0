"""Invites: who may make which, how often and how long they are good, and what is kept of their codes."""

import asyncio
import re
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.joining.hands import code, invited, joined, people, register, somebody
from tests.world import NOW, World

NOT_GOOD = (410, "INVITE_NOT_GOOD")


@pytest.mark.parametrize(
    ("key", "may"),
    [
        ("asha", {"student", "teacher", "parent", "admin"}),
        ("dean", {"student", "teacher", "parent"}),
        ("desk", {"student", "parent"}),
        ("till", set[str]()),
        ("vikram", set[str]()),
        ("rohan", set[str]()),
        ("sunita", set[str]()),
    ],
)
async def test_who_may_invite_whom(world: World, key: str, may: set[str]) -> None:
    api, pages = await world.api(key), await world.pages(key)
    for role in ("student", "teacher", "parent", "admin"):
        wanted = 201 if role in may else 403
        assert (await api.post("/v1/invites", json={"role": role})).status_code == wanted, role
        answer = await pages.post("/invites", data={"role": role, "uses": "1", "days": "7"})
        assert answer.status_code == (303 if role in may else 403), role
    for client, path in ((api, "/v1/invites"), (pages, "/invites"), (pages, "/invites/new")):
        assert (await client.get(path)).status_code == (200 if may else 403)
    batch = {"role": "student", "batchId": str(world.institutes[0].batches[0].id)}
    assert (await api.post("/v1/invites", json=batch)).status_code == (201 if "teacher" in may else 403)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"uses": 0}, "uses"),
        ({"uses": 501}, "uses"),
        ({"label": "x" * 81}, "label"),
        ({"expiresAt": NOW.isoformat()}, "expiresAt"),
        ({"expiresAt": (NOW + timedelta(days=400)).isoformat()}, "expiresAt"),
        ({"batchId": str(uuid4())}, "batchId"),
        ({"batchId": "PRAYAS"}, "batchId"),
        ({"role": "parent", "studentId": "KABIR"}, "studentId"),
        ({"studentId": "ROHAN"}, "studentId"),
        ({"role": "parent", "relation": "mother"}, "relation"),
    ],
)
async def test_what_an_invite_may_say(world: World, more: dict[str, Any], field: str) -> None:
    real = {"PRAYAS": world.institutes[1].batches[0].id, "KABIR": world.id("kabir"), "ROHAN": world.id("rohan")}
    body = {"role": "student"} | {name: str(real.get(str(value))) if str(value) in real else value
                                  for name, value in more.items()}  # fmt: skip
    answer = await (await world.api("asha")).post("/v1/invites", json=body)
    assert code(answer) == (422, "VALIDATION_ERROR")
    assert list(answer.json()["errors"]) == [field]


async def test_twenty_at_once_for_five_uses(world: World) -> None:
    invite, before = await invited(world, uses=5), await people(world)
    answers = await asyncio.gather(*(register(world, inviteCode=invite["code"], **somebody()) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {201: 5, 410: 15}
    assert await people(world) == before + 5
    async with world.owner() as owner:
        uses = await owner.fetchval("select count(*) from invite_uses where invite_id::text = $1", invite["id"])
    assert uses == 5


async def test_what_is_wrong_with_an_invite_is_not_told(world: World) -> None:
    """Wrong, used, expired, revoked, its child gone, its maker gone, another institute's: the same answer."""
    used, revoked = await invited(world), await invited(world)
    await joined(world, used)
    asha = await world.api("asha")
    assert (await asha.delete(f"/v1/invites/{revoked['id']}")).status_code == 200
    assert (await asha.delete(f"/v1/invites/{revoked['id']}")).status_code == 200
    child = await joined(world, await invited(world))
    childless = await invited(world, "parent", studentId=child["user"]["id"])
    await asha.post(f"/v1/people/{child['user']['id']}/disable")
    makerless = await invited(world, "teacher", by="dean")
    secret = (await invited(world))["code"].removeprefix("aarambh-")
    wrong = [used["code"], revoked["code"], childless["code"], makerless["code"], f"prayas-{secret}",
             "aarambh-0000-0000", "nowhere-0000-0000", "x", "", "aarambh", "aarambh-UUUU-UUUU"]  # fmt: skip
    assert (await asha.post(f"/v1/people/{world.id('dean')}/disable")).status_code == 200
    before, bodies = await people(world), set[str]()
    for text in wrong:
        for body in (somebody(), {}):
            answer = await register(world, inviteCode=text, **body)
            assert code(answer) == NOT_GOOD, text
            bodies.add(re.sub(r"[0-9a-f-]{30,}", "", answer.text))
    assert len(bodies) == 1
    assert await people(world) == before
    assert (await asha.post(f"/v1/people/{world.id('dean')}/enable")).status_code == 200
    world.forget_clients()


async def test_it_expires(world: World) -> None:
    invite = await invited(world, uses=3, expiresAt=(world.clock() + timedelta(minutes=5)).isoformat())
    world.clock.forward(minutes=4, seconds=59)
    await joined(world, invite)
    world.clock.forward(seconds=1)
    assert code(await register(world, inviteCode=invite["code"], **somebody())) == NOT_GOOD
    shown = (await (await world.api("asha")).get("/v1/invites")).json()["data"]
    assert next(one for one in shown if one["id"] == invite["id"])["state"] == "expired"


async def test_a_code_is_read_as_people_write_it(world: World) -> None:
    invite = await invited(world, uses=6)
    plain = invite["code"]
    assert re.fullmatch(r"aarambh-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", plain)
    secret = plain.removeprefix("aarambh-")
    for text in (
        plain.lower(), plain.replace("-", " "), plain.replace("-", ""), f"  AARAMBH – {secret} ",
        "aarambh-" + secret.replace("0", "O").replace("1", "l"), plain.replace("-", "--"),
    ):  # fmt: skip
        await joined(world, {"code": text})


async def test_a_full_batch_says_so_and_keeps_nothing(world: World) -> None:
    asha = await world.api("asha")
    body = {"name": "Small", "code": "SMALL", "course": "Class 9", "capacity": 1, "startsOn": "2026-11-01",
            "endsOn": "2027-03-31"}  # fmt: skip
    batch = (await asha.post("/v1/batches", json=body)).json()["data"]["id"]
    invite = await invited(world, uses=9, batchId=batch)
    await joined(world, invite)
    before = await people(world)
    answer = await register(world, inviteCode=invite["code"], **somebody())
    assert code(answer) == (409, "BATCH_FULL")
    assert await people(world) == before
    shown = (await asha.get("/v1/invites")).json()["data"]
    assert next(one for one in shown if one["id"] == invite["id"])["usesLeft"] == 8


async def test_guessing_is_limited(world: World) -> None:
    answers = await asyncio.gather(*(register(world, inviteCode=f"aarambh-0000-{n:04}") for n in range(130)))
    seen = Counter(answer.status_code for answer in answers)
    assert seen == {410: 120, 429: 10}
    page = await world.anyone.get("/join/aarambh-0000-0000")
    assert page.status_code == 429
    assert "Retry-After" in page.headers
    good = await invited(world)
    assert (await register(world, inviteCode=good["code"], **somebody())).status_code == 429


async def test_one_number_is_not_registered_again_and_again(world: World) -> None:
    """Each registration with an e-mail sends it a mail, so an address that is given has a limit of its own."""
    invite, seen = await invited(world, uses=20), list[int]()
    for _ in range(7):
        body = somebody(email="buried@example.org", phone=None)
        seen.append((await register(world, inviteCode=invite["code"], **body)).status_code)
    assert seen == [201] * 5 + [429] * 2


async def test_only_a_hash_is_kept(world: World) -> None:
    key = str(uuid4())
    api = await world.api("asha")
    one, other = [await api.post("/v1/invites", json={"role": "student"}, headers={"Idempotency-Key": key})
                  for _ in range(2)]  # fmt: skip
    made, again = one.json()["data"], other.json()["data"]
    assert made["code"]
    assert made["link"].endswith(f"/join/{made['code']}")
    assert (again["code"], again["link"], again["invite"]) == (None, None, made["invite"])
    pages = await world.pages("asha")
    form = {"role": "student", "uses": "1", "days": "7", "_idem": str(uuid4())}
    page = (await pages.get((await pages.post("/invites", data=form)).headers["location"])).text
    by_form = re.search(r"<code>(aarambh-[^<]+)</code>", page)
    assert by_form
    secrets = [text.removeprefix("aarambh-") for text in (made["code"], by_form[1])]
    async with world.owner() as owner:
        tables = await owner.fetch("select oid::regclass::text as name from pg_class where relkind = 'r'"
                                   " and relnamespace in ('public'::regnamespace, 'jobs'::regnamespace)")  # fmt: skip
        for table in tables:
            rows = str(await owner.fetch(f"select * from {table['name']}"))
            for secret in secrets:
                assert secret not in rows, table["name"]
                assert secret.replace("-", "") not in rows, table["name"]


async def test_another_institutes_invites_are_not_there(world: World) -> None:
    invite = await invited(world)
    farah, pages = await world.api("farah"), await world.pages("farah")
    assert invite["id"] not in (await farah.get("/v1/invites")).text
    assert code(await farah.delete(f"/v1/invites/{invite['id']}")) == (404, "NOT_FOUND")
    for answer in (
        await pages.get(f"/invites/{invite['id']}"), await pages.post(f"/invites/{invite['id']}/revoke"),
        await pages.get(f"/invites/{invite['id']}/qr.svg"),
    ):  # fmt: skip
        assert answer.status_code == 404
    await joined(world, invite)


async def test_revoking_needs_the_right_to_make(world: World) -> None:
    invite = await invited(world, "admin")
    assert code(await (await world.api("dean")).delete(f"/v1/invites/{invite['id']}")) == (403, "OWNER_ONLY")
    assert code(await (await world.api("vikram")).delete(f"/v1/invites/{invite['id']}")) == (403, "FORBIDDEN")
