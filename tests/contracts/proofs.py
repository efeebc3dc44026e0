"""What the guards send to prove who they are: links, codes, a second step, a picture. Each is made for this once."""

import io
import re
from typing import Any
from uuid import UUID

from PIL import Image

from kaksha.accounts import service as accounts
from kaksha.codes.service import code_of, make_link, opened
from kaksha.core.db import Actor
from kaksha.core.ids import new_id
from kaksha.core.seal import Keys
from kaksha.sandbox.cast import PASSWORD
from tests.devices.hands import code, switched_on
from tests.world import World

_NEW = "a long walk home"
_COMER = {"name": "Isha Pawar", "phone": "98230 45678", "password": _NEW, "role": "student", "grade": "Class 9"}


async def proofs(world: World, waiting: UUID) -> dict[str, dict[str, Any]]:
    """Path -> what is sent there, `{waiting}` waits for approval; everybody must be signed in."""
    _, recovery = await switched_on(world, "vikram")
    steps = [{"ticket": await _ticket(world), "code": each} for each in recovery[:2]]
    setup = await _setup(world)
    first, second = [await _code(world, key) for key in ("nandini", "kabir")]
    reset, verify = [await _link(world, purpose) for purpose in ("reset_password", "verify_email")]
    change = {"currentPassword": PASSWORD, "newPassword": _NEW}
    quiet = {"quietHours": {"from": "22:00", "to": "06:00"}, "digest": "daily"}
    picture = {"files": {"file": ("me.png", _picture(), "image/png")}}
    why, phone = {"reason": "Nobody here knows them"}, {"phone": "98220 10002"}
    return {
        "/forgot-password": {"data": {"login": world.people["nandini"].email}},
        "/v1/auth/forgot-password": {"json": {"email": world.people["nandini"].email}},
        "/sign-in/code": {"data": phone},
        "/v1/auth/otp/request": {"json": {"phone": "98220 10001"}},
        "/sign-in/code/enter": {"data": first},
        "/v1/auth/otp/verify": {"json": second},
        "/reset-password": {"data": {"token": reset, "password": _NEW}},
        "/v1/auth/reset-password": {"json": {"token": reset, "password": _NEW}},
        "/verify-email": {"data": {"token": verify}},
        "/v1/auth/verify-email": {"json": {"token": verify}},
        "/me/verify-email": {"data": {}},
        "/me/password": {"data": change},
        "/v1/auth/change-password": {"json": change},
        "/me/role": {"data": {"role": "admin"}},
        "/me/avatar": picture,
        "/me/avatar/remove": {"data": {}},
        "/v1/users/avatar": picture,
        "/me/second-factor": {"data": setup},
        "/me/second-factor/off": {"data": {"password": PASSWORD}},
        "/sign-in/second-factor": {"data": steps[0]},
        "/v1/auth/second-factor": {"json": steps[1]},
        "/v1/users/preferences": {"json": quiet},
        "/join/{code:str}": {"path": "/join/aarambh", "data": _COMER},
        "/v1/auth/register": {"json": {**_COMER, "instituteCode": "aarambh"}},
        "/v1/invites": {"json": {"role": "student"}},
        "/joining/{person_id:uuid}/approve": {"path": f"/joining/{waiting}/approve", "data": {}},
        "/joining/{person_id:uuid}/decline": {"path": f"/joining/{waiting}/decline", "data": why},
        "/v1/people/{person_id:uuid}/approve": {"path": f"/v1/people/{waiting}/approve", "json": {}},
        "/v1/people/{person_id:uuid}/decline": {"path": f"/v1/people/{waiting}/decline", "json": why},
    }


async def _ticket(world: World) -> str:
    given = {"email": world.people["vikram"].email, "password": PASSWORD}
    return (await world.anyone.post("/v1/auth/login", json=given)).json()["data"]["ticket"]


async def _setup(world: World) -> dict[str, str]:
    """The form with which Asha would switch her second step on."""
    page = (await (await world.pages("asha")).get("/me/second-factor")).text
    key, sealed = re.search(r'data-copy="([A-Z2-7]{32})"', page), re.search(r'name="secret" value="([^"]+)"', page)
    assert key is not None
    assert sealed is not None
    return {"secret": sealed[1], "code": code(key[1], world)}


async def _code(world: World, key: str) -> dict[str, str]:
    """A challenge for this person's phone with its code."""
    answer = await world.anyone.post("/v1/auth/otp/request", json={"phone": world.people[key].phone})
    assert answer.status_code == 200, answer.text
    core: Any = type("Core", (), {"keys": Keys(world.settings.secret_key)})
    challenge = answer.json()["data"]["challenge"]
    asked = opened(core, "challenge", challenge)
    assert asked is not None
    return {"challenge": challenge, "code": code_of(core, asked)}


async def _link(world: World, purpose: str) -> str:
    institute = world.institute("nandini")
    person = await accounts.account(world.db, institute, world.id("nandini"))
    async with world.db.write(institute, Actor(None)) as tx:
        return await make_link(tx, person, purpose, new_id(), person.email or "")


def _picture() -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(drawn, "png")
    return drawn.getvalue()
