"""The embedded server, with real processes: who starts it, who stops it, what a crash leaves behind."""

import asyncio
import logging
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from kaksha.core import postgres_files
from kaksha.core.postgres import Embedded, PostgresError

ROOT = Path(__file__).parents[2]

# Another process of the application: enters, says so, and leaves when its input is closed.
APPLICATION = """
import sys
from pathlib import Path
from kaksha.core.postgres import Embedded
with Embedded(Path(sys.argv[1])) as cluster:
    print(cluster.superuser_url, flush=True)
    sys.stdin.read()
"""

UNPACKS = """
import sys
from pathlib import Path
from kaksha.core.postgres import Embedded
with Embedded(Path(sys.argv[1]), Path(sys.argv[2])) as cluster:
    print(cluster.bin_dir, (cluster.bin_dir / "postgres").stat().st_ino, flush=True)
    sys.stdin.read()
"""

# The same as `nobody`, who need not be able to read this environment: so the binaries are ready before.
ORDINARY_USER = (
    """
import os
import pwd
from kaksha.core import postgres, postgres_files
from pathlib import Path
installation = postgres_files.unpacked_in(postgres_files.cache_for(Path("/")))
postgres.unpacked_in = lambda cache: installation
os.setgroups([])
nobody = pwd.getpwnam("nobody")
os.setgid(nobody.pw_gid)
os.setuid(nobody.pw_uid)
os.environ["HOME"] = "/nonexistent"
"""
    + APPLICATION
)


