"""Bodies, answers and rows of marking; the kinds of notices that it sends."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec

from kaksha.core.i18n import N_
from kaksha.core.ids import UUID
from kaksha.notifications.models import Kind, kinds

__all__ = [
    "ABSENT",
    "CORRECTED",
    "DEFAULTS",
    "LATE",
    "Given",
    "Mark",
    "MarkBody",
    "MarkResult",
    "Marked",
    "Outcome",
    "Rules",
    "RulesChange",
    "RulesForm",
    "SheetHead",
    "SheetRow",
    "Status",
    "TeacherMark",
]  # fmt: skip

Status = Literal["present", "absent", "late", "excused"]
Outcome = Literal["applied", "unchanged", "superseded"]

_PATH = "/children/{studentId}/attendance"
ABSENT: Kind = kinds.register(
    "attendance.absent", group="attendance", urgent=True, lasts=timedelta(hours=12), channels=("push", "sms"),
    title=N_("{child} is absent"), body=N_("{child} is not in the {subject} class of {time}."), path=_PATH,
)  # fmt: skip
LATE: Kind = kinds.register(
    "attendance.late", group="attendance", lasts=timedelta(hours=12),
    title=N_("{child} came late"), body=N_("{child} came late to the {subject} class of {time}."), path=_PATH,
)  # fmt: skip
CORRECTED: Kind = kinds.register(
    "attendance.corrected", group="attendance",
    title=N_("{child}: attendance corrected"),
    body=N_("The mark was corrected: {child} no longer counts as absent or late in the {subject} class of {time}."),
    path=_PATH,
)  # fmt: skip

# What is wrong with a row is found out in the service, so that every bad row is named at once.
Moment = Annotated[
    datetime,
    msgspec.Meta(tz=True, description="when it was seen, with its zone; now when absent, and never later than now"),
]
ClientId = Annotated[
    UUID, msgspec.Meta(description="the sender's own id of this; sent again, even much later, it changes nothing")
]
StatusText = Annotated[str, msgspec.Meta(description="present, absent, late or excused", examples=["present"])]
Note = Annotated[str, msgspec.Meta(description="at most 200 characters; parents read it")]


class Mark(msgspec.Struct, frozen=True, rename="camel"):
    """One student's mark, as it is sent."""

    student_id: UUID
    status: StatusText
    note: Note = ""
    taken_at: Moment | None = None
    client_id: ClientId | None = None


class TeacherMark(msgspec.Struct, frozen=True, rename="camel"):
    """Marks of a class. `sentAt` is what the sender's clock says now: a wrong clock is then reckoned with."""

    class_id: UUID
    records: list[Mark]
    taken_at: Moment | None = None
    client_id: ClientId | None = None
    sent_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class MarkBody(msgspec.Struct, frozen=True, rename="camel"):
    """The same for a class that the path names; `classId` may say it again."""

    records: list[Mark]
    class_id: UUID | None = None
    taken_at: Moment | None = None
    client_id: ClientId | None = None
    sent_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class Marked(msgspec.Struct, frozen=True, rename="camel"):
    """What became of one mark, and what now holds: since when, taken when and by whom.

    `superseded`: somebody took a mark later than this one, and theirs stays.
    """

    student_id: UUID
    student_name: str
    result: Outcome
    status: Status
    taken_at: str
    marked_at: str
    marked_by: UUID
    marked_by_name: str


class MarkResult(msgspec.Struct, frozen=True, rename="camel"):
    """What became of the marks of a class, row by row in the order they were sent.

    `parentsToldAt` is when parents of those now absent or late are told, if any are.
    """

    class_id: UUID
    applied: int
    unchanged: int
    superseded: int
    parents_told_at: str | None
    records: list[Marked]


class SheetRow(msgspec.Struct, frozen=True, rename="camel"):
    """A student of a class's day. `status` is null until somebody marks; `missed` counts absences of the month."""

    student_id: UUID
    student_name: str
    roll_no: str
    status: Status | None
    note: str
    missed: int
    marked_at: str | None
    marked_by_name: str | None


class SheetHead(msgspec.Struct, frozen=True, rename="camel"):
    """The class that a sheet is of, for its page."""

    class_id: UUID
    batch_id: UUID
    batch_name: str
    subject_name: str
    teacher_id: UUID
    teacher_name: str
    room_name: str | None
    topic: str
    starts_at: datetime
    ends_at: datetime
    held: bool
    cancelled: bool


class Rules(msgspec.Struct, frozen=True, rename="camel"):
    """What an institute decided: the share of classes that is asked for, how long a mark can be undone before parents
    are told, and whether who came late was there."""

    minimum_percent: int
    undo_minutes: int
    late_counts: bool


DEFAULTS = Rules(75, 10, True)


class RulesChange(msgspec.Struct, frozen=True, rename="camel"):
    """A partial update: what is absent stays."""

    minimum_percent: Annotated[int, msgspec.Meta(description="1 to 100")] | msgspec.UnsetType = msgspec.UNSET
    undo_minutes: Annotated[int, msgspec.Meta(description="0 to 240")] | msgspec.UnsetType = msgspec.UNSET
    late_counts: bool | msgspec.UnsetType = msgspec.UNSET


class RulesForm(msgspec.Struct, frozen=True, rename="camel"):
    """The settings page's form; a box that is not ticked is not sent."""

    minimum_percent: int
    undo_minutes: int
    late_counts: bool = False


class Given(msgspec.Struct, frozen=True):
    """A mark that may be written. `again`: the sender's id of it is known, so it was written before."""

    student_id: UUID
    status: Status
    note: str
    taken_at: datetime
    again: bool
