"""Bodies, answers and rows of batches and enrolments."""

from datetime import date
from typing import Annotated, Literal

import msgspec

from kaksha.core.i18n import N_
from kaksha.core.ids import UUID
from kaksha.notifications.models import kinds

__all__ = [
    "ENROLLED", "REMOVED", "Batch", "BatchChange", "BatchRow", "BatchSort", "BatchSubject", "Candidate", "Enrolment",
    "Medium", "NewBatch", "NewEnrolment", "NewTransfer", "Removal", "RosterSort", "RosterStudent", "Student",
    "SubjectTeacher", "Teacher", "Teaching",
]  # fmt: skip

ENROLLED = kinds.register(
    "batch.enrolled", group="joining", title=N_("{student} joins {batch}"), body=N_("First day: {day}."),
    path="/batches/{about}", channels=("push", "email"),
)  # fmt: skip
REMOVED = kinds.register(
    "batch.removed", group="joining", title=N_("{student} leaves {batch}"), body=N_("No longer in it from {day}."),
    path="/home", channels=("push", "email"),
)  # fmt: skip

Medium = Literal["en", "hi"]
BatchSort = Literal["name", "-name", "startsOn", "-startsOn"]
RosterSort = Literal["name", "-name", "rollNo", "-rollNo"]

# Lengths and ranges are checked by `Fields` (see institutes.models), so that all faults are named at once.
Name = Annotated[str, msgspec.Meta(description="1 to 80 characters")]
Code = Annotated[str, msgspec.Meta(description="1 to 20 characters; no two batches share one at the same time")]
Course = Annotated[str, msgspec.Meta(description="1 to 80 characters", examples=["Class 11 JEE"])]
Capacity = Annotated[int, msgspec.Meta(description="1 to 1000 seats")]
LastDay = Annotated[date, msgspec.Meta(description="the last day, itself included; after startsOn")]


class BatchSubject(msgspec.Struct, frozen=True, rename="camel"):
    """A subject of a batch and who teaches it."""

    id: UUID
    name: str
    code: str
    teacher_id: UUID
    teacher_name: str


class Batch(msgspec.Struct, frozen=True, rename="camel"):
    """A batch; `students` is how many are in it today (the institute's date)."""

    id: UUID
    name: str
    code: str
    course: str
    medium: Medium
    capacity: int
    starts_on: date
    ends_on: date
    students: int
    subjects: list[BatchSubject]


class NewBatch(msgspec.Struct, frozen=True, rename="camel"):
    name: Name
    code: Code
    course: Course
    capacity: Capacity
    starts_on: date
    ends_on: LastDay
    medium: Medium = "en"


class BatchChange(msgspec.Struct, frozen=True, rename="camel"):
    """A partial update: what is absent stays."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    code: Code | msgspec.UnsetType = msgspec.UNSET
    course: Course | msgspec.UnsetType = msgspec.UNSET
    capacity: Capacity | msgspec.UnsetType = msgspec.UNSET
    starts_on: date | msgspec.UnsetType = msgspec.UNSET
    ends_on: LastDay | msgspec.UnsetType = msgspec.UNSET
    medium: Medium | msgspec.UnsetType = msgspec.UNSET


class Teaching(msgspec.Struct, frozen=True, rename="camel"):
    """One subject of a batch, as it is set."""

    subject_id: UUID
    teacher_id: UUID


class NewEnrolment(msgspec.Struct, frozen=True, rename="camel"):
    """Without `startsOn`: from today, or from the batch's first day when that is still ahead."""

    student_id: UUID
    starts_on: date | None = None


class Removal(msgspec.Struct, frozen=True):
    """The removal page's form: the first day that the student is not in the batch any more."""

    on: date | None = None


class NewTransfer(msgspec.Struct, frozen=True, rename="camel"):
    """A student goes from this batch to another; `on` (today) is the first day in the new one."""

    to_batch_id: UUID
    on: date | None = None


class Enrolment(msgspec.Struct, frozen=True, rename="camel"):
    """A student in a batch, from a day until (not including) another; null: as long as the batch lasts."""

    id: UUID
    batch_id: UUID
    student_id: UUID
    starts_on: date
    ends_on: date | None


class RosterStudent(msgspec.Struct, frozen=True, rename="camel"):
    """A student who is in the batch today or will be, with their days in it (as in an enrolment)."""

    student_id: UUID
    student_name: str
    roll_no: str
    grade: str
    starts_on: date
    ends_on: date | None


class BatchRow(msgspec.Struct, frozen=True):
    """A batch as kept, with the institute's date today."""

    id: UUID
    name: str
    code: str
    course: str
    medium: Medium
    capacity: int
    starts_on: date
    ends_on: date
    today: date


class Student(msgspec.Struct, frozen=True):
    """Somebody who might be enrolled; `left_on` is the day they leave the institute."""

    id: UUID
    name: str
    left_on: date | None


class Candidate(msgspec.Struct, frozen=True, rename="camel"):
    """A student whom a search for somebody to add has found; `inBatch` when they are in it, or will be."""

    id: UUID
    name: str
    roll_no: str
    grade: str
    in_batch: bool


class SubjectTeacher(msgspec.Struct, frozen=True, rename="camel"):
    """A subject of the institute, not archived if `open`, and who teaches it in a batch, if anybody does."""

    id: UUID
    name: str
    open: bool
    teacher_id: UUID | None
    teacher_name: str | None


class Teacher(msgspec.Struct, frozen=True):
    id: UUID
    name: str
