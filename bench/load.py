"""The load: keep-alive HTTP/1.1 connections straight on sockets, so that the server is what is measured.

A closed load keeps one request under way on each of its connections. An open load sends at a fixed pace and counts
from the moment a request was due, so that a server which stalls is not spared the requests it kept from being sent.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator

import msgspec

from bench.people import Person

__all__ = ["Load", "Sample", "fetch"]


class Sample(msgspec.Struct):
    """What came back within a time: milliseconds of the good answers, and how many others by their status."""

    seconds: float = 0.0
    millis: list[float] = []
    errors: Counter[int] = msgspec.field(default_factory=Counter)

    @property
    def rate(self) -> float:
        return len(self.millis) / self.seconds if self.seconds else 0.0


class Load:
    """Asks one server as `people`, in their order, until stopped; `take()` answers the sample since the last one.

    `ask` makes a person's request, `heard` gets each good answer's body. With `per_second` the load is open.
    """

    def __init__(
        self,
        port: int,
        people: Iterator[Person],
        ask: Callable[[Person], bytes],
        *,
        connections: int,
        heard: Callable[[Person, bytes], None] | None = None,
        per_second: float | None = None,
    ) -> None:
        self.people = people
        self.ask = ask
        self._heard = heard
        self._port = port
        self._connections = connections
        self._gap = None if per_second is None else 1 / per_second
        self._wires: list[_Wire] = []
        self._idle: list[_Wire] = []
        self._stopped = False
        self._pace: asyncio.Task[None] | None = None
        self._sample = Sample()
        self._since = time.perf_counter()

    async def start(self) -> None:
        """Connects and begins."""
        self._wires = [await self._connect() for _ in range(self._connections)]
        if self._gap is None:
            for wire in self._wires:
                wire.send(time.perf_counter())
        else:
            self._idle = list(self._wires)
            self._pace = asyncio.create_task(self._paced(self._gap))

    def take(self) -> Sample:
        """What was answered since the start or the last call."""
        sample, self._sample = self._sample, Sample()
        now = time.perf_counter()
        sample.seconds, self._since = now - self._since, now
        return sample

    async def stop(self) -> None:
        """Lets requests under way come back, and closes."""
        self._stopped = True
        if self._pace is not None:
            self._pace.cancel()
        async with asyncio.timeout(30):
            for wire in self._wires:
                await wire.quiet.wait()
        for wire in self._wires:
            wire.close()

    def answered(self, wire: "_Wire", person: Person, status: int, body: bytes, began: float) -> None:
        """Counts an answer, and sends what comes next on its connection."""
        now = time.perf_counter()
        if status == 200:
            self._sample.millis.append((now - began) * 1000)
            if self._heard is not None:
                self._heard(person, body)
        else:
            self._sample.errors[status] += 1
        if self._gap is None and not self._stopped:
            wire.send(now)
        else:
            wire.quiet.set()
            self._idle.append(wire)

    def broken(self) -> None:
        """Counts a connection that ended with a request under way."""
        self._sample.errors[0] += 1

    async def _connect(self) -> "_Wire":
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(lambda: _Wire(self), "127.0.0.1", self._port)
        return wire

    async def _paced(self, gap: float) -> None:
        due = time.perf_counter()
        while True:
            if not self._idle:
                self._idle.append(await self._connect())
                self._wires.append(self._idle[-1])
            self._idle.pop().send(due)
            due += gap
            await asyncio.sleep(max(0.0, due - time.perf_counter()))


class _Wire(asyncio.Protocol):
    """One connection with at most one request under way: that of `person`."""

    def __init__(self, load: Load) -> None:
        self.quiet = asyncio.Event()
        self.quiet.set()
        self._person: Person | None = None
        self._load = load
        self._began = 0.0
        self._read = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def send(self, due: float) -> None:
        self.quiet.clear()
        self._person = next(self._load.people)
        self._began = due
        self._transport.write(self._load.ask(self._person))

    def data_received(self, data: bytes) -> None:
        self._read = data = self._read + data if self._read else data
        head = data.find(b"\r\n\r\n")
        if head < 0 or len(data) < (end := head + 4 + _length(data[:head])):
            return
        person, self._person, self._read = self._person, None, b""
        assert person is not None, "an answer that nobody asked for"
        self._load.answered(self, person, int(data[9:12]), data[head + 4 : end], self._began)

    def connection_lost(self, _: Exception | None) -> None:
        if self._person is not None:
            self._load.broken()
        self.quiet.set()

    def close(self) -> None:
        self._transport.close()


def _length(head: bytes) -> int:
    """The body's length, from the headers; every answer of ours says it."""
    at = head.lower().index(b"\r\ncontent-length:") + 17
    end = head.find(b"\r\n", at)
    return int(head[at : end if end > 0 else len(head)])


async def fetch(port: int, request: bytes) -> tuple[int, bytes]:
    """One request's status and body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        return int(head[9:12]), await reader.readexactly(_length(head[:-4]))
    finally:
        writer.close()
