"""Bodies of changes, and the rows they need."""

from datetime import datetime

import msgspec

from kaksha.classes.models import MeetingUrl, Reason, Scope, Topic
from kaksha.core.ids import UUID

__all__ = ["Cancellation", "ClassChange", "Substitution"]


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


class Cancellation(msgspec.Struct, frozen=True):
    reason: Reason


class Substitution(msgspec.Struct, frozen=True, rename="camel"):
    """Who gives the class; the planned teacher's own id gives it back to them."""

    teacher_id: UUID
