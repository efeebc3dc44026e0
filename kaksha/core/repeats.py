"""Idempotency-Key: the same key and body replays the first committed answer, for 24 h.

The answer is kept in the transaction of the change, so it exists exactly when the change does. One request a key works
at a time (an advisory lock that is tried, not waited for); a second one is told so.
"""

import asyncio
import hashlib
from typing import TYPE_CHECKING

import msgspec
from litestar.datastructures import UploadFile

from kaksha.core.db import Conn, Write
from kaksha.core.errors import KeyInFlight, KeyReused, Malformed
from kaksha.core.ids import UUID

if TYPE_CHECKING:
    from kaksha.core.http import Request

__all__ = ["Key", "Replay", "claim", "keep", "key_of", "replay"]


_NEXT_TRY = 0.05


class Key(msgspec.Struct, frozen=True):
    """Scope of a key: whose, which route, and what was sent with it."""

    user_id: UUID
    route: str
    key: str
    body_hash: bytes


class Replay(Exception):
    """The request was answered before; `core.failures` sends that answer again."""

    def __init__(self, status: int, body: bytes, location: str | None) -> None:
        self.status, self.body, self.location = status, body, location
        super().__init__(status)


async def key_of(request: "Request") -> Key | None:
    """The key that a POST carries: the header, or a form's `_idem`. Raises Malformed when it is unusable."""
    if request.method != "POST":
        return None
    text = request.headers.get("idempotency-key")
    if text is None and not request.is_api:
        text = (await request.form()).get("_idem")
    if not text:
        return None
    if not (1 <= len(text) <= 255 and text.isascii() and text.isprintable()):
        raise Malformed
    return Key(request.me.user_id, request.scope["path"], text, await _body_hash(request))


async def _body_hash(request: "Request") -> bytes:
    """Of a multipart body its fields and files count: each sending draws another boundary."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return hashlib.sha256(await request.body()).digest()
    digest = hashlib.sha256()
    for name, value in (await request.form()).multi_items():
        part = hashlib.sha256()
        if isinstance(value, UploadFile):
            await value.seek(0)
            while chunk := await value.read(1 << 16):
                part.update(chunk)
            await value.seek(0)
        else:
            part.update(str(value).encode())
        digest.update(hashlib.sha256(name.encode()).digest() + part.digest())
    return digest.digest()


async def claim(tx: Write, key: Key, patience: float = 0.0) -> None:
    """Takes the key for this transaction, trying for `patience` seconds. Raises Replay, KeyReused or KeyInFlight.

    A program is told at once that its first request is under way. A form's second press waits for the first one's
    answer instead: the browser shows the answer to the last press only.
    """
    scope = f"{tx.institute_id}/{key.user_id}/{key.route}/{key.key}"
    give_up = asyncio.get_running_loop().time() + patience
    while not await tx.conn.fetchval("select pg_try_advisory_xact_lock(hashtextextended($1, 0))", scope):
        if asyncio.get_running_loop().time() >= give_up:
            raise KeyInFlight
        await asyncio.sleep(_NEXT_TRY)
    await replay(tx.conn, tx.institute_id, key)


async def replay(conn: Conn, institute_id: UUID, key: Key) -> None:
    """Raises Replay when this was answered before, KeyReused when something else was."""
    kept = await conn.fetchrow(
        "select body_hash, status, location, answer from idempotency_keys"
        " where institute_id = $1 and user_id = $2 and route = $3 and key = $4",
        institute_id, key.user_id, key.route, key.key,
    )  # fmt: skip
    if kept is None:
        return
    if kept["body_hash"] != key.body_hash:
        raise KeyReused
    raise Replay(kept["status"], kept["answer"], kept["location"])


async def keep(tx: Write, key: Key | None, status: int, body: bytes, location: str | None) -> None:
    """Keeps the answer beside the change; without a key there is nothing to keep."""
    if key is None:
        return
    await tx.conn.execute(
        "insert into idempotency_keys"
        " (institute_id, user_id, route, key, body_hash, status, location, answer, created_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tx.institute_id, key.user_id, key.route, key.key, key.body_hash, status, location, body, tx.now,
    )  # fmt: skip
