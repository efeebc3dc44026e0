"""Bodies, answers and rows of classes."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from kaksha.core.ids import UUID

__all__ = [
    "JOINS",
    "Attending",
    "CancelBody",
    "Clash",
    "Class",
    "ClassRow",
    "ClassStatus",
    "EndBody",
    "NewClass",
    "Place",
    "Scope",
    "StartBody",
    "Substitution",
    "Teaching",
    "Timed",
]  # fmt: skip

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


class CancelBody(msgspec.Struct, frozen=True):
    reason: Reason


class Substitution(msgspec.Struct, frozen=True, rename="camel"):
    """Who stands in; the planned teacher takes the class back when they are named."""

    teacher_id: UUID


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
