"""The audit log: who changed what, when, before and after; append only, in the transaction of the change.

Personal values (names, phones, addresses) are sealed with a key per person, so that erasing a person drops the key
and leaves the log whole.
"""

import os
from typing import Any

import msgspec

from kaksha.core.db import Write
from kaksha.core.ids import UUID, new_id
from kaksha.core.seal import Keys, open_sealed, seal

__all__ = ["record", "unseal"]

_json = msgspec.json.encode
_PURPOSE = "audit"


async def record(
    tx: Write,
    action: str,
    subject_id: UUID | None,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    person_id: UUID | None = None,
    personal: dict[str, Any] | None = None,
) -> None:
    """One entry. `action` is `thing.verb`; `personal` holds values about `person_id` and is sealed."""
    sealed = None
    if person_id is not None and personal:
        sealed = seal(await _person_key(tx, person_id), _json(personal), person_id.bytes)
    await tx.conn.execute(
        "insert into audit_log (institute_id, id, at, actor_id, request_id, action, subject_id, before, after,"
        " person_id, sealed) values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9::jsonb, $10, $11)",
        tx.institute_id, new_id(), tx.now, tx.actor.user_id, tx.actor.request_id, action, subject_id,
        None if before is None else _json(before).decode(), None if after is None else _json(after).decode(),
        person_id if sealed else None, sealed,
    )  # fmt: skip


def unseal(keys: Keys, person_id: UUID, sealed_key: bytes, sealed: bytes) -> dict[str, Any]:
    """The personal values of one entry. Raises SealBroken."""
    key = open_sealed(keys.ring(_PURPOSE), sealed_key, person_id.bytes)
    return msgspec.json.decode(open_sealed([key], sealed, person_id.bytes))


async def _person_key(tx: Write, person_id: UUID) -> bytes:
    """The person's key, made with their first entry."""
    master = tx.keys.derive(_PURPOSE)
    await tx.conn.execute(
        "insert into person_keys (institute_id, user_id, sealed_key) values ($1, $2, $3) on conflict do nothing",
        tx.institute_id, person_id, seal(master, os.urandom(32), person_id.bytes),
    )  # fmt: skip
    kept = await tx.conn.fetchval(
        "select sealed_key from person_keys where institute_id = $1 and user_id = $2",
        tx.institute_id,
        person_id,
    )
    return open_sealed(tx.keys.ring(_PURPOSE), kept, person_id.bytes)
