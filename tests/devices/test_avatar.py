"""Pictures: what is taken, what is left of it, and who sees it."""

import io
import struct
import zipfile
import zlib

import pytest
from PIL import Image

from tests.devices.conftest import photo
from tests.world import World


def _file(data: bytes, name: str = "me.jpg", kind: str = "image/jpeg") -> dict[str, tuple[str, bytes, str]]:
    return {"file": (name, data, kind)}


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _bomb(side: int) -> bytes:
    """A PNG of `side` x `side` black pixels that weighs next to nothing."""
    packer = zlib.compressobj(9)
    line = bytes(1 + side // 8 + 1)
    body = b"".join(packer.compress(line) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_picture_is_made_anew_without_its_place(world: World, kind: str) -> None:
    api = await world.api("rohan")
    sent = photo(kind)
    assert b"Kaksha Camera" in sent
    answer = await api.post("/v1/users/avatar", files=_file(sent))
    assert answer.status_code == 200, answer.text
    address = answer.json()["data"]["avatarUrl"]
    assert (await api.get("/v1/users/profile")).json()["data"]["avatarUrl"] == address
    kept = await api.get(address)
    assert kept.headers["content-type"] == "image/webp"
    assert kept.headers["cache-control"].startswith("private")
    assert b"Kaksha Camera" not in kept.content
    assert b"EXIF" not in kept.content.upper()
    with Image.open(io.BytesIO(kept.content)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (256, 256))
        assert not picture.getexif()
    tag = kept.headers["etag"]
    again = await api.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_turned_photo_stands_upright(world: World) -> None:
    api = await world.api("meher")
    address = (await api.post("/v1/users/avatar", files=_file(photo(turned=True)))).json()["data"]["avatarUrl"]
    with Image.open(io.BytesIO((await api.get(address)).content)) as picture:
        top, bottom = picture.convert("RGB").getpixel((128, 20)), picture.convert("RGB").getpixel((128, 236))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[0] > 200 > 60 > top[2]
    assert bottom[2] > 200 > 60 > bottom[0]


async def test_what_is_no_picture_is_refused(world: World) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "hello")
    gif = io.BytesIO()
    Image.new("RGB", (9, 9)).save(gif, "GIF")
    refused = {
        "zip": (packed.getvalue(), 415, "NOT_A_PICTURE"),
        "gif": (gif.getvalue(), 415, "NOT_A_PICTURE"),
        "cut": (photo("PNG")[:200], 415, "NOT_A_PICTURE"),
        "empty": (b"", 415, "NOT_A_PICTURE"),
        "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "NOT_A_PICTURE"),
        "bomb": (_bomb(30_000), 413, "TOO_MANY_PIXELS"),
        "smaller bomb": (_bomb(8_000), 413, "TOO_MANY_PIXELS"),
        "large": (photo() + bytes(5 << 20), 413, "BODY_TOO_LARGE"),
        "huge": (photo() + bytes(6 << 20), 413, "BODY_TOO_LARGE"),
    }
    api, pages = await world.api("vikram"), await world.pages("vikram")
    for name, (data, status, code) in refused.items():
        world.clock.forward(minutes=1)
        answer = await api.post("/v1/users/avatar", files=_file(data, "me.png", "image/png"))
        assert (answer.status_code, answer.json()["code"]) == (status, code), name
        page = await pages.post("/me/avatar", files=_file(data, "me.png", "image/png"))
        assert page.status_code == status, name
    assert (await api.get("/v1/users/profile")).json()["data"]["avatarUrl"] is None
    answer = await api.post("/v1/users/avatar", files={"other": ("me.jpg", photo(), "image/jpeg")})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"file"}


async def test_other_routes_keep_their_limit_for_multipart(world: World) -> None:
    pages = await world.pages("vikram")
    answer = await pages.post("/me", data={"name": "Vikram"}, files=_file(bytes(2 << 20)))
    assert answer.status_code == 413


async def test_the_page_shows_and_removes_it(world: World) -> None:
    pages = await world.pages("nandini")
    assert '<img class="avatar"' not in (await pages.get("/me")).text
    assert (await pages.post("/me/avatar", files=_file(photo()))).status_code == 303
    page = (await pages.get("/me")).text
    address = page.partition('<img class="avatar" src="')[2].partition('"')[0]
    assert address.startswith(f"/avatars/{world.id('nandini')}?v=")
    assert (await pages.get(address)).headers["content-type"] == "image/webp"
    assert (await pages.post("/me/avatar", files=_file(photo("PNG")))).status_code == 303
    old = await pages.get(address)
    assert old.headers["cache-control"] == "private, no-cache", "an old address shows the new picture, and is not kept"
    assert (await pages.post("/me/avatar/remove")).status_code == 303
    assert (await pages.get(address)).status_code == 404
    assert '<img class="avatar"' not in (await pages.get("/me")).text
    left = [path for path in world.settings.home.rglob("*.webp") if str(world.id("nandini")) in str(path)]
    assert not left, "what nobody sees any more is not kept"


async def test_a_repeated_upload_is_answered_again(world: World) -> None:
    api, pages = await world.api("asha"), await world.pages("asha")
    key = {"Idempotency-Key": "upload-1"}
    first, second = [await api.post("/v1/users/avatar", files=_file(photo()), headers=key) for _ in range(2)]
    assert first.status_code == 200, first.text
    assert second.json() == first.json()
    other = await api.post("/v1/users/avatar", files=_file(photo("PNG")), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (await pages.post("/me/avatar", files=_file(photo()), data={"_idem": "upload-2"})).status_code == 303
    kept = [path for path in world.settings.home.rglob("*.webp") if str(world.id("asha")) in str(path)]
    assert len(kept) == 1


async def test_only_ones_own_institute_sees_it(world: World) -> None:
    api = await world.api("rohan")
    address = (await api.post("/v1/users/avatar", files=_file(photo()))).json()["data"]["avatarUrl"]
    page = address.replace("/v1/users/", "/avatars/").replace("/avatar?", "?")
    assert (await (await world.api("sunita")).get(address)).status_code == 200
    assert (await (await world.pages("sunita")).get(page)).status_code == 200
    assert (await (await world.api("kabir")).get(address)).status_code == 404
    assert (await (await world.pages("kabir")).get(page)).status_code == 404
    assert (await world.anyone.get(address)).status_code == 401
    assert (await api.delete("/v1/users/avatar")).json()["data"] == {"avatarUrl": None}
    assert (await api.get(address)).status_code == 404
