"""Receiving a file piece by piece.

A PATCH is cut into pieces of 1 MiB. Each is put into the store under a name of its own and then counted, by an update
that holds only if nobody else counted in the meantime: no lock is held while bytes arrive, two senders cannot mix, and
a server or a client that is killed loses less than one piece. With a checksum, the pieces count together when the whole
body was right. The last piece is counted when the file was looked through, in the transaction that writes its row.
"""

import asyncio
import base64
import binascii
import hmac
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import timedelta

import msgspec
from litestar.exceptions import InternalServerException

from kaksha.core import tus
from kaksha.core.db import Actor, Write
from kaksha.core.errors import AppError, BodyTooLarge, NotFound
from kaksha.core.http import Core, Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.jobs import enqueue
from kaksha.core.sniffing import HEAD
from kaksha.core.tus import Checksum, ChecksumMismatch, WrongOffset
from kaksha.files.service import Shelf, drop, record
from kaksha.gateways import storage
from kaksha.tus import queries
from kaksha.tus.models import NewUpload, Upload
from kaksha.uploads.models import PURPOSES, Incoming
from kaksha.uploads.service import admit, keep, kind_by, refusal, take_turn

LIFE = timedelta(days=1)
"""An upload ends when nothing came for so long."""
PIECE = 1 << 20
"""Bytes kept in memory for one sender, and the most that a kill loses."""


_REFUSALS = frozenset({403, 413, 415, 422})


class UploadOverrun(BodyTooLarge):
    """More came than the upload's size; nothing beyond it was kept."""

    code, text = "UPLOAD_OVERRUN", N_("More was sent than the file is long.")


# --- addresses ------------------------------------------------------------------------------------------------------


def address(core: Core, institute_id: UUID, upload_id: UUID) -> str:
    """Where the pieces of an upload go; whoever knows it may send them."""
    said = institute_id.bytes + upload_id.bytes
    return "/v1/files/tus/" + base64.urlsafe_b64encode(said + _signature(core, said)).decode()


async def found(core: Core, token: str) -> tuple[UUID, Upload]:
    """The institute and upload of an address. Raises NotFound."""
    try:
        given = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise NotFound from None
    if len(given) != 48 or not hmac.compare_digest(_signature(core, given[:32]), given[32:]):
        raise NotFound
    institute_id = UUID(bytes=given[:16])
    async with core.db.read(institute_id) as conn:
        upload = await queries.upload(conn, institute_id, UUID(bytes=given[16:32]), core.db.clock())
    if upload is None:
        raise NotFound
    return institute_id, upload


def _signature(core: Core, said: bytes) -> bytes:
    return hmac.digest(core.keys.derive("upload address"), said, "sha256")[:16]


def asked(headers: Mapping[str, str]) -> NewUpload:
    """What a sender wants to upload, by its tus headers: `purpose` stands in the metadata. Raises Malformed."""
    tus.checked(headers)
    said = tus.metadata_of(headers)
    kind = said.get("filetype", "")
    return NewUpload(said.get("filename", ""), kind, tus.number_of(headers, "upload-length"), said.get("purpose", ""))


# --- the life of an upload ------------------------------------------------------------------------------------------


async def check(core: Core, shelf: Shelf, me: Principal, new: NewUpload) -> None:
    """Whether an upload may begin. Raises what `uploads.service.admit` raises, or TooMany."""
    await take_turn(core, me)
    async with core.db.read(me.institute_id) as conn:
        under_way = await queries.under_way(conn, me.institute_id, me.user_id, core.db.clock())
    await admit(core, shelf, me, new.purpose, new.size, under_way)


async def begin(tx: Write, me: Principal, new: NewUpload) -> UUID:
    """Begins an upload."""
    upload_id = new_id()
    name = "".join(char for char in new.name if char.isprintable())[-120:] or "file"
    await queries.insert(
        tx.conn, tx.institute_id, upload_id, me.user_id, new.purpose, name, new.declared_type[:100], new.size, tx.now,
        tx.now + LIFE,
    )  # fmt: skip
    return upload_id


async def end(core: Core, institute_id: UUID, upload: Upload) -> None:
    """Ends an upload; a job removes its pieces."""
    async with core.db.write(institute_id, Actor(upload.uploader_id)) as tx:
        await queries.delete(tx.conn, institute_id, upload.id)
        await enqueue(tx.conn, "tus.clear", institute_id, upload_id=upload.id)


async def receive(
    core: Core, shelf: Shelf, institute_id: UUID, upload: Upload, offset: int, stream: AsyncGenerator[bytes],
    checksum: Checksum | None,
) -> Upload:  # fmt: skip
    """Takes the body of a PATCH; answers the upload as it is then.

    When the sender goes away in the middle, what came is kept. Raises WrongOffset, UploadOverrun, ChecksumMismatch,
    the refusals of `uploads.service.keep` (the upload is gone then), StorageUnavailable or ScannerUnavailable.
    """
    if offset != upload.received or upload.done:
        raise WrongOffset
    sending = _Sending(core, shelf, institute_id, upload, checksum)
    try:
        async for piece in _pieces(stream):
            await sending.take(piece)
        return await sending.finish()
    except AppError as error:
        await sending.forget()
        if error.status in _REFUSALS and not isinstance(error, UploadOverrun):
            await end(core, institute_id, upload)  # the file was refused: sending it again would not help
        raise


