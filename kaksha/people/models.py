"""Bodies, answers, rows and errors of people."""

from datetime import date
from typing import Annotated, Literal

import msgspec

from kaksha.accounts.models import Language, Permission, Role
from kaksha.core.errors import Conflict, Forbidden, Invalid
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID
from kaksha.institutes.models import FieldConflict

__all__ = [
    "RELATIONS", "RIGHTS", "ROLES", "STATUSES", "STATUS_CHIPS", "AlreadyLinked", "Child", "ChildLink", "Kept",
    "LastOwner", "Listed", "NewPerson", "NotAParent", "NotAStudent", "OwnAccount", "OwnOwnership", "OwnParent",
    "OwnerOnly", "Parent", "PeopleSort", "PersonChange", "PersonDisabled", "PersonRecord", "Relation",
    "RollNoTaken", "Row", "Status", "StillLinked", "StudentPart", "StudentRecord", "TeacherPart", "TeacherRecord",
    "changed",
]  # fmt: skip

Relation = Literal["mother", "father", "guardian"]
Status = Literal["active", "pending", "disabled"]
PeopleSort = Literal["name", "-createdAt"]
ROLES: tuple[Role, ...] = ("student", "teacher", "parent", "admin")
"""In the order in which a person's roles are kept and shown."""
STATUSES: tuple[Status, ...] = ("active", "pending", "disabled")

RELATIONS: dict[Relation, str] = {"mother": N_("Mother"), "father": N_("Father"), "guardian": N_("Guardian")}
STATUS_CHIPS: dict[Status, tuple[str, str]] = {
    "pending": (N_("Waiting for approval"), "warn"),
    "disabled": (N_("Disabled"), "bad"),
}
RIGHTS: dict[Permission, tuple[str, str]] = {
    "desk": (N_("Front desk"), N_("Adds and changes people")),
    "academics": (N_("Academics"), N_("Minds batches, subjects and people")),
    "money": (N_("Money"), N_("Minds fees and payments")),
    "owner": (N_("Owner"), N_("May do everything, and makes others admins")),
}
"""What people read: a relation; a status and the kind of its chip; a right and what it lets an admin do."""

# Lengths stand in the descriptions and are checked by the service, together with everything else that may be wrong:
# were they part of the types, a body would be refused for them before the rest was looked at.
Name = Annotated[str, msgspec.Meta(description="1 to 120 characters")]
Email = Annotated[str, msgspec.Meta(description="kept in small letters")]
Phone = Annotated[str, msgspec.Meta(description="a mobile number, Indian when it names no country; kept as E.164")]
Password = Annotated[str, msgspec.Meta(description="8 to 128 characters")]
RollNo = Annotated[str, msgspec.Meta(description="1 to 20 characters; no two students share one")]
Grade = Annotated[str, msgspec.Meta(description="1 to 40 characters", examples=["Class 11"])]
Title = Annotated[str, msgspec.Meta(description="at most 80 characters", examples=["Physics, 12 years"])]


class StudentRecord(msgspec.Struct, frozen=True, rename="camel"):
    """What being a student adds."""

    roll_no: str
    grade: str
    joined_on: date


class TeacherRecord(msgspec.Struct, frozen=True, rename="camel"):
    """What being a teacher adds."""

    title: str
    joined_on: date


class Listed(msgspec.Struct, frozen=True, rename="camel"):
    """A person in a list."""

    id: UUID
    name: str
    email: str | None
    phone: str | None
    roles: list[Role]
    status: Status
    institute_id: UUID
    avatar_url: str | None
    language: Language
    student: StudentRecord | None
    teacher: TeacherRecord | None
    created_at: str


class Child(msgspec.Struct, frozen=True, rename="camel"):
    """A student, as one of their parents has them."""

    id: UUID
    name: str
    roll_no: str
    grade: str
    relation: Relation
    status: Status


class Parent(msgspec.Struct, frozen=True, rename="camel"):
    """A parent, as one of their children has them."""

    id: UUID
    name: str
    email: str | None
    phone: str | None
    relation: Relation
    status: Status


