"""What features below ask to be told of, by the name of a job."""

from datetime import UTC, datetime
from functools import partial

from kaksha.core.http import Core
from kaksha.core.ids import UUID
from kaksha.core.jobs import Jobs, Payload
from kaksha.notifications.models import NEW_DEVICE
from kaksha.notifications.service import notify


def register(jobs: Jobs, core: Core) -> None:
    """Tells the worker what this feature does in the background."""
    jobs.on("notifications.new_device", partial(_new_device, core))


async def _new_device(core: Core, job: Payload) -> None:
    assert job.institute_id is not None
    facts = {"device": job.ids["platform"] or "–", "when": datetime.fromtimestamp(float(job.ids["at"]), UTC)}
    async with core.db.write(job.institute_id) as tx:
        await notify(
            tx, NEW_DEVICE, to=[UUID(job.ids["user"])], about=UUID(job.ids["session"]), facts=facts,
            dedupe=job.ids["session"],
        )  # fmt: skip
