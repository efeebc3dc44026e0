"""Handing out a file: the part of it that a reader asks for (RFC 9110, 14), and the headers that keep it harmless."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec
from litestar.response import Response, Stream

from kaksha.core.filenames import disposition

__all__ = ["INLINE", "Part", "Servable", "answer", "headers", "wanted"]

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
INLINE = frozenset(
    {
        "image/jpeg", "image/png", "image/webp", "audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg", "audio/wav",
        "audio/webm", "video/mp4", "video/webm",
    }
)  # fmt: skip
"""What a browser shows without running anything in it. Everything else is saved, whoever asks."""


class Servable(Protocol):
    """A file that is handed out."""

    @property
    def name(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def tag(self) -> str:
        """Its ETag, with the quotes."""
        ...


class Part(msgspec.Struct, frozen=True):
    """What to answer: the status, and bytes `start` to `end` (exclusive); with 416 they lie beyond the file."""

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
    return Part(206, start, end) if start < end else Part(416, size, size)


def headers(file: Servable, part: Part, *, inline: bool) -> dict[str, str]:
    """The headers of a file, or of a part of it."""
    said = {
        "ETag": file.tag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Disposition": disposition(file.name, inline=inline and file.content_type in INLINE),
    }
    if part.status in (200, 206):
        said["Content-Length"] = str(part.end - part.start)
    if part.status == 206:
        said["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{file.size}"
    return said


async def answer(
    asked: Mapping[str, str], file: Servable, open_part: Callable[[int, int], Awaitable[AsyncIterator[bytes]]],
    *, inline: bool,
) -> Response[Any]:  # fmt: skip
    """The answer to a reader; `open_part(start, end)` reads the bytes, and raises for a part beyond the file."""
    part = wanted(asked, file.size, file.tag)
    said = headers(file, part, inline=inline)
    if part.status == 304:
        return Response(b"", status_code=304, headers=said, media_type=file.content_type)
    chunks = await open_part(part.start, part.end)
    return _File(chunks, status_code=part.status, headers=said, media_type=file.content_type)


class _File(Stream):
    """A stream of the file's own type; the framework would take the route's, which is what its description says."""

    def to_asgi_response(self, *args: Any, **kwargs: Any) -> Any:
        own: Any = super()
        return own.to_asgi_response(*args, **{**kwargs, "media_type": self.media_type})
