"""The `kaksha` command as an operator uses it: real processes, on a home and a database of their own."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx2
import pytest

from kaksha.core.passwords import verify_password
from kaksha.sandbox.cast import AARAMBH, PASSWORD

ROOT = Path(__file__).parents[1]
SECONDS = 60.0
"""No wait takes this long, even on a busy machine."""


class Command:
    """A running `kaksha …`; what it says goes to files, so that it never waits for us to read."""

    def __init__(self, home: Path, *arguments: str, hears: str = "", **settings: str) -> None:
        self._said = home / f"{len(list(home.glob('*.said')))}.said"
        heard = self._said.with_suffix(".heard")
        heard.write_text(hears)
        environment = {"PATH": os.defpath, "HOME": str(home), "PYTHONPATH": str(ROOT), "LOG_LEVEL": "warning"}
        with self._said.open("wb") as output, heard.open("rb") as stdin:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kaksha.cli", *arguments],
                cwd=home, env={**environment, "KAKSHA_HOME": str(home / "var"), **settings},
                stdin=stdin, stdout=output, stderr=output,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return self._said.read_text()

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert self.process.poll() is None, f"ended before {what}:\n{self.said}"
            assert time.monotonic() < deadline, f"not {what}:\n{self.said}"
            time.sleep(0.01)

    def until_open(self) -> None:
        self.until(lambda: "(Ctrl-C stops all of it)" in self.said, "open")

    def end(self, number: int) -> int:
        """Its exit status after a signal."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def done(self) -> str:
        """What it said, after succeeding."""
        assert self.process.wait(SECONDS) == 0, self.said
        return self.said

    def failed(self) -> str:
        """What it said, after failing as failures of operators do."""
        assert self.process.wait(SECONDS) == 1, self.said
        assert "Traceback" not in self.said
        return self.said


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that PostgreSQL's account may enter; nothing runs in it afterwards, whatever a test did."""
    with tempfile.TemporaryDirectory(prefix="kaksha-cli-", dir="/tmp") as folder:
        path = Path(folder)
        path.chmod(0o711)
        yield path
        for pid in processes_of(path):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def processes_of(home: Path) -> list[int]:
    """Processes that name the folder in their command line or work in it: ours, the postmaster and what it started."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (
                str(home) in entry.joinpath("cmdline").read_text() or str(home) in str(entry.joinpath("cwd").readlink())
            ):
                found.append(int(entry.name))
    return found


def postmaster(home: Path) -> int:
    return int((home / "var/postgres/data/postmaster.pid").read_text().split()[0])


def schedules(home: Path) -> list[str]:
    """The periodic jobs that some process of this home runs."""

    async def read() -> list[str]:
        socket_folder = home / "var/postgres/socket"
        conn = await asyncpg.connect(f"postgresql://kaksha_app@/kaksha?host={socket_folder}&port=5432")
        rows = await conn.fetch("select entrypoint from jobs.pgqueuer_schedules")
        await conn.close()
        return [row["entrypoint"] for row in rows]

    return asyncio.run(read())


def cpu_seconds(pid: int) -> float:
    """What a process has worked so far; the time on the wall is also other processes' doing."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def signs_in(port: int) -> bool:
    with contextlib.suppress(httpx2.HTTPError):
        body = {"email": "rohan@aarambh.example", "password": PASSWORD}
        return httpx2.post(f"http://127.0.0.1:{port}/v1/auth/login", json=body, timeout=5).status_code == 200
    return False


def test_the_demo_from_its_first_start_to_its_last(home: Path) -> None:
    """One home, so that its database is made once."""
    port = free_port()
    demo = Command(home, "demo", PORT=str(port))
    demo.until_open()
    for word in ("Rohan Deshpande", "asha@aarambh.example", PASSWORD, f"http://localhost:{port}"):
        assert word in demo.said
    assert signs_in(port), "at the moment it says so"
    page = httpx2.get(f"http://localhost:{port}/sign-in", timeout=5).text
    assert page.index("Rohan") < page.index("Sunita") < page.index("Nandini")

    demo.until(lambda: "sandbox.roll" in schedules(home), "going to roll")

    second = Command(home, "demo", PORT=str(port))
    assert (
        f"Port {port} is taken: stop what uses it, or choose another one, such as PORT={port + 1}." in second.failed()
    )

    killed = postmaster(home)
    os.kill(killed, signal.SIGKILL)
    demo.until(lambda: signs_in(port), "back after its PostgreSQL was killed")
    assert postmaster(home) != killed

    assert demo.end(signal.SIGINT) == 0, demo.said
    assert "Stopped." in demo.said
    assert "Traceback" not in demo.said
    assert processes_of(home) == [], "no process stays"

    for number in (signal.SIGTERM, signal.SIGHUP):
        demo = Command(home, "demo", PORT=str(port))
        demo.until_open()
        assert cpu_seconds(demo.process.pid) < 5, "a start on what stands hashes no passwords and plants nothing"
        assert signs_in(port)
        assert demo.end(number) == 0, demo.said
        assert processes_of(home) == []


