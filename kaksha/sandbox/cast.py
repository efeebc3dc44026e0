"""The cast: the people whom tests, the demo, the API's examples and the README speak of.

*Aarambh Classes*: Asha (admin), Vikram and Nandini (teachers), Rohan and Meher (students), Sunita (their mother).
*Prayas Academy*: Kabir (student), whom nobody of Aarambh may ever see, and his admin and teacher.
"""

from datetime import UTC, date, datetime, time
from uuid import UUID

import msgspec

from kaksha.core.clock import session_start

__all__ = ["AARAMBH", "PASSWORD", "PRAYAS", "BatchPlan", "InstitutePlan", "Member", "SlotPlan", "the_cast"]

PASSWORD = "kaksha-demo"  # noqa: S105 - everybody's, and printed on the demo's sign-in page
AARAMBH = UUID("01970000-0000-7000-8000-00000000a000")
PRAYAS = UUID("01970000-0000-7000-8000-00000000b000")


class Member(msgspec.Struct, frozen=True):
    """A person of an institute; `key` names them in tests and in batches."""

    key: str
    id: UUID
    name: str
    roles: tuple[str, ...]
    email: str | None = None
    phone: str | None = None
    permissions: tuple[str, ...] = ()
    language: str = "en"
    roll_no: str = ""
    grade: str = ""
    title: str = ""
    children: tuple[str, ...] = ()
    relation: str = "mother"
    status: str = "active"
    joined_on: date | None = None
    """A student's first day; by default the session's."""
    created_at: datetime | None = None
    """When they came into the system; by default long ago."""


class BatchPlan(msgspec.Struct, frozen=True):
    """A batch: `subjects` are (subject code, teacher key), `students` are keys."""

    id: UUID
    code: str
    name: str
    course: str
    subjects: tuple[tuple[str, str], ...]
    students: tuple[str, ...]
    medium: str = "en"
    capacity: int = 40
    starts_on: date | None = None
    ends_on: date | None = None
    """By default the session's."""


class SlotPlan(msgspec.Struct, frozen=True):
    """A class of each week: batch and subject by code, teacher by key; `weekday` from 1 (Monday)."""

    id: UUID
    batch: str
    subject: str
    teacher: str
    room: UUID
    weekday: int
    starts: time
    minutes: int


class InstitutePlan(msgspec.Struct, frozen=True):
    """An institute with everybody in it in the session that began on `starts_on`; `subjects` are (id, code, name)."""

    id: UUID
    code: str
    name: str
    starts_on: date
    created_at: datetime
    subjects: tuple[tuple[UUID, str, str], ...]
    people: tuple[Member, ...]
    batches: tuple[BatchPlan, ...]
    demo: bool = False
    phone: str | None = None
    email: str | None = None
    address: str = ""
    rooms: tuple[tuple[UUID, str, int], ...] = ()
    """(id, name, seats)."""
    slots: tuple[SlotPlan, ...] = ()
    holidays: tuple[tuple[UUID, str, date, date], ...] = ()
    """(id, name, first day, last day)."""


def the_cast(today: date) -> tuple[InstitutePlan, InstitutePlan]:
    """Aarambh and Prayas in the session of `today`."""
    start = session_start(today)
    created = datetime(2024, 3, 1, 4, 30, tzinfo=UTC)
    return (
        InstitutePlan(
            id=AARAMBH, code="aarambh", name="Aarambh Classes", starts_on=start, created_at=created, demo=True,
            phone="+918046810000", email="office@aarambh.example", address="14 Sadashiv Peth, Pune 411030",
            subjects=(
                (_id(0xA101), "PHY", "Physics"), (_id(0xA102), "CHE", "Chemistry"),
                (_id(0xA103), "MAT", "Mathematics"), (_id(0xA104), "BIO", "Biology"), (_id(0xA105), "ENG", "English"),
            ),
            people=(
                Member("asha", _id(0xA001), "Asha Kulkarni", ("admin",), "asha@aarambh.example", "+919822010001",
                       permissions=("owner",)),
                Member("vikram", _id(0xA002), "Vikram Rao", ("teacher",), "vikram@aarambh.example", "+919822010002",
                       title="Physics, 12 years"),
                Member("nandini", _id(0xA003), "Nandini Iyer", ("teacher",), "nandini@aarambh.example",
                       "+919822010003", title="Mathematics, 8 years"),
                Member("rohan", _id(0xA004), "Rohan Deshpande", ("student",), "rohan@aarambh.example",
                       "+919822010006", roll_no="2207", grade="Class 11"),
                Member("meher", _id(0xA005), "Meher Deshpande", ("student",), "meher@aarambh.example",
                       "+919822010006", roll_no="2118", grade="Class 8"),
                Member("sunita", _id(0xA006), "Sunita Deshpande", ("parent",), "sunita@aarambh.example",
                       "+919822010006", children=("rohan", "meher"), language="hi"),
            ),
            batches=(
                BatchPlan(_id(0xA201), "JEE-A", "JEE-A", "Class 11 JEE",
                          (("PHY", "vikram"), ("MAT", "nandini")), ("rohan",)),
                BatchPlan(_id(0xA202), "F8", "Foundation 8", "Class 8 Foundation",
                          (("MAT", "nandini"),), ("meher",), medium="hi"),
            ),
        ),
        InstitutePlan(
            id=PRAYAS, code="prayas", name="Prayas Academy", starts_on=start, created_at=created,
            subjects=((_id(0xB101), "PHY", "Physics"),),
            people=(
                Member("kabir", _id(0xB004), "Kabir Khan", ("student",), "kabir@prayas.example", "+919822020004",
                       roll_no="11", grade="Class 11"),
                Member("farah", _id(0xB001), "Farah Sheikh", ("admin",), "farah@prayas.example", "+919822020001",
                       permissions=("owner",)),
                Member("imran", _id(0xB002), "Imran Qureshi", ("teacher",), "imran@prayas.example", "+919822020002"),
            ),
            batches=(BatchPlan(_id(0xB201), "P11", "Prayas 11", "Class 11", (("PHY", "imran"),), ("kabir",)),),
        ),
    )  # fmt: skip


def _id(number: int) -> UUID:
    """A fixed id that still is a UUIDv7."""
    return UUID(int=AARAMBH.int & ~0xFFFF | number)
