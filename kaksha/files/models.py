"""Rows, answers and the purposes of files."""

from collections.abc import AsyncIterator, Callable
from typing import Literal

import msgspec

from kaksha.core.ids import UUID
from kaksha.core.sniffing import Family

__all__ = [
    "PURPOSES", "Audience", "File", "FileUsage", "Found", "Hook", "Incoming", "NewFile", "Outcome", "Purpose",
    "PurposeName", "batch", "batch_teachers", "everyone", "person",
]  # fmt: skip

MB = 1 << 20
PurposeName = Literal[
    "assignment", "submission", "message", "voice", "doubt", "note", "announcement", "document", "receipt"
]


class Purpose(msgspec.Struct, frozen=True):
    """What is taken for a purpose: kinds, the largest size in bytes, and from whom (no role: from everybody)."""

    families: frozenset[Family]
    most: int
    roles: frozenset[str] = frozenset()


_PAPER: frozenset[Family] = frozenset({"image", "pdf", "office"})
_SAID: frozenset[Family] = _PAPER | {"audio"}
_STAFF = frozenset({"teacher", "admin"})
PURPOSES: dict[str, Purpose] = {
    "assignment": Purpose(_SAID, 50 * MB, _STAFF),
    "submission": Purpose(_SAID, 25 * MB, frozenset({"student"})),
    "message": Purpose(_SAID, 25 * MB),
    "voice": Purpose(frozenset({"audio"}), 10 * MB),
    "doubt": Purpose(frozenset({"image", "pdf", "audio"}), 15 * MB),
    "note": Purpose(_SAID | {"video"}, 1024 * MB, _STAFF),
    "announcement": Purpose(_PAPER, 25 * MB, _STAFF),
    "document": Purpose(frozenset({"image", "pdf"}), 15 * MB),
    "receipt": Purpose(frozenset({"image", "pdf"}), 10 * MB, frozenset({"admin"})),
}
"""The picture of a person is not among them: `devices` keeps it."""


class Hook(msgspec.Struct, frozen=True):
    """What a file hangs on: `kind` is the feature's name of the thing, such as `assignment`."""

    kind: str
    id: UUID


class Audience(msgspec.Struct, frozen=True):
    """Who may see what hangs on a thing, besides the uploader and the admins."""

    kind: Literal["person", "batch", "batch_teachers", "everyone"]
    id: UUID | None = None


def person(user_id: UUID) -> Audience:
    """That person and, for a student, their parents."""
    return Audience("person", user_id)


def batch(batch_id: UUID) -> Audience:
    """Its students of the day, their parents, and its teachers."""
    return Audience("batch", batch_id)


def batch_teachers(batch_id: UUID) -> Audience:
    """Those who teach a batch."""
    return Audience("batch_teachers", batch_id)


def everyone() -> Audience:
    """Everybody of the institute."""
    return Audience("everyone")


class File(msgspec.Struct, frozen=True, rename="camel"):
    """A file. `url` needs no sign-in and works for one to two hours."""

    id: UUID
    name: str
    content_type: str
    size: int
    url: str
    purpose: PurposeName


class MyFile(File, frozen=True, rename="camel"):
    """One of one's own uploads; `inUse` says that it hangs on something."""

    created_at: str
    in_use: bool


class FileUsage(msgspec.Struct, frozen=True, rename="camel"):
    """Bytes that one's uploads take, and how many there may be."""

    bytes: int
    most: int


class Outcome(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What became of one file of many: the file, or why it was refused."""

    name: str
    file: File | None = None
    code: str | None = None
    message: str | None = None


class Incoming(msgspec.Struct, frozen=True):
    """A file as it came: `chunks()` reads it from its start, any number of times."""

    name: str
    declared: str
    purpose: str
    size: int
    chunks: Callable[[], AsyncIterator[bytes]]


class NewFile(msgspec.Struct, frozen=True):
    """A file that was looked through and lies in the store; `record` gives it its row."""

    id: UUID
    purpose: str
    name: str
    content_type: str
    size: int
    sha256: str


class Found(msgspec.Struct, frozen=True):
    """A file as a reader gets it."""

    id: UUID
    name: str
    content_type: str
    size: int
    sha256: bytes

    @property
    def tag(self) -> str:
        """Its ETag."""
        return f'"{self.sha256.hex()[:32]}"'
