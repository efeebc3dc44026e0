"""What is taken for which purpose, and what came."""

from collections.abc import AsyncIterator, Callable

import msgspec

from kaksha.core.sniffing import Family
from kaksha.files.models import File

__all__ = ["PURPOSES", "Incoming", "Outcome", "Purpose"]

MB = 1 << 20


class Purpose(msgspec.Struct, frozen=True):
    """What is taken for a purpose: kinds, the largest size in bytes, and from whom (no role: from everybody)."""

    families: frozenset[Family]
    most: int
    roles: frozenset[str] = frozenset()


_PAPER = frozenset[Family]({"image", "pdf", "office"})
_SAID = _PAPER | frozenset[Family]({"audio"})
_STAFF = frozenset({"teacher", "admin"})
PURPOSES: dict[str, Purpose] = {
    "assignment": Purpose(_SAID, 50 * MB, _STAFF),
    "submission": Purpose(_SAID, 25 * MB, frozenset({"student"})),
    "message": Purpose(_SAID, 25 * MB),
    "voice": Purpose(frozenset[Family]({"audio"}), 10 * MB),
    "doubt": Purpose(frozenset[Family]({"image", "pdf", "audio"}), 15 * MB),
    "note": Purpose(_SAID | frozenset[Family]({"video"}), 1024 * MB, _STAFF),
    "announcement": Purpose(_PAPER, 25 * MB, _STAFF),
    "document": Purpose(frozenset[Family]({"image", "pdf"}), 15 * MB),
    "receipt": Purpose(frozenset[Family]({"image", "pdf"}), 10 * MB, frozenset({"admin"})),
}
"""The picture of a person is not among them: `devices` keeps it."""


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
