"""Bodies, answers and rows of institutes, subjects and rooms; and how their fields are checked, for batches too."""

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import msgspec
import phonenumbers

from kaksha.core.errors import Invalid, Why
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID

__all__ = [
    "FieldConflict", "Fields", "Institute", "InstituteChange", "InstituteForm", "Language", "NewRoom", "NewSubject",
    "Room", "RoomChange", "Subject", "SubjectChange", "SubjectSort", "changes", "spoken", "tidy",
]  # fmt: skip

T = TypeVar("T")
Language = Literal["en", "hi"]
SubjectSort = Literal["name", "-name", "code", "-code"]

# Lengths stand in the descriptions and are checked by `Fields`, together with everything else that may be wrong:
# were they part of the types, a body would be refused for them before the rest was looked at.
Name = Annotated[str, msgspec.Meta(description="1 to 120 characters")]
SubjectName = Annotated[str, msgspec.Meta(description="1 to 80 characters; no two subjects share one")]
SubjectCode = Annotated[str, msgspec.Meta(description="1 to 12 characters; no two subjects share one")]
RoomName = Annotated[str, msgspec.Meta(description="1 to 60 characters; no two rooms share one")]
Seats = Annotated[int, msgspec.Meta(description="1 to 1000 seats")]
Phone = Annotated[str, msgspec.Meta(description="any phone number; kept as E.164")]
Email = Annotated[str, msgspec.Meta(description="kept in small letters")]
Address = Annotated[str, msgspec.Meta(description="at most 400 characters, lines allowed")]
Gstin = Annotated[str, msgspec.Meta(description="15 characters, as on the GST certificate")]
Zone = Annotated[str, msgspec.Meta(description="IANA time zone", examples=["Asia/Kolkata"])]


class Institute(msgspec.Struct, frozen=True, rename="camel"):
    """The caller's institute."""

    id: UUID
    code: str
    name: str
    zone: str
    currency: Literal["INR"]
    language: Language
    phone: str | None
    email: str | None
    address: str
    gstin: str | None


class InstituteChange(msgspec.Struct, frozen=True, rename="camel"):
    """A partial update: what is absent stays, null clears."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    phone: Phone | msgspec.UnsetType | None = msgspec.UNSET
    email: Email | msgspec.UnsetType | None = msgspec.UNSET
    address: Address | msgspec.UnsetType | None = msgspec.UNSET
    gstin: Gstin | msgspec.UnsetType | None = msgspec.UNSET
    language: Language | msgspec.UnsetType = msgspec.UNSET
    zone: Zone | msgspec.UnsetType = msgspec.UNSET


class InstituteForm(msgspec.Struct, frozen=True, rename="camel"):
    """The settings page's form: it shows every field, so an empty one clears."""

    name: str = ""
    language: Language = "en"
    zone: str = ""
    phone: str | None = None
    email: str | None = None
    address: str | None = None
    gstin: str | None = None


class Subject(msgspec.Struct, frozen=True, rename="camel"):
    """What is taught."""

    id: UUID
    name: str
    code: str


class NewSubject(msgspec.Struct, frozen=True, rename="camel"):
    name: SubjectName
    code: SubjectCode


class SubjectChange(msgspec.Struct, frozen=True, rename="camel"):
    """A partial update: what is absent stays."""

    name: SubjectName | msgspec.UnsetType = msgspec.UNSET
    code: SubjectCode | msgspec.UnsetType = msgspec.UNSET


class Room(msgspec.Struct, frozen=True, rename="camel"):
    """Where classes meet; `capacity` is how many students have a seat."""

    id: UUID
    name: str
    capacity: int


class NewRoom(msgspec.Struct, frozen=True, rename="camel"):
    name: RoomName
    capacity: Seats


class RoomChange(msgspec.Struct, frozen=True, rename="camel"):
    """A partial update: what is absent stays."""

    name: RoomName | msgspec.UnsetType = msgspec.UNSET
    capacity: Seats | msgspec.UnsetType = msgspec.UNSET


class FieldConflict(Invalid):
    """The body is well formed, but some of its fields do not fit what is there: 409, and it names them."""

    status: ClassVar[int] = 409


class Fields:
    """Collects what is wrong with a body, so that its sender hears of all of it at once."""

    def __init__(self) -> None:
        self.problems: dict[str, list[str]] = {}

    def wrong(self, field: str, why: str) -> None:
        self.problems.setdefault(field, []).append(why)

    def line(self, field: str, given: str, most: int) -> str:
        """One line of text that may not be empty, tidied."""
        text = tidy(given)
        if not text:
            self.wrong(field, N_("This is required."))
        return self._short(field, text, most)

    def lines(self, field: str, given: str, most: int) -> str:
        """Several lines of text, or none; each tidied."""
        text = "\n".join(tidy(line) for line in given.splitlines()).strip()
        return self._short(field, text, most)

    def number(self, field: str, given: int, least: int, most: int) -> int:
        if given < least:
            self.wrong(field, Why(N_("Must be {n} or more."), n=least))
        elif given > most:
            self.wrong(field, Why(N_("Must be {n} or less."), n=most))
        return given

    def day(self, field: str, given: date) -> date:
        """A date of our times: a slip of the finger, and the endless ones that PostgreSQL knows, are none."""
        if not 2000 <= given.year <= 2100:
            self.wrong(field, N_("Must be a year between 2000 and 2100."))
        return given

    def normal(self, field: str, given: T, norm: Callable[[T], T]) -> T:
        """`given` as `norm` keeps it; its ValueError says why not."""
        try:
            return norm(given)
        except ValueError as why:
            self.wrong(field, str(why))
            return given

    def check(self, conflict: FieldConflict | None = None) -> None:
        """Raises Invalid when something was wrong, with the conflict's fields beside it; else the conflict alone."""
        if self.problems:
            raise Invalid((conflict.problems if conflict else {}) | self.problems)
        if conflict is not None:
            raise conflict

    def _short(self, field: str, text: str, most: int) -> str:
        if len(text) > most:
            self.wrong(field, Why(N_("Must have at most {n} characters."), n=most))
        return text


def spoken(phone: str | None) -> str:
    """A number as people read it out: +91 98220 10001."""
    if not phone:
        return ""
    return phonenumbers.format_number(phonenumbers.parse(phone), phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def tidy(text: str) -> str:
    """A line without control characters, and with single spaces between its words."""
    # The joiners are no spaces and not printable, and Hindi words need them.
    kept = (char for char in text if char.isprintable() or char.isspace() or char in "\u200c\u200d")
    return re.sub(r"\s+", " ", "".join(kept)).strip()


def changes(before: msgspec.Struct, after: msgspec.Struct) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that differ, from before and after, for the audit log."""
    old, new = msgspec.structs.asdict(before), msgspec.structs.asdict(after)
    names = [name for name in new if old[name] != new[name]]
    return {name: old[name] for name in names}, {name: new[name] for name in names}
