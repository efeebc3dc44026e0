"""What is refused, under which code, in both languages - and that it leaves neither a row nor an object behind."""

import contextlib
import io
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from kaksha.gateways import storage
from tests.files.hands import DOCX, MP3, PDF, WEBM, bomb, form, packed, picture, sent
from tests.world import World

SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
MACROS = packed("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin")
_GIF = io.BytesIO()
Image.new("RGB", (9, 9)).save(_GIF, "GIF")

REFUSED: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "a zip named .png": ("rohan", form(packed("a.txt"), "message", "a.png", "image/png"), 415, "FILE_KIND_REFUSED"),
    "svg": ("rohan", form(SVG, "message", "a.svg", "image/svg+xml"), 415, "FILE_KIND_REFUSED"),
    "html named .pdf": ("rohan", form(b"<html>" * 50, name="a.pdf"), 415, "FILE_KIND_REFUSED"),
    "a program": ("rohan", form(b"MZ\x90" + bytes(200)), 415, "FILE_KIND_REFUSED"),
    "macros": ("vikram", form(MACROS, "assignment", "a.docx"), 415, "FILE_KIND_REFUSED"),
    "half a zip": ("vikram", form(DOCX[:90], "assignment", "a.docx"), 415, "FILE_KIND_REFUSED"),
    "gif": ("rohan", form(_GIF.getvalue(), name="a.gif"), 415, "FILE_KIND_REFUSED"),
    "sound where pictures belong": ("rohan", form(MP3, "document"), 415, "FILE_KIND_REFUSED"),
    "a picture as voice": ("rohan", form(picture(), "voice"), 415, "FILE_KIND_REFUSED"),
    "half a picture": ("rohan", form(picture()[:60]), 415, "NOT_A_PICTURE"),
    "a bomb": ("rohan", form(bomb(30_000), name="a.png"), 413, "TOO_MANY_PIXELS"),
    "empty": ("rohan", form(b""), 422, "FILE_EMPTY"),
    "too large": ("rohan", form(MP3 + bytes(10 << 20), "voice"), 413, "FILE_TOO_LARGE"),
    "another role's purpose": ("rohan", form(purpose="assignment"), 403, "PURPOSE_NOT_ALLOWED"),
    "no such purpose": ("rohan", form(purpose="avatar"), 422, "VALIDATION_ERROR"),
    "no purpose": ("rohan", form(purpose=None), 422, "VALIDATION_ERROR"),
    "no file": ("rohan", {"files": {"other": ("a.pdf", PDF)}, "data": {"purpose": "message"}}, 422, "VALIDATION_ERROR"),
}


async def kept(world: World) -> tuple[int, list[str]]:
    """How many rows there are, and the names of the objects."""
    async with world.owner() as owner:
        rows = await owner.fetchval("select count(*) from files")
    store = storage.configure(world.settings.storage_url, world.settings.home)
    return rows, sorted([info.name async for info in storage.listed(store, world.institute("rohan"))])


@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_refused_leaves_nothing(world: World, what: str) -> None:
    key, body, status, code = REFUSED[what]
    api = await world.api(key)
    before = await kept(world)
    said = {}
    for language in ("en", "hi"):
        answer = await api.post("/v1/files/upload", headers={"Accept-Language": language}, **body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        said[language] = answer.json()["message"]
    assert said["en"].isascii()
    assert await kept(world) == before


async def test_languages_differ(world: World) -> None:
    async with world.owner() as owner:
        await owner.execute("update users set language = 'hi' where id = $1", world.id("meher"))
    answer = await (await world.api("meher")).post("/v1/files/upload", **form(SVG))
    assert "JPEG, PNG, WebP" in answer.json()["message"]
    assert not answer.json()["message"].isascii()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd.pdf"), ("..\\..\\boot.ini.pdf", "boot.ini.pdf"),
        ("a\x00b\x1b\u202egpj.pdf", "abgpj.pdf"),
        ("रोहन का गृहकार्य ११.pdf", "रोहन का गृहकार्य ११.pdf"), ("क" * 300 + ".pdf", "क" * 116 + ".pdf"),
        ("photo.png", "photo.pdf"), ("...", "file.pdf"), ("Ch. 4.PDF", "Ch. 4.PDF"), ("a<b>|?.pdf", "a_b___.pdf"),
    ],
)  # fmt: skip
def test_names_are_cleaned(given: str, shown: str) -> None:
    from kaksha.core.filenames import clean_name

    assert clean_name(given, "pdf", frozenset({"pdf"})) == shown


