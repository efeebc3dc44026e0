"""A second step switched on, as a person does it."""

import base64
import hashlib
import hmac
import re

from tests.world import World


def code(key: str, world: World, steps: int = 0) -> str:
    """What an authenticator app shows, `steps` of 30 seconds from now (RFC 6238, written down anew)."""
    count = int(world.clock().timestamp()) // 30 + steps
    digest = hmac.digest(base64.b32decode(key), count.to_bytes(8, "big"), hashlib.sha1)
    place = digest[-1] & 15
    return str((int.from_bytes(digest[place : place + 4], "big") & 0x7FFFFFFF) % 10**6).zfill(6)


async def switched_on(world: World, key: str) -> tuple[str, list[str]]:
    """(the key in the app, recovery codes) of somebody who switched it on just now."""
    pages = await world.pages(key)
    page = (await pages.get("/me/second-factor")).text
    secret = re.search(r'data-copy="([A-Z2-7]{32})"', page)
    sealed = re.search(r'name="secret" value="([^"]+)"', page)
    assert secret is not None
    assert sealed is not None
    assert "style=" not in page
    wrong = await pages.post("/me/second-factor", data={"secret": sealed[1], "code": "000 000"})
    assert wrong.status_code == 422
    assert secret[1] in wrong.text, "the same key stays on the screen"
    done = await pages.post("/me/second-factor", data={"secret": sealed[1], "code": code(secret[1], world)})
    assert done.status_code == 200, done.text
    codes = re.findall(r"<code>([a-z2-7-]{19})</code>", done.text)
    assert len(codes) == 8
    twice = await pages.post("/me/second-factor", data={"secret": sealed[1], "code": code(secret[1], world)})
    assert re.findall(r"<code>([a-z2-7-]{19})</code>", twice.text) == codes, "a double press shows the same"
    assert codes[0] not in (await pages.get("/me/second-factor")).text
    return secret[1], codes
