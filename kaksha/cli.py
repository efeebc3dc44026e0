"""The `kaksha` command: the operator's tools.

Each says what an operator can do about what went wrong, and stops what it started, whatever ends it (kaksha.worker).
"""

import asyncio
import re
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar, get_args

import asyncpg
import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from kaksha.accounts.models import Permission, Role
from kaksha.core import logs
from kaksha.core.clock import local_date
from kaksha.core.db import Database
from kaksha.core.errors import AppError, Invalid
from kaksha.core.jobs import Jobs
from kaksha.core.migrate import MigrationError, migrate, role_of
from kaksha.core.passwords import hash_password
from kaksha.core.postgres import PostgresError
from kaksha.core.settings import Settings, SettingsError, load
from kaksha.main import DemoPerson
from kaksha.people.models import NewPerson, StudentPart, TeacherPart
from kaksha.sandbox import doctor as checks, operating, papers, queries, rolling, seeding
from kaksha.sandbox.cast import PASSWORD
from kaksha.sandbox.demo import DEMO_ZONE, demo_people
from kaksha.sandbox.emulators import HTTP_PORT, SMTP_PORT, emulators
from kaksha.worker import CannotListen, database, listening, opened, run, serve_on, unwind_on_signals, work

T = TypeVar("T")
_SERVING = frozenset({"demo", "sandbox", "serve", "worker"})
"""Commands that run until they are stopped: for them that is success."""


class _Commands(click.Group):
    """Says what an operator can do about the failures that are theirs to repair, instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            unwind_on_signals()
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            ctx.exit(0 if ctx.invoked_subcommand in _SERVING else 130)
        except SettingsError as error:
            raise click.ClickException("The settings cannot be used:\n  " + "\n  ".join(error.problems)) from error
        except Invalid as error:
            lines = [f"{_option(field)}: {why}" for field, whys in error.problems.items() for why in whys]
            raise click.ClickException("Nothing was added:\n  " + "\n  ".join(lines)) from error
        except AppError as error:
            raise click.ClickException(error.text.format(**error.facts)) from error
        except (PostgresError, MigrationError, CannotListen, rolling.NotOurs) as error:
            raise click.ClickException(str(error)) from error
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise click.ClickException(f"Cannot go on: {error or type(error).__name__}") from error


@click.group(cls=_Commands)
@click.version_option(package_name="kaksha")
def main() -> None:
    """Runs a coaching institute."""


# --- serving -------------------------------------------------------------------------------------------------


@main.command()
def demo() -> None:
    """Start everything, with a lively institute to look at."""
    settings = load()
    with listening(settings) as listener, database(settings) as (owner_url, app_url):
        run(_demo(settings, owner_url, app_url, listener))


async def _demo(settings: Settings, owner_url: str, app_url: str, listener: socket.socket) -> None:
    """1. Migrate. 2. Plant the demo, or roll it to today. 3. Serve, and roll it on as days pass."""
    async with opened(settings, owner_url, app_url) as (owner, db):
        offered = demo_people(await papers.hand_in(db, settings, await rolling.stand(db, owner)))
        await owner.close()  # from here on the application's role is enough
        jobs = Jobs(app_url)
        rolling.register(jobs, db)
        rolls = asyncio.create_task(jobs.run(), name="demo")
        try:
            async with emulators() as sandbox:
                settings = sandbox.received_by(settings)
                inbox_url = sandbox.inbox_url
                greet = partial(_greet, settings, offered, inbox_url)
                await serve_on(settings, app_url, listener, greet, offered, inbox_url)
        finally:
            rolls.cancel()
            await asyncio.gather(rolls, return_exceptions=True)


def _greet(settings: Settings, offered: Sequence[DemoPerson], inbox_url: str) -> None:
    table = Table("Sign in as", "Role", "E-mail", title="Aarambh Classes", title_justify="left")
    for person in offered:
        table.add_row(*person)
    console = Console(highlight=False)
    console.print(table)
    console.print(f"Everybody's password is [b]{PASSWORD}[/b]; the institute's code is [b]aarambh[/b].")
    console.print(f"Mails, SMS and push arrive in [b]{inbox_url}[/b].", soft_wrap=True)
    console.print(f"Open [b]{settings.api_base_url}[/b] (Ctrl-C stops all of it).", soft_wrap=True)


@main.command()
def serve() -> None:
    """Serve the API and the app (production)."""
    settings = load()
    with listening(settings) as listener, database(settings) as (owner_url, app_url):
        run(migrate(owner_url, role_of(app_url)))
        run(serve_on(settings, app_url, listener, lambda: click.echo(f"Serving {settings.api_base_url}", err=True)))


@main.command()
def sandbox() -> None:
    """Stand in for the mail, SMS and push providers, for development."""
    run(_sandbox())


async def _sandbox() -> None:
    async with emulators(smtp_port=SMTP_PORT, http_port=HTTP_PORT) as running:
        for name, value in running.settings.items():
            click.echo(f"{name}='{value}'" if "{" in value else f"{name}={value}")
        click.echo(f"Inbox: {running.inbox_url}")
        await asyncio.Event().wait()


@main.command("worker")
def worker_command() -> None:
    """Run the background jobs (for WORKER=external)."""
    settings = load()
    logs.configure(settings.log_format, settings.log_level)
    with database(settings) as (owner_url, app_url):
        run(migrate(owner_url, role_of(app_url)))
        click.echo("Working.", err=True)
        run(work(settings, app_url))


# --- the operator's work -------------------------------------------------------------------------------------


def _with_database(task: Callable[[asyncpg.Connection, Database], Coroutine[Any, Any, T]]) -> T:
    """What `task` answers, on the migrated database of these settings."""
    settings = load()

    async def on(owner_url: str, app_url: str) -> T:
        async with opened(settings, owner_url, app_url) as (owner, db):
            return await task(owner, db)

    with database(settings) as (owner_url, app_url):
        return run(on(owner_url, app_url))


def _option(field: str) -> str:
    """The option behind a field of the API: `student.rollNo` is --roll-no."""
    name = {"roles": "role", "permissions": "permission"}.get(field, field.rpartition(".")[2])
    return "--" + re.sub(r"(?<=[a-z])([A-Z])", r"-\1", name).lower()


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database to this version."""
    settings = load()
    with database(settings) as (owner_url, app_url):
        done = run(migrate(owner_url, role_of(app_url)))
    for migration in done:
        click.echo(f"applied {migration.number:04} {migration.name}")
    click.echo("The database is up to date.")


