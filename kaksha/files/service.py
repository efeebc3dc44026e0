"""Taking files in, handing them out, and hanging them on things.

A file comes in in three steps, so that no store is spoken to inside a transaction and nothing half is ever visible:

1. `keep` looks through what came (purpose, size, quota, kind by its bytes, picture encoded anew, virus scan) and puts it
   into the store;
2. `record` writes its row in the caller's transaction: from then on it is there;
3. when that transaction fails, or the request had been answered before, `drop` removes what was stored.
"""

import base64
import binascii
import hashlib
import hmac
import tempfile
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import BinaryIO

import anyio.to_thread
import msgspec
from litestar.datastructures import UploadFile

from kaksha.core import audit
from kaksha.core.db import Write
from kaksha.core.errors import AppError, BodyTooLarge, Conflict, Forbidden, Invalid, NotFound, Unsupported, Why
from kaksha.core.filenames import clean_name
from kaksha.core.http import Core, Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.limits import Limit, take
from kaksha.core.pictures import clean_picture
from kaksha.core.sniffing import HEAD, OFFICE, Kind, inside, sniffed
from kaksha.files import queries
from kaksha.files.models import (
    PURPOSES,
    Audience,
    Found,
    Hook,
    Incoming,
    NewFile,
    Purpose,
    batch,
    batch_teachers,
    everyone,
    person,
)  # fmt: skip
from kaksha.gateways import scanner, storage
from kaksha.gateways.scanner import Scanner
from kaksha.gateways.storage import Content, Storage

__all__ = [
    "MOST_BODY", "Audience", "Hook", "Shelf", "attach", "batch", "batch_teachers", "detach", "everyone", "person",
]  # fmt: skip

MOST_BODY = max(purpose.most for purpose in PURPOSES.values()) + (1 << 20)
"""Bytes of a multipart body: the largest file, and room for the fields beside it."""
MOST_AT_ONCE = 20
"""Files of one batch upload, and files that hang on one thing."""
_UPLOADS = Limit("upload", 60, timedelta(seconds=1))
_CHUNK = 1 << 18


class PurposeNotAllowed(Forbidden):
    code, text = "PURPOSE_NOT_ALLOWED", N_("Your role does not upload files for this.")


class FileEmpty(AppError):
    status, code, text = 422, "FILE_EMPTY", N_("This file is empty.")


class FileTooLarge(BodyTooLarge):
    code, text = "FILE_TOO_LARGE", N_("This file is too large: at most {most} MB fit here.")


class FileKindRefused(Unsupported):
    """Not one of the kinds that the purpose takes, whatever its name says."""

    code, text = "FILE_KIND_REFUSED", N_("This kind of file is not taken here. These are: {kinds}.")


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


# --- in -------------------------------------------------------------------------------------------------------------


def purpose_of(me: Principal, name: str | None) -> Purpose:
    """The rules of a purpose for this person. Raises Invalid or PurposeNotAllowed."""
    if not name:
        raise Invalid({"purpose": [N_("This is required.")]})
    purpose = PURPOSES.get(name)
    if purpose is None:
        raise Invalid({"purpose": [N_("Is not one of the choices.")]})
    if purpose.roles and not purpose.roles & me.roles:
        raise PurposeNotAllowed
    return purpose


async def admit(core: Core, shelf: Shelf, me: Principal, purpose_name: str | None, size: int) -> Purpose:
    """Whether a file of this size may come. Raises what `purpose_of` and the quotas raise, FileEmpty or FileTooLarge."""
    purpose = purpose_of(me, purpose_name)
    if size <= 0:
        raise FileEmpty
    if size > purpose.most:
        raise FileTooLarge(most=purpose.most >> 20)
    async with core.db.read(me.institute_id) as conn:
        await take(conn, _UPLOADS, str(me.user_id), core.db.clock())
        own, whole = await queries.usage(conn, me.institute_id, me.user_id, core.db.clock())
    _within(shelf, own + size, whole + size)
    return purpose


def incoming(file: UploadFile, purpose: str) -> Incoming:
    """A file of a form: it lies in a temporary file by now."""
    lying = file.file
    size = lying.seek(0, 2)

    async def chunks() -> AsyncIterator[bytes]:
        lying.seek(0)
        while chunk := await anyio.to_thread.run_sync(lying.read, _CHUNK):
            yield chunk

    return Incoming(file.filename, file.content_type, purpose, size, chunks)


