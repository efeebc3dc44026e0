"""Bodies, answers and rows of the weekly timetable."""

from datetime import date, datetime, time
from typing import Annotated

import msgspec

from kaksha.core.ids import UUID

__all__ = ["AHEAD", "NewSlot", "Planned", "Slot", "SlotChange", "SlotClash", "SlotEnd", "SlotForm", "SlotRow", "Wanted"]

AHEAD = 28
"""Days for which classes are made in advance."""

Weekday = Annotated[int, msgspec.Meta(description="1 (Monday) to 7 (Sunday)")]
LocalTime = Annotated[str, msgspec.Meta(description="HH:MM of the institute's clock", examples=["17:00"])]
Minutes = Annotated[int, msgspec.Meta(description="10 to 600; it ends at midnight at the latest")]


class Slot(msgspec.Struct, frozen=True, rename="camel"):
    """A class of each week. `untilOn` is its last day; null: as long as the batch lasts."""

    id: UUID
    batch_id: UUID
    batch_name: str
    subject_id: UUID
    subject_name: str
    teacher_id: UUID
    teacher_name: str
    room_id: UUID | None
    room_name: str | None
    weekday: int
    starts: str
    minutes: int
    from_on: date
    until_on: date | None


class NewSlot(msgspec.Struct, frozen=True, rename="camel"):
    """Without `teacherId`: whoever teaches the subject in the batch. Without `fromOn`: from today."""

    batch_id: UUID
    subject_id: UUID
    weekday: Weekday
    starts: LocalTime
    minutes: Minutes
    teacher_id: UUID | None = None
    room_id: UUID | None = None
    from_on: date | None = None
    until_on: date | None = None


class SlotChange(msgspec.Struct, frozen=True, rename="camel"):
    """A partial update from a day on (today): what is absent stays, null clears; classes held before stay."""

    weekday: Weekday | msgspec.UnsetType = msgspec.UNSET
    starts: LocalTime | msgspec.UnsetType = msgspec.UNSET
    minutes: Minutes | msgspec.UnsetType = msgspec.UNSET
    teacher_id: UUID | msgspec.UnsetType = msgspec.UNSET
    room_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    until_on: date | msgspec.UnsetType | None = msgspec.UNSET
    on: date | None = None


class SlotEnd(msgspec.Struct, frozen=True):
    """The removal form: the first day without the slot."""

    on: date | None = None


class SlotForm(msgspec.Struct, frozen=True, rename="camel"):
    """The page's form, of a new slot and of a change."""

    weekday: Weekday
    starts: LocalTime
    minutes: Minutes
    subject_id: UUID | None = None
    room_id: UUID | None = None
    from_on: date | None = None
    until_on: date | None = None
    on: date | None = None


class Planned(msgspec.Struct, frozen=True):
    """A batch, as its timetable needs it; subjects and rooms to choose from, as (value, text)."""

    name: str
    starts_on: date
    ends_on: date
    subjects: list[tuple[str, str]]
    rooms: list[tuple[str, str]]


class SlotRow(msgspec.Struct, frozen=True):
    """A slot as kept."""

    id: UUID
    batch_id: UUID
    subject_id: UUID
    teacher_id: UUID
    room_id: UUID | None
    weekday: int
    starts: time
    minutes: int
    from_on: date
    until_on: date | None


class SlotClash(msgspec.Struct, frozen=True):
    """A slot that another would meet, and whose time it takes."""

    batch: str
    subject: str
    teacher: str
    room: str | None
    starts: time
    minutes: int
    teacher_taken: bool
    room_taken: bool


class Wanted(msgspec.Struct, frozen=True):
    """A class to be made."""

    slot_id: UUID
    day: date
    batch_id: UUID
    subject_id: UUID
    teacher_id: UUID
    room_id: UUID | None
    starts_at: datetime
    ends_at: datetime
