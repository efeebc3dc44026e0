"""The rules of passkeys through the API, with a device that can be told to misbehave."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from kaksha.sandbox.cast import PASSWORD
from tests.passkeys.hands import (
    LOGIN,
    MINE,
    SETUP,
    Device,
    creation_options,
    data,
    login,
    ready,
    refused,
    request_options,
    set_up,
    signs_in,
    text,
)
from tests.world import World, serving


async def _audited(world: World, action: str, subject: UUID) -> list[Any]:
    async with world.owner() as owner:
        return await owner.fetch("select * from audit_log where action = $1 and subject_id = $2", action, subject)


async def _status(world: World, key: str, status: str) -> None:
    async with world.owner() as owner:
        await owner.execute("update users set status = $2 where id = $1", world.id(key), status)


async def test_set_up_sign_in_rename_remove(world: World) -> None:
    options = await creation_options(world, "rohan")
    assert options["rp"] == {"id": "localhost", "name": "Kaksha"}
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert world.id("rohan").bytes not in data(options["user"]["id"])
    device, passkey = await ready(world, "rohan")
    rohan = await world.api("rohan")
    (shown,) = (await rohan.get(MINE)).json()["data"]
    assert shown == {
        "id": str(passkey), "label": "Passkey", "backedUp": True, "createdAt": "2026-11-22T10:00:00.000Z",
        "usedAt": None,
    }  # fmt: skip
    world.clock.forward(seconds=1)
    answer = await signs_in(world, device)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["user"]["id"] == str(world.id("rohan"))
    bearer = {"Authorization": f"Bearer {answer.json()['data']['accessToken']}"}
    assert (await world.anyone.get("/v1/users/profile", headers=bearer)).status_code == 200
    assert (await rohan.patch(f"{MINE}/{passkey}", json={"label": "Moto G"})).status_code == 200
    (shown,) = (await rohan.get(MINE)).json()["data"]
    assert (shown["label"], shown["usedAt"]) == ("Moto G", "2026-11-22T10:00:01.000Z")
    excluded = (await creation_options(world, "rohan"))["excludeCredentials"]
    assert [each["id"] for each in excluded] == [text(device.id)]
    assert (await rohan.delete(f"{MINE}/{passkey}")).status_code == 200
    assert (await rohan.get(MINE)).json()["data"] == []
    assert refused(await signs_in(world, device))
    assert refused(await rohan.delete(f"{MINE}/{passkey}"), 404, "NOT_FOUND")
    for action in ("added", "renamed", "removed"):
        (entry,) = await _audited(world, f"passkey.{action}", passkey)
        assert entry["actor_id"] == world.id("rohan")
        assert entry["request_id"]


async def test_one_passkey_a_device_and_a_repetition_adds_none(world: World) -> None:
    device, _ = await ready(world, "vikram")
    assert refused(await set_up(world, "vikram", device), 409, "PASSKEY_KNOWN")
    vikram = await world.api("vikram")
    body = {"credential": Device(world).create(await creation_options(world, "vikram")), "label": "Tablet"}
    answers = [await vikram.post(SETUP, json=body, headers={"Idempotency-Key": "add-tablet"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert [each["label"] for each in (await vikram.get(MINE)).json()["data"]] == ["Passkey", "Tablet"]


async def test_a_challenge_is_used_once_even_by_two_at_once(world: World) -> None:
    device, _ = await ready(world, "sunita")
    credential = device.get(await request_options(world))
    answers = await asyncio.gather(*(login(world, credential) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401, 401]
    assert refused(await login(world, credential))
    sunita = await world.api("sunita")
    options = await creation_options(world, "sunita")
    made = [{"credential": Device(world).create(options)} for _ in range(4)]
    sent = await asyncio.gather(*(sunita.post(SETUP, json=body) for body in made))
    assert sorted(answer.status_code for answer in sent) == [200, 409, 409, 409]
    assert refused(
        await sunita.post(SETUP, json={"credential": Device(world).create(options)}), 409, "PASSKEY_NOT_ADDED"
    )


async def test_a_challenge_is_for_its_purpose_and_sign_in_only(world: World) -> None:
    device, _ = await ready(world, "asha")
    assert refused(await login(world, device.get(await creation_options(world, "asha"))))
    asha, vikram = await world.api("asha"), await world.api("vikram")
    mine = await creation_options(world, "asha")
    given = mine | {"challenge": (await request_options(world))["challenge"]}
    assert refused(await asha.post(SETUP, json={"credential": Device(world).create(given)}), 409, "PASSKEY_NOT_ADDED")
    assert refused(await vikram.post(SETUP, json={"credential": Device(world).create(mine)}), 409, "PASSKEY_NOT_ADDED")
    again = {"Authorization": f"Bearer {(await world.sign_in('asha'))['accessToken']}"}
    other = await world.anyone.post(SETUP, json={"credential": Device(world).create(mine)}, headers=again)
    assert refused(other, 409, "PASSKEY_NOT_ADDED"), "another sign-in of the same person"
    assert (await asha.post(SETUP, json={"credential": Device(world).create(mine)})).status_code == 200
    forged = await request_options(world)
    for place in (0, 23, 47):
        challenge = bytearray(data(forged["challenge"]))
        challenge[place] ^= 1
        assert refused(await login(world, device.get({"challenge": text(bytes(challenge))})))
    assert (await login(world, device.get(forged))).status_code == 200


async def test_a_challenge_ends_after_five_minutes(world: World) -> None:
    device, _ = await ready(world, "nandini")
    old, older = await request_options(world), await request_options(world)
    creating = await creation_options(world, "nandini")
    world.clock.forward(seconds=299)
    assert (await login(world, device.get(old))).status_code == 200
    world.clock.forward(seconds=1)
    assert refused(await login(world, device.get(older)))
    late = await (await world.api("nandini")).post(SETUP, json={"credential": Device(world).create(creating)})
    assert refused(late, 409, "PASSKEY_NOT_ADDED")
    world.forget_clients()


async def test_a_key_signs_in_its_person_and_nobody_else(world: World) -> None:
    device, _ = await ready(world, "rohan")
    rohans = device.handle
    theirs, _ = await ready(world, "kabir")
    foreign = data(theirs.handle)
    handles = [
        theirs.handle, text(foreign[:16] + data(rohans)[16:]), text(data(rohans)[:16] + foreign[16:]),
        text(data(rohans)[:31]), text(world.id("rohan").bytes), "", "?",
    ]  # fmt: skip
    for handle in handles:
        device.handle = handle
        assert refused(await signs_in(world, device)), handle
    device.handle = rohans
    credential = device.get(await request_options(world))
    borrowed = theirs.get(await request_options(world))
    mixed = credential | {"id": borrowed["id"], "rawId": borrowed["rawId"]}
    assert refused(await login(world, mixed))
    assert refused(await login(world, borrowed | {"id": credential["id"], "rawId": credential["rawId"]}))
    stranger = Device(world)
    stranger.id, stranger.handle = device.id, device.handle
    assert refused(await signs_in(world, stranger)), "another key under a known name"
    assert (await signs_in(world, device)).status_code == 200
    assert (await signs_in(world, theirs)).json()["data"]["user"]["id"] == str(world.id("kabir"))


async def test_from_our_pages_and_apps_only(world: World) -> None:
    device, _ = await ready(world, "rohan")
    for origin in ("https://localhost", "http://evil.example", world.url + "/", "android:apk-key-hash:" + "B" * 43):
        device.origin = origin
        assert refused(await signs_in(world, device)), origin
        elsewhere = Device(world)
        elsewhere.origin = origin
        assert refused(await set_up(world, "rohan", elsewhere), 409, "PASSKEY_NOT_ADDED"), origin
    device.origin = "android:apk-key-hash:" + "A" * 43
    assert (await signs_in(world, device)).status_code == 200
    device.origin, device.host = world.url, "evil.example"
    assert refused(await signs_in(world, device))
    device.host, device.verified = "localhost", False
    assert refused(await signs_in(world, device)), "present, but not verified by the device's lock"


async def test_who_may_not_sign_in_may_not_by_passkey(world: World) -> None:
    device, passkey = await ready(world, "meher")
    for status, refusal in (("disabled", (401, "PASSKEY_REFUSED")), ("pending", (403, "ACCOUNT_PENDING"))):
        await _status(world, "meher", status)
        assert refused(await signs_in(world, device), *refusal)
    async with world.owner() as owner:
        assert await owner.fetchval("select used_at from passkeys where id = $1", passkey) is None
    await _status(world, "meher", "active")
    assert (await signs_in(world, device)).status_code == 200


async def test_a_passkey_asks_for_no_second_step(world: World) -> None:
    """It is two already: the device, and what opens its lock."""
    device, _ = await ready(world, "imran")
    async with world.owner() as owner:
        await owner.execute("update users set second_factor = true where id = $1", world.id("imran"))
    body = {"email": world.people["imran"].email, "password": PASSWORD}
    assert "accessToken" not in (await world.anyone.post("/v1/auth/login", json=body)).json()["data"]
    assert "accessToken" in (await signs_in(world, device)).json()["data"]


async def test_a_copied_key_is_refused_and_not_its_owner(world: World) -> None:
    device, passkey = await ready(world, "farah", count=5)
    for count, status in ((6, 200), (6, 401), (4, 401), (0, 401), (7, 200)):
        device.count = count
        assert (await signs_in(world, device)).status_code == status, count
    entries = await _audited(world, "passkey.copied", passkey)
    assert [entry["actor_id"] for entry in entries] == [world.id("farah")] * 3
    assert (await world.sign_in("farah"))["accessToken"]
    device.count = 9
    twice = [device.get(await request_options(world)) for _ in range(2)]
    answers = await asyncio.gather(*(login(world, credential) for credential in twice))
    assert sorted(answer.status_code for answer in answers) == [200, 401]


async def test_another_persons_passkey_is_a_missing_one(world: World) -> None:
    device, passkey = await ready(world, "rohan")
    for key in ("sunita", "asha", "kabir"):
        other = await world.api(key)
        for made in (passkey, uuid4()):
            assert refused(await other.delete(f"{MINE}/{made}"), 404, "NOT_FOUND")
            assert refused(await other.patch(f"{MINE}/{made}", json={"label": "Mine"}), 404, "NOT_FOUND")
        pages = await world.pages(key)
        assert (await pages.post(f"/me/passkeys/{passkey}/remove")).status_code == 404
        for label in ("Mine", ""):
            assert (await pages.post(f"/me/passkeys/{passkey}", data={"label": label})).status_code == 404
    assert (await signs_in(world, device)).status_code == 200


async def test_asking_is_limited(world: World) -> None:
    here = {"X-Forwarded-For": "192.0.2.9"}
    answers = [await world.anyone.post(LOGIN, json={}, headers=here) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    assert answers[-1].headers["Retry-After"] == "10"
    assert await request_options(world)
    imran = await world.api("imran")
    statuses = [(await imran.post(SETUP, json={})).status_code for _ in range(32)]
    assert statuses[:29] == [200] * 29
    assert statuses[-1] == 429


@pytest.mark.parametrize(
    "credential",
    [
        {}, {"response": None}, {"response": []}, {"response": {"clientDataJSON": 7}},
        {"response": {"clientDataJSON": "e30"}}, {"response": {"clientDataJSON": "W10"}},
        {"response": {"clientDataJSON": text(b'{"challenge": "AAAA"}')}},
        {"response": {"clientDataJSON": text(b'{"challenge": "\\u20b9"}')}},
    ],
)  # fmt: skip
async def test_nonsense_is_refused(world: World, credential: dict[str, Any]) -> None:
    assert refused(await login(world, credential))
    answer = await (await world.api("rohan")).post(SETUP, json={"credential": credential})
    assert refused(answer, 409, "PASSKEY_NOT_ADDED")


async def test_nonsense_around_a_good_challenge_is_refused(world: World) -> None:
    device, _ = await ready(world, "rohan")
    rohan = await world.api("rohan")
    for field in ("authenticatorData", "signature", "userHandle"):
        values: tuple[Any, ...] = ("", "AAAA", None, 5, {}, [1])
        for value in values:
            credential = device.get(await request_options(world))
            credential["response"][field] = value
            assert refused(await login(world, credential)), (field, value)
    for field, value in (("attestationObject", "AAAA"), ("attestationObject", None), ("attestationObject", "oA")):
        credential = Device(world).create(await creation_options(world, "rohan"))
        credential["response"][field] = value
        assert refused(await rohan.post(SETUP, json={"credential": credential}), 409, "PASSKEY_NOT_ADDED")
    for label in ("", " ", "a\u0000b", "x" * 61):
        assert (await set_up(world, "rohan", Device(world), label=label)).status_code == 422, label


async def test_phones_find_which_app_is_ours(
    world: World, database: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    links = "/.well-known/assetlinks.json"
    assert (await world.anyone.get(links)).json() == []
    given = {"ANDROID_KEY_HASHES": text(bytes(range(32))), "ANDROID_PACKAGE": "in.example.app"}
    async with serving(tmp_path_factory.mktemp("android"), database[1], database[0], **given) as android:
        answer = await android.anyone.get(links)
    assert answer.headers["content-type"].startswith("application/json")
    (link,) = answer.json()
    assert "delegate_permission/common.get_login_creds" in link["relation"]
    assert link["target"]["package_name"] == "in.example.app"
    assert link["target"]["sha256_cert_fingerprints"] == [":".join(f"{n:02X}" for n in range(32))]