async def keep(core: Core, shelf: Shelf, me: Principal, came: Incoming) -> NewFile:
    """Looks through a file and stores it; `record` then makes it one. Nothing is stored when it is refused.

    Raises what `admit` raises, FileKindRefused, NotAPicture, TooManyPixels, FileInfected, ScannerUnavailable,
    StorageUnavailable or StorageMisconfigured.
    """
    purpose = await admit(core, shelf, me, came.purpose, came.size)
    kind = await kind_of(came, purpose)
    source = await _whole(came) if kind.family == "image" else None
    if source is not None:
        source = await clean_picture(source)
    if shelf.scanner is not None:
        # As it came: what hides in a picture is gone in ours, but whoever sends it shall know.
        await scanner.scan(shelf.scanner, came.chunks())
    file_id = new_id()
    written = await storage.put(
        shelf.storage, me.institute_id, _name(file_id), source or came.chunks(), content_type=kind.media,
        most=purpose.most,
    )  # fmt: skip
    name = clean_name(came.name, kind.endings[0], frozenset(kind.endings))
    return NewFile(file_id, came.purpose, name, kind.media, written.size, written.sha256)


async def kind_of(came: Incoming, purpose: Purpose) -> Kind:
    """What the bytes say, if the purpose takes it. Raises FileKindRefused."""
    head = b""
    async for chunk in came.chunks():
        head += chunk
        if len(head) >= HEAD:
            break
    kind = kind_by(head[:HEAD], came.declared, purpose)
    if kind is OFFICE:
        with tempfile.TemporaryFile() as copy:
            async for chunk in came.chunks():
                await anyio.to_thread.run_sync(copy.write, chunk)
            kind = await anyio.to_thread.run_sync(_inside, copy)
    if kind is None:
        raise refusal(purpose)
    return kind


def kind_by(head: bytes, declared: str, purpose: Purpose) -> Kind | None:
    """What the first bytes say, if the purpose may take it; a zip is OFFICE until it is looked through."""
    sound = "audio" in purpose.families and not ("video" in purpose.families and declared.startswith("video/"))
    kind = sniffed(head, sound=sound)
    return kind if kind is not None and kind.family in purpose.families else None


def refusal(purpose: Purpose) -> FileKindRefused:
    """What is said to a file that the purpose does not take."""
    names = {
        "image": "JPEG, PNG, WebP", "pdf": "PDF", "office": "DOCX, XLSX, PPTX", "audio": "MP3, M4A, OGG, WebM, WAV",
        "video": "MP4, WebM",
    }  # fmt: skip
    return FileKindRefused(kinds=", ".join(names[family] for family in names if family in purpose.families))


def _inside(file: BinaryIO) -> Kind | None:
    file.seek(0)
    return inside(file)


async def _whole(came: Incoming) -> bytes:
    """A picture, which must be whole to be decoded; its size was checked."""
    return b"".join([chunk async for chunk in came.chunks()])


async def record(tx: Write, shelf: Shelf, me: Principal, file: NewFile) -> str:
    """Writes the row of a stored file; answers it as JSON (`File`). Raises the quotas' errors."""
    made = await queries.insert(tx.conn, tx.institute_id, file, me.user_id, tx.now)
    own, whole = await queries.stored(tx.conn, tx.institute_id, me.user_id)
    _within(shelf, own, whole)
    return made


def _within(shelf: Shelf, own: int, whole: int) -> None:
    if own > shelf.person_bytes:
        raise PersonQuotaExceeded(most=shelf.person_bytes >> 20)
    if whole > shelf.institute_bytes:
        raise InstituteQuotaExceeded


async def drop(shelf: Shelf, institute_id: UUID, file_id: UUID) -> None:
    """Removes what is stored of a file without a row."""
    await storage.delete(shelf.storage, institute_id, _name(file_id))


def _name(file_id: UUID) -> str:
    return f"files/{file_id}"


# --- out ------------------------------------------------------------------------------------------------------------


async def content(shelf: Shelf, institute_id: UUID, file: Found, start: int, end: int) -> Content:
    """Bytes of a file from `start` to `end` (exclusive). Raises FileMissing, StorageUnavailable, StorageMisconfigured."""
    return await storage.get(shelf.storage, institute_id, _name(file.id), start, end)


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
    if row["in_use"]:
        if not me.is_admin:
            raise FileInUse
        await queries.release(tx.conn, tx.institute_id, file_id)
    if not await queries.delete(tx.conn, tx.institute_id, file_id):
        raise NotFound
    before = {"purpose": row["purpose"], "size": row["size"], "uploaderId": str(row["uploader_id"])}
    await audit.record(tx, "file.deleted", file_id, before=before)
