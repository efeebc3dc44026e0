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


class _Connection(asyncpg.Connection):
    """A connection that remembers which tenant it is set to; `unknown` means: set it before the next use."""

    __slots__ = ("tenant",)
    tenant: UUID | str | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = None


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
        self._pool: asyncpg.Pool[Any]

    async def open(self) -> None:
        """Makes the pool; the server need not be up yet."""
        self._pool = await asyncpg.create_pool(
            self.url,
            min_size=0,
            max_size=self._size,
            connection_class=_Connection,
            # A statement by name does not survive a transaction-mode pooler; without one, plans are kept.
            statement_cache_size=0 if self._pooler else 512,
            max_cached_statement_lifetime=0,
            max_inactive_connection_lifetime=300,
            command_timeout=_STATEMENT_SECONDS,
            timeout=_ACQUIRE_SECONDS,
            reset=_keep_as_it_is,
            server_settings=None if self._pooler else {"application_name": "kaksha", "jit": "off"},
        )

    async def close(self) -> None:
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @contextlib.asynccontextmanager
    async def read(self, institute_id: UUID | None) -> AsyncGenerator[Conn]:
        """A connection for single autocommitted statements of one institute; None sees no tenant's rows."""
        async with self._connection(institute_id) as conn:
            if self._pooler:
                async with conn.transaction():
                    await _set_tenant(conn, institute_id, local=True)
                    yield cast(Conn, conn)
            else:
                yield cast(Conn, conn)

    @contextlib.asynccontextmanager
    async def write(self, institute_id: UUID | None, actor: Actor = SYSTEM) -> AsyncGenerator[Write]:
        """One transaction, committed when the block ends and rolled back when it raises.

        A commit that the database refuses (a deferred constraint, say) raises here, before anybody was answered.
        """
        async with self._connection(institute_id) as conn, conn.transaction():
            if self._pooler:
                await _set_tenant(conn, institute_id, local=True)
            yield Write(cast(Conn, conn), cast(UUID, institute_id), actor, self.clock(), self.keys)

    @contextlib.asynccontextmanager
    async def _connection(self, institute_id: UUID | None) -> AsyncGenerator[_Connection]:
        try:
            async with asyncio.timeout(_ACQUIRE_SECONDS):
                proxy = await self._pool.acquire()
        except (
            TimeoutError,
            OSError,
            asyncpg.PostgresConnectionError,
            asyncpg.CannotConnectNowError,
        ) as error:
            raise DatabaseDown from error
        except asyncpg.InterfaceError as error:  # the pool is closing: this process is about to stop
            raise DatabaseDown from error
        conn = cast(_Connection, proxy._con)  # pyright: ignore[reportPrivateUsage] - the proxy costs each call twice
        try:
            if not self._pooler and conn.tenant != institute_id:
                conn.tenant = "unknown"
                await _set_tenant(conn, institute_id, local=False)
                conn.tenant = institute_id
            yield conn
        except BaseException as error:
            conn.tenant = "unknown"
            if conn.is_in_transaction() or isinstance(error, asyncio.CancelledError | GeneratorExit):
                conn.terminate()  # cut in the middle: nobody knows what the server still does for it
            known = _translated(error)
            if known is not None:
                raise known from error
            raise
        finally:
            await self._pool.release(proxy)


async def _set_tenant(conn: _Connection, institute_id: UUID | None, *, local: bool) -> None:
    value = "" if institute_id is None else str(institute_id)
    await conn.fetchval("select set_config('app.institute_id', $1, $2)", value, local)


async def _keep_as_it_is(_: Any) -> None:
    """asyncpg's own reset costs a round trip; what needs resetting here is the tenant, and that is kept above."""


def _translated(error: BaseException) -> BaseException | None:
    """The fact behind a driver's error, where callers can do something about it."""
    if isinstance(error, asyncpg.IntegrityConstraintViolationError | asyncpg.DeadlockDetectedError):
        return Conflict(constraint=getattr(error, "constraint_name", None))
    if isinstance(error, asyncpg.SerializationError | asyncpg.LockNotAvailableError):
        return Conflict()
    if isinstance(
        error,
        asyncpg.PostgresConnectionError
        | asyncpg.InterfaceError
        | asyncpg.AdminShutdownError
        | asyncpg.CrashShutdownError
        | asyncpg.CannotConnectNowError
        | asyncpg.TooManyConnectionsError
        | ConnectionError,
    ):
        return DatabaseDown()
    return None
