"""Handing out a file: which part of it a reader asks for (RFC 9110 section 14), and the headers that keep it harmless."""

import re
from collections.abc import Mapping

import msgspec

from kaksha.core.filenames import disposition

__all__ = ["INLINE", "Part", "headers", "wanted"]

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
INLINE = frozenset(
    {
        "image/jpeg", "image/png", "image/webp", "audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg", "audio/wav",
        "audio/webm", "video/mp4", "video/webm",
    }
)  # fmt: skip
"""What a browser shows without running anything in it. Everything else is saved, whoever asks."""


class Part(msgspec.Struct, frozen=True):
    """What to answer: the status, and the bytes from `start` to `end` (exclusive). 416 and 304 have none."""

    status: int
    start: int
    end: int


def wanted(asked: Mapping[str, str], size: int, tag: str) -> Part:
    """The part that a reader asks for. Several ranges at once, or a malformed one, mean the whole."""
    known = asked.get("if-none-match")
    if known is not None and (
        known.strip() == "*" or tag in [each.strip().removeprefix("W/") for each in known.split(",")]
    ):
        return Part(304, 0, 0)
    found = _RANGE.fullmatch(asked.get("range", "").strip())
    if_range = asked.get("if-range")
    if found is None or found.groups() == ("", "") or (if_range is not None and if_range.strip() != tag):
        return Part(200, 0, size)
    first, last = found.groups()
    if not first:  # the last so many bytes
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1 if last else size, size)
        if last and int(last) < int(first):
            return Part(200, 0, size)
    return Part(206, start, end) if start < end else Part(416, 0, 0)


def headers(name: str, media: str, tag: str, part: Part, size: int, *, inline: bool) -> dict[str, str]:
    """The headers of a file, or of a part of it."""
    said = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Disposition": disposition(name, inline=inline and media in INLINE),
    }
    if part.status in (200, 206):
        said["Content-Length"] = str(part.end - part.start)
    if part.status == 206:
        said["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    return said
