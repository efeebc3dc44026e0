"""Adding, changing, disabling and linking people.

Who may: an admin who minds the desk or the academics; for admins (and whoever becomes one), an owner only, since
whoever can change an admin's e-mail or password can become that admin.
"""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from kaksha.accounts import service as accounts
from kaksha.accounts.models import Role
from kaksha.codes import service as codes
from kaksha.core import audit
from kaksha.core.db import Write
from kaksha.core.errors import AppError, Forbidden, NotFound
from kaksha.core.http import Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.passwords import hash_password, password_problems
from kaksha.institutes.models import Fields, tidy
from kaksha.people import models, queries
from kaksha.people.models import ROLES, ChildLink, Kept, NewPerson, PersonChange, Row, Status, StudentPart, changed
from kaksha.sessions import service as sessions

_REQUIRED = N_("This is required.")
_NOT_A_STUDENT = N_("Is not a student of this institute.")
_NOBODY = Row(name="", email=None, phone=None, roles=[], permissions=[], language="en")
_IN_THE_SIGN_IN = frozenset({"name", "language", "roles", "permissions"})
"""What sessions and tokens remember of a person."""


def may_manage(me: Principal) -> bool:
    """Whether this admin adds and changes people."""
    return me.is_admin and bool(me.permissions & {"desk", "academics", "owner"})


def may_change(me: Principal, roles: Sequence[Role]) -> bool:
    """Whether this admin changes a person who has, or shall have, these roles."""
    return may_manage(me) and ("admin" not in roles or "owner" in me.permissions)


async def create(tx: Write, me: Principal, body: NewPerson) -> UUID:
    """Adds a person and links a parent's children. Raises Forbidden, OwnerOnly, Invalid or RollNoTaken."""
    check_rights(me, body.roles, body.permissions)
    fields = Fields()
    new = person_of(fields, body)
    password_hash = None if body.password is None or fields.problems else await hash_password(body.password)
    await _check_children(tx, fields, body)
    return await admit(tx, new, password_hash, body.children, fields=fields)


async def admit(
    tx: Write, new: Row, password_hash: str | None, children: Sequence[ChildLink] = (), *,
    status: Status = "active", fields: Fields | None = None,
) -> UUID:  # fmt: skip
    """Adds a person of `person_of`; who may, the caller has decided. Raises Invalid or RollNoTaken."""
    new = await _with_roll_no(tx, fields or Fields(), new, None)
    person_id = new_id()
    await queries.insert_person(tx.conn, tx.institute_id, person_id, new, password_hash, status, tx.now)
    await queries.save_roles(tx.conn, tx.institute_id, person_id, new, tx.now)
    await audit.record(
        tx, "person.created", person_id, after=changed(_NOBODY, new)[1] | {"status": status}, person_id=person_id,
        personal={"name": new.name, "email": new.email, "phone": new.phone},
    )  # fmt: skip
    for child in children:
        await _insert_link(tx, person_id, child)
    return person_id


async def change(tx: Write, me: Principal, person_id: UUID, body: PersonChange) -> None:
    """Changes a person; what is absent stays.

    1. The owners are held first where one could go, then the person: whoever changes the same ones waits.
    2. Rights are checked against the person as kept and as they would be, then all fields at once.
    3. The rows are written, and the change is audited.
    4. What processes remember of their sign-ins is read anew; a new password ends the sign-ins.

    Raises NotFound, Forbidden, OwnerOnly, OwnOwnership, LastOwner, PersonDisabled, StillLinked, Invalid or RollNoTaken.
    """
    owners = set[UUID]()
    if body.roles is not None or body.permissions is not None:
        owners = await queries.owners(tx.conn, tx.institute_id)
    before = await _kept(tx, person_id)
    check_rights(me, [*before.roles, *(body.roles or ())], body.permissions)
    _check_enabled(before)
    fields = Fields()
    after = person_of(fields, body, before)
    # Made before anything but the person is held: it takes its time.
    password_hash = None if body.password is None or fields.problems else await hash_password(body.password)
    after = await _with_roll_no(tx, fields, after, before)
    if "owner" in before.permissions and "owner" not in after.permissions:
        _check_owner_goes(me, person_id, owners, models.OwnOwnership)
    await _check_links(tx, before, after)
    old, new, personal = changed(before, after)
    if password_hash:
        new["passwordSet"] = True
    if not new and not personal:
        return
    await queries.update_person(tx.conn, tx.institute_id, person_id, after, password_hash, tx.now)
    await queries.save_roles(tx.conn, tx.institute_id, person_id, after, tx.now)
    await audit.record(tx, "person.changed", person_id, before=old, after=new, person_id=person_id, personal=personal)
    if password_hash:
        await sessions.end_sessions(tx, person_id, None, "password set by the institute")
    elif _IN_THE_SIGN_IN & (new.keys() | personal.keys()):
        await sessions.refresh_sign_ins(tx, person_id)


