"""Signing in through both faces."""

from kaksha.sandbox.cast import PASSWORD
from tests.world import World


async def test_a_password_opens_a_sign_in(world: World) -> None:
    data = await world.sign_in("rohan")
    assert data["user"]["name"] == "Rohan Deshpande"
    assert data["tokenType"] == "Bearer"
    api = await world.api("rohan")
    answer = await api.get("/v1/users/profile")
    assert answer.status_code == 200
    assert answer.json()["data"]["id"] == str(world.id("rohan"))


async def test_a_shared_phone_asks_who_it_is(world: World) -> None:
    body = {"phone": "98220 10006", "password": PASSWORD}
    choice = (await world.anyone.post("/v1/auth/login", json=body)).json()["data"]
    assert {profile["name"] for profile in choice["profiles"]} == {
        "Rohan Deshpande", "Meher Deshpande", "Sunita Deshpande",
    }  # fmt: skip
    chosen = {"profileTicket": choice["profileTicket"], "userId": str(world.id("meher"))}
    answer = await world.anyone.post("/v1/auth/login", json=chosen)
    assert answer.json()["data"]["user"]["id"] == str(world.id("meher"))
    stranger = {"profileTicket": choice["profileTicket"], "userId": str(world.id("asha"))}
    assert (await world.anyone.post("/v1/auth/login", json=stranger)).status_code == 422


async def test_pages_sign_in_and_out(world: World) -> None:
    pages = await world.pages("rohan")
    assert (await pages.get("/me")).status_code == 200
    assert (await pages.post("/sign-out")).status_code == 303
    answer = await pages.get("/me")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")
    world.forget_clients()
