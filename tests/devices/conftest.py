"""A second server process's stand-in, sign-ins of several devices, and pictures as phones make them."""

import io
from collections.abc import AsyncIterator

import httpx2
import pytest
from PIL import Image

from kaksha.sandbox.cast import PASSWORD
from tests.world import World, serving

PHONE = {"X-Device-ID": "d-1", "X-Platform": "android", "X-App-Version": "4.2.0"}
CHROME = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"
)


@pytest.fixture(scope="module")
async def other(
    world: World, database: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """Another server beside `world`."""
    owner_url, app_url = database
    async with serving(tmp_path_factory.mktemp("other"), app_url, owner_url) as running:
        yield running


async def caller_of(world: World, key: str, headers: dict[str, str]) -> tuple[str, httpx2.Headers]:
    """(refresh token, headers of a caller) of a fresh sign-in from a device that says `headers`."""
    given = {"email": world.people[key].email, "password": PASSWORD}
    answer = await world.anyone.post("/v1/auth/login", json=given, headers=headers)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    return data["refreshToken"], httpx2.Headers({"Authorization": f"Bearer {data['accessToken']}"})


def photo(kind: str = "JPEG", *, turned: bool = False) -> bytes:
    """A red over a blue half, 400 by 400, with the place it was taken at; `turned` as a camera held sideways does."""
    picture = Image.new("RGB", (400, 400), "blue")
    picture.paste("red", (0, 0, 400, 200))
    exif = Image.Exif()
    exif[0x010F] = "Kaksha Camera"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (18.0, 31.0, 12.0)
    if turned:
        picture = picture.rotate(90)  # red at the left; 6 says: turn it clockwise to see it upright
        exif[0x0112] = 6
    out = io.BytesIO()
    picture.save(out, kind, exif=exif.tobytes())
    return out.getvalue()
