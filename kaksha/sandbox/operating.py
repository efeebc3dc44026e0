"""What the operator does by hand to institutes and people: with the API's own checks, audited as the system."""

import re
from typing import cast
from zoneinfo import available_timezones

import asyncpg

from kaksha.core import audit
from kaksha.core.db import SYSTEM, Conn, Database, Write
from kaksha.core.errors import Invalid
from kaksha.core.http import Principal
from kaksha.core.ids import UUID, new_id
from kaksha.institutes.models import Fields
from kaksha.people import service as people
from kaksha.people.models import NewPerson
from kaksha.sandbox import queries

__all__ = ["add_institute", "add_person"]

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
_NOBODY = UUID(int=0)


async def add_institute(
    owner: asyncpg.Connection, db: Database, code: str, name: str, zone: str, language: str
) -> UUID:  # fmt: skip
    """A new institute. Raises Invalid with every bad field.

    By the owner, since the application's role may not make institutes; the audit entry is in the same transaction.
    """
    fields = Fields()
    name = fields.line("name", name, 120)
    if not _CODE.fullmatch(code):
        fields.wrong("code", "Must have 2 to 40 small letters, digits and hyphens, and not begin with a hyphen.")
    if zone not in available_timezones() or ("/" not in zone and zone != "UTC"):
        fields.wrong("zone", "Is not a time zone such as Asia/Kolkata.")
    async with owner.transaction():
        tx = Write(cast(Conn, owner), new_id(), SYSTEM, db.clock(), db.keys)
        if await queries.institute_called(tx.conn, code) is not None:
            fields.wrong("code", "Another institute has this code.")
        fields.check()
        await queries.insert_institute(tx.conn, tx.institute_id, code, name, zone, language, tx.now)
        await audit.record(tx, "institute.created", tx.institute_id, after={"code": code, "name": name, "zone": zone})
    return tx.institute_id


async def add_person(owner: asyncpg.Connection, db: Database, code: str, new: NewPerson) -> UUID:
    """A new person of the institute with this code. Raises Invalid with every bad field, an unknown code among them."""
    known = await queries.institute_called(cast(Conn, owner), code)
    unknown = {} if known else {"institute": [f"There is none with the code “{code}”."]}
    institute_id = known or new_id()
    operator = Principal(
        _NOBODY, institute_id, _NOBODY, frozenset({"admin"}), frozenset({"owner"}), lang="en", expires_at=0.0
    )
    try:
        async with db.write(institute_id) as tx:
            person_id = await people.create(tx, operator, new)
            if unknown:  # everything else is right
                raise Invalid(unknown)
    except Invalid as error:
        raise Invalid(unknown | error.problems) from error
    return person_id
