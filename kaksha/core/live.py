"""Notices between processes: NOTIFY inside the transaction that changes something, one LISTEN connection a process.

A notice is sent when its transaction commits, never before. A process that loses its LISTEN connection says so by
`hears`: whoever relies on notices must then ask the database, and `on_resume` lets them catch up afterwards.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import msgspec
import structlog

from kaksha.core.db import Conn

__all__ = ["Ears", "tell"]

_CHANNEL = "kaksha"
_PROBE_SECONDS = 5.0
"""How often a silent connection is asked for a sign of life."""
_MOST_BYTES = 7000
"""NOTIFY takes 8000; larger bodies belong into a row."""

_log = structlog.get_logger("kaksha.live")


class _Notice(msgspec.Struct, frozen=True):
    kind: str
    body: Any


async def tell(conn: Conn, kind: str, body: dict[str, Any]) -> None:
    """Sends a notice to every process when the transaction of `conn` commits. Raises ValueError above 7 kB."""
    payload = msgspec.json.encode(_Notice(kind, body))
    if len(payload) > _MOST_BYTES:
        raise ValueError(f"a notice of {len(payload)} bytes is too long: keep a row and send its id")
    await conn.execute("select pg_notify($1, $2)", _CHANNEL, payload.decode())


class Ears:
    """Listens for as long as the process runs, over as many connections as it takes."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._heard: dict[str, Callable[[Any], None]] = {}
        self._resume: list[Callable[[], Awaitable[None]]] = []
        self.hears = False
        """Whether notices arrive now."""

    def on(self, kind: str, handler: Callable[[Any], None]) -> None:
        """Registers the one handler of `kind`; it must not block."""
        self._heard[kind] = handler

    def on_resume(self, catch_up: Callable[[], Awaitable[None]]) -> None:
        """Registers what to read again after notices may have been missed (also once at the start)."""
        self._resume.append(catch_up)

    async def run(self) -> None:
        """Listens until cancelled, connecting again after every loss."""
        wait = 0.1
        while True:
            try:
                await self._listen()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("listen.lost", error=type(error).__name__, retry_in=wait)
            finally:
                self.hears = False
            await asyncio.sleep(wait)
            wait = min(wait * 2, 5.0)

    async def _listen(self) -> None:
        conn: asyncpg.Connection = await asyncpg.connect(self._url, timeout=5)
        try:
            lost = asyncio.Event()
            conn.add_termination_listener(lambda _: lost.set())
            await conn.add_listener(_CHANNEL, self._receive)
            for catch_up in self._resume:
                await catch_up()
            self.hears = True
            while not lost.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_PROBE_SECONDS):
                        await lost.wait()
                if not lost.is_set():
                    await conn.fetchval("select 1", timeout=2)
        finally:
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
