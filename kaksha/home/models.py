"""What the dashboards answer. Later features add keys; none is ever sent empty for something that does not exist."""

from datetime import date
from typing import Literal

import msgspec

from kaksha.accounts.models import Language, Role
from kaksha.classes.models import Class
from kaksha.core.ids import UUID

__all__ = [
    "DASHBOARDS", "AdminDashboard", "AnyDashboard", "AuditLine", "BatchSeats", "ChildCard", "ClassesToday",
    "EndingBatch", "InstituteCounts", "InstituteName", "NewStudent", "Newcomer", "ParentDashboard", "ParentOfStudent",
    "ParentProfile", "Relation", "StudentBatch", "StudentDashboard", "StudentName", "StudentProfile", "SubjectName",
    "TaughtSubject", "TeacherCounts", "TeacherDashboard", "TeacherProfile", "TeachingBatch", "Untaught",
]  # fmt: skip

Relation = Literal["mother", "father", "guardian"]


class InstituteName(msgspec.Struct, frozen=True, rename="camel"):
    id: UUID
    name: str


class SubjectName(msgspec.Struct, frozen=True, rename="camel"):
    id: UUID
    name: str
    code: str


class TaughtSubject(SubjectName, frozen=True, rename="camel"):
    """A subject of a batch, and who teaches it there."""

    teacher_id: UUID
    teacher_name: str


class StudentBatch(msgspec.Struct, frozen=True, rename="camel"):
    """A batch that a student is in. `joinsOn` may lie ahead; `classmates` are there today, the student left out.

    `endsOn` is the last day. `daysGone` and `daysLeft` are the whole days of the session before and after today.
    """

    id: UUID
    name: str
    code: str
    course: str
    medium: Language
    starts_on: date
    ends_on: date
    joins_on: date
    days_gone: int
    days_left: int
    classmates: int
    subjects: list[TaughtSubject]


class StudentProfile(msgspec.Struct, frozen=True, rename="camel"):
    id: UUID
    name: str
    roll_no: str
    grade: str
    joined_on: date
    left_on: date | None
    language: Language


class ParentOfStudent(msgspec.Struct, frozen=True, rename="camel"):
    id: UUID
    name: str
    relation: Relation


class StudentDashboard(msgspec.Struct, frozen=True, rename="camel"):
    """What a student has next and is in, who teaches them, and whose child they are."""

    profile: StudentProfile
    institute: InstituteName
    next_classes: list[Class]
    batches: list[StudentBatch]
    parents: list[ParentOfStudent]


class TeacherProfile(msgspec.Struct, frozen=True, rename="camel"):
    id: UUID
    name: str
    title: str
    joined_on: date
    left_on: date | None
    language: Language


class TeacherCounts(msgspec.Struct, frozen=True, rename="camel"):
    """`students` counts each once, however many of the teacher's batches they are in."""

    batches: int
    students: int
    new_students: int


class TeachingBatch(msgspec.Struct, frozen=True, rename="camel"):
    """A batch that a teacher teaches, and what they teach there."""

    id: UUID
    name: str
    code: str
    course: str
    medium: Language
    starts_on: date
    ends_on: date
    students: int
    subjects: list[SubjectName]


class NewStudent(msgspec.Struct, frozen=True, rename="camel"):
    """Somebody who joined a batch lately."""

    student_id: UUID
    student_name: str
    roll_no: str
    batch_id: UUID
    batch_name: str
    joined_on: date


class EndingBatch(msgspec.Struct, frozen=True, rename="camel"):
    id: UUID
    name: str
    ends_on: date
    days_left: int


class TeacherDashboard(msgspec.Struct, frozen=True, rename="camel"):
    """Whom a teacher teaches and what. `newStudents` are the latest ten of 14 days; `endingSoon` is within 30 days."""

    profile: TeacherProfile
    institute: InstituteName
    today_classes: list[Class]
    counts: TeacherCounts
    batches: list[TeachingBatch]
    new_students: list[NewStudent]
    ending_soon: list[EndingBatch]


class ParentProfile(msgspec.Struct, frozen=True, rename="camel"):
    id: UUID
    name: str
    language: Language


class ChildCard(msgspec.Struct, frozen=True, rename="camel"):
    """A parent's child, with their batches and teachers."""

    id: UUID
    name: str
    roll_no: str
    grade: str
    relation: Relation
    next_classes: list[Class]
    batches: list[StudentBatch]


class ParentDashboard(msgspec.Struct, frozen=True, rename="camel"):
    """A parent's children: what they are in and who teaches them."""

    profile: ParentProfile
    institute: InstituteName
    children: list[ChildCard]


class InstituteCounts(msgspec.Struct, frozen=True, rename="camel"):
    """How many there are. `batches` run or are to come; `nearlyFull` of them have a tenth of their seats or less."""

    students: int
    teachers: int
    parents: int
    batches: int
    pending: int
    nearly_full: int
    without_batch: int
    without_parent: int
    without_teacher: int


class Newcomer(msgspec.Struct, frozen=True, rename="camel"):
    """Somebody who is new; `createdAt` is a UTC time."""

    id: UUID
    name: str
    roles: list[Role]
    created_at: str


class StudentName(msgspec.Struct, frozen=True, rename="camel"):
    id: UUID
    name: str
    roll_no: str
    grade: str


class BatchSeats(msgspec.Struct, frozen=True, rename="camel"):
    """A batch and its seats; one that is to begin for a student counts as taken."""

    id: UUID
    name: str
    code: str
    course: str
    starts_on: date
    ends_on: date
    enrolled: int
    capacity: int


class Untaught(SubjectName, frozen=True, rename="camel"):
    """A subject without teacher: in the batch whose teacher has left, or, without batch, in the whole institute."""

    batch_id: UUID | None
    batch_name: str | None


class AuditLine(msgspec.Struct, frozen=True, rename="camel"):
    """An entry of the audit log; without actor it was the system itself."""

    id: UUID
    action: str
    at: str
    actor_id: UUID | None
    actor_name: str | None


class ClassesToday(msgspec.Struct, frozen=True, rename="camel"):
    """The classes of a day; `total` leaves the cancelled ones out."""

    total: int
    cancelled: int
    live: int


class AdminDashboard(msgspec.Struct, frozen=True, rename="camel"):
    """What needs an admin, and what is new. `counts` are whole; each list holds the first few."""

    institute: InstituteName
    classes_today: ClassesToday
    counts: InstituteCounts
    pending: list[Newcomer]
    without_batch: list[StudentName]
    without_parent: list[StudentName]
    without_teacher: list[Untaught]
    batches: list[BatchSeats]
    newest: list[Newcomer]
    changes: list[AuditLine]


AnyDashboard = StudentDashboard | TeacherDashboard | ParentDashboard | AdminDashboard
DASHBOARDS: dict[
    str, type[StudentDashboard] | type[TeacherDashboard] | type[ParentDashboard] | type[AdminDashboard]
] = {
    "student": StudentDashboard, "teacher": TeacherDashboard, "parent": ParentDashboard, "admin": AdminDashboard,
}  # fmt: skip
"""What the dashboard of each role decodes to."""