def eventually(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not true after {seconds} s"
        time.sleep(0.01)


def processes_of(folder: Path) -> list[int]:
    """Living PostgreSQL programs that work on a cluster in this folder, children of a postmaster left out."""
    found: list[int] = []
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,command="], check=True, stdout=subprocess.PIPE, text=True)
    for line in listed.stdout.splitlines():
        pid, command = line.split(maxsplit=1)
        if f" -D {folder}/" in command:
            found.append(int(pid))
    return found


def postmaster(place: Path) -> int:
    return int((place / "data" / "postmaster.pid").read_text().split()[0])


def query(url: str, sql: str) -> list[tuple[object, ...]]:
    async def ask() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    return asyncio.run(ask())


class Application:
    """A second process on the same folder."""

    def __init__(self, folder: Path, code: str = APPLICATION, *arguments: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, folder, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def url(self) -> str:
        """Wait until it is in; what it then says is its URL, as a rule."""
        assert self.process.stdout
        url = self.process.stdout.readline().strip()
        assert url, "the application ended before it reached the server"
        return url

    def leave(self) -> None:
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)


@contextmanager
def reachable_folder() -> Generator[Path]:
    """A folder that root's account may enter, unlike pytest's own, which are 0700 for root."""
    with tempfile.TemporaryDirectory(prefix="kaksha-test-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.fixture
def home() -> Generator[Path]:
    """A folder of which nothing may run at the end."""
    with reachable_folder() as folder:
        yield folder
        left = processes_of(folder)
        for pid in left:
            os.kill(pid, signal.SIGQUIT)
        eventually(lambda: not processes_of(folder))
    assert not left


@pytest.fixture
def cold(home: Path) -> Path:
    return home / "postgres"


@pytest.fixture(scope="module")
def prepared() -> Generator[Path]:
    """A finished, stopped cluster to copy, for tests that need not see it made."""
    with reachable_folder() as folder:
        with Embedded(folder / "postgres"):
            pass
        yield folder / "postgres"


@pytest.fixture
def warm(cold: Path, prepared: Path) -> Path:
    subprocess.run(["cp", "-a", prepared, cold], check=True)
    return cold


def test_a_cold_start_makes_the_roles_and_the_database(cold: Path) -> None:
    with Embedded(cold) as cluster:
        assert query(cluster.superuser_url, "select current_user::text, current_database()::text") == [
            ("postgres", "postgres")
        ]
        assert query(cluster.owner_url, "select current_user::text, current_database()::text") == [
            ("kaksha_owner", "kaksha")
        ]
        assert query(cluster.app_url, "select current_user::text, current_database()::text") == [
            ("kaksha_app", "kaksha")
        ]
        roles = query(
            cluster.superuser_url,
            """select rolname::text, rolcanlogin, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole
               from pg_roles where rolname like 'kaksha%' order by 1""",
        )
        assert roles == [
            ("kaksha_app", True, False, False, False, False),
            ("kaksha_owner", True, False, False, False, False),
        ]
        assert query(
            cluster.superuser_url, "select datdba::regrole::text from pg_database where datname = 'kaksha'"
        ) == [("kaksha_owner",)]
        for extension in ("pg_trgm", "btree_gist", "unaccent"):
            query(cluster.owner_url, f"create extension {extension}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            query(cluster.app_url, "create table owned (id int)")
        # Unicode's rules for case and letters, and the zones, whatever the machine's locale is.
        assert query(cluster.owner_url, "select upper('é'), 'क' ~ '[[:alpha:]]'") == [("É", True)]
        assert query(
            cluster.owner_url, "select (timestamptz '2026-01-01Z' at time zone 'Asia/Kolkata')::time::text"
        ) == [("05:30:00",)]
    assert not processes_of(cold)


def test_racing_processes_unpack_the_binaries_once(home: Path) -> None:
    racing = [Application(home / name, UNPACKS, home / "binaries") for name in ("a", "b")]
    assert len({one.url() for one in racing}) == 1
    for one in racing:
        one.leave()
    (installation,) = (home / "binaries").glob("postgresql-18-*")
    for program in ("postgres", "psql", "pg_dump", "pg_restore", "createdb"):
        assert os.access(installation / "bin" / program, os.X_OK)
    assert not (home / "binaries" / "unpacking").exists()
    with Embedded(home / "a", home / "binaries") as cluster:
        assert cluster.bin_dir == installation / "bin"


def test_it_keeps_every_commit_and_logs_no_personal_data(warm: Path) -> None:
    with Embedded(warm) as cluster:
        names = "'fsync', 'full_page_writes', 'synchronous_commit', 'listen_addresses', 'jit', 'TimeZone'"
        settings = query(cluster.superuser_url, f"select name, setting from pg_settings where name in ({names})")
        assert dict(settings) == {  # pyright: ignore
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
            "listen_addresses": "",
            "jit": "off",
            "TimeZone": "UTC",
        }
        query(cluster.owner_url, "create table people (email text primary key)")
        query(cluster.owner_url, "insert into people values ('meher@example.in')")
        with pytest.raises(asyncpg.UniqueViolationError):
            query(cluster.owner_url, "insert into people values ('meher@example.in')")
    written = "".join(file.read_text() for file in (warm / "log").glob("*.log"))
    assert "duplicate key" in written
    assert "meher" not in written


def test_only_the_account_can_reach_socket_data_and_log(warm: Path) -> None:
    with Embedded(warm):
        for name in ("data", "socket", "log"):
            assert (warm / name).stat().st_mode & 0o777 == 0o700
    account = pwd.getpwuid((warm / "data").stat().st_uid)
    assert (warm / "ident.conf").read_text() == f'kaksha root all\nkaksha "{account.pw_name}" all\n'


def test_a_warm_start_is_quick(warm: Path) -> None:
    took: list[float] = []
    for _ in range(3):
        begin = time.monotonic()
        with Embedded(warm):
            took.append(time.monotonic() - begin)
    assert min(took) < 0.3


def test_a_second_process_attaches_and_the_last_one_stops_it(warm: Path) -> None:
    first = Application(warm)
    url = first.url()
    pid = postmaster(warm)
    with Embedded(warm) as cluster:
        assert cluster.superuser_url == url
        assert postmaster(warm) == pid
        first.leave()
        assert query(cluster.app_url, "select 1") == [(1,)]
        assert postmaster(warm) == pid
    assert not processes_of(warm)


def test_of_four_on_a_cold_folder_one_starts_and_three_attach(cold: Path) -> None:
    four = [Application(cold) for _ in range(4)]
    assert len({one.url() for one in four}) == 1
    assert processes_of(cold) == [postmaster(cold)]
    started = "".join(file.read_text() for file in (cold / "log").glob("*.log"))
    assert started.count("ready to accept connections") == 1
    for one in four[:3]:
        one.leave()
    assert processes_of(cold) == [postmaster(cold)]
    four[3].leave()
    assert not processes_of(cold)


def test_a_killed_application_leaves_the_server_to_the_next(warm: Path) -> None:
    killed = Application(warm)
    killed.url()
    pid = postmaster(warm)
    killed.kill()
    eventually(lambda: processes_of(warm) == [pid])  # a child that was just forked looks like its parent
    with Embedded(warm) as cluster:
        assert postmaster(warm) == pid
        assert query(cluster.app_url, "select 1") == [(1,)]
    assert not processes_of(warm)


@pytest.mark.parametrize("own_child", [True, False])
def test_a_killed_postmaster_loses_no_commit(warm: Path, own_child: bool) -> None:
    """A child of ours stays a zombie until `ensure` reaps it, another's until that one does."""
    other = None if own_child else Application(warm)
    if other:
        other.url()
    embedded = Embedded(warm)
    with embedded as cluster:
        query(cluster.owner_url, "create table receipts as select generate_series(1, 100000) as id")
        query(cluster.owner_url, "insert into receipts values (100001)")
        killed = postmaster(warm)
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: not processes_of(warm))
        embedded.ensure()
        assert postmaster(warm) != killed
        assert query(cluster.owner_url, "select count(*), max(id) from receipts") == [(100001, 100001)]
        embedded.ensure()
        if other:
            other.leave()
        assert query(cluster.owner_url, "select 1") == [(1,)]
    assert not processes_of(warm)


def test_a_recycled_pid_does_not_block_the_start(warm: Path) -> None:
    """After a reboot the pid in postmaster.pid may be that of anything else of the same account."""
    owner = (warm / "data").stat()
    who = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    other = subprocess.Popen(["cat"], stdin=subprocess.PIPE, **who)  # pyright: ignore
    embedded = Embedded(warm)
    with embedded as cluster:
        os.kill(postmaster(warm), signal.SIGKILL)
        file = warm / "data" / "postmaster.pid"
        eventually(lambda: not processes_of(warm))
        lines = file.read_text().splitlines()
        file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        embedded.ensure()
        assert query(cluster.app_url, "select 1") == [(1,)]
    assert other.poll() is None  # and nobody stopped it for being the server
    other.communicate()


def test_ensure_is_cheap_while_the_server_lives(warm: Path) -> None:
    embedded = Embedded(warm)
    with embedded:
        begin = time.monotonic()
        for _ in range(20):
            embedded.ensure()
        assert (time.monotonic() - begin) / 20 < 0.05
    with pytest.raises(PostgresError, match="Enter"):
        embedded.ensure()


def test_ctrl_c_does_not_reach_the_server(warm: Path) -> None:
    with Embedded(warm):
        pid = postmaster(warm)
        assert os.getsid(pid) == pid
        assert os.getpgid(pid) == pid != os.getpgid(0)


def test_a_cluster_of_another_major_version_is_refused(warm: Path) -> None:
    (warm / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(PostgresError, match=r"PostgreSQL 17, .* PostgreSQL 18.* Back it up"), Embedded(warm):
        pass
    assert not processes_of(warm)


def test_a_start_that_fails_says_why(warm: Path) -> None:
    (warm / "data" / "global" / "pg_control").unlink()
    with pytest.raises(PostgresError, match="pg_control"), Embedded(warm):
        pass
    assert not processes_of(warm)


def test_a_half_made_cluster_is_made_again(cold: Path) -> None:
    started = Application(cold)
    eventually((cold / "data.new" / "PG_VERSION").exists)
    started.kill()
    assert not (cold / "data").exists()
    with Embedded(cold) as cluster:  # waits for the orphaned initdb, whose lock outlives its parent
        assert query(cluster.app_url, "select 1") == [(1,)]
        assert not (cold / "data.new").exists()


def test_a_long_or_odd_path_gets_a_short_socket_folder(home: Path) -> None:
    folder = home / ("a-rather-long-name-" * 6) / "it's, 50 %"
    with Embedded(folder) as cluster:
        assert "host=/tmp/kaksha-" in cluster.app_url
        assert query(cluster.app_url, "select 1") == [(1,)]
        short = Path(cluster.app_url.partition("host=")[2].partition("&")[0])
        assert short.stat().st_mode & 0o777 == 0o700
    assert not short.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another account")
def test_a_folder_below_a_private_one_gets_its_files_outside(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As in /root, which is 0700: the account must reach the data, and root finds it by the link."""
    monkeypatch.setattr(postgres_files, "OUTSIDE", home / "outside")
    private = home / "private"
    private.mkdir(mode=0o700)
    with caplog.at_level(logging.WARNING), Embedded(private / "home") as cluster:
        query(cluster.owner_url, "create table kept (id int)")
    assert "cannot enter" in caplog.text
    link = private / "home" / "cluster"
    assert link.resolve().parent == home / "outside"

    (private / "home").rename(private / "moved")
    with Embedded(private / "moved") as cluster:
        assert query(cluster.owner_url, "select count(*) from kept") == [(0,)]

    shutil.rmtree(home / "outside")
    with pytest.raises(PostgresError, match="is gone"), Embedded(private / "moved"):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_runs_it_as_oneself(home: Path) -> None:
    mine = home / "nobody"
    mine.mkdir(mode=0o700)
    nobody = pwd.getpwnam("nobody")
    os.chown(mine, nobody.pw_uid, nobody.pw_gid)
    application = Application(mine / "postgres", ORDINARY_USER)
    assert query(application.url(), "select current_user::text") == [("postgres",)]  # root may still come in
    assert (mine / "postgres" / "data").stat().st_uid == nobody.pw_uid
    with Embedded(mine / "postgres") as cluster:  # and attach, and be the last to leave
        application.leave()
        assert query(cluster.app_url, "select 1") == [(1,)]
    with Embedded(mine / "postgres") as cluster:  # root starts it as the account that owns the data
        assert Path(f"/proc/{postmaster(mine / 'postgres')}").stat().st_uid == nobody.pw_uid
    assert not processes_of(mine)
