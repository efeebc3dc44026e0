"""Removing what nobody needs: each hour files that hang on nothing for a day, each night what a crash left behind.

The row goes first and the bytes after it; what a crash leaves in between, the night finds.
"""

import re
from datetime import timedelta
from functools import partial

import structlog

from kaksha.core.db import SYSTEM
from kaksha.core.http import Core
from kaksha.core.ids import UUID
from kaksha.core.jobs import Jobs
from kaksha.files import queries, service
from kaksha.files.service import Shelf
from kaksha.gateways import storage

FRESH = timedelta(days=1)
"""How long an upload may hang on nothing, and how old an object without a row must be to count as left behind."""
_AT_ONCE = 500
_NAME = re.compile(r"files/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_log = structlog.get_logger("kaksha.files")


def register(jobs: Jobs, core: Core, shelf: Shelf) -> None:
    """Tells the worker what this feature does in the background."""
    jobs.every("files.tidy", "41 * * * *", partial(tidy, core, shelf))
    jobs.every("files.sweep", "53 20 * * *", partial(sweep, core, shelf))


async def tidy(core: Core, shelf: Shelf) -> None:
    """Removes the files of all institutes that hang on nothing since a day."""
    for institute_id in await service.every_institute(core):
        while True:
            async with core.db.write(institute_id, SYSTEM) as tx:
                gone = await queries.drop_stale(tx.conn, institute_id, tx.now - FRESH, _AT_ONCE)
            for file_id in gone:
                await service.drop(shelf, institute_id, file_id)
            if gone:
                _log.info("files.tidied", institute=str(institute_id), files=len(gone))
            if len(gone) < _AT_ONCE:
                break


async def sweep(core: Core, shelf: Shelf) -> None:
    """Removes objects of all institutes that never got their row."""
    before = core.db.clock() - FRESH
    for institute_id in await service.every_institute(core):
        batch: list[UUID] = []
        async for info in storage.listed(shelf.storage, institute_id, "files"):
            name = _NAME.fullmatch(info.name)
            if name and info.modified < before:
                batch.append(UUID(name[1]))
            if len(batch) == _AT_ONCE:
                await _drop_unknown(core, shelf, institute_id, batch)
                batch = []
        await _drop_unknown(core, shelf, institute_id, batch)


async def _drop_unknown(core: Core, shelf: Shelf, institute_id: UUID, file_ids: list[UUID]) -> None:
    async with core.db.read(institute_id) as conn:
        known = await queries.known(conn, institute_id, file_ids)
    for file_id in file_ids:
        if file_id not in known:
            await service.drop(shelf, institute_id, file_id)
            _log.info("files.swept", institute=str(institute_id), file=str(file_id))
