"""Handing files out, hanging them on things, and deleting them. How they come in is `uploads`' business.

The bytes lie in the store; the row is written after them and deleted before them, so that no row is without its bytes.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime

import msgspec

from kaksha.core import audit
from kaksha.core.db import Conn, Write
from kaksha.core.errors import BodyTooLarge, Conflict, Forbidden, Invalid, NotFound, Why
from kaksha.core.http import Core, Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID
from kaksha.files import queries
from kaksha.files.models import (
    Audience,
    Found,
    Hook,
    MyFile,
    NewFile,
    batch,
    batch_teachers,
    everyone,
    person,
)  # fmt: skip
from kaksha.gateways import storage
from kaksha.gateways.scanner import Scanner
from kaksha.gateways.storage import Storage

__all__ = [
    "MOST_AT_ONCE", "OWN", "Audience", "Hook", "Shelf", "attach", "batch", "batch_teachers", "check_quota",
    "delete", "detach", "drop", "every_institute", "everyone", "mine", "named", "person", "reader", "record", "signed",
]  # fmt: skip

MOST_AT_ONCE = 20
"""Files of one batch upload, and files that hang on one thing."""
OWN = "own"
"""The hook of papers that a person hands to the office: it holds a file, but its owner may still delete it."""


class PersonQuotaExceeded(BodyTooLarge):
    code = "PERSON_QUOTA_EXCEEDED"
    text = N_("Your space for files ({most} MB) is used up. Delete files that you no longer need.")


class InstituteQuotaExceeded(BodyTooLarge):
    code = "INSTITUTE_QUOTA_EXCEEDED"
    text = N_("Your institute's space for files is used up. Please tell the office.")


class FileInUse(Conflict):
    code, text = "FILE_IN_USE", N_("This file is in use: take it off what it hangs on first.")


class Shelf(msgspec.Struct, frozen=True):
    """Where files lie, who looks through them, and how many bytes a person and an institute may have."""

    storage: Storage
    scanner: Scanner | None
    person_bytes: int
    institute_bytes: int


# --- rows -----------------------------------------------------------------------------------------------------------


async def record(tx: Write, shelf: Shelf, me: Principal, file: NewFile) -> str:
    """Writes the row of a stored file; answers it as JSON (`File`). Raises the quotas' errors."""
    made = await queries.insert(tx.conn, tx.institute_id, file, me.user_id, tx.now)
    own, whole = await queries.usage(tx.conn, tx.institute_id, me.user_id)  # with this one: its trigger counted it
    _within(shelf, own, whole)
    return made


async def check_quota(core: Core, shelf: Shelf, me: Principal, more: int, under_way: int = 0) -> None:
    """Whether so many bytes more fit beside those that the person is still sending. Raises the quotas' errors."""
    async with core.db.read(me.institute_id) as conn:
        own, whole = await queries.usage(conn, me.institute_id, me.user_id)
    _within(shelf, own + more + under_way, whole + more)


def _within(shelf: Shelf, own: int, whole: int) -> None:
    if own > shelf.person_bytes:
        raise PersonQuotaExceeded(most=shelf.person_bytes >> 20)
    if whole > shelf.institute_bytes:
        raise InstituteQuotaExceeded


async def drop(shelf: Shelf, institute_id: UUID, file_id: UUID) -> None:
    """Removes what is stored of a file without a row."""
    await storage.delete(shelf.storage, institute_id, named(file_id))


async def mine(conn: Conn, me: Principal, now: datetime, page: int, limit: int) -> tuple[list[MyFile], int, int]:
    """A page of one's own uploads, the newest first; how many there are, and their bytes."""
    row = await queries.mine(conn, me.institute_id, me.user_id, now, page, limit)
    return msgspec.json.decode(row["items"], type=list[MyFile]), row["total"], row["bytes"]


async def every_institute(core: Core) -> list[UUID]:
    """All institutes, for what is tidied up."""
    async with core.db.read(None) as conn:
        return await queries.every_institute(conn)


