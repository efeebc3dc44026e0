"""Kinds of notices, and the bodies, answers and rows of notifications.

A feature registers its kinds where it is imported with the application, in its `models.py` or `service.py`:

    PUBLISHED = kinds.register("grade.published", group="grades", title=N_("…{x}…"), body=N_("…{x}…"),
                               path="/assignments/{about}", channels=("push", "email"))
"""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from kaksha.core.i18n import N_
from kaksha.core.ids import UUID
from kaksha.devices.models import Digest, QuietHours

__all__ = [
    "CHANNELS", "GROUPS", "Channel", "ChannelChoice", "Choices", "Facts", "GroupChoice", "Kind", "Money",
    "Notification", "Preferences", "PreferencesChange", "ReadMark", "kinds",
]  # fmt: skip

Channel = Literal["push", "email", "sms"]
"""How a notice leaves; in the app it always shows."""
CHANNELS: tuple[Channel, ...] = ("push", "email", "sms")

Group = Literal[
    "account",
    "classes",
    "attendance",
    "assignments",
    "grades",
    "doubts",
    "messages",
    "announcements",
    "fees",
    "joining",
]
GROUPS: dict[Group, str] = {
    "classes": N_("Classes and timetable"),
    "attendance": N_("Attendance"),
    "assignments": N_("Assignments"),
    "grades": N_("Grades and results"),
    "doubts": N_("Doubts"),
    "messages": N_("Messages"),
    "announcements": N_("Announcements"),
    "fees": N_("Fees and receipts"),
    "joining": N_("Joining and batches"),
    "account": N_("Your account"),
}
"""What preferences are chosen by, in the order in which people see them."""


class Money(msgspec.Struct, frozen=True):
    """A fact that is told as money; `paise` are integer."""

    paise: int


Facts = dict[str, str | int | float | date | datetime | Money]
"""Values that a kind's texts name. Days, moments and money are told as the reader's language tells them."""


class Kind(msgspec.Struct, frozen=True):
    """A kind of notice. `urgent` ones leave at once: no quiet hours, no digest."""

    name: str
    group: Group
    title: str
    body: str
    path: str
    """The page that it opens; `{about}` and the names of `data` are filled in."""
    channels: tuple[Channel, ...]
    """By which it leaves unless the receiver chose otherwise."""
    urgent: bool
    lasts: timedelta
    """How long after it happened it is still worth sending."""


class _Kinds:
    """All kinds of the application, by name."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}

    def register(
        self, name: str, *, group: Group, title: str, body: str, path: str, channels: tuple[Channel, ...] = ("push",),
        urgent: bool = False, lasts: timedelta = timedelta(days=2),
    ) -> Kind:  # fmt: skip
        """A new kind. Raises ValueError for a name or group that cannot be."""
        if name in self._kinds or group not in GROUPS or not set(channels) <= set(CHANNELS):
            raise ValueError(f"{name}: registered twice, or of an unknown group or channel")
        kind = self._kinds[name] = Kind(name, group, title, body, path, channels, urgent, lasts)
        return kind

    def get(self, name: str) -> Kind | None:
        """The kind; None for one that an older version wrote and this one no longer knows."""
        return self._kinds.get(name)

    def of(self, group: str) -> list[Kind]:
        return [kind for kind in self._kinds.values() if kind.group == group]

    def groups(self) -> list[Group]:
        """The groups that have a kind."""
        return [group for group in GROUPS if self.of(group)]

    def defaults(self, group: str) -> set[Channel]:
        """The channels by which some kind of the group leaves unless somebody chose otherwise."""
        return {channel for kind in self.of(group) for channel in kind.channels}


kinds = _Kinds()


class Notification(msgspec.Struct, frozen=True, rename="camel"):
    """One notice of the caller, in their language. `data` holds `path` (the page it opens), `about` and more."""

    id: UUID
    kind: str
    title: str
    body: str
    data: dict[str, Any]
    read_at: str | None
    created_at: str


class ReadMark(msgspec.Struct, frozen=True, rename="camel"):
    """How many notices were marked, and how many stay unread."""

    marked: int
    unread: int


class ChannelChoice(msgspec.Struct, frozen=True, rename="camel"):
    """By which channels a group of kinds reaches somebody. In the app it always does."""

    in_app: Literal[True]
    push: bool
    email: bool
    sms: bool


class GroupChoice(msgspec.Struct, frozen=True, rename="camel"):
    group: str
    name: str
    channels: ChannelChoice


class Preferences(msgspec.Struct, frozen=True, rename="camel"):
    groups: list[GroupChoice]
    quiet_hours: QuietHours | None
    digest: Digest


class ChannelsChange(msgspec.Struct, frozen=True, rename="camel"):
    """A partial update; `inApp` can only be true."""

    in_app: Literal[True] | msgspec.UnsetType = msgspec.UNSET
    push: bool | msgspec.UnsetType = msgspec.UNSET
    email: bool | msgspec.UnsetType = msgspec.UNSET
    sms: bool | msgspec.UnsetType = msgspec.UNSET


class GroupChange(msgspec.Struct, frozen=True, rename="camel"):
    group: Annotated[str, msgspec.Meta(max_length=40)]
    channels: ChannelsChange


class PreferencesChange(msgspec.Struct, frozen=True, rename="camel"):
    """A partial update: what is absent stays; `quietHours: null` ends them."""

    groups: list[GroupChange] = []
    quiet_hours: QuietHours | msgspec.UnsetType | None = msgspec.UNSET
    digest: Digest | msgspec.UnsetType = msgspec.UNSET


class Choices(msgspec.Struct, frozen=True):
    """What a person chose otherwise, as rows: (topic, channel, wanted)."""

    topics: list[str]
    channels: list[str]
    wanted: list[bool]
