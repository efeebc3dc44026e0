"""The institute's own settings, through the API."""

import json
from uuid import uuid4

import pytest

from tests.world import World

PATH = "/v1/institutes"


async def own(world: World, key: str) -> str:
    return f"{PATH}/{world.institute(key)}"


@pytest.mark.parametrize("key", ["asha", "vikram", "rohan", "sunita"])
async def test_everybody_sees_their_institute_only(world: World, key: str) -> None:
    api = await world.api(key)
    answer = (await api.get(PATH)).json()
    assert [one["name"] for one in answer["data"]] == ["Aarambh Classes"]
    assert answer["pagination"] == {"page": 1, "limit": 20, "total": 1, "totalPages": 1}
    assert (await api.get(await own(world, key))).json()["data"] == answer["data"][0]


async def test_another_institute_is_like_none(world: World) -> None:
    for key, method in [("rohan", "GET"), ("asha", "GET"), ("asha", "PATCH")]:
        api = await world.api(key)
        body = {"json": {"name": "Mine now"}} if method == "PATCH" else {}
        foreign = await api.request(method, await own(world, "kabir"), **body)
        missing = await api.request(method, f"{PATH}/{uuid4()}", **body)
        assert foreign.status_code == missing.status_code == 404
        assert {**foreign.json(), "requestId": ""} == {**missing.json(), "requestId": ""}
    assert (await (await world.api("farah")).get(PATH)).json()["data"][0]["name"] == "Prayas Academy"


async def test_only_an_owner_changes_it(world: World) -> None:
    for key in ("vikram", "rohan", "sunita", "desk", "dean"):
        answer = await (await world.api(key)).patch(await own(world, "asha"), json={"name": "Mine now"})
        assert answer.status_code == 403, key
    assert (await world.anyone.patch(await own(world, "asha"), json={})).status_code == 401


async def test_an_owner_changes_what_is_named(world: World) -> None:
    api = await world.api("asha")
    before = (await api.get(await own(world, "asha"))).json()["data"]
    change = {
        "name": "  Aarambh   Classes Pune ", "phone": "020 2553 1234", "email": " Office@Aarambh.Example ",
        "gstin": "27 aapfu0939f1zv", "address": "14 Sadashiv Peth\n\nPune  411030\n",
    }  # fmt: skip
    answer = await api.patch(await own(world, "asha"), json=change)
    assert answer.status_code == 200, answer.text
    after = answer.json()["data"]
    assert after == {
        **before, "name": "Aarambh Classes Pune", "phone": "+912025531234", "email": "office@aarambh.example",
        "gstin": "27AAPFU0939F1ZV", "address": "14 Sadashiv Peth\n\nPune 411030",
    }  # fmt: skip
    cleared = await api.patch(await own(world, "asha"), json={"phone": None, "gstin": None, "zone": "Asia/Dubai"})
    assert cleared.json()["data"] == {**after, "phone": None, "gstin": None, "zone": "Asia/Dubai"}
    back = {name: before[name] for name in ("name", "phone", "email", "gstin", "address", "zone")}
    assert (await api.patch(await own(world, "asha"), json=back)).json()["data"] == before


async def test_every_bad_field_is_named(world: World) -> None:
    api = await world.api("asha")
    wrong = {"name": " ", "phone": "12", "email": "nobody", "gstin": "X", "zone": "Asia/Atlantis", "address": "x" * 401}
    answer = await api.patch(await own(world, "asha"), json=wrong)
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == set(wrong)
    wrong = {"language": "fr", "name": None, "zone": 5}
    answer = await api.patch(await own(world, "asha"), json=wrong)
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == set(wrong)


@pytest.mark.parametrize("zone", ["localtime", "EST5EDT", "IST", "asia/kolkata", "../etc/passwd", "", "Asia"])
async def test_a_zone_has_its_iana_name(world: World, zone: str) -> None:
    answer = await (await world.api("asha")).patch(await own(world, "asha"), json={"zone": zone})
    assert answer.status_code == 422, answer.text
    assert list(answer.json()["errors"]) == ["zone"]


async def test_a_change_is_in_the_audit_log_and_nothing_else_is(world: World) -> None:
    api = await world.api("farah")
    for _ in range(2):
        answer = await api.patch(await own(world, "farah"), json={"address": "2 Ashok Marg, Lucknow"})
        assert answer.status_code == 200
    async with world.db.read(world.institute("farah")) as conn:
        rows = await conn.fetch("select actor_id, before, after from audit_log where action = 'institute.changed'")
    assert [(row["actor_id"], json.loads(row["before"]), json.loads(row["after"])) for row in rows] == [
        (world.id("farah"), {"address": ""}, {"address": "2 Ashok Marg, Lucknow"})
    ]
