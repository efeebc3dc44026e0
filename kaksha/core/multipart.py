"""Multipart bodies, read as they arrive: files go to this machine's temporary folder, so memory does not grow with them.

What is not a file stays in memory and is therefore bounded; how large a whole body may be, its route says.
"""

from collections.abc import AsyncGenerator
from typing import Any

from litestar.datastructures import UploadFile
from litestar.exceptions import InternalServerException
from multipart import MultipartError, MultipartSegment, PushMultipartParser

from kaksha.core.errors import BodyTooLarge, Malformed

__all__ = ["read"]

MOST_TEXT = 1 << 20
"""Bytes of all fields that are no files together."""
MOST_PARTS = 1000


async def read(stream: AsyncGenerator[bytes], boundary: str) -> dict[str, Any]:
    """Name -> value, or a list of values. Raises Malformed, BodyTooLarge, and what the stream raises."""
    parts = _Parts()
    try:
        with PushMultipartParser(boundary, max_segment_count=MOST_PARTS) as parser:
            async for chunk in stream:
                if chunk and not parser.closed:
                    for event in parser.parse(chunk):
                        await parts.take(event)
    except (MultipartError, UnicodeDecodeError, LookupError) as error:
        await parts.drop()
        raise Malformed from error
    except InternalServerException as error:  # the sender went away in the middle
        await parts.drop()
        raise Malformed from error
    except BaseException:
        await parts.drop()
        raise
    return {name: values if len(values) > 1 else values[0] for name, values in parts.found.items()}


class _Parts:
    """The parts so far, and the one that is arriving."""

    def __init__(self) -> None:
        self.found: dict[str, list[Any]] = {}
        self._segment: MultipartSegment | None = None
        self._file: UploadFile | None = None
        self._text = bytearray()
        self._all_text = 0

    async def take(self, event: MultipartSegment | bytearray | bytes | None) -> None:
        """One step of the parser: a part begins, goes on, or ends."""
        if isinstance(event, MultipartSegment):
            self._segment, self._text = event, bytearray()
            name = event.filename
            self._file = UploadFile(event.content_type or "", name) if name is not None else None
        elif event is None:
            await self._end()
        elif self._file is not None:
            await self._file.write(bytes(event))
        else:
            self._all_text += len(event)
            if self._all_text > MOST_TEXT:
                raise BodyTooLarge
            self._text += event

    async def _end(self) -> None:
        assert self._segment is not None
        file, self._file = self._file, None
        value: Any = self._text.decode(self._segment.charset or "utf-8") if file is None else file
        self.found.setdefault(self._segment.name, []).append(value)
        if file is not None:
            await file.seek(0)

    async def drop(self) -> None:
        """Removes what was kept of a body that is refused."""
        files = [value for values in self.found.values() for value in values if isinstance(value, UploadFile)]
        for file in [*files, *([self._file] if self._file else [])]:
            await file.close()
