"""The secret key is changed: what the one before signed and sealed is taken for as long as it is named."""

from collections.abc import AsyncIterator

import pytest

from kaksha.core.ids import new_id
from kaksha.core.seal import Keys, SealBroken, open_sealed_text, seal_text
from kaksha.joining.models import code_hashes
from kaksha.sandbox.cast import PASSWORD
from tests.world import World, serving

_OLD, _NEW = "k" * 48, "n" * 48


@pytest.fixture(scope="module")
async def changed(
    world: World, database: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """The server after the change."""
    keys = {"KAKSHA_SECRET_KEY": _NEW, "KAKSHA_PREVIOUS_SECRET_KEYS": f"{'m' * 48}, {_OLD}"}
    home = tmp_path_factory.mktemp("changed")
    async with serving(home, database[1], database[0], **keys) as running:
        yield running


async def test_sign_ins_go_on(world: World, changed: World) -> None:
    signed_in = await world.sign_in("rohan")
    bearer = {"Authorization": f"Bearer {signed_in['accessToken']}"}
    assert (await changed.anyone.get("/v1/users/profile", headers=bearer)).status_code == 200
    cookie = (await world.pages("rohan")).cookies["kaksha_session"]
    assert (await changed.anyone.get("/me", headers={"Cookie": f"kaksha_session={cookie}"})).status_code == 200
    # Refreshed just before the change, and once more just after it: the same successor, which is good.
    body = {"refreshToken": signed_in["refreshToken"]}
    first = (await world.anyone.post("/v1/auth/refresh", json=body)).json()["data"]["refreshToken"]
    again = (await changed.anyone.post("/v1/auth/refresh", json=body)).json()["data"]["refreshToken"]
    assert again == first
    assert (await changed.anyone.post("/v1/auth/refresh", json={"refreshToken": first})).status_code == 200


async def test_what_is_made_now_is_the_new_keys(world: World, changed: World) -> None:
    bearer = {"Authorization": f"Bearer {(await changed.sign_in('rohan'))['accessToken']}"}
    assert (await changed.anyone.get("/v1/users/profile", headers=bearer)).status_code == 200
    assert (await world.anyone.get("/v1/users/profile", headers=bearer)).status_code == 401


async def test_tickets_and_invites_go_on(world: World, changed: World) -> None:
    given = {"phone": world.people["meher"].phone, "password": PASSWORD}
    ticket = (await world.anyone.post("/v1/auth/login", json=given)).json()["data"]["profileTicket"]
    chosen = {"profileTicket": ticket, "userId": str(world.id("meher"))}
    assert (await changed.anyone.post("/v1/auth/login", json=chosen)).status_code == 200
    invite = (await (await world.api("asha")).post("/v1/invites", json={"role": "parent"})).json()["data"]
    comer = {"name": "Ila Rao", "phone": "98230 55555", "password": "a long walk home", "inviteCode": invite["code"]}
    assert (await changed.anyone.post("/v1/auth/register", json=comer)).status_code == 201


def test_the_first_one_seals_and_all_open() -> None:
    ring, alone = Keys(_NEW, [_OLD]), Keys(_NEW)
    before = seal_text(Keys(_OLD), "a", "value")
    assert open_sealed_text(ring, "a", before, str) == "value"
    with pytest.raises(SealBroken):
        open_sealed_text(alone, "a", before, str)
    assert open_sealed_text(alone, "a", seal_text(ring, "a", "value"), str) == "value"
    whose = new_id()
    assert code_hashes(ring, whose, "X")[1:] == code_hashes(Keys(_OLD), whose, "X")