async def _pieces(stream: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    """The body in pieces; its end, or the sender's going away, ends the last one."""
    held = bytearray()
    try:
        async for chunk in stream:
            held += chunk
            while len(held) >= PIECE:
                with memoryview(held) as view:
                    piece = bytes(view[:PIECE])
                del held[:PIECE]
                yield piece
    except InternalServerException:  # how the framework says that the sender is gone
        pass
    if held:
        yield bytes(held)


class _Sending:
    """One PATCH: what of it is stored, and what counts already."""

    def __init__(self, core: Core, shelf: Shelf, institute_id: UUID, upload: Upload, checksum: Checksum | None) -> None:
        self._core, self._shelf, self._institute_id = core, shelf, institute_id
        self._upload = upload
        self._checksum = checksum
        self._digest = checksum.new() if checksum else None
        self._fresh: list[str] = []
        """Pieces that are stored and do not count yet."""
        self._fresh_bytes = 0

    async def take(self, piece: bytes) -> None:
        """Stores a piece, and counts it unless it is the last or waits for its checksum."""
        start = self._upload.received + self._fresh_bytes
        if start + len(piece) > self._upload.size:
            raise UploadOverrun
        if start == 0:
            self._look_at(piece)
        if self._digest is not None:
            self._digest.update(piece)
        name = f"{start}-{secrets.token_hex(4)}"
        self._fresh.append(name)  # before it is stored: a failure must find it
        await storage.put(
            self._shelf.storage, self._institute_id, f"uploads/{self._upload.id}/{name}", piece,
            content_type="application/octet-stream",
        )  # fmt: skip
        self._fresh_bytes += len(piece)
        if self._digest is None and start + len(piece) < self._upload.size:
            await self._count()

    def _look_at(self, piece: bytes) -> None:
        """Refuses by its first bytes what nobody will take: that spares a phone the rest."""
        purpose = PURPOSES[self._upload.purpose]
        if len(piece) >= HEAD and kind_by(piece[:HEAD], self._upload.declared_type, purpose) is None:
            raise refusal(purpose)

    async def finish(self) -> Upload:
        """Counts what is left; with the last byte the upload becomes a file."""
        if self._checksum and self._digest and not hmac.compare_digest(self._digest.digest(), self._checksum.digest):
            raise ChecksumMismatch
        if self._fresh and self._upload.received + self._fresh_bytes == self._upload.size:
            await self._complete()
        elif self._fresh:
            await self._count()
        return self._upload

    async def _count(self, file_id: UUID | None = None, tx: Write | None = None) -> None:
        if tx is None:
            async with self._core.db.write(self._institute_id, Actor(self._upload.uploader_id)) as own:
                await self._count(None, own)
            return
        received, expires_at = self._upload.received + self._fresh_bytes, tx.now + LIFE
        if not await queries.advance(
            tx.conn, self._institute_id, self._upload, self._fresh, received, file_id, expires_at
        ):
            raise WrongOffset
        self._upload = msgspec.structs.replace(
            self._upload, received=received, pieces=[*self._upload.pieces, *self._fresh], file_id=file_id,
            expires_at=expires_at,
        )  # fmt: skip
        self._fresh, self._fresh_bytes = [], 0

    async def _complete(self) -> None:
        core, shelf, upload = self._core, self._shelf, self._upload
        me = _sender(self._institute_id, upload)
        names = [*upload.pieces, *self._fresh]
        came = Incoming(upload.name, upload.declared_type, upload.purpose, upload.size, lambda: self._read(names))
        kept = await keep(core, shelf, me, came)
        fresh = (self._fresh, self._fresh_bytes, upload)
        try:
            async with core.db.write(self._institute_id, Actor(upload.uploader_id)) as tx:
                await record(tx, shelf, me, kept)
                await self._count(kept.id, tx)
                await enqueue(tx.conn, "tus.clear", self._institute_id, upload_id=upload.id)
        except AppError:
            self._fresh, self._fresh_bytes, self._upload = fresh
            await drop(shelf, self._institute_id, kept.id)
            raise

    async def _read(self, names: list[str]) -> AsyncIterator[bytes]:
        for name in names:
            piece = await storage.get(self._shelf.storage, self._institute_id, f"uploads/{self._upload.id}/{name}")
            async for chunk in piece.chunks:
                yield chunk

    async def forget(self) -> None:
        """Removes what was stored and never counted."""
        for name in self._fresh:
            await storage.delete(self._shelf.storage, self._institute_id, f"uploads/{self._upload.id}/{name}")
        self._fresh = []


def _sender(institute_id: UUID, upload: Upload) -> Principal:
    """Whose file it becomes, with the roles of this moment; the address proved them, so there is no session."""
    return Principal(upload.uploader_id, institute_id, upload.id, frozenset(upload.roles), frozenset(), "en", 0.0)


async def clear(shelf: Shelf, institute_id: UUID, upload_id: UUID) -> None:
    """Removes all pieces of an upload that is over."""
    names = [info.name async for info in storage.listed(shelf.storage, institute_id, f"uploads/{upload_id}")]
    for start in range(0, len(names), 20):
        await asyncio.gather(*(storage.delete(shelf.storage, institute_id, name) for name in names[start : start + 20]))