class PersonRecord(Listed, frozen=True, rename="camel"):
    """A person with all that the institute's office knows."""

    permissions: list[Permission]
    has_password: bool
    children: list[Child]
    parents: list[Parent]


class StudentPart(msgspec.Struct, frozen=True, rename="camel"):
    """The student's part of a body. Without a roll number the next free one is taken; `joinedOn` is today if absent."""

    roll_no: RollNo | None = None
    grade: Grade | None = None
    joined_on: date | None = None


class TeacherPart(msgspec.Struct, frozen=True, rename="camel"):
    """The teacher's part of a body."""

    title: Title | None = None


class ChildLink(msgspec.Struct, frozen=True, rename="camel"):
    """Who of the students is a parent's child, and what the parent is to them."""

    student_id: UUID
    relation: Relation


class NewPerson(msgspec.Struct, frozen=True, rename="camel"):
    """A person to be added: name and roles; an e-mail or a phone number unless they are a student only."""

    name: Name = ""
    roles: list[Role] = []
    email: Email | None = None
    phone: Phone | None = None
    password: Password | None = None
    language: Language = "en"
    permissions: list[Permission] = []
    student: StudentPart | None = None
    teacher: TeacherPart | None = None
    children: list[ChildLink] = []


class PersonChange(msgspec.Struct, frozen=True, rename="camel"):
    """A partial update: what is absent stays; null clears an e-mail or a phone number."""

    name: Name | None = None
    email: Email | msgspec.UnsetType | None = msgspec.UNSET
    phone: Phone | msgspec.UnsetType | None = msgspec.UNSET
    password: Password | None = None
    language: Language | None = None
    roles: list[Role] | None = None
    permissions: list[Permission] | None = None
    student: StudentPart | None = None
    teacher: TeacherPart | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A person as they are written, checked. A student's and a teacher's columns count only with their role."""

    name: str
    email: str | None
    phone: str | None
    roles: list[Role]
    permissions: list[Permission]
    language: Language
    roll_no: str | None = None
    grade: str | None = None
    joined_on: date | None = None
    title: str | None = None


class Kept(Row, frozen=True, kw_only=True):
    """A person as they are kept, held until the transaction ends."""

    id: UUID
    status: Status


PERSONAL = frozenset({"name", "email", "phone"})


def changed(before: Row, after: Row) -> tuple[dict[str, object], dict[str, object], dict[str, object]]:
    """What differs, for the audit log: from before, after, and the personal values as [before, after]."""
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in Row.__struct_fields__}
    differing = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    plain = {name: pair for name, pair in differing.items() if name not in PERSONAL}
    return (
        {name: old for name, (old, _) in plain.items()},
        {name: new for name, (_, new) in plain.items()},
        {name: list(pair) for name, pair in differing.items() if name in PERSONAL},
    )


class OwnerOnly(Forbidden):
    code, text = "OWNER_ONLY", N_("Only an owner adds or changes admins.")


class OwnOwnership(Conflict):
    code, text = "OWN_OWNERSHIP", N_("You cannot stop being an owner by yourself. Another owner can do it.")


class OwnAccount(Conflict):
    code, text = "OWN_ACCOUNT", N_("You cannot disable yourself. Another owner can do it.")


class LastOwner(Conflict):
    code, text = "LAST_OWNER", N_("The institute needs an owner. Make somebody else one first.")


class PersonDisabled(Conflict):
    code, text = "PERSON_DISABLED", N_("{name} is disabled. Enable them first.")


class StillLinked(Conflict):
    """The role cannot go while links to children or parents hang on it."""

    code, text = "STILL_LINKED", N_("{name} is linked as a parent or child. Unlink them first.")


class NotAParent(Conflict):
    code, text = "NOT_A_PARENT", N_("{name} does not have the role of a parent.")


class AlreadyLinked(Conflict):
    code, text = "ALREADY_LINKED", N_("They are linked already.")


class OwnParent(Invalid):
    code, text = "OWN_PARENT", N_("A person cannot be their own parent.")


class NotAStudent(Invalid):
    code, text = "NOT_A_STUDENT", N_("Only a student can be linked to a parent.")


class RollNoTaken(FieldConflict):
    code, text = "ROLL_NO_TAKEN", N_("Another student has this roll number.")
