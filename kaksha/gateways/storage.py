"""Files, each under its institute's own prefix.

A key is `{institute}/{name}`; the institute is an id and a name is made of plain letters by our code, so that no key
leads out of the institute's folder. Files are written whole: nothing half-written becomes visible, and a name that is
written again replaces the file. On the way in and out they pass in pieces, so memory does not grow with them.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import obstore

from kaksha.core.errors import BodyTooLarge
from kaksha.core.ids import UUID
from kaksha.gateways.resilience import Line, over
from kaksha.gateways.stores import (
    BadRange,
    FileMissing,
    Storage,
    StorageMisconfigured,
    StorageUnavailable,
    configure,
    meant,
)

if TYPE_CHECKING:  # obstore has these as types only
    from obstore import Attributes, Bytes, ListStream, ObjectMeta
    from obstore.store import ObjectStore

__all__ = [
    "BadRange", "Content", "FileMissing", "Info", "Storage", "StorageMisconfigured", "StorageUnavailable", "Stored",
    "answers", "check", "configure", "delete", "get", "head", "listed", "put",
]  # fmt: skip

PART = 5 << 20
"""Bytes of one part of an upload: the least that S3 takes."""
WINDOW = 2 << 20
"""Bytes fetched at once for a reader. Each window is a request of its own, so that a reader on a slow phone holds no
connection open, and a window that fails is fetched again."""
_NAME = re.compile(r"(?:\w[\w.-]{0,127}/){0,8}\w[\w.-]{0,127}", re.ASCII)


class Stored(msgspec.Struct, frozen=True):
    """What was written: bytes, and their SHA-256 in hex."""

    size: int
    sha256: str


class Info(msgspec.Struct, frozen=True):
    """A file as the store knows it. Its content type is the database's to know: a disk keeps none."""

    name: str
    size: int
    modified: datetime
    etag: str | None


class Content(msgspec.Struct, frozen=True):
    """Bytes `start` to `end` (exclusive) of a file. `chunks` can be read once, and raises as `get` does."""

    info: Info
    start: int
    end: int
    chunks: AsyncGenerator[bytes]


def _key(institute_id: UUID, name: str) -> str:
    """Raises ValueError for a name that our code cannot have made."""
    if not _NAME.fullmatch(name):
        raise ValueError("not a name for a file")
    return f"{institute_id}/{name}"


async def put(
    storage: Storage,
    institute_id: UUID,
    name: str,
    source: bytes | AsyncIterable[bytes],
    *,
    content_type: str,
    most: int | None = None,
) -> Stored:
    """Writes a file, from memory or as it arrives; `most` is the largest size, bytes.

    Raises BodyTooLarge, what `source` raises (then nothing becomes visible), StorageUnavailable, StorageMisconfigured.
    """
    key = _key(institute_id, name)
    attributes: Attributes | None = None if storage.folder else {"Content-Type": content_type}
    meter = _Meter(most)
    arriving = meter.through(_alone(source) if isinstance(source, bytes) else source)
    start = bytearray()
    async for chunk in arriving:
        start += chunk
        if len(start) >= PART:
            break
    else:
        await over(storage.line, partial(_put_whole, storage, key, bytes(start), attributes))
        return meter.stored

    async def upload() -> None:
        parts = obstore.put_async(
            storage.patient, key, _after(bytes(start), arriving), attributes=attributes, use_multipart=True,
            chunk_size=PART, max_concurrency=1,
        )  # fmt: skip
        try:
            await meant(parts, StorageMisconfigured)
        except Exception:
            if meter.failed is None:  # else the store passes on what the source raised, and is itself well
                raise

    await over(_unhurried(storage.line), upload, safe=False)
    if meter.failed is not None:
        raise meter.failed
    return meter.stored


async def _put_whole(storage: Storage, key: str, whole: bytes, attributes: Attributes | None) -> None:
    """All of it is here, so a repetition can send it again."""
    await meant(obstore.put_async(storage.once, key, whole, attributes=attributes), StorageMisconfigured)


