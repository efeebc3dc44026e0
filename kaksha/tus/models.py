"""Rows of uploads in pieces."""

from datetime import datetime

import msgspec

from kaksha.core.ids import UUID

__all__ = ["NewUpload", "Upload"]


class NewUpload(msgspec.Struct, frozen=True):
    """What an upload will be, as its sender says."""

    name: str
    declared_type: str
    size: int
    purpose: str


class Upload(msgspec.Struct, frozen=True):
    """An upload; `pieces` are the names of its pieces in the store, `roles` those of its uploader today."""

    id: UUID
    uploader_id: UUID
    purpose: str
    name: str
    declared_type: str
    size: int
    received: int
    pieces: list[str]
    file_id: UUID | None
    expires_at: datetime
    roles: list[str]

    @property
    def done(self) -> bool:
        return self.file_id is not None