@main.command()
@click.option("--students", type=click.IntRange(1, 10_000_000), default=20_000, show_default=True)
@click.option("--institutes", type=click.IntRange(1, 999), default=50, show_default=True)
@click.option("--fresh", is_flag=True, help="First remove the seed's institutes, with everything in them.")
def seed(students: int, institutes: int, fresh: bool) -> None:
    """Fill institutes bench-001… for benchmarks; what stands already stays."""
    began = time.monotonic()

    async def fill(owner: asyncpg.Connection, db: Database) -> int:
        if fresh:
            await seeding.remove(owner)
        found = await seeding.standing(owner, students, institutes)
        if not found.complete:
            columns = (TextColumn("students"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            with Progress(*columns, console=Console(stderr=True)) as progress:
                bar = progress.add_task("students", total=found.missing)
                today = local_date(db.clock(), DEMO_ZONE)
                password_hash = await hash_password(PASSWORD)
                await seeding.fill(owner, found, password_hash, today, lambda more: progress.update(bar, advance=more))
        return found.missing

    added = _with_database(fill)
    if added:
        click.echo(f"Added {added} students in {time.monotonic() - began:.1f} s.")
    else:
        click.echo("That many stand already; --fresh makes them anew.")
    click.echo(f"Sign in as s000001@bench-001.example (t… teacher, p… parent, admin); the password is {PASSWORD}.")


@main.command()
def doctor() -> None:
    """Check the settings, what is kept, the database and its rights; exit 1 when something is wrong."""
    try:
        settings = load()
    except SettingsError as error:
        _report([checks.Check("settings", "failure", problem) for problem in error.problems])
        return
    found = [*checks.examine_settings(settings), *checks.examine_home(settings)]
    try:
        with database(settings) as (owner_url, app_url):
            found += run(checks.examine_database(owner_url, app_url))
    except PostgresError as error:
        found.append(checks.Check("database", "failure", str(error)))
    _report(found)


def _report(found: list[checks.Check]) -> None:
    table = Table("Check", "State", "Found")
    colours = {"ok": "green", "warning": "yellow", "failure": "red"}
    for check in found:
        table.add_row(check.name, f"[{colours[check.state]}]{check.state}[/]", escape(check.said))
    _console().print(table)
    if any(check.state == "failure" for check in found):
        sys.exit(1)


def _console() -> Console:
    """For tables: as wide as the terminal, and wide enough for ids where there is none."""
    return Console(width=None if sys.stdout.isatty() else 160, highlight=False)


@main.group()
def institute() -> None:
    """The institutes of this server."""


@institute.command("create")
@click.option("--code", required=True, help="2 to 40 small letters, digits and hyphens; people join with it.")
@click.option("--name", required=True)
@click.option("--zone", default=DEMO_ZONE, show_default=True)
@click.option("--language", type=click.Choice(["en", "hi"]), default="en", show_default=True)
def institute_create(code: str, name: str, zone: str, language: str) -> None:
    """Add an institute and print its id."""
    click.echo(_with_database(lambda owner, db: operating.add_institute(owner, db, code, name, zone, language)))


@institute.command("list")
def institute_list() -> None:
    """Show every institute."""
    table = Table("Code", "Name", "Id", "Students", "Teachers", "Since")
    for row in _with_database(lambda owner, _: queries.institutes(owner)):
        numbers = (str(row["students"]), str(row["teachers"]), row["created_at"].date().isoformat())
        table.add_row(row["code"], escape(row["name"]), str(row["id"]), *numbers)
    _console().print(table)


@main.group()
def user() -> None:
    """The people of an institute."""


@user.command("create")
@click.option("--institute", "code", required=True, help="The institute's code.")
@click.option("--name", required=True)
@click.option("--role", "roles", type=click.Choice(get_args(Role)), multiple=True, required=True)
@click.option("--email")
@click.option("--phone")
@click.option(
    "--permission", "permissions", type=click.Choice(get_args(Permission)), multiple=True, help="Of an admin."
)
@click.option("--language", type=click.Choice(["en", "hi"]), default="en", show_default=True)
@click.option("--roll-no", help="Of a student; by default the next one that is free.")
@click.option("--grade", help="Of a student, such as “Class 11”.")
@click.option("--title", help="Of a teacher, such as “Physics, 12 years”.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")
def user_create(code: str, password_stdin: bool, **given: Any) -> None:
    """Add a person and print their id."""
    given["roles"], given["permissions"] = list(given["roles"]), list(given["permissions"])
    roll_no, grade, title = given.pop("roll_no"), given.pop("grade"), given.pop("title")
    student = StudentPart(roll_no, grade) if roll_no or grade else None
    teacher = TeacherPart(title) if title else None
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    new = NewPerson(**given, password=password, student=student, teacher=teacher)
    click.echo(_with_database(lambda owner, db: operating.add_person(owner, db, code, new)))


if __name__ == "__main__":
    sys.exit(main())
