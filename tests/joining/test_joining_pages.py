"""The pages of joining, as a browser without scripts uses them."""

import re
from uuid import uuid4

import httpx2

from tests.joining.hands import PASSWORD, invited, people, record, register, somebody
from tests.world import World


def visitor(world: World) -> httpx2.AsyncClient:
    """A browser that is signed in as nobody yet."""
    return httpx2.AsyncClient(
        base_url=world.url, timeout=30, headers={"Accept-Language": "en", "Sec-Fetch-Site": "same-origin"}
    )


async def test_from_the_code_to_home(world: World) -> None:
    batch = world.institutes[0].batches[0]
    invite = await invited(world, batchId=str(batch.id))
    async with visitor(world) as browser:
        assert 'href="/join"' in (await browser.get("/sign-in")).text
        answer = await browser.post("/join", data={"code": invite["code"].replace("-", " ")})
        assert answer.status_code == 303
        path = answer.headers["location"]
        page = (await browser.get(path)).text
        for text in ("Aarambh Classes", batch.name, "Student"):
            assert text in page
        assert 'name="grade"' not in page
        assert 'name="role"' not in page
        bad = await browser.post(path, data={"name": "Nila", "email": "no", "password": "short"})
        assert bad.status_code == 422
        assert "Is not an e-mail address." in bad.text
        assert "Must have at least 8 characters." in bad.text
        assert 'value="Nila"' in bad.text
        good = {"name": "Nila Joshi", "email": "nila@example.org", "password": PASSWORD, "language": "en"}
        answer = await browser.post(path, data=good)
        assert (answer.status_code, answer.headers["location"]) == (303, "/home"), answer.text
        home = await browser.get("/home")
        assert home.status_code == 200
        assert "Welcome. You are signed in." in home.text
        before = await people(world)
        again = await browser.post(path, data=good)  # the finger came down twice
        assert again.status_code == 303
        assert await people(world) == before
        gone = await browser.post(path, data=good | {"name": "Another"})
        assert gone.status_code == 410
        assert "not good" in gone.text


async def test_with_the_institutes_code(world: World) -> None:
    async with visitor(world) as browser:
        page = (await browser.get("/join/Aarambh")).text
        assert 'name="role"' in page
        assert 'value="teacher"' not in page
        escalated = await browser.post("/join/aarambh", data=somebody(role="admin"))
        assert escalated.status_code == 403
        answer = await browser.post("/join/aarambh", data=somebody(name="Waits Long", role="student"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/join/done")
        assert "still has to let you in" in (await browser.get("/join/done")).text
        assert (await browser.get("/home")).status_code == 303
    for key, seen in (("desk", True), ("till", False)):
        page = (await (await world.pages(key)).get("/joining/waiting")).text
        assert "Waits Long" in page
        assert ("/approve" in page) is seen


async def test_approving_and_declining(world: World) -> None:
    desk = await world.pages("desk")
    ids = [(await register(world, instituteCode="aarambh", role="parent", **somebody())).json()["data"]["user"]["id"]
           for _ in range(2)]  # fmt: skip
    answer = await desk.post(f"/joining/{ids[0]}/approve", data={"_idem": str(uuid4())})
    assert answer.headers["location"] == "/joining/waiting"
    empty = await desk.post(f"/joining/{ids[1]}/decline", data={"_idem": str(uuid4())})
    assert empty.status_code == 422
    answer = await desk.post(f"/joining/{ids[1]}/decline", data={"_idem": str(uuid4()), "reason": "Unknown"})
    assert answer.status_code == 303
    assert [(await record(world, one))["status"] for one in ids] == ["active", "disabled"]
    for key in ("till", "vikram", "rohan"):
        answer = await (await world.pages(key)).post(f"/joining/{ids[1]}/approve")
        assert answer.status_code == 403
    farah = await world.pages("farah")
    assert (await farah.post(f"/joining/{ids[1]}/approve")).status_code == 404


async def test_an_invite_is_made_shown_and_revoked(world: World) -> None:
    desk = await world.pages("desk")
    assert "/invites" in (await desk.get("/people")).text
    assert "role=teacher" not in (await desk.get("/invites/new")).text
    found = (await desk.get("/invites/new?role=parent&q=rohan")).text
    assert f"child={world.id('rohan')}" in found
    form = (await desk.get(f"/invites/new?role=parent&child={world.id('rohan')}")).text
    assert "Rohan Deshpande" in form
    bad = await desk.post("/invites", data={"role": "parent", "uses": "0", "days": "7"})
    assert bad.status_code == 422
    sent = {"role": "parent", "studentId": str(world.id("rohan")), "uses": "2", "days": "30", "label": "The Deshpandes"}
    answer = await desk.post("/invites", data=sent | {"_idem": str(uuid4())})
    path = answer.headers["location"]
    page = (await desk.get(path)).text
    code = re.search(r"<code>(aarambh-[^<]+)</code>", page)
    assert code
    for text in (f"{world.url}/join/{code[1]}", "https://wa.me/?text=", "The Deshpandes", "keep no copy"):
        assert text in page
    assert "style=" not in page
    picture = re.search(r'<img src="([^"]+qr\.svg[^"]*)"', page)
    assert picture
    drawn = await desk.get(picture[1])
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert "<path" in drawn.text
    assert "style" not in drawn.text
    bare = path.partition("?")[0]
    assert code[1] not in (await desk.get(bare)).text
    assert (await desk.get(f"{bare}/qr.svg")).status_code == 404
    other = await invited(world)
    assert code[1] not in (await desk.get(f"/invites/{other['id']}?{path.partition('?')[2]}")).text
    assert "The Deshpandes" in (await desk.get("/invites")).text
    async with visitor(world) as browser:
        joining = (await browser.get(f"/join/{code[1]}")).text
        assert "Rohan Deshpande" in joining
        assert 'name="relation"' in joining
        assert (await desk.post(f"{bare}/revoke", data={"_idem": str(uuid4())})).status_code == 303
        assert (await browser.get(f"/join/{code[1]}")).status_code == 410
    assert code[1] not in (await desk.get(path)).text


async def test_in_hindi(world: World) -> None:
    invite = await invited(world)
    async with visitor(world) as browser:
        for path, text in (
            ("/join", "कोड से जुड़ें"),
            (f"/join/{invite['code']}", "Aarambh Classes से जुड़ें"),
            ("/join/aarambh-0000-0000", "यह निमंत्रण"),
            ("/join/done", "बस थोड़ा और"),
        ):
            page = (await browser.get(path, headers={"Accept-Language": "hi"})).text
            assert 'lang="hi"' in page
            assert text in page
