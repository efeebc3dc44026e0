"""Sign-ins of browsers: the cookie's flags, where one is led, and what the next page shows."""

import asyncio
import re
from collections.abc import AsyncIterator
from html import unescape
from urllib.parse import quote, urljoin, urlsplit

import httpx2
import pytest
import uvicorn

from kaksha.core.settings import load
from kaksha.main import build
from kaksha.sandbox.cast import PASSWORD
from tests.devices.hands import switched_on
from tests.world import World, until


@pytest.fixture
async def secure(world: World, database: tuple[str, str], tmp_path: object) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser at a server that people reach over https (the proxy in front is left out)."""
    given = {"API_BASE_URL": "https://kaksha.example", "KAKSHA_HOME": str(tmp_path), "KAKSHA_SECRET_KEY": "k" * 48}
    server = uvicorn.Server(
        uvicorn.Config(
            build(load(given, env_file=world.settings.home / "none"), database[1], clock=world.clock),
            host="127.0.0.1", port=0, log_level="warning", access_log=False, ws="none",
        )
    )  # fmt: skip
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started or task.done())
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers={"Host": "kaksha.example", "Sec-Fetch-Site": "same-origin"}
    ) as client:
        yield client
    server.should_exit = True
    await task


async def _enter(world: World, client: httpx2.AsyncClient, key: str = "rohan", query: str = "") -> httpx2.Response:
    world.clock.forward(seconds=30)
    form = {"login": world.people[key].email, "password": PASSWORD}
    return await client.post(f"/sign-in{query}", data=form, headers={"Sec-Fetch-Site": "same-origin"})


def _cookie(answer: httpx2.Response) -> tuple[str, str, dict[str, str]]:
    """(name, value, attributes in small letters) of the session cookie that an answer sets."""
    (line,) = (line for line in answer.headers.get_list("set-cookie") if "kaksha_session" in line)
    first, *rest = line.split("; ")
    name, _, value = first.partition("=")
    attributes = {part.partition("=")[0].lower(): part.partition("=")[2].lower() for part in rest}
    return name, value.strip('"'), attributes


async def test_the_cookie_is_for_the_browser_only(world: World) -> None:
    name, value, attributes = _cookie(await _enter(world, world.anyone))
    assert name == "kaksha_session"
    assert value.startswith("ws_")
    assert attributes == {"path": "/", "httponly": "", "samesite": "lax", "max-age": str(30 * 86400)}


async def test_under_https_the_cookie_is_bound_to_the_host(world: World, secure: httpx2.AsyncClient) -> None:
    answer = await _enter(world, secure)
    assert answer.status_code == 303, answer.text
    name, value, attributes = _cookie(answer)
    flags = {"path": "/", "httponly": "", "samesite": "lax", "secure": ""}
    assert name == "__Host-kaksha_session"
    assert attributes == {**flags, "max-age": str(30 * 86400)}
    secure.cookies.clear()
    session = {"Cookie": f"{name}={value}"}
    assert (await secure.get("/me", headers=session)).status_code == 200
    # A name that a page of a sister site could plant is not read.
    assert (await secure.get("/me", headers={"Cookie": f"kaksha_session={value}"})).status_code == 303
    out = await secure.post("/sign-out", headers=session)
    # Browsers ignore a __Host- cookie without Secure and path, also one that removes it.
    assert _cookie(out) == (name, "", {**flags, "max-age": "0"})
    assert (await secure.get("/me", headers=session)).status_code == 303


async def test_signing_out_ends_the_session_not_only_the_cookie(world: World) -> None:
    pages = await world.pages("rohan")
    kept = dict(pages.cookies)
    out = await pages.post("/sign-out")
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert _cookie(out)[2]["max-age"] == "0"
    pages.cookies.update(kept)
    async with asyncio.timeout(1):
        while (answer := await pages.get("/me")).status_code != 303:
            await asyncio.sleep(0.01)
    assert answer.headers["location"] == "/sign-in?next=/me"
    assert (await pages.get("/sign-in")).status_code == 200  # a spent cookie still shows the page
    world.forget_clients()


async def test_a_session_that_is_over_leads_to_sign_in_and_back(world: World) -> None:
    pages = await world.pages("meher")
    began = world.clock.at
    try:
        world.clock.forward(days=29)
        assert (await pages.get("/me")).status_code == 200
        world.clock.forward(days=1)
        answer = await pages.get("/me")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/me")
        back = await _enter(world, pages, "meher", "?next=/me")
        assert (back.status_code, back.headers["location"]) == (303, "/me")
        assert (await pages.get("/sign-in?next=/me")).headers["location"] == "/me"  # is signed in already
        assert (await pages.get("/sign-in")).headers["location"] == "/home"
    finally:
        world.clock.at = began
        world.forget_clients()


async def test_a_form_of_a_session_that_is_over_leads_to_sign_in(world: World) -> None:
    answer = await world.anyone.post("/me", data={"name": "X"}, headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    part = await world.anyone.get("/me", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["hx-redirect"]) == (204, "/sign-in?next=/me")


_ELSEWHERE = [
    "//evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example", "https://evil.example", "evil.example",
    "https:evil.example", "//evil.example/%2e%2e", "///evil.example", "/\t/evil.example", "\t//evil.example",
    "/\n/evil.example", "/\r\n/evil.example", " //evil.example", "/ /evil.example", "/\x00/evil.example",
    "javascript:alert(1)", "/\u2028/evil.example", "//evil.example@localhost", "/\\\\evil.example", "/.\\/evil.example",
    "/me\r\nSet-Cookie: kaksha_session=x", "/मैं", "", "?next=//evil.example", ".", "/\u0085/evil.example", "/\xa0/x",
]  # fmt: skip


def _as_a_browser_reads(location: str) -> str:
    """WHATWG URL: tabs and line breaks vanish, backslashes are slashes, spaces around are cut."""
    return re.sub(r"[\t\r\n]", "", location).strip("\x00 ").replace("\\", "/")


@pytest.mark.parametrize("given", _ELSEWHERE)
async def test_signing_in_never_leads_elsewhere(world: World, given: str) -> None:
    query = f"?next={quote(given, safe='')}"
    answer = await _enter(world, world.anyone, "nandini", query)
    assert answer.status_code == 303, answer.text
    target = urlsplit(urljoin(world.url + "/sign-in", _as_a_browser_reads(answer.headers["location"])))
    assert f"{target.scheme}://{target.netloc}" == world.url
    assert answer.headers["location"] == "/home"
    # Neither does the page, whose form carries it on.
    world.anyone.cookies.clear()
    page = await world.anyone.get(f"/sign-in{query}")
    for action in re.findall(r'(?:action|href|src)="([^"]*)"', page.text):
        where = urlsplit(urljoin(world.url + "/sign-in", _as_a_browser_reads(unescape(action))))
        assert f"{where.scheme}://{where.netloc}" == world.url, action


@pytest.mark.parametrize(
    "given", ["/me", "/home?day=2026-11-22&batch=a%20b", "/fees/01970000-0000-7000-8000-00000000a001"]
)
async def test_signing_in_leads_back(world: World, given: str) -> None:
    answer = await _enter(world, world.anyone, "vikram", f"?next={quote(given, safe='')}")
    assert answer.headers["location"] == given
    world.anyone.cookies.clear()


async def test_a_family_chooses_on_the_way(world: World) -> None:
    """The choice, and a ticket that is spent, forged or for somebody else."""
    form, sent = {"login": "9822010006", "password": PASSWORD}, {"Sec-Fetch-Site": "same-origin"}
    page = await world.anyone.post("/sign-in?next=/me", data=form, headers=sent)
    assert page.status_code == 200
    assert page.text.count('name="userId"') == 3
    (ticket,) = set(re.findall(r'name="profileTicket" value="([^"]+)"', page.text))
    (action,) = set(re.findall(r'action="(/sign-in/profile[^"]*)"', page.text))
    sunita = {"profileTicket": ticket, "userId": str(world.id("sunita"))}
    for wrong, status in (
        ({**sunita, "userId": str(world.id("asha"))}, 422),
        ({**sunita, "userId": "garbage"}, 422),
        ({"profileTicket": ticket}, 422),
        ({**sunita, "profileTicket": ticket[:-4] + "AAAA"}, 401),
        ({**sunita, "profileTicket": "garbage"}, 401),
        ({"userId": str(world.id("sunita"))}, 303),
    ):
        answer = await world.anyone.post(unescape(action), data=wrong, headers=sent)
        assert answer.status_code == status, wrong
        assert "kaksha_session" not in answer.headers.get("set-cookie", "")
    chosen = await world.anyone.post(unescape(action), data=sunita, headers=sent)
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/me")
    assert "Sunita Deshpande" in (await world.anyone.get("/me")).text
    world.anyone.cookies.clear()
    world.clock.forward(minutes=5)
    late = await world.anyone.post(unescape(action), data=sunita, headers=sent)
    assert (late.status_code, "kaksha_session" in late.headers.get("set-cookie", "")) == (401, False)


async def test_a_changed_profile_shows_on_the_next_page(world: World) -> None:
    pages = await world.pages("asha")
    api = await world.api("asha")
    for round_ in range(20):
        name, theme = f"Asha {round_}", ("dark", "light")[round_ % 2]
        saved = await pages.post("/me", data={"name": name, "language": "en", "theme": theme})
        assert saved.status_code == 303
        text = (await pages.get("/me")).text
        assert name in text
        assert f'data-theme="{theme}"' in text
    for language in ("hi", "en") * 5:  # the other sign-in's pages, too
        assert (await api.patch("/v1/users/profile", json={"language": language})).status_code == 200
        assert f'lang="{language}"' in (await pages.get("/me")).text[:400]
    # A profile changed is no reason to sign an app out.
    assert (await api.get("/v1/users/profile")).status_code == 200


async def test_the_frame_of_every_page_follows_on_both_servers(world: World, other: World) -> None:
    pages = await world.pages("farah")
    there = other._client("pages", "farah")
    there.cookies.update(dict(pages.cookies))
    other.clock.at = world.clock.at
    assert "Farah Sheikh" in (await there.get("/me")).text
    for theme in ("dark", "light", "dark", "light"):
        assert (await pages.post("/me", data={"name": "Farah S", "theme": theme})).status_code == 303
        async with asyncio.timeout(1):
            while f'data-theme="{theme}"' not in (await there.get("/me")).text:
                await asyncio.sleep(0.01)
    other.forget_clients()


async def test_the_way_back_keeps_what_was_asked_for(world: World) -> None:
    answer = await world.anyone.get("/people?q=ro%20han&page=2")
    assert answer.headers["location"] == "/sign-in?next=/people%3Fq%3Dro%2520han%26page%3D2"
    form = {"login": world.people["asha"].email, "password": PASSWORD}
    led = await world.anyone.post(answer.headers["location"], data=form)
    assert led.headers["location"] == "/people?q=ro%20han&page=2"
    world.anyone.cookies.clear()
    off = await world.anyone.get("/people?next=//elsewhere.example")  # part of our own page's query, no way out
    assert (await world.anyone.post(off.headers["location"], data=form)).headers["location"].startswith("/people?")
    world.anyone.cookies.clear()


async def test_an_unknown_address_keeps_the_readers_frame(world: World) -> None:
    world.forget_clients()
    pages = await world.pages("sunita")
    for address in ("/nowhere", "/people/nobody", "/children/nobody/more"):
        answer = await pages.get(address)
        assert answer.status_code in (403, 404)
        assert 'href="/children"' in answer.text, address
    assert 'href="/children"' not in (await world.anyone.get("/nowhere")).text


async def test_pages_without_a_tab_of_their_own_stand_under_one(world: World) -> None:
    asha, sunita = await world.pages("asha"), await world.pages("sunita")
    for pages, address, tab in (
        (asha, "/invites", "/people"), (asha, "/invites/new", "/people"), (asha, "/joining/waiting", "/people"),
        (sunita, f"/batches/{world.institutes[0].batches[0].id}", "/children"),
    ):  # fmt: skip
        answer = await pages.get(address)
        assert answer.status_code == 200, address
        assert re.findall(r'<a href="([^"]+)" aria-current', answer.text.partition('class="tabs"')[2]) == [tab], address


async def test_a_parent_comes_to_the_batches_of_their_children(world: World) -> None:
    page = (await (await world.pages("sunita")).get("/children")).text
    assert f'href="/batches/{world.institutes[0].batches[0].id}"' in page


async def test_owners_are_reminded_of_the_second_step(world: World) -> None:
    asha = await world.pages("asha")
    assert "Protect the institute" in (await asha.get("/home")).text
    assert "Recommended" in (await asha.get("/me")).text
    await switched_on(world, "asha")
    assert "Protect the institute" not in (await asha.get("/home")).text
    assert "Recommended" not in (await asha.get("/me")).text


async def test_people_who_wait_can_be_listed(world: World) -> None:
    asha = await world.pages("asha")
    assert "Nobody waits" in (await asha.get("/people?status=pending")).text
    async with world.owner() as owner:
        await owner.execute("update users set status = 'pending' where id = $1", world.id("meher"))
    listed = (await asha.get("/people?status=pending")).text
    assert "Meher" in listed
    assert "Vikram" not in listed
    assert "status=pending" in (await asha.get("/people")).text
