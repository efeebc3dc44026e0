"""The `kaksha` command: the operator's tools."""

import asyncio
import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click
import uvicorn

from kaksha.core import logs
from kaksha.core.migrate import MigrationError, migrate, role_of
from kaksha.core.postgres import Embedded, PostgresError
from kaksha.core.settings import Settings, SettingsError, load
from kaksha.main import DemoPerson, build


class _Commands(click.Group):
    """Says what an operator can do about the failures that are theirs to repair, instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise click.ClickException(
                "The settings cannot be used:\n  " + "\n  ".join(error.problems)
            ) from error
        except (PostgresError, MigrationError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands)
@click.version_option(package_name="kaksha")
def main() -> None:
    """Runs a coaching institute."""


@contextlib.contextmanager
def database(settings: Settings) -> Iterator[tuple[str, str]]:
    """(owner's address, application's address) of the migrated database: the embedded server's, or the one set."""
    with contextlib.ExitStack() as stack:
        if settings.database_url is None:
            cluster = stack.enter_context(Embedded(settings.home / "postgres"))
            owner_url, app_url = cluster.owner_url, cluster.app_url
        else:
            app_url = settings.database_url
            owner_url = settings.database_owner_url or app_url
        yield owner_url, app_url


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database to this version."""
    settings = load()
    with database(settings) as (owner_url, app_url):
        done = asyncio.run(migrate(owner_url, role_of(app_url)))
    for migration in done:
        click.echo(f"applied {migration.number:04} {migration.name}")
    click.echo("The database is up to date.")


@main.command()
def serve() -> None:
    """Serve the API and the app (production)."""
    settings = load()
    with database(settings) as (owner_url, app_url):
        asyncio.run(migrate(owner_url, role_of(app_url)))
        serve_on(settings, app_url)


def serve_on(settings: Settings, app_url: str, demo_people: Sequence[DemoPerson] = ()) -> None:
    """Serves until interrupted; Ctrl-C lets requests under way finish."""
    logs.configure(settings.log_format, settings.log_level)
    config = uvicorn.Config(
        build(settings, app_url, demo_people=demo_people),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        access_log=False,
        proxy_headers=False,
        log_level="warning",
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=10,
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    sys.exit(main())
