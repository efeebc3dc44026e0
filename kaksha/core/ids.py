"""Identifiers: UUIDv7, so that rows of one institute sort and index by the time they were made."""

from uuid import UUID

import uuid_utils
import uuid_utils.compat

__all__ = ["UUID", "new_id", "new_id_text"]


def new_id() -> UUID:
    """A new UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random bits."""
    return uuid_utils.compat.uuid7()


def new_id_text() -> str:
    """The same as text, without the detour over an object."""
    return str(uuid_utils.uuid7())