async def get(storage: Storage, institute_id: UUID, name: str, start: int = 0, end: int | None = None) -> Content:
    """A file, or its bytes from `start` to `end` (exclusive; beyond the file means its end).

    Raises FileMissing, BadRange, StorageUnavailable, StorageMisconfigured.
    """
    info = await head(storage, institute_id, name)
    end = info.size if end is None else min(end, info.size)
    if not 0 <= start <= end or (start == end and info.size):
        raise BadRange(info.size)
    return Content(info, start, end, _windows(storage, _key(institute_id, name), info, start, end))


async def _windows(storage: Storage, key: str, info: Info, start: int, end: int) -> AsyncGenerator[bytes]:
    for begin in range(start, end, WINDOW):
        window = (begin, min(begin + WINDOW, end))

        async def fetch(window: tuple[int, int] = window) -> Bytes:
            # The tag keeps windows of two versions apart.
            wanted = obstore.get_async(storage.once, key, options={"range": window, "if_match": info.etag})
            return await meant((await meant(wanted)).bytes_async())

        yield bytes(await over(storage.line, fetch))


async def head(storage: Storage, institute_id: UUID, name: str) -> Info:
    """Whether a file is there, and how large. Raises FileMissing, StorageUnavailable, StorageMisconfigured."""
    key = _key(institute_id, name)
    found = await over(storage.line, lambda: meant(obstore.head_async(storage.once, key)))
    return Info(name, found["size"], found["last_modified"], found["e_tag"])


async def delete(storage: Storage, institute_id: UUID, name: str) -> None:
    """Removes a file; one that is gone already is gone. Raises StorageUnavailable, StorageMisconfigured."""
    key = _key(institute_id, name)
    try:
        await over(storage.line, lambda: meant(obstore.delete_async(storage.once, key)))
    except FileMissing:  # the disk says so, S3 does not
        return


async def listed(storage: Storage, institute_id: UUID, prefix: str = "") -> AsyncGenerator[Info]:
    """The institute's files in whole folders of `prefix` (`doubts`, never `doub`), in no order.

    Raises StorageUnavailable, StorageMisconfigured.
    """
    own = f"{institute_id}/"
    pages = _pages(storage.patient, _key(institute_id, prefix) if prefix else str(institute_id))
    while True:
        try:
            page = await meant(anext(pages), StorageMisconfigured)
        except StopAsyncIteration:
            return
        for found in page:
            yield Info(found["path"].removeprefix(own), found["size"], found["last_modified"], found["e_tag"])


async def check(storage: Storage, seconds: float = 2.0) -> None:
    """Whether files can be read and written now: for /readyz. Raises StorageUnavailable, StorageMisconfigured."""
    if storage.folder is not None:
        if not os.access(storage.folder, os.R_OK | os.W_OK | os.X_OK):
            raise StorageMisconfigured("the folder is gone, or may not be written to")
        return
    try:
        async with asyncio.timeout(seconds):
            # A list, not a head: that of a missing file and that of a missing bucket look the same.
            await meant(anext(_pages(storage.once, "kaksha-check"), None), StorageMisconfigured)
    except TimeoutError:
        raise StorageUnavailable("no answer in time") from None


async def answers(storage: Storage) -> bool:
    """The same as yes or no."""
    try:
        await check(storage)
    except (StorageUnavailable, StorageMisconfigured):
        return False
    return True


def _pages(store: ObjectStore, prefix: str) -> ListStream[Sequence[ObjectMeta]]:
    return obstore.list(store, prefix=prefix)  # pyright: ignore[reportUnknownMemberType] - its Arrow form has no types


class _Meter:
    """Counts and hashes what passes, and remembers what the source raised."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._size = 0
        self._digest = hashlib.sha256()
        self.failed: Exception | None = None

    @property
    def stored(self) -> Stored:
        return Stored(self._size, self._digest.hexdigest())

    async def through(self, source: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
        try:
            async for chunk in source:
                self._size += len(chunk)
                if self._most is not None and self._size > self._most:
                    raise BodyTooLarge
                self._digest.update(chunk)
                yield chunk
        except Exception as error:
            self.failed = error
            raise


async def _alone(whole: bytes) -> AsyncGenerator[bytes]:
    yield whole


async def _after(start: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    yield start
    async for chunk in rest:
        yield chunk


def _unhurried(line: Line) -> Line:
    """The same line without limits of time: an upload takes as long as its sender; each part has its own limit."""
    return msgspec.structs.replace(line, policy=replace(line.policy, per_try=None, deadline=None))
