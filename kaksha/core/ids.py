"""Identifiers: UUIDv7, so that rows of one institute sort and index by the time they were made."""

from uuid import UUID

import uuid_utils.compat

__all__ = ["UUID", "new_id"]


def new_id() -> UUID:
    """A new UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random bits."""
    return uuid_utils.compat.uuid7()
