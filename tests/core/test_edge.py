"""What every request gets before and after its route."""

import asyncio
import json
import uuid
from pathlib import Path

import pytest

from kaksha.core.edge import Edge
from kaksha.core.settings import Settings, load
from tests.world import World


async def test_the_request_id_is_echoed_or_made(world: World) -> None:
    given = str(uuid.uuid4())
    answer = await world.anyone.get("/v1/users/profile", headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] == given
    assert answer.json()["requestId"] == given
    made = (await world.anyone.get("/v1/users/profile", headers={"X-Request-ID": "bad id"})).headers["x-request-id"]
    assert uuid.UUID(made).version == 7


async def test_an_oversize_body_is_refused_before_it_is_read(world: World) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.settings.port)
    try:
        writer.write(
            b"POST /v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 999999999\r\n\r\n"
        )  # and no body at all
        async with asyncio.timeout(5):
            head = await reader.readuntil(b"\r\n\r\n")
            body = json.loads(await reader.readuntil(b"}"))
    finally:
        writer.close()
    assert head.startswith(b"HTTP/1.1 413 ")
    assert body["code"] == "BODY_TOO_LARGE"


async def test_a_body_without_a_length_is_counted(world: World) -> None:
    async def endless() -> object:
        for _ in range(200):
            yield b" " * 65536

    answer = await world.anyone.post("/v1/auth/login", content=endless(), headers={"Content-Type": "application/json"})  # type: ignore[arg-type]
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Cookie": "kaksha_session=x"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 401),
        ({}, 401),
    ],
)
async def test_forms_of_other_sites_are_refused(world: World, headers: dict[str, str], status: int) -> None:
    answer = await world.anyone.post("/sign-in", data={"login": "x@y.example", "password": "wrong"}, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")


async def test_only_json_is_read(world: World) -> None:
    answer = await world.anyone.post("/v1/auth/login", content=b"a=b", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    answer = await world.anyone.post("/v1/auth/login", content=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED_REQUEST")


async def test_an_unchanged_answer_is_not_sent_again(world: World) -> None:
    api = await world.api("rohan")
    first = await api.get("/v1/users/profile")
    again = await api.get("/v1/users/profile", headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert (await api.patch("/v1/users/profile", json={"theme": "dark"})).status_code == 200
    assert (await api.get("/v1/users/profile", headers={"If-None-Match": first.headers["etag"]})).status_code == 200


async def test_pages_carry_the_security_headers(world: World) -> None:
    answer = await world.anyone.get("/sign-in")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "worker-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert " style=" not in answer.text
    assert "<script>" not in answer.text


async def test_the_loopback_address_leads_to_localhost(world: World) -> None:
    answer = await world.anyone.get(f"http://127.0.0.1:{world.settings.port}/sign-in?next=/me")
    assert (answer.status_code, answer.headers["location"]) == (307, f"{world.url}/sign-in?next=/me")


async def test_problem_json_for_those_who_ask(world: World) -> None:
    answer = await world.anyone.get("/v1/users/profile", headers={"Accept": "application/problem+json"})
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == 401
    assert body["title"] == body["message"]
    assert body["success"] is False


async def test_failures_speak_the_callers_language(world: World) -> None:
    hindi = await world.anyone.get("/v1/users/profile", headers={"Accept-Language": "hi-IN,hi;q=0.9,en;q=0.5"})
    english = await world.anyone.get("/v1/users/profile", headers={"Accept-Language": "en"})
    assert english.json()["message"] == "Please login again to continue."
    assert hindi.json()["message"] != english.json()["message"]


async def test_metrics_name_routes_not_ids(world: World) -> None:
    api = await world.api("rohan")
    await api.get("/v1/users/profile")
    text = (await world.anyone.get(f"http://127.0.0.1:{world.settings.port}/metrics")).text
    assert 'route="/v1/users/profile"' in text
    assert str(world.id("rohan")) not in text


async def test_a_flood_is_told_when_to_come_back(world: World) -> None:
    api = await world.api("meher")
    refused = None
    for _ in range(400):
        answer = await api.get("/v1/users/profile")
        if answer.status_code == 429:
            refused = answer
            break
    assert refused is not None
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["ratelimit-remaining"] == "0"
    other = await world.api("vikram")
    assert (await other.get("/v1/users/profile")).status_code == 200


async def test_a_head_request_gets_the_head_of_the_answer(world: World) -> None:
    api = await world.api("rohan")
    full, head = await api.get("/v1/users/profile"), await api.head("/v1/users/profile")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == full.headers["etag"]
    assert head.headers["content-length"] == full.headers["content-length"]


async def test_pages_and_files_are_packed_for_those_who_take_it(world: World) -> None:
    packed = await world.anyone.get("/sign-in", headers={"Accept-Encoding": "gzip"})
    plain = await world.anyone.get("/sign-in", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    api = await world.api("vikram")
    answer = await api.get("/v1/users/profile", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("header", ["Authorization", "Cookie"])
async def test_made_up_proofs_do_not_get_around_the_limit(world: World, header: str) -> None:
    known = await world.api("rohan")
    assert (await known.get("/v1/users/profile")).status_code == 200
    statuses = set()
    for number in range(1500):
        answer = await world.anyone.get("/healthz", headers={header: f"Bearer made-up-{number}"})
        statuses.add(answer.status_code)
        if answer.status_code == 429:
            break
    assert 429 in statuses
    assert (await known.get("/v1/users/profile")).status_code == 200


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
def test_an_address_is_counted_as_its_household(told: str, counted: str) -> None:
    edge = Edge(_nothing, _behind_a_proxy())
    scope = {
        "client": ("127.0.0.1", 1),
        "headers": [(b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", told.encode())],
    }
    assert edge._address(scope, dict(scope["headers"])) == counted


def _behind_a_proxy() -> Settings:
    return load({"TRUSTED_PROXIES": "1", "KAKSHA_SECRET_KEY": "k" * 48}, Path("/nonexistent"))


async def _nothing(*_: object) -> None:
    """An application that answers nothing."""
