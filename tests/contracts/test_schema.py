"""Migrations from zero make exactly migrations/schema.sql; they are numbered without a gap, linted and forward only."""

import os
import re
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from kaksha.core.migrate import known
from kaksha.core.postgres import MAJOR
from tests.contracts.committed import HERE, compare, settle
from tests.contracts.source import ROOT

_FOLDER = ROOT / "migrations"


async def test_committed_schema(server_url: str, database: tuple[str, str]) -> None:
    """`database` is a clone of one that was migrated from nothing."""
    conn = await asyncpg.connect(server_url)
    version = await conn.fetchval("show server_version")
    bin_dir = await conn.fetchval("select setting from pg_config() where name = 'BINDIR'")
    await conn.close()
    if not version.startswith(f"{MAJOR}."):
        pytest.skip(f"schema.sql is compared on the embedded version, {MAJOR}; this is {version}")
    compare(_FOLDER / "schema.sql", _dump(Path(bin_dir), database[0]))


def test_numbers_have_no_gap() -> None:
    assert len(known()) >= 7, "saw hardly any migration"  # known() itself raises on a gap
    stray = sorted(
        path.name
        for path in _FOLDER.iterdir()
        if path.name != "schema.sql" and not re.fullmatch(r"\d{4}_[a-z_]+\.sql", path.name)
    )
    assert not stray, f"{stray}: migrations/ holds NNNN_name.sql and schema.sql only"


def test_committed_migrations() -> None:
    """A migration that somebody's database has applied is never edited; each new one adds a line."""
    lines = [f"{migration.number:04} {migration.name} {migration.digest}" for migration in known()]
    head = "# Edit a migration only while no database but your own has it; afterwards add a new one."
    compare(HERE / "migrations.txt", "\n".join([head, *lines]) + "\n")


def test_owed_lint() -> None:
    """`pending/lint.txt` may name a file and a rule; .squawk.toml says which rules never hold here, and why."""
    files = sorted(_FOLDER.glob("[0-9]*.sql"))
    done = subprocess.run(
        [Path(sys.executable).with_name("squawk"), "--config", ROOT / ".squawk.toml", "--reporter", "gcc", *files],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.findall(r"^(?:.*/)?(\d{4}_\w+\.sql):\d+:\d+: \w+: ([a-z-]+)", done.stdout, re.MULTILINE)
    assert bool(found) == (done.returncode != 0), done.stdout + done.stderr
    settle("lint", {f"{file} {rule}" for file, rule in found}, f"squawk says:\n{done.stdout}")


def _dump(bin_dir: Path, owner_url: str) -> str:
    """The schema as pg_dump says it, without what differs from one machine or version to the next."""
    done = subprocess.run(
        [bin_dir / "pg_dump", "--schema-only", "--no-owner", "--dbname", owner_url],
        capture_output=True, text=True, check=False, env={**os.environ, "LD_LIBRARY_PATH": str(bin_dir.parent / "lib")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    dropped = re.compile(r"^(--|\\(un)?restrict|SET |SELECT pg_catalog\.set_config)")
    kept = [line for line in done.stdout.splitlines() if not dropped.match(line)]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    return "-- The result of all migrations, for reading: made by `python -m tests.contracts.update`.\n\n" + text + "\n"
