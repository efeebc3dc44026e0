"""Answers: a student's record, classes to be marked, an institute's day."""

from datetime import date
from typing import Literal

import msgspec

from kaksha.attendance.models import Status
from kaksha.core.answers import Pagination
from kaksha.core.ids import UUID

__all__ = [
    "AbsentStudent", "Day", "DayClass", "Month", "Record", "StudentAttendance", "StudentAttendanceAnswer",
    "SubjectShare", "Totals", "Unmarked",
]  # fmt: skip


class Record(msgspec.Struct, frozen=True, rename="camel"):
    """A held class of a student's; `status` null: nobody has marked it, so it does not count."""

    class_id: UUID
    day: date
    starts_at: str
    ends_at: str
    batch_name: str
    subject_id: UUID
    subject_name: str
    teacher_name: str
    topic: str
    status: Status | None
    note: str
    marked_at: str | None


class Totals(msgspec.Struct, frozen=True, rename="camel"):
    """Classes of what was asked for. `percentage` is of those that count: marked, and not excused."""

    held: int
    present: int
    absent: int
    late: int
    excused: int
    unmarked: int
    percentage: float | None


class Month(msgspec.Struct, frozen=True, rename="camel"):
    """A month (`2026-11`) since joining."""

    month: str
    attended: int
    counted: int
    percentage: float | None


class SubjectShare(msgspec.Struct, frozen=True, rename="camel"):
    """A subject since joining."""

    subject_id: UUID
    subject_name: str
    attended: int
    counted: int
    percentage: float | None


class StudentAttendance(msgspec.Struct, frozen=True, rename="camel"):
    """A student's attendance since joining; `totals` and `records` (newest first) are of what was asked for.

    `canMiss` more classes keep the share at `minimum` or above; below it, `mustAttend` in a row are needed (null: no
    number would do). `streak` counts the last classes in a row without an absence.
    """

    student_id: UUID
    student_name: str
    minimum: int
    percentage: float | None
    attended: int
    counted: int
    unmarked: int
    can_miss: int
    must_attend: int | None
    streak: int
    by_month: list[Month]
    by_subject: list[SubjectShare]
    totals: Totals
    records: list[Record]


class StudentAttendanceAnswer(msgspec.Struct, kw_only=True):
    """The envelope of a record, with where its list of classes goes on."""

    success: Literal[True] = True
    data: StudentAttendance
    pagination: Pagination


class Unmarked(msgspec.Struct, frozen=True, rename="camel"):
    """A held class in which somebody is still to be marked."""

    class_id: UUID
    batch_name: str
    subject_name: str
    teacher_id: UUID
    teacher_name: str
    room_name: str | None
    starts_at: str
    ends_at: str
    students: int
    marked: int


class DayClass(msgspec.Struct, frozen=True, rename="camel"):
    """A class of a day that is not cancelled, and how it was attended."""

    class_id: UUID
    batch_id: UUID
    batch_name: str
    subject_name: str
    teacher_name: str
    starts_at: str
    ends_at: str
    held: bool
    students: int
    marked: int
    present: int
    absent: int
    late: int
    excused: int


class AbsentStudent(msgspec.Struct, frozen=True, rename="camel"):
    """A student who missed a class of a day, and which of them."""

    student_id: UUID
    student_name: str
    roll_no: str
    batch_id: UUID
    batch_name: str
    subjects: list[str]
    classes: int
    """Of the batch, marked on that day."""


class Day(msgspec.Struct, frozen=True, rename="camel"):
    """An institute's day: its classes, and who was absent, by batch."""

    day: date
    classes: list[DayClass]
    absent: list[AbsentStudent]