async def disable(tx: Write, me: Principal, person_id: UUID) -> None:
    """Keeps a person out and ends all their sign-ins.

    Raises NotFound, Forbidden, OwnerOnly, OwnAccount or LastOwner.
    """
    owners = await queries.owners(tx.conn, tx.institute_id)
    before = await _kept(tx, person_id)
    check_rights(me, before.roles)
    if before.status == "disabled":
        return
    if person_id == me.user_id:
        raise models.OwnAccount
    if "owner" in before.permissions:
        _check_owner_goes(me, person_id, owners, models.OwnAccount)
    await _set_status(tx, before, "disabled")
    await sessions.end_sessions(tx, person_id, None, "disabled by the institute")


async def enable(tx: Write, me: Principal, person_id: UUID) -> None:
    """Lets a person in again, or for the first time if they were waiting. Raises NotFound, Forbidden or OwnerOnly."""
    before = await _kept(tx, person_id)
    check_rights(me, before.roles)
    if before.status != "active":
        await _set_status(tx, before, "active")


async def link(tx: Write, me: Principal, parent_id: UUID, body: ChildLink) -> None:
    """Links a child to a parent.

    Raises NotFound, Forbidden, OwnParent, NotAParent, NotAStudent, PersonDisabled or AlreadyLinked.
    """
    parent = await _kept(tx, parent_id)
    check_rights(me)
    if body.student_id == parent_id:
        raise models.OwnParent({"studentId": [models.OwnParent.text]})
    if "parent" not in parent.roles:
        raise models.NotAParent(name=parent.name)
    _check_enabled(parent)
    student = await queries.kept(tx.conn, tx.institute_id, body.student_id)
    if student is None or "student" not in student.roles:
        raise models.NotAStudent({"studentId": [_NOT_A_STUDENT]})
    _check_enabled(student)
    await _insert_link(tx, parent_id, body)


async def unlink(tx: Write, me: Principal, parent_id: UUID, student_id: UUID) -> None:
    """Ends the link of a parent and a child. Raises NotFound or Forbidden."""
    check_rights(me)
    relation = await queries.delete_link(tx.conn, tx.institute_id, parent_id, student_id)
    if relation is None:
        raise NotFound
    await audit.record(tx, "parent.unlinked", parent_id, before={"studentId": student_id, "relation": relation})


# --- who may, and whom ---------------------------------------------------------------------------------------


def check_rights(me: Principal, roles: Sequence[Role] = (), permissions: object = None) -> None:
    """Raises Forbidden, or OwnerOnly, when this admin may not give or change what is named."""
    if not may_manage(me):
        raise Forbidden
    if (permissions or "admin" in roles) and "owner" not in me.permissions:
        raise models.OwnerOnly


def _check_owner_goes(me: Principal, person_id: UUID, owners: set[UUID], own: type[AppError]) -> None:
    """An owner goes by another's hand only, and only while another one stays."""
    if person_id == me.user_id:
        raise own
    if not owners - {person_id}:
        raise models.LastOwner


def _check_enabled(person: Kept) -> None:
    if person.status == "disabled":
        raise models.PersonDisabled(name=person.name)


async def _check_links(tx: Write, before: Kept, after: Row) -> None:
    gone = set(before.roles) - set(after.roles)
    for role in gone & {"parent", "student"}:
        if await queries.link_count(tx.conn, tx.institute_id, before.id, as_parent=role == "parent"):
            raise models.StillLinked(name=before.name)


async def _kept(tx: Write, person_id: UUID) -> Kept:
    found = await queries.kept(tx.conn, tx.institute_id, person_id)
    if found is None:
        raise NotFound
    return found


async def _set_status(tx: Write, before: Kept, status: Status) -> None:
    await queries.set_status(tx.conn, tx.institute_id, before.id, status, tx.now)
    action = "person.disabled" if status == "disabled" else "person.enabled"
    await audit.record(tx, action, before.id, before={"status": before.status}, after={"status": status})
    if before.status == "pending":
        await codes.tell_decision(tx, before.id, admitted=status == "active")


