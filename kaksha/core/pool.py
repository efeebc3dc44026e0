"""The database connections of one process.

asyncpg's own pool costs 12 us a use, and knows nothing of tenants. This one prefers an idle connection that is set to
the caller's institute already, which saves the round trip that sets it: with many institutes at once, half of what a
read costs (docs/decisions/0005-own-pool.md).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from kaksha.core.errors import DatabaseDown
from kaksha.core.ids import UUID

__all__ = ["Connection", "Pool"]

_IDLE_SECONDS = 300.0
"""A connection unused for this long is closed: firewalls forget silent ones, and then nobody says so."""


class Connection(asyncpg.Connection):
    """A connection that remembers which tenant it is set to; `unknown` means: set it before the next use."""

    __slots__ = ("idle_since", "tenant")
    tenant: UUID | str | None
    idle_since: float

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = None
        self.idle_since = 0.0


class Pool:
    """At most `size` connections, made when they are needed; who has to wait is served in turn."""

    def __init__(self, size: int, connect: Callable[[], Awaitable[Connection]], wait_seconds: float) -> None:
        self._room = size
        self._connect = connect
        self._wait_seconds = wait_seconds
        self._idle: list[Connection] = []
        """The longest idle first."""
        self._busy: set[Connection] = set()
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        """Turns: a connection, or None for the room to make one."""
        self._closing = False

    async def acquire(self, tenant: UUID | None) -> Connection:
        """An idle connection, a new one, or the next that is released. Raises DatabaseDown."""
        conn = self._idle_one(tenant) or await self._other()
        self._busy.add(conn)
        return conn

    def release(self, conn: Connection) -> None:
        """Gives a connection back; a closed one makes room for another."""
        self._busy.discard(conn)
        if self._closing:
            conn.terminate()
        if not conn.is_closed() and self._hand_on(conn):
            return
        if conn.is_closed():
            self._make_room()
            return
        now = conn.idle_since = asyncio.get_running_loop().time()
        self._idle.append(conn)
        while self._idle[0].idle_since < now - _IDLE_SECONDS:
            self._idle.pop(0).terminate()
            self._room += 1

    async def close(self) -> None:
        """Ends idle connections now and those in use when they are released; nobody waits any longer."""
        self._closing = True
        for turn in self._waiting:
            if not turn.done():
                turn.set_exception(DatabaseDown())
        self._waiting.clear()
        while self._idle:
            await self._idle.pop().close()

    def terminate(self) -> None:
        """Cuts every connection, also those in use."""
        for conn in (*self._idle, *self._busy):
            conn.terminate()

    def _idle_one(self, tenant: UUID | None) -> Connection | None:
        """The last used connection of this tenant, else the one that was idle longest."""
        idle = self._idle
        for place in range(len(idle) - 1, -1, -1):
            if idle[place].tenant == tenant and not idle[place].is_closed():
                return idle.pop(place)
        while idle:
            conn = idle.pop(0)
            if not conn.is_closed():
                return conn
            self._room += 1
        return None

    async def _other(self) -> Connection:
        if self._closing:
            raise DatabaseDown
        try:
            async with asyncio.timeout(self._wait_seconds):
                if self._room <= 0:
                    conn = await self._turn()
                    if conn is not None:
                        return conn
                else:
                    self._room -= 1
                return await self._made()
        except (
            TimeoutError,
            OSError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
        ) as error:
            raise DatabaseDown from error

    async def _made(self) -> Connection:
        """A new connection in room that was taken for it."""
        try:
            return await self._connect()
        except BaseException:
            self._make_room()
            raise

    async def _turn(self) -> Connection | None:
        turn: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except BaseException:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # It came in the very moment this caller gave up: somebody else may have it.
                conn = turn.result()
                self._make_room() if conn is None else self.release(conn)
            raise

    def _hand_on(self, conn: Connection) -> bool:
        """Gives a connection to who waits longest; False when nobody does."""
        turn = self._next()
        if turn is not None:
            turn.set_result(conn)
        return turn is not None

    def _make_room(self) -> None:
        turn = self._next()
        if turn is None:
            self._room += 1
        else:
            turn.set_result(None)

    def _next(self) -> "asyncio.Future[Connection | None] | None":
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                return turn
        return None
