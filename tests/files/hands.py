"""What the tests of files send, and how they hang it on something."""

import io
import struct
import zipfile
import zlib
from typing import Any
from uuid import UUID

from PIL import Image

from kaksha.core.db import Actor
from kaksha.files.service import Audience, Hook, attach
from tests.world import World

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def picture(kind: str = "PNG", side: int = 40, colour: str = "teal") -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Kaksha Camera"
    Image.new("RGB", (side, side), colour).save(out, kind, exif=exif)
    return out.getvalue()


def bomb(side: int) -> bytes:
    """A PNG of `side` x `side` black pixels that weighs next to nothing."""
    packer = zlib.compressobj(9)
    line = bytes(1 + side // 8 + 1)
    body = b"".join(packer.compress(line) for _ in range(side)) + packer.flush()

    def chunk(kind: bytes, inner: bytes) -> bytes:
        return struct.pack(">I", len(inner)) + kind + inner + struct.pack(">I", zlib.crc32(kind + inner))

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def packed(*names: str) -> bytes:
    """A zip with these files in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    return out.getvalue()


DOCX = packed("[Content_Types].xml", "word/document.xml")
MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x00" + bytes(400)
WEBM = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm" + bytes(
    400
)


def form(content: bytes = PDF, purpose: str | None = "message", name: str = "a.pdf", kind: str = "") -> dict[str, Any]:
    """What a client sends to /files/upload."""
    return {
        "files": {"file": (name, content, kind or "application/octet-stream")},
        "data": {"purpose": purpose} if purpose else {},
    }


async def sent(world: World, key: str, purpose: str = "message", content: bytes = PDF, name: str = "a.pdf") -> Any:
    """An uploaded file's `data`."""
    answer = await (await world.api(key)).post("/v1/files/upload", **form(content, purpose, name))
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def hung(world: World, key: str, file_id: str, hook: Hook, *audience: Audience) -> None:
    """Hangs somebody's file on a thing."""
    async with world.db.write(world.institute(key), Actor(world.id(key))) as tx:
        purposes = [
            "assignment",
            "submission",
            "message",
            "voice",
            "doubt",
            "note",
            "announcement",
            "document",
            "receipt",
        ]
        await attach(tx, [UUID(file_id)], hook=hook, audience=audience, purposes=purposes)
