"""Bodies, answers and rows of classes."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from kaksha.core.errors import Invalid
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID
from kaksha.institutes.models import Fields

__all__ = [
    "JOINS", "Attending", "Clash", "Class", "ClassRow", "ClassStatus", "EndBody", "MeetingUrl", "NewClass", "Place",
    "Reason", "Scope", "StartBody", "Teaching", "Timed", "Topic", "link", "times",
]  # fmt: skip

_LONGEST = timedelta(hours=12)
_SHORTEST = timedelta(minutes=10)
JOINS = timedelta(minutes=15)
"""How long before its beginning students may join a class that is held online."""

ClassStatus = Literal["scheduled", "live", "ended", "cancelled"]
Scope = Literal["this", "following", "all"]

MeetingUrl = Annotated[str, msgspec.Meta(description="https only, at most 500 characters")]
Topic = Annotated[str, msgspec.Meta(description="what it is about; at most 120 characters")]
Reason = Annotated[str, msgspec.Meta(description="1 to 200 characters; students and parents read it")]


class Class(msgspec.Struct, frozen=True, rename="camel"):
    """A class. `plannedTeacherName` is whom `teacherName` stands in for.

    `meetingUrl` is there for staff, and for others once they may join: from `joinFrom`, or when the class is live.
    """

    id: UUID
    batch_id: UUID
    batch_name: str
    subject_id: UUID
    subject_name: str
    teacher_id: UUID
    teacher_name: str
    planned_teacher_name: str | None
    room_id: UUID | None
    room_name: str | None
    topic: str
    starts_at: str
    ends_at: str
    status: ClassStatus
    started_at: str | None
    ended_at: str | None
    reason: str | None
    join_from: str
    meeting_url: str | None
    repeats: bool


class NewClass(msgspec.Struct, frozen=True, rename="camel"):
    """A one-off class. Without `teacherId`: whoever teaches the subject in the batch."""

    batch_id: UUID
    subject_id: UUID
    starts_at: datetime
    ends_at: datetime
    teacher_id: UUID | None = None
    room_id: UUID | None = None
    topic: Topic = ""
    meeting_url: MeetingUrl | None = None


class StartBody(msgspec.Struct, frozen=True, rename="camel"):
    class_id: UUID
    meeting_url: MeetingUrl | None = None


class EndBody(msgspec.Struct, frozen=True, rename="camel"):
    class_id: UUID


class Timed(msgspec.Struct, frozen=True):
    """Whose time a class takes, and when."""

    batch_id: UUID
    teacher_id: UUID
    room_id: UUID | None
    starts_at: datetime
    ends_at: datetime


class ClassRow(msgspec.Struct, frozen=True):
    """A class as kept, with the day it is on, its zone, and names."""

    id: UUID
    batch_id: UUID
    batch_name: str
    subject_id: UUID
    subject_name: str
    teacher_id: UUID
    teacher_name: str
    planned_teacher_id: UUID | None
    room_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    topic: str
    meeting_url: str | None
    started_at: datetime | None
    ended_at: datetime | None
    cancelled_at: datetime | None
    reason: str | None
    slot_id: UUID | None
    slot_on: date | None
    day: date
    zone: str

    def held(self, now: datetime) -> bool:
        """Whether it has begun and is not cancelled."""
        return self.cancelled_at is None and (self.started_at is not None or self.starts_at <= now)

    def over(self, now: datetime) -> bool:
        return self.ended_at is not None or self.ends_at <= now

    @property
    def timed(self) -> Timed:
        return Timed(self.batch_id, self.teacher_id, self.room_id, self.starts_at, self.ends_at)


class Attending(msgspec.Struct, frozen=True, rename="camel"):
    """A student who was in the batch on the day of a class."""

    id: UUID
    name: str
    roll_no: str


class Clash(msgspec.Struct, frozen=True):
    """A class that is in the way of another, and whose time it takes."""

    class_id: UUID
    batch: str
    subject: str
    teacher: str
    room: str | None
    starts_at: datetime
    ends_at: datetime
    batch_taken: bool
    teacher_taken: bool
    room_taken: bool


class Teaching(msgspec.Struct, frozen=True):
    """A batch's subject: who teaches it there, if anybody does; the days of the batch."""

    starts_on: date
    ends_on: date
    teacher_id: UUID | None


class Place(msgspec.Struct, frozen=True):
    """A room, its seats, and how many students the batch has that shall fit in."""

    name: str
    capacity: int
    students: int


def link(url: str) -> str:
    """A link to a meeting that a browser may be sent to. Raises Invalid."""
    text = url.strip()
    try:
        parts = urlsplit(text)
        good = parts.scheme == "https" and bool(parts.hostname) and parts.username is None and text.isprintable()
    except ValueError:
        good = False
    if not good or " " in text or len(text) > 500:
        raise Invalid({"meetingUrl": [N_("Must be a link that begins with https://.")]})
    return text


def times(fields: Fields, starts_at: datetime, ends_at: datetime) -> bool:
    """Whether both are times of ours, the one after the other and not too far from it."""
    for name, moment in (("startsAt", starts_at), ("endsAt", ends_at)):
        if moment.tzinfo is None:
            fields.wrong(name, N_("Must say its time zone: end it with Z or an offset."))
        elif not 2000 <= moment.year <= 2100:
            fields.wrong(name, N_("Must be a year between 2000 and 2100."))
    if "startsAt" in fields.problems or "endsAt" in fields.problems:
        return False
    if not _SHORTEST <= ends_at - starts_at <= _LONGEST:
        fields.wrong("endsAt", N_("Must be 10 minutes to 12 hours after the beginning."))
        return False
    return True
