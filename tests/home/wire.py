"""Counts statements where they cannot hide: a relay between the application and PostgreSQL that reads the protocol.

The application is given the relay's address. What it executes is listed here word for word, whatever library, pool or
cache sent it; nothing in the application knows of it, and it works with any server the tests run on.
"""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit


class Wire:
    """The statements that went over the wire, in order."""

    def __init__(self) -> None:
        self.executed: list[str] = []

    @contextlib.contextmanager
    def listening(self) -> Iterator[list[str]]:
        """The statements executed while the block runs, without the probe of the connection that hears notices."""
        heard: list[str] = []
        before = len(self.executed)
        yield heard
        heard += [text for text in self.executed[before:] if text != "select 1"]


@contextlib.asynccontextmanager
async def tapped(url: str, folder: Path) -> AsyncIterator[tuple[str, Wire]]:
    """An address that leads to the same database as `url`, through a relay that notes what is executed."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    host = query.get("host") or parts.hostname or "localhost"
    port = int(query.get("port") or parts.port or 5432)
    wire = Wire()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if host.startswith("/"):
            up_reader, up_writer = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            up_reader, up_writer = await asyncio.open_connection(host, port)
        both = (_listen(reader, up_writer, wire), _copy(up_reader, writer))
        for coroutine in both:
            task = asyncio.create_task(coroutine)
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    server = await asyncio.start_unix_server(serve, str(folder / ".s.PGSQL.5432"))
    user, at, _ = parts.netloc.rpartition("@")
    tap = urlunsplit((parts.scheme, user + at, parts.path, urlencode({"host": str(folder), "port": 5432}), ""))
    try:
        yield tap, wire
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def _listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wire: Wire) -> None:
    """Passes one client's messages on, and keeps what it parses (P), binds (B), executes (E) and queries (Q)."""
    statements: dict[bytes, str] = {}
    portals: dict[bytes, str] = {}
    try:
        size = await reader.readexactly(4)  # what opens a connection has no type byte; a socket file needs no TLS
        writer.write(size + await reader.readexactly(struct.unpack("!i", size)[0] - 4))
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)
            if head[:1] == b"P":
                name, text, _ = body.split(b"\0", 2)
                statements[name] = text.decode()
            elif head[:1] == b"B":
                portal, name, _ = body.split(b"\0", 2)
                portals[portal] = statements[name]
            elif head[:1] == b"E":
                wire.executed.append(portals[body.partition(b"\0")[0]])
            elif head[:1] == b"Q":
                wire.executed.append(body.rstrip(b"\0").decode())
            writer.write(head + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()