def named(file_id: UUID) -> str:
    """What a file is called in the store."""
    return f"files/{file_id}"


# --- out ------------------------------------------------------------------------------------------------------------


def reader(shelf: Shelf, institute_id: UUID, file: Found) -> Callable[[int, int], Awaitable[AsyncIterator[bytes]]]:
    """Reads a file from a byte to another (exclusive). It raises FileMissing, BadRange, StorageUnavailable or
    StorageMisconfigured."""

    async def opened(start: int, end: int) -> AsyncIterator[bytes]:
        return (await storage.get(shelf.storage, institute_id, named(file.id), start, end)).chunks

    return opened


async def signed(core: Core, token: str) -> tuple[UUID, Found]:
    """The institute and file of an address made by the SQL function `file_url`. Raises NotFound."""
    try:
        given = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise NotFound from None
    if len(given) != 60:
        raise NotFound
    said, signature = given[:36], given[36:]
    institute_id, file_id = UUID(bytes=said[:16]), UUID(bytes=said[16:32])
    async with core.db.read(institute_id) as conn:
        found = await queries.signed(conn, institute_id, file_id)
    if found is None:
        raise NotFound
    file, key = found
    right = hashlib.sha256(key[32:] + hashlib.sha256(key[:32] + said).digest()).digest()[:24]
    if not hmac.compare_digest(right, signature) or int.from_bytes(said[32:], "big") < core.db.clock().timestamp():
        raise NotFound
    return institute_id, file


# --- what they hang on ----------------------------------------------------------------------------------------------


async def attach(
    tx: Write, file_ids: Sequence[UUID], *, hook: Hook, audience: Sequence[Audience], purposes: Sequence[str]
) -> None:
    """Hangs files on a thing and says who may see them there: the actor's own uploads that hang on nothing yet, or what
    hangs on the same thing already. A file that hung there before gets this audience instead of its old one.

    Raises Invalid, which names each bad id under `fileIds.N`.
    """
    ids = list(dict.fromkeys(file_ids))
    if len(ids) > MOST_AT_ONCE:
        raise Invalid({"fileIds": [Why(N_("At most {most} files."), most=MOST_AT_ONCE)]})
    if not ids:
        return
    fit = await queries.claimable(tx.conn, tx.institute_id, ids, hook, tx.actor.user_id, list(purposes))
    bad = {
        f"fileIds.{place}": [N_("Is not a file that you can use here.")]
        for place, each in enumerate(file_ids)
        if each not in fit
    }
    if bad:
        raise Invalid(bad)
    await queries.grant(tx.conn, tx.institute_id, ids, hook, list(audience), tx.now)


async def detach(tx: Write, hook: Hook, file_ids: Sequence[UUID] | None = None) -> None:
    """Takes these files (or all) off a thing; what then hangs on nothing is removed after a day."""
    ids = None if file_ids is None else list(file_ids)
    await queries.detach(tx.conn, tx.institute_id, hook, ids)


async def delete(tx: Write, me: Principal, file_id: UUID) -> None:
    """Deletes a file's row; `drop` then removes its bytes. Raises NotFound, Forbidden or FileInUse."""
    row = await queries.for_deletion(tx.conn, tx.institute_id, file_id, me.user_id, me.is_admin, tx.now)
    if row is None:
        raise NotFound
    if not me.is_admin and row["uploader_id"] != me.user_id:
        raise Forbidden
    if row["in_use"] and not me.is_admin:
        raise FileInUse
    if me.is_admin:
        await queries.release(tx.conn, tx.institute_id, file_id)
    else:  # what was hung on something in the meantime stays: its grant refuses the deletion
        await queries.detach(tx.conn, tx.institute_id, Hook(OWN, me.user_id), [file_id])
    if not await queries.delete(tx.conn, tx.institute_id, file_id):
        raise NotFound
    before = {"purpose": row["purpose"], "size": row["size"], "uploaderId": str(row["uploader_id"])}
    await audit.record(tx, "file.deleted", file_id, before=before)
