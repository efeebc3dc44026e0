"""Housekeeping: what is past its time is removed each hour."""

import structlog

from kaksha.accounts import queries
from kaksha.core.http import Core
from kaksha.core.jobs import Jobs

_log = structlog.get_logger("kaksha.accounts")


def register(jobs: Jobs, core: Core) -> None:
    """Tells the worker what this feature does in the background."""

    async def sweep() -> None:
        async with core.db.read(None) as conn:
            _log.info("swept", rows=await queries.sweep(conn, core.db.clock()))

    jobs.every("accounts.sweep", "17 * * * *", sweep)
