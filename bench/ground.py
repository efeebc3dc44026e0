"""What is measured on: a database with the large seed, kept between runs while it fits, and the two servers."""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import msgspec

from bench import machine
from kaksha.core.migrate import migrate, role_of
from kaksha.core.postgres import Cluster, Embedded

__all__ = ["SECRET", "Server", "database", "server"]

SECRET = "b" * 48
_ROOT = Path(__file__).resolve().parent.parent
_FOLDER = Path(tempfile.gettempdir()) / f"kaksha-bench-{os.getuid()}"


class Server(msgspec.Struct, frozen=True):
    """A running server."""

    name: str
    pid: int
    port: int
    idle_mib: float


@contextlib.contextmanager
def database(students: int, institutes: int) -> Iterator[Cluster]:
    """A migrated PostgreSQL with the seed, made anew when migrations, seed or day are others than the kept one's."""
    wanted, stamp = _fingerprint(students, institutes), _FOLDER / "stamp"
    with contextlib.ExitStack() as stack:
        lock = stack.enter_context(_FOLDER.with_suffix(".lock").open("w"))
        fcntl.flock(lock, fcntl.LOCK_EX)  # two at once would measure each other
        kept = stamp.read_text() if stamp.is_file() else None
        if kept != wanted:
            shutil.rmtree(_FOLDER, ignore_errors=True)
        _FOLDER.mkdir(mode=0o711, exist_ok=True)
        cluster = stack.enter_context(Embedded(_FOLDER / "postgres"))
        if kept != wanted:
            print(f"Seeding {students} students in {institutes} institutes (kept in {_FOLDER}) …", file=sys.stderr)
            asyncio.run(migrate(cluster.owner_url, role_of(cluster.app_url)))
            sizes = ["--students", str(students), "--institutes", str(institutes)]
            seed = [sys.executable, "-m", "kaksha.cli", "seed", *sizes]
            subprocess.run(seed, cwd=_FOLDER, env=_environment(cluster, 8000), stdout=sys.stderr, check=True)
            asyncio.run(_settle(cluster.superuser_url))
            stamp.write_text(wanted)
        yield cluster


@contextlib.contextmanager
def server(name: str, module: list[str], cluster: Cluster, core: int) -> Iterator[Server]:
    """`python -m module…` on one core, listening and still idle."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (_FOLDER / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *module], cwd=_FOLDER, env=_environment(cluster, port), stdout=log, stderr=log
        )
    try:
        machine.pin(process.pid, core)
        _await_port(process, port, Path(log.name))
        time.sleep(2)  # what is done once at the start is over
        yield Server(name, process.pid, port, machine.memory_mib(process.pid))
    finally:
        process.terminate()
        process.wait(30)


def _await_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"a server did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _environment(cluster: Cluster, port: int) -> dict[str, str]:
    """The settings of both servers: production's defaults, behind a proxy that names each person's address."""
    return {
        "PATH": os.defpath,
        "HOME": str(_FOLDER),
        "PYTHONPATH": str(_ROOT),
        "DATABASE_URL": cluster.app_url,
        "DATABASE_OWNER_URL": cluster.owner_url,
        "KAKSHA_HOME": str(_FOLDER),
        "KAKSHA_SECRET_KEY": SECRET,
        "LOG_FORMAT": "json",
        "PORT": str(port),
        "TRUSTED_PROXIES": "1",
    }


async def _settle(superuser_url: str) -> None:
    """Statistics and a checkpoint now, not in the middle of a round."""
    conn = await asyncpg.connect(superuser_url.replace("/postgres?", "/kaksha?"))
    await conn.execute("vacuum (analyze)")
    await conn.execute("checkpoint")
    await conn.close()


def _fingerprint(students: int, institutes: int) -> str:
    made_of = hashlib.sha256()
    for file in sorted([*(_ROOT / "migrations").glob("*.sql"), *(_ROOT / "kaksha" / "sandbox").glob("*.py")]):
        made_of.update(file.read_bytes())
    return f"{students} {institutes} {datetime.now(UTC).date()} {made_of.hexdigest()}"