async def _insert_link(tx: Write, parent_id: UUID, child: ChildLink) -> None:
    if not await queries.insert_link(tx.conn, tx.institute_id, parent_id, child, tx.now):
        raise models.AlreadyLinked
    await audit.record(
        tx, "parent.linked", parent_id, after={"studentId": child.student_id, "relation": child.relation}
    )


# --- what is given -------------------------------------------------------------------------------------------


def person_of(fields: Fields, body: NewPerson | PersonChange, before: Kept | None = None) -> Row:
    """The person as the body makes them out of what they were; what is wrong goes to `fields`, also of a password."""
    was = before or _NOBODY
    name = was.name if body.name is None else fields.line("name", body.name, 120)
    email = was.email if body.email is UNSET else body.email
    if email is not None and email != was.email:
        email = fields.normal("email", tidy(email), accounts.normal_email)
    phone = was.phone if body.phone is UNSET else body.phone
    if phone is not None and phone != was.phone:
        phone = fields.normal("phone", tidy(phone), accounts.normal_phone)
    roles: list[Role] = was.roles if body.roles is None else [role for role in ROLES if role in body.roles]
    if not roles:
        fields.wrong("roles", _REQUIRED)
    if email is None and phone is None and (roles != ["student"] or body.password):
        fields.wrong("email", N_("Give an e-mail or a phone number to sign in with."))
    if body.permissions and "admin" not in roles:
        fields.wrong("permissions", N_("Only an admin has rights."))
    permissions = was.permissions if body.permissions is None else sorted(set(body.permissions))
    title = was.title
    if body.teacher is not None and _goes_with(fields, "teacher", roles) and body.teacher.title is not None:
        title = fields.lines("teacher.title", tidy(body.teacher.title), 80)
    student = _student(fields, body.student, roles, was)
    for why in password_problems(body.password, name, email, phone) if body.password is not None else ():
        fields.wrong("password", why)
    return Row(
        name=name, email=email, phone=phone, roles=roles, permissions=permissions if "admin" in roles else [],
        language=body.language or was.language, title=title or ("" if "teacher" in roles else None),
        roll_no=student.roll_no, grade=student.grade, joined_on=student.joined_on,
    )  # fmt: skip


def _student(fields: Fields, part: StudentPart | None, roles: list[Role], was: Row) -> StudentPart:
    if "student" not in roles:
        if part is not None:
            _goes_with(fields, "student", roles)
        return StudentPart(was.roll_no, was.grade, was.joined_on)
    part = part or StudentPart()
    roll_no = was.roll_no if part.roll_no is None else fields.line("student.rollNo", part.roll_no, 20)
    grade = was.grade if part.grade is None else fields.line("student.grade", part.grade, 40)
    if grade is None:
        fields.wrong("student.grade", _REQUIRED)
    return StudentPart(roll_no, grade, part.joined_on or was.joined_on)


def _goes_with(fields: Fields, role: Role, roles: list[Role]) -> bool:
    """Whether the person has the role that this part of the body is about."""
    if role not in roles:
        fields.wrong(role, N_("Goes with that role only."))
    return role in roles


async def _check_children(tx: Write, fields: Fields, body: NewPerson) -> None:
    if not body.children:
        return
    if "parent" not in body.roles:
        fields.wrong("children", N_("Goes with that role only."))
    found = await queries.students_among(tx.conn, tx.institute_id, [child.student_id for child in body.children])
    seen = set[UUID]()
    for place, child in enumerate(body.children):
        if child.student_id in seen:
            fields.wrong(f"children.{place}.studentId", N_("Is named twice."))
        elif found.get(child.student_id) is None:
            fields.wrong(f"children.{place}.studentId", _NOT_A_STUDENT)
        elif found[child.student_id] == "disabled":
            fields.wrong(f"children.{place}.studentId", N_("Is disabled."))
        seen.add(child.student_id)


async def _with_roll_no(tx: Write, fields: Fields, new: Row, before: Kept | None) -> Row:
    """The person with a roll number of their own, if a student. Raises all that is wrong with the body."""
    if "student" not in new.roles or (before is not None and new.roll_no is not None and new.roll_no == before.roll_no):
        fields.check()
        return new
    await queries.hold_roll_numbers(tx.conn, tx.institute_id)
    roll_no = new.roll_no or await queries.next_roll_no(tx.conn, tx.institute_id)
    holder = await queries.roll_no_holder(tx.conn, tx.institute_id, roll_no)
    taken = holder is not None and (before is None or holder != before.id)
    fields.check(models.RollNoTaken({"student.rollNo": [models.RollNoTaken.text]}) if taken else None)
    return msgspec.structs.replace(new, roll_no=roll_no)
