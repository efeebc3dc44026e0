"""One's sign-ins: what is listed, and that an ended one is refused everywhere."""

import asyncio
import time

import pytest

from kaksha.core.agents import browser_name
from kaksha.core.ids import new_id
from tests.devices.conftest import CHROME, PHONE, caller_of
from tests.world import World


async def test_the_list_says_what_each_device_is(world: World) -> None:
    await world.pages("meher")
    _, caller = await caller_of(world, "meher", PHONE)
    answer = await world.anyone.get("/v1/auth/devices", headers=caller)
    first, *rest = answer.json()["data"]
    assert (first["current"], first["kind"], first["platform"], first["appVersion"]) == (
        True,
        "api",
        "android",
        "4.2.0",
    )
    assert [entry["current"] for entry in rest] == [False] * len(rest)
    assert "web" in {entry["kind"] for entry in rest}
    assert first["lastSeenAt"].endswith("Z")
    assert str(world.id("meher")) not in answer.text


async def test_an_ended_sign_in_is_refused_within_a_second_on_every_server(world: World, other: World) -> None:
    refresh, lost = await caller_of(world, "rohan", PHONE)
    _, mine = await caller_of(world, "rohan", {})
    for server in (world, other):
        assert (await server.anyone.get("/v1/users/profile", headers=lost)).status_code == 200
    (entry,) = [
        each for each in (await world.anyone.get("/v1/auth/devices", headers=lost)).json()["data"] if each["current"]
    ]
    answer = await world.anyone.delete(f"/v1/auth/devices/{entry['id']}", headers=mine)
    assert answer.status_code == 200, answer.text
    began = time.monotonic()
    while (await other.anyone.get("/v1/users/profile", headers=lost)).status_code != 401:
        assert time.monotonic() - began < 1, "the other server still takes the token"
        await asyncio.sleep(0.02)
    assert (await world.anyone.get("/v1/users/profile", headers=lost)).status_code == 401
    again = await world.anyone.post("/v1/auth/refresh", json={"refreshToken": refresh})
    assert again.status_code == 401
    assert (await world.anyone.get("/v1/users/profile", headers=mine)).status_code == 200
    # Over is over: it is no longer there to be ended.
    assert (await world.anyone.delete(f"/v1/auth/devices/{entry['id']}", headers=mine)).status_code == 404


async def test_nobody_ends_another_persons_sign_in(world: World) -> None:
    _, theirs = await caller_of(world, "kabir", {})
    _, colleague = await caller_of(world, "vikram", {})
    for caller in (theirs, colleague):
        (entry,) = [
            each
            for each in (await world.anyone.get("/v1/auth/devices", headers=caller)).json()["data"]
            if each["current"]
        ]
        for method, path, client in (
            ("DELETE", f"/v1/auth/devices/{entry['id']}", await world.api("asha")),
            ("POST", f"/me/devices/{entry['id']}/end", await world.pages("asha")),
        ):
            assert (await client.request(method, path)).status_code == 404
        assert (await world.anyone.get("/v1/users/profile", headers=caller)).status_code == 200
    assert (await (await world.api("asha")).delete(f"/v1/auth/devices/{new_id()}")).status_code == 404


async def test_the_page_ends_one_and_then_all_others(world: World) -> None:
    pages = await world.pages("nandini")
    _, phone = await caller_of(world, "nandini", PHONE)
    _, tablet = await caller_of(world, "nandini", {"User-Agent": CHROME})
    page = (await pages.get("/me/devices")).text
    assert "android" in page
    assert "Chrome on Android" in page
    assert page.index("This device") < page.index("android")
    entries = (await world.anyone.get("/v1/auth/devices", headers=phone)).json()["data"]
    answer = await pages.post(f"/me/devices/{entries[0]['id']}/end")
    assert (answer.status_code, answer.headers["location"]) == (303, "/me/devices")
    assert (await world.anyone.get("/v1/users/profile", headers=phone)).status_code == 401
    assert (await pages.post("/me/devices/end-others")).status_code == 303
    assert (await world.anyone.get("/v1/users/profile", headers=tablet)).status_code == 401
    assert "Sign out all other devices" not in (await pages.get("/me/devices")).text


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (CHROME, "Chrome on Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36 Edg/130.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1", "Safari on iPhone"),
        (
            "Mozilla/5.0 (Linux; Android 14) SamsungBrowser/26.0 Chrome/122.0 Safari/537.36",
            "Samsung Internet on Android",
        ),
        ("curl/8.5", None),
    ],
)
def test_browsers_have_names(agent: str, name: str | None) -> None:
    assert browser_name(agent) == name
