"""`kaksha doctor`: what an operator must know before people do. Nothing is repaired here."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import asyncpg
import msgspec

from kaksha.core.clock import system_clock
from kaksha.core.migrate import known
from kaksha.core.settings import Settings
from kaksha.sandbox import queries

__all__ = ["Check", "examine_database", "examine_home", "examine_settings"]

OLDEST_SERVER = 15
_MOST_SKEW = 2.0
"""Seconds that the database's clock may differ: sign-ins and reminders compare both."""
_LEAST_SPACE = 1 << 30
"""Bytes free below the home."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Check(msgspec.Struct, frozen=True):
    """What was looked at and found; `said` also tells what to do about it."""

    name: str
    state: Literal["ok", "warning", "failure"]
    said: str


def examine_settings(settings: Settings) -> Iterator[Check]:
    """Settings that are legal but not wise."""
    if not settings.secure and urlsplit(settings.api_base_url).hostname not in _LOOPBACK:
        said = f"{settings.api_base_url} is not https: passwords and cookies travel in the open"
        yield Check("settings", "warning", said)
    else:
        yield Check("settings", "ok", f"serves {settings.api_base_url} on {settings.host}:{settings.port}")


def examine_home(settings: Settings) -> Iterator[Check]:
    """Whether what is kept can be written, and only by us."""
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.home) as file:
            file.write(b"kaksha")
    except OSError as error:
        yield Check("storage", "failure", f"{settings.home} cannot be written: {error.strerror}")
        return
    free = shutil.disk_usage(settings.home).free
    said = f"{settings.home}, {free / (1 << 30):.1f} GiB free"
    yield Check("storage", "ok" if free >= _LEAST_SPACE else "warning", said)
    key = settings.home / "secret-key"
    if key.exists() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        yield Check("secret key", "failure", f"others can read it: chmod 600 {key}")
    else:
        where = f"in {key}; back it up" if key.exists() and not os.environ.get("KAKSHA_SECRET_KEY") else "set"
        yield Check("secret key", "ok", where)
    before = settings.previous_secret_keys
    if settings.secret_key in before:
        yield Check("previous secret keys", "failure", "name the present one too: KAKSHA_SECRET_KEY was not replaced")
    elif before:
        said = f"{len(before)} still taken; passkeys, second steps and invites made with one end when it goes"
        yield Check("previous secret keys", "ok", said)


async def examine_database(owner_url: str, app_url: str) -> list[Check]:
    """Reachability, version, rights, migrations and clock."""
    found: list[Check] = []
    try:
        app = await asyncpg.connect(app_url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return [Check("database", "failure", f"DATABASE_URL does not answer: {error or type(error).__name__}")]
    try:
        owner = await asyncpg.connect(owner_url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        await app.close()
        return [Check("database", "failure", f"DATABASE_OWNER_URL does not answer: {error or type(error).__name__}")]
    try:
        row = await queries.server(app)
        now = system_clock()
        fits = row["major"] >= OLDEST_SERVER
        said = f"PostgreSQL {row['major']}" + ("" if fits else f"; Kaksha needs {OLDEST_SERVER} or newer")
        found.append(Check("database", "ok" if fits else "failure", said))
        found.append(_role(row))
        unguarded = [table["name"] for table in await queries.unguarded_tables(owner)]
        said = f"not on: {', '.join(unguarded)}" if unguarded else "on every table of institutes"
        found.append(Check("row security", "failure" if unguarded else "ok", said))
        found.append(_migrations(await queries.applied_migrations(owner)))
        skew = abs((row["now"] - now).total_seconds())
        said = f"{skew:.1f} s beside the database's" + ("" if skew <= _MOST_SKEW else ": set one of them right")
        found.append(Check("clock", "ok" if skew <= _MOST_SKEW else "failure", said))
    finally:
        await app.close()
        await owner.close()
    return found


def _role(row: asyncpg.Record) -> Check:
    """The application's role must stand under row-level security like everybody else."""
    wrong = [
        said
        for said, holds in (
            ("bypasses row-level security", row["above_rules"]),
            (f"owns (or may act as the owner of) {row['owns']} tables", row["owns"]),
            ("may create in schema public", row["creates"]),
        )
        if holds
    ]
    if not wrong:
        return Check("role", "ok", f"{row['role']} owns nothing and bypasses nothing")
    remedy = "give DATABASE_URL a plain role of its own, and DATABASE_OWNER_URL the owner"
    return Check("role", "failure", f"{row['role']} {', '.join(wrong)}: {remedy}")


def _migrations(applied: dict[int, str] | None) -> Check:
    migrations = {migration.number: migration.digest for migration in known()}
    applied = applied or {}
    edited = sorted(number for number, digest in applied.items() if migrations.get(number, digest) != digest)
    newer = sorted(set(applied) - set(migrations))
    waiting = sorted(set(migrations) - set(applied))
    if edited:
        said = f"{edited[0]:04} differs from the one this database has: bring back the file it had"
        return Check("migrations", "failure", said)
    if newer:
        return Check("migrations", "failure", f"the database has {newer[-1]:04}, newer than this Kaksha: update it")
    if waiting:
        said = f"{len(waiting)} wait: `kaksha migrate` (a start does it too)"
        return Check("migrations", "warning", said)
    return Check("migrations", "ok", f"all {len(applied)} applied")
