"""The headers of tus 1.0 (https://tus.io/protocols/resumable-upload): what is asked, answered, and wrong."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any

import msgspec

from kaksha.core.errors import AppError, Conflict, Malformed, Unsupported
from kaksha.core.i18n import N_

__all__ = [
    "BODY", "OFFERED", "VERSION", "Checksum", "ChecksumMismatch", "VersionRefused", "WrongOffset", "answered",
    "check_body", "checked", "checksum_of", "metadata_of", "number_of",
]  # fmt: skip

VERSION = "1.0.0"
BODY = "application/offset+octet-stream"
_ALGORITHMS = ("sha1", "sha256")
OFFERED = {
    "Tus-Version": VERSION,
    "Tus-Extension": "creation,expiration,checksum,termination",
    "Tus-Checksum-Algorithm": ",".join(_ALGORITHMS),
}
"""What OPTIONS answers, beside Tus-Max-Size."""


class VersionRefused(AppError):
    """Another version of tus than ours."""

    status, code, text = 412, "TUS_VERSION_REFUSED", N_("This upload speaks another version of its protocol.")

    def __init__(self) -> None:
        super().__init__()
        self.headers["Tus-Version"] = VERSION


class WrongOffset(Conflict):
    """The upload goes on at another place: HEAD says where."""

    code, text = "UPLOAD_OFFSET_WRONG", N_("This upload goes on at another place. Please try again.")


class ChecksumMismatch(AppError):
    """The body is not what its Upload-Checksum says; nothing of it was kept."""

    status, code, text = (
        460,
        "CHECKSUM_MISMATCH",
        N_("A piece of the file was damaged on its way. Please send it again."),
    )


class Checksum(msgspec.Struct, frozen=True):
    """What a body's hash must be."""

    algorithm: str
    digest: bytes

    def new(self) -> Any:
        """A hash to feed the body to. It guards against damage, not against people."""
        return hashlib.new(self.algorithm, usedforsecurity=False)


def checked(asked: Mapping[str, str]) -> None:
    """Raises VersionRefused unless the caller speaks our version."""
    if asked.get("tus-resumable") != VERSION:
        raise VersionRefused


def number_of(asked: Mapping[str, str], name: str) -> int:
    """A header that holds a count of bytes. Raises Malformed."""
    text = asked.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Malformed
    return int(text)


def metadata_of(asked: Mapping[str, str]) -> dict[str, str]:
    """Upload-Metadata: keys, and values in base64 of UTF-8. Raises Malformed."""
    found: dict[str, str] = {}
    for pair in filter(None, (each.strip() for each in asked.get("upload-metadata", "").split(","))):
        key, _, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise Malformed from None
    return found


def checksum_of(asked: Mapping[str, str]) -> Checksum | None:
    """Upload-Checksum, if there is one. Raises Malformed for what we cannot check."""
    text = asked.get("upload-checksum")
    if text is None:
        return None
    algorithm, _, value = text.partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except binascii.Error:
        raise Malformed from None
    if algorithm not in _ALGORITHMS:
        raise Malformed
    return Checksum(algorithm, digest)


def check_body(asked: Mapping[str, str]) -> None:
    """Raises Unsupported unless a PATCH says that it carries a piece."""
    if asked.get("content-type", "").partition(";")[0].strip().lower() != BODY:
        raise Unsupported


def answered(received: int | None = None, expires_at: datetime | None = None, **more: str) -> dict[str, str]:
    """The headers of an answer; names in `more` have `_` for `-`."""
    said = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
    if received is not None:
        said["Upload-Offset"] = str(received)
    if expires_at is not None:
        said["Upload-Expires"] = format_datetime(expires_at, usegmt=True)
    return said | {name.replace("_", "-"): value for name, value in more.items()}
