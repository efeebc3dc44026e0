"""Taking files in, in three steps: no store is spoken to inside a transaction, and nothing half is ever visible.

1. `keep` looks through what came (purpose, size, quota, kind by its bytes, picture encoded anew, virus scan) and puts
   it into the store;
2. `files.service.record` writes its row in the caller's transaction: from then on it is there;
3. when that transaction fails, or the request had been answered before, what was stored is removed (`taken`).
"""

import contextlib
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import timedelta
from typing import BinaryIO

import anyio.to_thread
from litestar.datastructures import FormMultiDict, UploadFile

from kaksha.core.errors import AppError, BodyTooLarge, Forbidden, Invalid, Unsupported, Why
from kaksha.core.filenames import clean_name
from kaksha.core.http import Core, Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.limits import Limit, take
from kaksha.core.pictures import clean_picture
from kaksha.core.repeats import Replay
from kaksha.core.sniffing import HEAD, OFFICE, Kind, inside, sniffed
from kaksha.files.models import NewFile
from kaksha.files.service import MOST_AT_ONCE, Shelf, check_quota, drop, named
from kaksha.gateways import scanner, storage
from kaksha.uploads.models import PURPOSES, Incoming, Purpose

MOST_BODY = max(purpose.most for purpose in PURPOSES.values()) + (1 << 20)
"""Bytes of a multipart body: the largest file, and room for the fields beside it."""
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


def named_purpose(form: FormMultiDict, me: Principal) -> str:
    """The purpose that a form names. Raises what `purpose_of` raises."""
    name = form.get("purpose")
    purpose_of(me, name if isinstance(name, str) else None)
    return str(name)


async def admit(core: Core, shelf: Shelf, me: Principal, name: str | None, size: int, under_way: int = 0) -> Purpose:
    """Whether a file of this size may come beside the bytes that are `under_way`.

    Raises what `purpose_of` and the quotas raise, FileEmpty or FileTooLarge.
    """
    purpose = purpose_of(me, name)
    if size <= 0:
        raise FileEmpty
    if size > purpose.most:
        raise FileTooLarge(most=purpose.most >> 20)
    await check_quota(core, shelf, me, size, under_way)
    return purpose


async def take_turn(core: Core, me: Principal) -> None:
    """Counts an upload. Raises TooMany."""
    async with core.db.read(me.institute_id) as conn:
        await take(conn, _UPLOADS, str(me.user_id), core.db.clock())


def incoming(file: UploadFile, purpose: str) -> Incoming:
    """A file of a form: it lies in a temporary file by now."""
    lying = file.file
    size = lying.seek(0, 2)

    async def chunks() -> AsyncIterator[bytes]:
        lying.seek(0)
        while chunk := await anyio.to_thread.run_sync(lying.read, _CHUNK):
            yield chunk

    return Incoming(file.filename, file.content_type, purpose, size, chunks)


def of_form(form: FormMultiDict, purpose: str, name: str = "files") -> list[Incoming]:
    """The files that a form's inputs called `name` hold; an input left empty holds none. Raises Invalid."""
    found = [each for each in form.getall(name, []) if isinstance(each, UploadFile)]
    came = [incoming(each, purpose) for each in found if each.filename]
    if len(came) > MOST_AT_ONCE:
        raise Invalid({name: [Why(N_("At most {most} files."), most=MOST_AT_ONCE)]})
    return came


def ids_of_form(form: FormMultiDict) -> list[UUID]:
    """The files that the upload widget has sent before the form: its hidden `fileIds`. Raises Invalid."""
    try:
        return [UUID(each) for each in form.getall("fileIds", []) if each]
    except ValueError:
        raise Invalid({"fileIds": [N_("Is not a file that you can use here.")]}) from None


@contextlib.asynccontextmanager
async def taken(core: Core, shelf: Shelf, me: Principal, came: Sequence[Incoming]) -> AsyncGenerator[list[NewFile]]:
    """Stores files for as long as the block needs to `record` them: when it fails, what was stored is removed again.

    Raises what `keep` raises.
    """
    kept: list[NewFile] = []
    try:
        for each in came:
            kept.append(await keep(core, shelf, me, each))
        yield kept
    except (Replay, AppError):
        for file in kept:
            await drop(shelf, me.institute_id, file.id)
        raise


async def keep(core: Core, shelf: Shelf, me: Principal, came: Incoming, under_way: int = 0) -> NewFile:
    """Looks through a file and stores it; `record` then makes it one. Nothing is stored when it is refused.

    Raises what `admit` raises, FileKindRefused, NotAPicture, TooManyPixels, FileInfected, ScannerUnavailable,
    StorageUnavailable or StorageMisconfigured.
    """
    purpose = await admit(core, shelf, me, came.purpose, came.size, under_way)
    kind = await kind_of(came, purpose)
    source = await _whole(came) if kind.family == "image" else None
    if source is not None:
        source = await clean_picture(source)
    if shelf.scanner is not None:
        # As it came: what hides in a picture is gone in ours, but whoever sends it shall know.
        await scanner.scan(shelf.scanner, came.chunks())
    file_id = new_id()
    written = await storage.put(
        shelf.storage, me.institute_id, named(file_id), source or came.chunks(), content_type=kind.media,
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
