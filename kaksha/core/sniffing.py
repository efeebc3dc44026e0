"""What a file is, by its bytes: neither its name nor what its sender says of it counts.

Only kinds that some feature takes are known. A kind that needs its whole content to be known (the office formats are
zips of a certain shape) is looked through where it lies; nothing is ever unpacked.
"""

import zipfile
from collections.abc import Callable
from typing import BinaryIO, Literal

import msgspec

__all__ = ["HEAD", "OFFICE", "Family", "Kind", "inside", "sniffed"]

HEAD = 64
"""Bytes from which `sniffed` tells."""
Family = Literal["image", "pdf", "office", "audio", "video"]
_MOST_ENTRIES = 10_000


class Kind(msgspec.Struct, frozen=True):
    """A kind of file: what we call it, and its endings, the usual one first."""

    media: str
    family: Family
    endings: tuple[str, ...]


_JPEG = Kind("image/jpeg", "image", ("jpg", "jpeg"))
_PNG = Kind("image/png", "image", ("png",))
_WEBP = Kind("image/webp", "image", ("webp",))
_PDF = Kind("application/pdf", "pdf", ("pdf",))
_MP3 = Kind("audio/mpeg", "audio", ("mp3",))
_AAC = Kind("audio/aac", "audio", ("aac",))
_OGG = Kind("audio/ogg", "audio", ("ogg", "oga", "opus"))
_WAV = Kind("audio/wav", "audio", ("wav",))
_AMR = Kind("audio/amr", "audio", ("amr",))
_SOUND = {"mp4": Kind("audio/mp4", "audio", ("m4a", "mp4")), "webm": Kind("audio/webm", "audio", ("webm", "weba"))}
_FILM = {"mp4": Kind("video/mp4", "video", ("mp4", "m4v")), "webm": Kind("video/webm", "video", ("webm",))}
OFFICE = Kind("application/zip", "office", ("zip",))
"""A zip, which `inside` must find to be one of the office formats."""
_OFFICE = {
    "word/document.xml": Kind(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "office", ("docx",)
    ),
    "xl/workbook.xml": Kind("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "office", ("xlsx",)),
    "ppt/presentation.xml": Kind(
        "application/vnd.openxmlformats-officedocument.presentationml.presentation", "office", ("pptx",)
    ),
}
_TESTS: tuple[tuple[Callable[[bytes], bool], Kind], ...] = (
    (lambda head: head.startswith(b"\xff\xd8\xff"), _JPEG),
    (lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), _PNG),
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", _WEBP),
    (lambda head: head.startswith(b"%PDF-"), _PDF),
    (lambda head: head.startswith(b"PK\x03\x04"), OFFICE),
    (lambda head: head.startswith(b"ID3") or head[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"), _MP3),
    (lambda head: head[:2] in (b"\xff\xf1", b"\xff\xf9"), _AAC),
    (lambda head: head.startswith(b"OggS"), _OGG),
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"WAVE", _WAV),
    (lambda head: head.startswith((b"#!AMR\n", b"#!AMR-WB\n")), _AMR),
)
_STILL = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
"""Brands of the box format that are pictures, which we do not take."""


def sniffed(head: bytes, *, sound: bool) -> Kind | None:
    """The kind whose mark `head` (the first bytes) bears; None for what nobody takes.

    Recorders put sound alone into the boxes of films, and only looking through the whole would tell: `sound` says what
    such a box is taken for. Both are played, never run.
    """
    for fits, kind in _TESTS:
        if fits(head):
            return kind
    if head[4:8] == b"ftyp" and head[8:12] not in _STILL:
        return _SOUND["mp4"] if sound or head[8:11] == b"M4A" else _FILM["mp4"]
    if head.startswith(b"\x1a\x45\xdf\xa3") and b"webm" in head:
        return _SOUND["webm"] if sound else _FILM["webm"]
    return None


def inside(file: BinaryIO) -> Kind | None:
    """The office format that a zip is; None for any other zip, for one with macros and for a broken one.

    Reads its list of contents only.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            names = {entry.filename for entry in archive.infolist()[:_MOST_ENTRIES]}
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return None
    if "[Content_Types].xml" not in names or any(name.endswith("vbaProject.bin") for name in names):
        return None
    return next((kind for name, kind in _OFFICE.items() if name in names), None)