def test_interrupted_while_it_starts(home: Path) -> None:
    demo = Command(home, "demo", PORT=str(free_port()))
    demo.until((home / "var/postgres/start.lock").exists, "starting PostgreSQL")
    assert demo.end(signal.SIGINT) == 0, demo.said
    assert "Traceback" not in demo.said
    assert processes_of(home) == []


def test_it_serves_and_works_apart(home: Path, database: tuple[str, str]) -> None:
    settings = on(database)
    port = free_port()
    server = Command(home, "serve", PORT=str(port), WORKER="external", **settings)
    worker = Command(home, "worker", PORT=str(port), WORKER="external", **settings)
    server.until(lambda: "Serving" in server.said and signs_in(port), "serving")
    worker.until(lambda: "Working." in worker.said, "working")
    assert server.end(signal.SIGTERM) == 0, server.said
    assert worker.end(signal.SIGTERM) == 0, worker.said


async def test_an_institute_and_its_people_by_hand(home: Path, database: tuple[str, str]) -> None:
    settings = on(database)
    create = ["institute", "create", "--name", "Udaan Classes"]
    made = Command(home, *create, "--code", "udaan", **settings)
    wrong = Command(home, *create, "--code", "Udaan!", "--zone", "Bombay", "--name", " ", **settings)
    institute_id = UUID(made.done().strip())
    said = wrong.failed()
    assert re.findall(r"--(\w+):", said) == ["name", "code", "zone"], said
    assert "Another institute has this code." in Command(home, *create, "--code", "udaan", **settings).failed()

    add = ["user", "create", "--password-stdin", "--name", "Leela Menon", "--email", "Leela@Udaan.example"]
    as_admin = ["--institute", "udaan", "--role", "admin", "--permission", "owner"]
    as_student = ["--institute", "udaan", "--role", "student", "--grade", "Class 9", "--phone", "98220 10077"]
    as_nobody = ["--institute", "udan", "--role", "teacher", "--permission", "desk", "--phone", "12"]
    owner = Command(home, *add, *as_admin, hears="a long password\n", **settings)
    student = Command(home, *add, *as_student, hears="another one\n", **settings)
    wrong = Command(home, *add, *as_nobody, hears="short\n", **settings)
    owner_id, student_id = UUID(owner.done().strip()), UUID(student.done().strip())
    said = wrong.failed()
    assert sorted(re.findall(r"--([\w-]+):", said)) == ["institute", "password", "permission", "phone"], said

    conn = await asyncpg.connect(database[0])
    kept = {row["id"]: row for row in await conn.fetch("select * from users where institute_id = $1", institute_id)}
    assert kept[owner_id]["email"] == "leela@udaan.example"
    assert kept[owner_id]["permissions"] == ["owner"]
    assert await verify_password("a long password", kept[owner_id]["password_hash"])
    assert kept[student_id]["phone"] == "+919822010077"
    audited = await conn.fetch(
        "select action, actor_id from audit_log where institute_id = $1 order by id", institute_id
    )
    assert [tuple(row) for row in audited] == [
        ("institute.created", None), ("person.created", None), ("person.created", None),
    ]  # fmt: skip
    await conn.close()
    listed = Command(home, "institute", "list", **settings).done()
    assert re.search(rf"udaan .*Udaan Classes .*{institute_id} .* 1 ", listed), listed


async def test_the_large_seed(home: Path, database: tuple[str, str]) -> None:
    settings = on(database)
    sizes = ["seed", "--students", "90", "--institutes", "2"]
    assert "Added 90 students" in Command(home, *sizes, **settings).done()
    assert "stand already" in Command(home, *sizes, **settings).done()
    assert "Added 90 students" in Command(home, *sizes, "--fresh", **settings).done()
    conn = await asyncpg.connect(database[0])
    assert await conn.fetchval("select count(*) from students where roll_no ~ '^S0'") == 90
    assert await conn.fetchval("select count(*) from users where institute_id = $1", AARAMBH) > 0
    await conn.close()


def test_the_doctor(home: Path, database: tuple[str, str], server_url: str) -> None:
    well = Command(home, "doctor", **on(database))
    sick = Command(home, "doctor", DATABASE_URL=server_url)
    gone = Command(home, "doctor", DATABASE_URL="postgresql://kaksha@127.0.0.1:1/kaksha")
    typo = Command(home, "doctor", PORT="eighty", WORKER="none")
    said = well.done()
    for name in ("settings", "storage", "secret key", "database", "role", "row security", "migrations", "clock"):
        assert re.search(rf"{name} +│ ok", said), said
    assert re.search(r"role +│ failure", sick.failed())
    assert re.search(r"migrations +│ warning", sick.said), "an empty database"
    assert re.search(r"database +│ failure", gone.failed())
    assert "PORT: must be" in typo.failed()
    assert "WORKER: must be" in typo.said


def on(database: tuple[str, str]) -> dict[str, str]:
    """The settings of a server of one's own."""
    return {"DATABASE_OWNER_URL": database[0], "DATABASE_URL": database[1]}
