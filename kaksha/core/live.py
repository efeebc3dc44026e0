"""Notices between processes: NOTIFY inside the transaction that changes something, one LISTEN connection a process.

A notice is sent when its transaction commits, never before. A process that loses its LISTEN connection says so by
`hears`: whoever relies on notices must then ask the database, and `on_resume` lets them catch up afterwards.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import msgspec
import structlog

from kaksha.core.db import Conn

__all__ = ["Ears", "tell", "tell_many"]

_CHANNEL = "kaksha"
_PROBE_SECONDS = 0.4
"""How often the connection is asked for a sign of life."""
_TRUSTED_SECONDS = 1.0
"""Silence for longer than this may hide notices, although nobody has closed the connection (a cut cable, a proxy)."""
_DEAD_SECONDS = 5.0
"""Silence for longer than this: connect again."""
_FIRST_WAIT = 0.1
"""Seconds before the first new attempt; doubles up to 5."""
_MOST_BYTES = 7000
"""NOTIFY takes 8000; larger bodies belong into a row."""

_log = structlog.get_logger("kaksha.live")


class _Notice(msgspec.Struct, frozen=True):
    kind: str
    body: Any


async def tell(conn: Conn, kind: str, body: dict[str, Any]) -> None:
    """Sends a notice to every process when the transaction of `conn` commits. Raises ValueError above 7 kB."""
    await conn.execute("select pg_notify($1, $2)", _CHANNEL, _payload(kind, body))


async def tell_many(conn: Conn, kind: str, bodies: Sequence[dict[str, Any]]) -> None:
    """The same for many notices, in one statement."""
    if bodies:
        payloads = [_payload(kind, body) for body in bodies]
        await conn.execute("select pg_notify($1, payload) from unnest($2::text[]) payload", _CHANNEL, payloads)


def _payload(kind: str, body: dict[str, Any]) -> str:
    payload = msgspec.json.encode(_Notice(kind, body))
    if len(payload) > _MOST_BYTES:
        raise ValueError(f"a notice of {len(payload)} bytes is too long: keep a row and send its id")
    return payload.decode()


class Ears:
    """Listens for as long as the process runs, over as many connections as it takes."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._heard: dict[str, Callable[[Any], None]] = {}
        self._resume: list[Callable[[], Awaitable[None]]] = []
        self._trusted_until = -math.inf
        self._conn: asyncpg.Connection | None = None
        self._asking = asyncio.Lock()

    @property
    def hears(self) -> bool:
        """Whether every notice of more than a second ago has arrived."""
        return time.monotonic() < self._trusted_until

    def on(self, kind: str, handler: Callable[[Any], None]) -> None:
        """Registers the one handler of `kind`; it must not block."""
        self._heard[kind] = handler

    def on_resume(self, catch_up: Callable[[], Awaitable[None]]) -> None:
        """Registers what to read again after notices may have been missed (also once at the start)."""
        self._resume.append(catch_up)

    async def settled(self) -> None:
        """Waits until this process has heard of all that was committed before, so that its own next answer shows it.

        Returns when it hears nothing, too: then nobody relies on notices.
        """
        if self._conn is not None:
            with contextlib.suppress(Exception):
                await self._ask(self._conn, _TRUSTED_SECONDS)

    async def _ask(self, conn: asyncpg.Connection, seconds: float) -> None:
        """Asks for a sign of life; PostgreSQL sends the notices that wait before it answers."""
        async with asyncio.timeout(seconds), self._asking:
            await conn.fetchval("select 1")

    async def run(self) -> None:
        """Listens until cancelled, connecting again after every loss."""
        wait = _FIRST_WAIT
        while True:
            began = time.monotonic()
            try:
                await self._listen()
            except Exception as error:  # a driver without its server raises many kinds; the ears outlive all
                _log.warning("listen.lost", error=type(error).__name__)
            finally:
                self._trusted_until = -math.inf
            if time.monotonic() - began > _DEAD_SECONDS:
                wait = _FIRST_WAIT
            await asyncio.sleep(wait)
            wait = min(wait * 2, 5.0)

    async def _listen(self) -> None:
        conn: asyncpg.Connection = await asyncpg.connect(
            self._url, timeout=5, server_settings={"application_name": "kaksha ears"}
        )
        try:
            lost = asyncio.Event()

            def gone(_: object) -> None:
                self._trusted_until = -math.inf
                lost.set()

            conn.add_termination_listener(gone)
            await conn.add_listener(_CHANNEL, self._receive)
            for catch_up in self._resume:
                await catch_up()
            self._conn = conn
            while not lost.is_set():
                asked = time.monotonic()
                await self._ask(conn, _DEAD_SECONDS)
                if not lost.is_set():
                    self._trusted_until = asked + _TRUSTED_SECONDS
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_PROBE_SECONDS):
                        await lost.wait()
        finally:
            self._conn = None
            conn.terminate()

    def _receive(self, _: object, __: int, ___: str, payload: object) -> None:
        try:
            notice = msgspec.json.decode(str(payload), type=_Notice)
        except msgspec.DecodeError:
            _log.warning("notice.unreadable")
            return
        handler = self._heard.get(notice.kind)
        if handler is not None:
            handler(notice.body)
