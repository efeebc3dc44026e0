"""Bodies of changes, and the rows they need."""

from datetime import date, datetime

import msgspec

from kaksha.classes.models import MeetingUrl, Reason, Scope, Topic
from kaksha.core.ids import UUID

__all__ = ["Cancellation", "Choices", "ClassChange", "ClassForm", "Free", "NewClassForm", "Substitution"]


class ClassChange(msgspec.Struct, frozen=True, rename="camel"):
    """A partial update: what is absent stays, null clears. `topic` and `meetingUrl` are of this class only.

    With `scope` "following" the class and those after it in the weekly timetable move; with "all", all that have not
    begun. Without `endsAt` the class stays as long as it is.
    """

    starts_at: datetime | msgspec.UnsetType = msgspec.UNSET
    ends_at: datetime | msgspec.UnsetType = msgspec.UNSET
    teacher_id: UUID | msgspec.UnsetType = msgspec.UNSET
    room_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    topic: Topic | msgspec.UnsetType = msgspec.UNSET
    meeting_url: MeetingUrl | msgspec.UnsetType | None = msgspec.UNSET
    scope: Scope = "this"


class NewClassForm(msgspec.Struct, frozen=True, rename="camel"):
    """The form of a one-off class: `taught` is batch.subject, the time is the institute's."""

    taught: str
    day: date
    starts: str
    minutes: int
    room_id: UUID | None = None
    topic: str = ""
    meeting_url: str | None = None


class ClassForm(msgspec.Struct, frozen=True, rename="camel"):
    """The form of a change."""

    day: date
    starts: str
    minutes: int
    room_id: UUID | None = None
    topic: str = ""
    meeting_url: str | None = None
    scope: Scope = "this"


class Choices(msgspec.Struct, frozen=True):
    """What a form offers, each as (value, text)."""

    taught: list[tuple[str, str]]
    rooms: list[tuple[str, str]]


class Free(msgspec.Struct, frozen=True):
    """A teacher, and whether a class is in the way at that time."""

    id: UUID
    name: str
    busy: bool
    teaches_it: bool


class Cancellation(msgspec.Struct, frozen=True):
    reason: Reason


class Substitution(msgspec.Struct, frozen=True, rename="camel"):
    """Who gives the class; the planned teacher's own id gives it back to them."""

    teacher_id: UUID
