"""The database: one pool, and the tenant of every connection.

The rule guarded here: a statement sees the rows of one institute only, the one that its connection is set to.
Row-level security compares `institute_id` with the setting `app.institute_id`; this module is the only place that
writes the setting. It is written before BEGIN, because a setting made inside a transaction reverts when that rolls
back, and a connection that saw an error or a cancellation counts as unknown and is set again.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any, Protocol, cast

import asyncpg
import msgspec

from kaksha.core.clock import Clock, system_clock
from kaksha.core.errors import Conflict, DatabaseDown
from kaksha.core.ids import UUID
from kaksha.core.pool import Connection, Pool
from kaksha.core.seal import Keys

__all__ = ["SYSTEM", "Actor", "Conn", "Database", "Row", "Write"]

Row = asyncpg.Record

_ACQUIRE_SECONDS = 1.5
"""Waiting for a connection ends here, so that a caller hears 503 within 2 s."""
_STATEMENT_SECONDS = 20.0


class Conn(Protocol):
    """What a query may do with a connection (the part of asyncpg that `queries.py` uses)."""

    async def fetch(self, query: str, *args: Any) -> list[Row]: ...
    async def fetchrow(self, query: str, *args: Any) -> Row | None: ...
    async def fetchval(self, query: str, *args: Any) -> Any: ...
    async def execute(self, query: str, *args: Any) -> str: ...
    async def executemany(self, command: str, args: Sequence[Sequence[Any]]) -> None: ...


class Actor(msgspec.Struct, frozen=True):
    """Who changes something: a person of the institute, or the system itself (a job, the operator)."""

    user_id: UUID | None
    request_id: str | None = None


SYSTEM = Actor(None)


class Write(msgspec.Struct, frozen=True):
    """An open transaction of one institute: everything a service verb needs to change something."""

    conn: Conn
    institute_id: UUID
    actor: Actor
    now: datetime
    keys: Keys
    """For what is sealed or signed in this transaction."""


class Database:
    """The pool of one process. `open()` does not need the server to be up: the first use connects."""

    def __init__(
        self,
        url: str,
        keys: Keys,
        *,
        size: int = 10,
        transaction_pooler: bool = False,
        clock: Clock = system_clock,
    ) -> None:
        self.url = url
        self.keys = keys
        self.clock = clock
        self._size = size
        self._pooler = transaction_pooler
        self._pool: Pool

    async def open(self) -> None:
        """Makes the pool; the server need not be up yet."""
        self._pool = Pool(self._size, self._connect, _ACQUIRE_SECONDS)

    async def close(self) -> None:
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def _connect(self) -> Connection:
        return await asyncpg.connect(
            self.url,
            connection_class=Connection,
            # A statement by name does not survive a transaction-mode pooler; without one, plans are kept.
            statement_cache_size=0 if self._pooler else 512,
            max_cached_statement_lifetime=0,
            command_timeout=_STATEMENT_SECONDS,
            timeout=_ACQUIRE_SECONDS,
            server_settings=None if self._pooler else {"application_name": "kaksha", "jit": "off"},
        )

    def read(self, institute_id: UUID | None) -> contextlib.AbstractAsyncContextManager[Conn]:
        """A connection for single autocommitted statements of one institute; None sees no tenant's rows."""
        return self._read_pooled(institute_id) if self._pooler else cast(Any, _Held(self._pool, institute_id))

    @contextlib.asynccontextmanager
    async def _read_pooled(self, institute_id: UUID | None) -> AsyncGenerator[Conn]:
        async with _Held(self._pool, None) as conn, conn.transaction():
            await _set_tenant(conn, institute_id, local=True)
            yield cast(Conn, conn)

    @contextlib.asynccontextmanager
    async def write(self, institute_id: UUID | None, actor: Actor = SYSTEM) -> AsyncGenerator[Write]:
        """One transaction, committed when the block ends and rolled back when it raises.

        A commit that the database refuses (a deferred constraint, say) raises here, before anybody was answered.
        """
        async with _Held(self._pool, None if self._pooler else institute_id) as conn, conn.transaction():
            if self._pooler:
                await _set_tenant(conn, institute_id, local=True)
            yield Write(cast(Conn, conn), cast(UUID, institute_id), actor, self.clock(), self.keys)


class _Held:
    """A connection for as long as a block lasts, set to the institute.

    A class: as a generator this alone costs 4 us of each request.
    """

    __slots__ = ("_conn", "_institute_id", "_pool")
    _conn: Connection

    def __init__(self, pool: Pool, institute_id: UUID | None) -> None:
        self._pool = pool
        self._institute_id = institute_id

    async def __aenter__(self) -> Connection:
        conn = self._conn = await self._pool.acquire(self._institute_id)
        if conn.tenant != self._institute_id:
            try:
                conn.tenant = "unknown"
                await _set_tenant(conn, self._institute_id, local=False)
                conn.tenant = self._institute_id
            except BaseException as error:
                self._failed(error)
                raise
        return conn

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None:
            self._pool.release(self._conn)
        else:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        """Gives the connection back as unknown, and says what the driver's error means."""
        conn = self._conn
        conn.tenant = "unknown"
        if conn.is_in_transaction() or isinstance(error, _UNUSABLE):
            conn.terminate()  # cut in the middle: nobody knows what the server still does for it
        self._pool.release(conn)
        known = _translated(error)
        if known is not None:
            raise known from error


_UNUSABLE = (asyncio.CancelledError, GeneratorExit, asyncpg.InternalClientError)
"""What leaves a connection in no known state. The last: the server said goodbye while the connection was idle, and the
driver has read it, but has not seen the end of the stream yet."""


async def _set_tenant(conn: Connection, institute_id: UUID | None, *, local: bool) -> None:
    value = "" if institute_id is None else str(institute_id)
    await conn.fetchval("select set_config('app.institute_id', $1, $2)", value, local)


def _translated(error: BaseException) -> BaseException | None:
    """The fact behind a driver's error, where callers can do something about it."""
    if isinstance(error, asyncpg.IntegrityConstraintViolationError | asyncpg.DeadlockDetectedError):
        return Conflict(constraint=getattr(error, "constraint_name", None))
    if isinstance(error, asyncpg.SerializationError | asyncpg.LockNotAvailableError):
        return Conflict()
    if isinstance(
        error,
        asyncpg.PostgresConnectionError
        | asyncpg.InternalClientError
        | asyncpg.InterfaceError
        | asyncpg.InternalClientError
        | asyncpg.AdminShutdownError
        | asyncpg.CrashShutdownError
        | asyncpg.CannotConnectNowError
        | asyncpg.TooManyConnectionsError
        | ConnectionError,
    ):
        return DatabaseDown()
    return None
