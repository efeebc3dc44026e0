"""A tus client, as small as can be."""

import base64
import hashlib
from typing import Any

import httpx2

from tests.world import World

TUS = {"Tus-Resumable": "1.0.0"}


def begun(size: int, purpose: str = "message", name: str = "a.mp3", kind: str = "audio/mpeg") -> dict[str, str]:
    """The headers that begin an upload."""
    said = {"filename": name, "filetype": kind, "purpose": purpose}
    metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
    return TUS | {"Upload-Length": str(size), "Upload-Metadata": metadata}


async def start(world: World, key: str, size: int, purpose: str = "message", **more: Any) -> str:
    """The address of a fresh upload."""
    answer = await (await world.api(key)).post("/v1/files/tus", headers=begun(size, purpose, **more))
    assert answer.status_code == 201, answer.text
    assert answer.headers["upload-expires"].endswith("GMT")
    return answer.headers["location"]


async def piece(world: World, address: str, offset: int, body: bytes, **headers: str) -> httpx2.Response:
    kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
    return await world.anyone.patch(address, content=body, headers=TUS | kind | headers)


async def offset(world: World, address: str) -> int:
    answer = await world.anyone.head(address, headers=TUS)
    assert answer.status_code == 200, answer.status_code
    assert answer.headers["cache-control"] == "no-store"
    return int(answer.headers["upload-offset"])


def checksum(body: bytes, algorithm: str = "sha1") -> dict[str, str]:
    digest = hashlib.new(algorithm, body).digest()
    return {"Upload-Checksum": f"{algorithm} {base64.b64encode(digest).decode()}"}
