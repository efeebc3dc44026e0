"""Counts statements where they cannot hide: on the wire between the application and PostgreSQL.

A proxy on a Unix socket passes everything on and reads what the application sends. It needs nothing of the server, so
it counts the same on the embedded one and on a server of one's own.
"""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit


class Wire:
    """What went over the wire: the text of every statement that was run, by connections of the application's pool."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._role, self._database = parts.username or "", parts.path.lstrip("/")
        given = parse_qs(parts.query)
        self._host = given.get("host", [parts.hostname or ""])[0]
        self._port = int(given.get("port", [str(parts.port or 5432)])[0])
        self._password = f":{quote(parts.password)}" if parts.password else ""
        self._listening: list[str] | None = None
        self._down: set[asyncio.StreamWriter] = set()

    def goodbye(self) -> int:
        """Tells everybody that the server shuts down, and leaves them connected; returns how many heard it."""
        said = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
        for writer in self._down:
            writer.write(b"E" + struct.pack("!I", len(said) + 4) + said)
        return len(self._down)

    @contextlib.contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Collects the statements that are run meanwhile."""
        ran: list[str] = []
        self._listening = ran
        try:
            yield ran
        finally:
            self._listening = None

    @contextlib.asynccontextmanager
    async def open(self, folder: Path) -> AsyncIterator[str]:
        """Listens in `folder` (a short path) and yields the address to give to the application."""
        server = await asyncio.start_unix_server(self._serve, folder / ".s.PGSQL.5432")
        try:
            yield f"postgresql://{self._role}{self._password}@/{self._database}?host={quote(str(folder))}&port=5432"
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._host.startswith("/"):
            up = await asyncio.open_unix_connection(f"{self._host}/.s.PGSQL.{self._port}")
        else:
            up = await asyncio.open_connection(self._host, self._port)
        self._down.add(writer)
        back = asyncio.create_task(_pass_on(up[0], writer))
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._read(reader, up[1])
        up[1].close()
        await asyncio.gather(back, return_exceptions=True)
        self._down.discard(writer)

    async def _read(self, reader: asyncio.StreamReader, up: asyncio.StreamWriter) -> None:
        """Messages of the frontend: a length and a start-up packet, then a letter, a length and a body each."""
        size = await reader.readexactly(4)
        start = await reader.readexactly(struct.unpack("!I", size)[0] - 4)
        up.write(size + start)
        ours = b"application_name\0kaksha\0" in start  # the pool; not the one that listens, nor the jobs'
        prepared: dict[bytes, str] = {}
        portals: dict[bytes, str] = {}
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)
            up.write(head + body)
            await up.drain()
            kind = head[:1]
            if kind == b"P":
                name, text, _ = body.split(b"\0", 2)
                prepared[name] = text.decode()
            elif kind == b"B":
                portal, name, _ = body.split(b"\0", 2)
                portals[portal] = prepared.get(name, "(unknown)")
            ran = body[:-1].decode() if kind == b"Q" else portals.get(body.split(b"\0", 1)[0]) if kind == b"E" else None
            if ran is not None and ours and self._listening is not None:
                self._listening.append(" ".join(ran.split()))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
