"""How a process of ours lives: its signals, its socket, its database; and the process that only runs background jobs.

Whatever ends a process (Ctrl-C, SIGTERM, a closed terminal, a failure), what it started is stopped again: signals
become KeyboardInterrupt, the database's `with` unwinds, and no second signal cuts that short.
"""

import asyncio
import contextlib
import errno
import signal
import socket
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence
from typing import Any, TypeVar

import asyncpg
import structlog
import uvicorn
import uvloop

from kaksha.core import logs
from kaksha.core.db import Database
from kaksha.core.migrate import migrate, role_of
from kaksha.core.postgres import Embedded, PostgresError
from kaksha.core.seal import Keys
from kaksha.core.settings import Settings
from kaksha.main import DemoPerson, build, build_process, running

__all__ = ["CannotListen", "database", "listening", "opened", "run", "serve_on", "unwind_on_signals", "work"]

T = TypeVar("T")
_log = structlog.get_logger("kaksha.process")


class CannotListen(RuntimeError):
    """The port cannot be had; the message says what to do."""

    def __init__(self, port: int, error: OSError) -> None:
        if error.errno == errno.EADDRINUSE:
            super().__init__(
                f"Port {port} is taken: stop what uses it, or choose another one, such as PORT={port + 1}."
            )
        else:
            super().__init__(f"Port {port} cannot be listened on: {error.strerror or error}.")


class _Server(uvicorn.Server):
    """Says when it really accepts connections."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except OSError as error:
            raise CannotListen(self.config.port, error) from error
        self._ready()


async def serve_on(
    settings: Settings, app_url: str, listener: socket.socket, ready: Callable[[], None],
    offered: Sequence[DemoPerson] = (), inbox_url: str | None = None,
) -> None:  # fmt: skip
    """Serves until interrupted; requests under way may finish, a second Ctrl-C does not wait for them."""
    logs.configure(settings.log_format, settings.log_level)
    config = uvicorn.Config(
        build(settings, app_url, demo_people=offered, inbox_url=inbox_url),
        port=settings.port,
        http="httptools",
        ws="websockets-sansio",
        access_log=False,
        proxy_headers=False,
        log_level="warning",
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=10,
    )
    await _Server(config, ready).serve(sockets=[listener])


async def work(settings: Settings, app_url: str) -> None:
    """Runs the jobs until cancelled."""
    process = build_process(settings, app_url)
    async with running(process, with_jobs=False):
        await process.jobs.run()


def run(work: Coroutine[Any, Any, T]) -> T:
    """What `work` answers, in a loop of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def unwind_on_signals() -> None:
    """The first signal raises KeyboardInterrupt, those after it nothing; while serving, uvicorn takes them instead."""

    def ignore(_: int, __: object) -> None:
        """Not SIG_IGN, which the database's processes would inherit."""

    def hang_up(_: int, __: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    def stop(_: int, __: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, ignore)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # unless `nohup` says that a closed terminal is all right
        signal.signal(signal.SIGHUP, hang_up)


@contextlib.contextmanager
def listening(settings: Settings) -> Generator[socket.socket]:
    """The server's address, taken before anything is started; nobody can connect until the server listens."""
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            raise CannotListen(settings.port, error) from error
        yield listener


@contextlib.contextmanager
def database(settings: Settings) -> Generator[tuple[str, str]]:
    """(owner's address, application's address) of the database: the embedded server's, kept alive, or the one set."""
    if settings.database_url is not None:
        yield settings.database_owner_url or settings.database_url, settings.database_url
        return
    embedded = Embedded(settings.home / "postgres")
    over = threading.Event()

    def watch() -> None:
        while not over.wait(1.0):
            try:
                embedded.ensure()
            except PostgresError as error:
                if not over.is_set():
                    _log.error("postgres.lost", error=str(error))

    with embedded as cluster:
        threading.Thread(target=watch, name="postgres", daemon=True).start()
        try:
            yield cluster.owner_url, cluster.app_url
        finally:
            over.set()


@contextlib.asynccontextmanager
async def opened(
    settings: Settings, owner_url: str, app_url: str
) -> AsyncGenerator[tuple[asyncpg.Connection, Database]]:  # fmt: skip
    """The migrated database: a connection of its owner, and the application's."""
    await migrate(owner_url, role_of(app_url))
    owner: asyncpg.Connection = await asyncpg.connect(owner_url)
    pooled = settings.database_pooler == "transaction"
    db = Database(app_url, Keys(settings.secret_key, settings.previous_secret_keys), size=2, transaction_pooler=pooled)
    await db.open()
    try:
        yield owner, db
    finally:
        await db.close()
        await owner.close()
