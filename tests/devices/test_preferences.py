"""The role one acts in, and preferences, in both faces."""

from tests.world import World

API = "/v1/users/preferences"


async def test_one_acts_in_another_role_at_once(world: World) -> None:
    async with world.owner() as owner:
        await owner.execute("update users set roles = '{admin,teacher}' where id = $1", world.id("asha"))
    pages = await world.pages("asha")
    assert (await pages.get("/institute")).status_code == 200
    me = (await pages.get("/me")).text
    assert 'action="/me/role"' in me
    assert 'href="/people"' in (await pages.get("/home")).text
    answer = await pages.post("/me/role", data={"role": "teacher"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/home")
    home = (await pages.get("/home")).text
    assert 'href="/people"' not in home, "the tabs are those of the new role"
    assert ">Teacher<" in home
    assert (await pages.post("/me/role", data={"role": "admin"})).status_code == 303
    assert 'href="/people"' in (await pages.get("/home")).text


async def test_a_role_that_one_does_not_hold_is_refused(world: World) -> None:
    pages = await world.pages("rohan")
    for role in ("admin", "owner", ""):
        assert (await pages.post("/me/role", data={"role": role})).status_code == 422
    assert 'action="/me/role"' not in (await pages.get("/me")).text
    async with world.owner() as owner:
        assert {row["role"] for row in await owner.fetch(
            "select role from sessions where user_id = $1", world.id("rohan")
        )} == {"student"}  # fmt: skip


async def test_preferences_are_changed_part_by_part(world: World) -> None:
    api = await world.api("rohan")
    start = {"language": "en", "theme": "system", "quietHours": None, "digest": "none"}
    assert (await api.get(API)).json()["data"] == start
    answer = await api.put(API, json={"quietHours": {"from": "22:00", "to": "06:30"}, "digest": "weekly"})
    assert answer.json()["data"] == start | {"quietHours": {"from": "22:00", "to": "06:30"}, "digest": "weekly"}
    answer = await api.patch(API, json={"theme": "dark"})
    assert answer.json()["data"]["quietHours"] == {"from": "22:00", "to": "06:30"}
    assert (await api.get("/v1/users/profile")).json()["data"]["theme"] == "dark"
    answer = await api.put(API, json={"quietHours": None, "theme": "system", "digest": "none"})
    assert answer.json()["data"] == start
    assert (await api.put(API, json={})).json()["data"] == start


async def test_bad_preferences_are_named_and_change_nothing(world: World) -> None:
    api = await world.api("meher")
    before = (await api.get(API)).json()["data"]
    bad = {"language": "xx", "digest": "hourly", "quietHours": {"from": "25:00", "to": "6"}}
    answer = await api.put(API, json=bad)
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"language", "digest", "quietHours.from", "quietHours.to"}
    answer = await api.put(API, json={"theme": "dark", "quietHours": {"from": "22:00", "to": "22:00"}})
    assert set(answer.json()["errors"]) == {"quietHours.to"}
    assert (await api.get(API)).json()["data"] == before


async def test_the_page_keeps_preferences_and_speaks_the_new_language(world: World) -> None:
    pages = await world.pages("sunita")
    form = {"language": "hi", "theme": "dark", "digest": "daily", "from": "21:30", "to": "07:00"}
    assert (await pages.post("/me/preferences", data=form)).status_code == 303
    page = (await pages.get("/me/preferences")).text
    assert '<html lang="hi"' in page
    assert 'value="21:30"' in page
    half = await pages.post("/me/preferences", data=form | {"to": ""})
    assert half.status_code == 422
    assert 'value="21:30"' in half.text
    assert (
        await pages.post("/me/preferences", data=form | {"language": "en", "from": "", "to": ""})
    ).status_code == 303
    data = (await (await world.api("sunita")).get(API)).json()["data"]
    assert data == {"language": "en", "theme": "dark", "quietHours": None, "digest": "daily"}