async def test_a_name_travels_clean(world: World) -> None:
    file = await sent(world, "rohan", name="../../../etc/पाठ १.pdf")
    assert file["name"] == "पाठ १.pdf"
    got = await (await world.api("rohan")).get(f"/v1/files/{file['id']}/download")
    assert "filename*=UTF-8''%E0%A4%AA" in got.headers["content-disposition"]
    assert got.headers["content-disposition"].isascii()


async def test_kinds_are_told_by_their_bytes(world: World) -> None:
    docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    for key, purpose, content, name, media in (
        ("vikram", "assignment", DOCX, "a.png", docx), ("rohan", "message", WEBM, "v.webm", "audio/webm"),
        ("rohan", "submission", picture("JPEG"), "a.png", "image/jpeg"),
    ):  # fmt: skip
        file = await sent(world, key, purpose, content, name)
        assert file["contentType"] == media
    assert file["name"] == "a.jpg"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_pictures_lose_where_they_were_taken(world: World, kind: str) -> None:
    content = picture(kind, 3000, "orange")
    assert b"Kaksha Camera" in content
    file = await sent(world, "rohan", "submission", content, "a.bin")
    got = await (await world.api("rohan")).get(f"/v1/files/{file['id']}/download", params={"inline": "true"})
    assert b"Kaksha Camera" not in got.content
    assert got.headers["content-disposition"].startswith("inline")
    with Image.open(io.BytesIO(got.content)) as clean:
        assert (clean.format, clean.size) == (kind, (2560, 2560))
        assert not clean.getexif()


async def test_nothing_but_pictures_and_sound_is_shown_inline(world: World) -> None:
    file = await sent(world, "rohan")
    got = await (await world.api("rohan")).get(file["url"], params={"inline": "true"})
    assert got.headers["content-disposition"].startswith("attachment")
    assert got.headers["content-security-policy"].startswith("sandbox")


def _raw(world: World, token: str, head: str, body: bytes) -> bytes:
    where = urlsplit(world.url)
    with socket.create_connection((where.hostname, where.port), timeout=20) as wire:
        lines = f"POST /v1/files/upload HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nConnection: close\r\n"
        lines += f"{head}\r\n\r\n"
        wire.sendall(lines.encode())
        with contextlib.suppress(OSError):  # it was answered before all was sent
            wire.sendall(body)
        said = b""
        while chunk := wire.recv(65536):
            said += chunk
    return said


async def test_a_lying_length_and_chunks_do_not_get_round_the_limit(world: World) -> None:
    import asyncio

    api = await world.api("rohan")
    before = await kept(world)
    large = MP3 + bytes(11 << 20)
    part = b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nvoice\r\n'
    part += b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n' + large + b"\r\n--b--\r\n"
    token = api.headers["Authorization"]
    kind = "Content-Type: multipart/form-data; boundary=b"
    chunked = b"".join(
        f"{len(part[at : at + 65536]):x}\r\n".encode() + part[at : at + 65536] + b"\r\n"
        for at in range(0, len(part), 65536)
    ) + b"0\r\n\r\n"  # fmt: skip
    said = await asyncio.to_thread(_raw, world, token, f"{kind}\r\nTransfer-Encoding: chunked", chunked)
    assert b" 413 " in said.split(b"\r\n")[0]
    assert b"FILE_TOO_LARGE" in said
    said = await asyncio.to_thread(_raw, world, token, f"{kind}\r\nContent-Length: 300", part)
    assert b" 400 " in said.split(b"\r\n")[0], said[:200]
    said = await asyncio.to_thread(_raw, world, token, f"{kind}\r\nContent-Length: {3 << 30}", b"")
    assert b" 413 " in said.split(b"\r\n")[0]
    assert await kept(world) == before


async def test_a_field_that_is_no_file_stays_small(world: World) -> None:
    api = await world.api("rohan")
    answer = await api.post("/v1/files/upload", data={"purpose": "x" * (2 << 20)}, files={"file": ("a.pdf", PDF)})
    assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE")


async def test_quotas(world: World) -> None:
    api = await world.api("vikram")
    content = PDF + bytes(20 << 20)
    made = [await sent(world, "vikram", "assignment", content) for _ in range(3)]
    before = await kept(world)
    answer = await api.post("/v1/files/upload", **form(content, "assignment"))
    assert (answer.status_code, answer.json()["code"]) == (413, "PERSON_QUOTA_EXCEEDED")
    assert await kept(world) == before
    assert (await api.get("/v1/files/usage")).json()["data"]["bytes"] >= 60 << 20
    for file in made:
        assert (await api.delete(f"/v1/files/{file['id']}")).status_code == 200
    assert (await api.get("/v1/files/usage")).json()["data"]["bytes"] < 20 << 20
    assert (await api.post("/v1/files/upload", **form(PDF, "assignment"))).status_code == 201
