"""Removing the pieces of uploads that are over: at once when one ends, each hour those whose time is over, and each
night what a crash left in the store."""

import re
from datetime import timedelta
from functools import partial

from kaksha.core.db import SYSTEM
from kaksha.core.http import Core
from kaksha.core.ids import UUID
from kaksha.core.jobs import Jobs, Payload
from kaksha.files.service import Shelf, every_institute
from kaksha.gateways import storage
from kaksha.tus import queries, service

_PIECE = re.compile(r"uploads/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/.+")


def register(jobs: Jobs, core: Core, shelf: Shelf) -> None:
    """Tells the worker what this feature does in the background."""
    jobs.on("tus.clear", partial(_clear, shelf))
    jobs.every("tus.tidy", "47 * * * *", partial(tidy, core, shelf))
    jobs.every("tus.sweep", "59 20 * * *", partial(sweep, core, shelf))


async def _clear(shelf: Shelf, job: Payload) -> None:
    assert job.institute_id is not None
    await service.clear(shelf, job.institute_id, UUID(job.ids["upload_id"]))


async def tidy(core: Core, shelf: Shelf) -> None:
    """Ends the uploads of all institutes for which nothing came for a day."""
    for institute_id in await every_institute(core):
        async with core.db.write(institute_id, SYSTEM) as tx:
            gone = await queries.drop_expired(tx.conn, institute_id, tx.now)
        for upload_id in gone:
            await service.clear(shelf, institute_id, upload_id)


async def sweep(core: Core, shelf: Shelf) -> None:
    """Removes pieces of all institutes whose upload is not there, or done."""
    before = core.db.clock() - timedelta(days=1)
    for institute_id in await every_institute(core):
        found: set[UUID] = set()
        async for info in storage.listed(shelf.storage, institute_id, "uploads"):
            name = _PIECE.fullmatch(info.name)
            if name and info.modified < before:
                found.add(UUID(name[1]))
        async with core.db.read(institute_id) as conn:
            known = await queries.known(conn, institute_id, list(found))
        for upload_id in found - known:
            await service.clear(shelf, institute_id, upload_id)
