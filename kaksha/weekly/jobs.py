"""Makes classes of the timetable some weeks ahead: four times a day for every institute, and when a feature asks.

Whoever changes what the timetable depends on (a batch that is archived, a holiday that is taken back) enqueues
`weekly.generate` in the same transaction.
"""

import structlog

from kaksha.core.http import Core
from kaksha.core.jobs import Jobs, Payload, enqueue
from kaksha.weekly import queries, service

_log = structlog.get_logger("kaksha.weekly")


def register(jobs: Jobs, core: Core) -> None:
    """Tells the worker what this feature does in the background."""

    async def generate(job: Payload) -> None:
        async with core.db.write(job.institute_id) as tx:
            made = await service.generate(tx)
        if made:
            _log.info("classes.made", institute=str(job.institute_id), classes=made)

    async def tick() -> None:
        async with core.db.write(None) as tx:
            for institute_id in await queries.every_institute(tx.conn):
                await enqueue(tx.conn, "weekly.generate", institute_id, dedupe="weekly")

    jobs.on("weekly.generate", generate)
    jobs.every("weekly.tick", "43 */6 * * *", tick)
