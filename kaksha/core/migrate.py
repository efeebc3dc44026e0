"""Migrations: numbered SQL files, forward only, each in one transaction with lock and statement time-outs."""

import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import msgspec

__all__ = ["Migration", "MigrationError", "known", "migrate"]

_HERE = Path(__file__).resolve()
_FOLDERS = (_HERE.parents[2] / "migrations", _HERE.parents[1] / "migrations")
_LOCK = 0x6B616B73  # "kaks": one migrator at a time, the others wait


class MigrationError(RuntimeError):
    """The database and the migrations of this version do not fit; the message says what to do."""


class Migration(msgspec.Struct, frozen=True):
    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def known() -> list[Migration]:
    """The migrations of this version, in order: a checkout's folder, else the one packed into the wheel."""
    folder = next(folder for folder in _FOLDERS if folder.is_dir())
    files = sorted(path for path in folder.glob("*.sql") if re.fullmatch(r"\d{4}_\w+\.sql", path.name))
    found = [Migration(int(path.name[:4]), path.stem[5:], path.read_text("utf-8")) for path in files]
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationError("the files in migrations/ are not numbered 0001, 0002, … without a gap")
    return found


async def migrate(owner_url: str, app_role: str) -> list[Migration]:
    """Brings the database to this version and answers what was applied; safe to run from several processes.

    `app_role` is the role the application signs in with; the migrations grant it what it may do.
    """
    conn: asyncpg.Connection = await asyncpg.connect(owner_url)
    try:
        await conn.execute("select pg_advisory_lock($1)", _LOCK)
        await _check_server(conn)
        await conn.execute(
            "create table if not exists schema_migrations ("
            "number integer primary key, name text not null, digest text not null, "
            "applied_at timestamptz not null default now())"
        )
        applied = {row["number"]: row for row in await conn.fetch("select number, name, digest from schema_migrations")}
        migrations = known()
        _check_history(migrations, applied)
        fresh = [migration for migration in migrations if migration.number not in applied]
        for migration in fresh:
            async with conn.transaction():
                await conn.execute("select set_config('kaksha.app_role', $1, true)", app_role)
                await conn.execute("set local lock_timeout = '4s'; set local statement_timeout = '60s'")
                await conn.execute(migration.sql)
                await conn.execute(
                    "insert into schema_migrations (number, name, digest) values ($1, $2, $3)",
                    migration.number, migration.name, migration.digest,
                )  # fmt: skip
        return fresh
    finally:
        await conn.close()


def role_of(url: str) -> str:
    """The role that a database address signs in with."""
    name = urlsplit(url).username
    if not name:
        raise MigrationError("DATABASE_URL names no role (postgresql://ROLE:…); migrations must know whom to grant")
    return name


async def _check_server(conn: asyncpg.Connection) -> None:
    version = int(await conn.fetchval("show server_version_num"))
    if version < 150000:
        raise MigrationError(f"PostgreSQL {version // 10000} is too old; Kaksha needs 15 or newer")


def _check_history(migrations: list[Migration], applied: dict[int, asyncpg.Record]) -> None:
    for migration in migrations:
        row = applied.get(migration.number)
        if row is not None and row["digest"] != migration.digest:
            raise MigrationError(
                f"migration {migration.number:04} ({row['name']}) differs from the one this database has; "
                "an applied migration is never edited: add a new one"
            )
    newer = sorted(set(applied) - {migration.number for migration in migrations})
    if newer:
        raise MigrationError(f"the database is newer than this program (migration {newer[-1]:04}); update Kaksha")
