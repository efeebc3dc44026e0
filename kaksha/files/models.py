"""Rows and answers of files."""

from typing import Literal

import msgspec

from kaksha.core.ids import UUID

__all__ = [
    "Audience", "File", "FileUsage", "Found", "Hook", "MyFile", "NewFile", "PurposeName", "batch", "batch_teachers",
    "everyone", "person",
]  # fmt: skip

PurposeName = Literal[
    "assignment", "submission", "message", "voice", "doubt", "note", "announcement", "document", "receipt"
]


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
