"""Rows, bodies and answers of sending outside."""

from datetime import datetime, time
from typing import Annotated, Literal

import msgspec

from kaksha.core.ids import UUID
from kaksha.notifications.models import Channel

__all__ = [
    "AppTarget", "Due", "FormTarget", "NewTarget", "NoticeRow", "OffTarget", "Planned", "PushKeys",
    "PushSetup", "PushTarget", "Receiver", "Unsubscribed",
]  # fmt: skip

Key = Annotated[str, msgspec.Meta(min_length=16, max_length=120, pattern=r"^[A-Za-z0-9_-]+={0,2}$")]
Endpoint = Annotated[str, msgspec.Meta(min_length=12, max_length=2000)]


class NoticeRow(msgspec.Struct, frozen=True):
    """A notice that is due to be routed."""

    kind: str
    made_at: datetime


class Receiver(msgspec.Struct, frozen=True):
    """Somebody who is told of a notice, with all that decides how it leaves."""

    notification_id: UUID
    user_id: UUID
    zone: str
    digest: Literal["none", "daily", "weekly"]
    quiet_from: time | None
    quiet_to: time | None
    email: bool
    """Whether they have an address that was not refused for good; likewise `sms`."""
    sms: bool
    chosen: dict[str, bool]
    """Channel -> wanted, where they chose."""
    targets: list[UUID]
    """Their push targets."""


class Planned(msgspec.Struct, frozen=True):
    """A sending to be."""

    notification_id: UUID
    user_id: UUID
    channel: Channel
    target_id: UUID
    digest: bool
    due_at: datetime
    lapses_at: datetime


class Due(msgspec.Struct, frozen=True):
    """A claimed sending with what it needs. `again`: a worker died while it sent it, or may be about to."""

    id: UUID
    notification_id: UUID
    user_id: UUID
    channel: Channel
    attempts: int
    again: bool
    batch: UUID
    lapses_at: datetime
    kind: str
    texts: dict[str, str]
    path: str
    made_at: datetime
    name: str
    language: str
    zone: str
    institute: str
    email: str | None
    phone: str | None
    target_id: UUID
    service: Literal["web", "fcm"] | None
    address: str | None
    client_key: bytes | None
    client_secret: bytes | None


class PushKeys(msgspec.Struct, frozen=True):
    """As `PushSubscription.toJSON().keys` has them, base64url."""

    p256dh: Key
    auth: Key


class NewTarget(msgspec.Struct, frozen=True, tag="web", tag_field="service"):
    """A browser's push subscription."""

    endpoint: Endpoint
    keys: PushKeys


class AppTarget(msgspec.Struct, frozen=True, tag="fcm", tag_field="service"):
    """An app's registration token of Firebase."""

    token: Annotated[str, msgspec.Meta(min_length=16, max_length=4096, pattern=r"^[\x21-\x7e]+$")]


class FormTarget(msgspec.Struct, frozen=True):
    """The same from a page."""

    endpoint: Endpoint
    p256dh: Key
    auth: Key


class OffTarget(msgspec.Struct, frozen=True):
    endpoint: Endpoint


class PushTarget(msgspec.Struct, frozen=True, rename="camel"):
    """A device that takes push for the caller; `current` is the sign-in that asks."""

    id: UUID
    service: Literal["web", "fcm"]
    platform: str | None
    current: bool
    created_at: str


class PushSetup(msgspec.Struct, frozen=True, rename="camel"):
    """What a browser subscribes with (base64url), and the devices that did."""

    public_key: str
    targets: list[PushTarget]


class Unsubscribed(msgspec.Struct, frozen=True):
    """What an unsubscribe link names: a group's mails, or the digest."""

    institute_id: UUID
    user_id: UUID
    topic: str
