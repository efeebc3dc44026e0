"""Registering, making and revoking invites, approving and declining.

A code is `<institute's code>-XXXX-XXXX`: 40 random bits, of which a hash is kept. Each look-up counts against the
limits below: at an institute's pace of one a second, a year of tries meets one of 100 open invites in 1 of 350 years.
"""

import contextlib
import secrets
from datetime import datetime, timedelta

import msgspec

from kaksha.accounts import service as accounts
from kaksha.accounts.models import Account, Role, User
from kaksha.batches import service as batches
from kaksha.batches.models import NewEnrolment
from kaksha.codes import service as codes
from kaksha.core import audit
from kaksha.core.db import Actor, Write
from kaksha.core.errors import Forbidden, Invalid, NotFound
from kaksha.core.http import Core, Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.limits import Limit, take
from kaksha.core.passwords import hash_password, verify_password
from kaksha.institutes.models import Fields, tidy
from kaksha.institutes.service import may
from kaksha.joining import models, queries
from kaksha.joining.models import LETTERS, Comer, Door, NewInvite, Register
from kaksha.notifications.service import notify
from kaksha.people import service as people
from kaksha.people.models import ChildLink, NewPerson, Row, StudentPart

LIFE = timedelta(days=7)
MOST_USES = 500
_SECOND_PRESS = timedelta(minutes=2)
_REQUIRED = N_("This is required.")

_LOOKS = Limit("join-address", 120, timedelta(seconds=2))
"""Per address, behind which a whole class may sit."""
_LOOKS_INSTITUTE = Limit("join-institute", 600, timedelta(seconds=1))
_WAITING = Limit("join-waiting", 300, timedelta(seconds=30))
"""Per institute: people who come with its code alone."""
_REACH = Limit("join-reach", 5, timedelta(minutes=10))
"""Per e-mail or phone that is given, whether anybody has it or not: nobody is buried under verification mails."""


# --- registering ---------------------------------------------------------------------------------------------


async def look(core: Core, code: str, address: str, *, good: bool = True) -> Door:
    """What a code opens: an institute's own, or an invite's that is (for `good`) fit for use.

    Counts, whatever it finds. Raises InviteNotGood or TooMany.
    """
    code, now, invite = models.tidy_code(code), core.db.clock(), None
    async with core.db.read(None) as conn:
        await take(conn, _LOOKS, address, now)
    institute_id = await accounts.institute_of_code(core.db, code)
    secret = None
    if institute_id is None:
        prefix, secret = models.code_parts(code) or ("", "")
        institute_id = await accounts.institute_of_code(core.db, prefix)
    if institute_id is None:
        raise models.InviteNotGood
    async with core.db.read(institute_id) as conn:
        if secret is not None:
            await take(conn, _LOOKS_INSTITUTE, str(institute_id), now)
            hashes = models.code_hashes(core.keys, institute_id, secret)
            invite = await queries.known(conn, institute_id, hashes, now)
            if invite is None or (good and not invite.good):
                raise models.InviteNotGood
        institute = await queries.institute(conn, institute_id)
    assert institute is not None
    return Door(institute, invite, invite.code_hash if invite else None)


async def register(core: Core, body: Register, address: str, language: str, request_id: str) -> Comer:
    """Adds the person who registers: active with an invite, else waiting for approval.

    1. The code is looked up; what is wrong with an invite is never told.
    2. Every bad field is named at once. Whether somebody has this e-mail or phone is not asked: families share them.
    3. In one transaction, with the invite held: a second press is found, the use is counted, the person added, put into
       the batch or linked to the child, and the verification mail asked for.

    A second press is the same name, e-mail, phone, role and password by the same code within two minutes: it answers
    the same person. Without the password anybody could sign in as whoever registered just now.

    Raises InviteNotGood, InviteNeeded, Invalid, TooMany, or BatchFull, BatchOver and the like.
    """
    door = await _door(core, body, address)
    role = body.role or (door.invite.role if door.invite else None)
    if door.invite is None and role in ("teacher", "admin"):
        raise models.InviteNeeded
    try:
        new = _person(door, body, role, language)
    except Invalid as error:
        if door.invite is not None and not door.invite.good:
            raise models.InviteNotGood from error
        raise
    async with core.db.read(None) as conn:
        for reach in filter(None, (new.email, new.phone)):
            await take(conn, _REACH, reach, core.db.clock())
        if door.invite is None:
            await take(conn, _WAITING, str(door.institute.id), core.db.clock())
    password_hash = await hash_password(body.password)
    async with core.db.write(door.institute.id, Actor(None, request_id)) as tx:
        return await _let_in(tx, door, new, body, password_hash)


async def _let_in(tx: Write, door: Door, new: Row, body: Register, password_hash: str) -> Comer:
    await queries.hold_comer(tx.conn, tx.institute_id, f"{new.name}/{new.email}/{new.phone}")
    invite = None
    if door.code_hash is not None:
        await queries.hold_invite(tx.conn, tx.institute_id, door.code_hash)
        invite = await queries.known(tx.conn, tx.institute_id, [door.code_hash], tx.now)
    before = await queries.came_just_now(
        tx.conn, tx.institute_id, invite.id if invite else None, new.name, new.email, new.phone, new.roles[0],
        tx.now - _SECOND_PRESS,
    )  # fmt: skip
    for row in before:
        if await verify_password(body.password, row["password_hash"]):
            return _comer(door, row["id"], new, row["password_hash"])
    if door.code_hash is None:
        person_id = await people.admit(tx, new, password_hash, status="pending")
        office = await queries.office(tx.conn, tx.institute_id)
        await notify(tx, models.ASKED, to=office, about=person_id, facts={"name": new.name})
    elif invite is None or not invite.good:
        raise models.InviteNotGood
    else:
        person_id = await _by_invite(tx, invite, new, body, password_hash)
    comer = _comer(door, person_id, new, password_hash)
    await codes.ask_verification(tx, comer.account)
    return comer


async def _by_invite(tx: Write, invite: models.Known, new: Row, body: Register, password_hash: str) -> UUID:
    relation = invite.relation or body.relation or "guardian"
    children = [] if invite.student_id is None else [ChildLink(invite.student_id, relation)]
    person_id = await people.admit(tx, new, password_hash, children)
    await queries.use_invite(tx.conn, tx.institute_id, invite.id, person_id, tx.now)
    mine = Write(tx.conn, tx.institute_id, Actor(person_id, tx.actor.request_id), tx.now, tx.keys)
    await audit.record(mine, "invite.used", invite.id, after={"userId": person_id})
    if invite.batch_id is not None:
        await batches.enrol(mine, invite.batch_id, NewEnrolment(person_id))
    return person_id


async def _door(core: Core, body: Register, address: str) -> Door:
    """What the code of a registration opens; one of the two kinds is never taken for the other."""
    if (body.invite_code is None) == (body.institute_code is None):
        raise Invalid({"inviteCode": [N_("Give either an invite code or an institute code.")]})
    with contextlib.suppress(models.InviteNotGood):
        door = await look(core, body.invite_code or body.institute_code or "", address, good=False)
        if (door.invite is None) == (body.invite_code is None):
            return door
    if body.invite_code is not None:
        raise models.InviteNotGood
    raise Invalid({"instituteCode": [N_("No institute has this code.")]})


def _person(door: Door, body: Register, role: Role | None, language: str) -> Row:
    """The person who registers. Raises Invalid with every bad field."""
    fields, invite = Fields(), door.invite
    if role is None:
        fields.wrong("role", _REQUIRED)
    elif invite is not None and role != invite.role:
        fields.wrong("role", N_("The invite is for somebody else."))
    grade = body.grade
    if not grade and invite is not None and invite.course is not None:
        grade = invite.course[:40]
    given = NewPerson(
        name=body.name, roles=[role or "parent"], email=body.email or None, phone=body.phone or None,
        password=body.password or None, language=body.language or ("hi" if language == "hi" else "en"),
        student=StudentPart(grade=grade or None) if role == "student" else None,
    )  # fmt: skip
    new = people.person_of(fields, given)
    if not body.password:
        fields.wrong("password", _REQUIRED)
    if given.email is None and given.phone is None and "email" not in fields.problems:
        fields.wrong("email", N_("Give an e-mail or a phone number to sign in with."))
    if "student.grade" in fields.problems:
        fields.problems["grade"] = fields.problems.pop("student.grade")
    fields.check()
    return new


def _comer(door: Door, person_id: UUID, new: Row, password_hash: str) -> Comer:
    institute = door.institute
    account = Account(
        id=person_id, institute_id=institute.id, name=new.name, email=new.email, phone=new.phone, roles=new.roles,
        permissions=[], status="active" if door.invite else "pending", language=new.language, theme="system",
        zone=institute.zone, institute_name=institute.name, password_hash=password_hash,
    )  # fmt: skip
    user = User(person_id, new.name, new.email, new.phone, new.roles, institute.id, None, new.language)
    return Comer(account, user)


# --- invites -------------------------------------------------------------------------------------------------


def may_invite(me: Principal, role: Role) -> bool:
    """Whether this admin invites people of a role: whom they could add by hand, and teachers with the academics."""
    return people.may_change(me, [role]) and (role != "teacher" or may(me, "academics"))


async def make(tx: Write, me: Principal, body: NewInvite) -> tuple[UUID, str]:
    """A new invite, and its code, which is kept nowhere. Raises Forbidden, OwnerOnly or Invalid."""
    _check_rights(me, body.role)
    if body.batch_id is not None and not may(me, "academics"):
        raise Forbidden  # whoever may not enrol by hand does not do it by invite
    fields = Fields()
    expires_at = _expires_at(fields, body.expires_at, tx.now)
    new = msgspec.structs.replace(
        body, uses=fields.number("uses", body.uses, 1, MOST_USES), label=fields.lines("label", tidy(body.label), 80)
    )
    if new.batch_id is not None:
        open_batches = await queries.open_batches(tx.conn, tx.institute_id, tx.now)
        if new.role != "student":
            fields.wrong("batchId", N_("Goes with that role only."))
        elif new.batch_id not in {batch.id for batch in open_batches}:
            fields.wrong("batchId", N_("Is not a batch of this institute that can be joined."))
    if new.student_id is not None:
        if new.role != "parent":
            fields.wrong("studentId", N_("Goes with that role only."))
        elif await queries.student(tx.conn, tx.institute_id, new.student_id) is None:
            fields.wrong("studentId", N_("Is not a student of this institute."))
    elif new.relation is not None:
        fields.wrong("relation", N_("Goes with a child only."))
    fields.check()
    invite_id, secret = new_id(), "".join(secrets.choice(LETTERS) for _ in range(8))
    hashed = models.code_hashes(tx.keys, tx.institute_id, secret)[0]
    await queries.insert_invite(tx.conn, tx.institute_id, invite_id, hashed, new, expires_at, me.user_id, tx.now)
    about = {name: value for name, value in msgspec.structs.asdict(new).items() if value not in (None, "")}
    await audit.record(tx, "invite.created", invite_id, after=about | {"expires_at": expires_at})
    institute = await queries.institute(tx.conn, tx.institute_id)
    assert institute is not None
    return invite_id, f"{institute.code}-{secret[:4]}-{secret[4:]}"


async def revoke(tx: Write, me: Principal, invite_id: UUID) -> None:
    """Ends an invite; who came by it stays. Doing it twice changes nothing. Raises NotFound, Forbidden or OwnerOnly."""
    found = await queries.invite(tx.conn, tx.institute_id, invite_id, tx.now)
    if found is None:
        raise NotFound
    _check_rights(me, msgspec.json.decode(found, type=models.Invite).role)
    if await queries.revoke_invite(tx.conn, tx.institute_id, invite_id, tx.now):
        await audit.record(tx, "invite.revoked", invite_id)


def link(core: Core, code: str) -> str:
    """The address that a code is handed on as."""
    return f"{core.settings.api_base_url}/join/{code}"


def _check_rights(me: Principal, role: Role) -> None:
    people.check_rights(me, [role])
    if not may_invite(me, role):
        raise Forbidden


def _expires_at(fields: Fields, given: datetime | None, now: datetime) -> datetime:
    if given is not None and not now < given <= now + timedelta(days=366):
        fields.wrong("expiresAt", N_("Must be within the next year."))
    return given or now + LIFE


# --- who waits -----------------------------------------------------------------------------------------------


async def approve(tx: Write, me: Principal, person_id: UUID) -> None:
    """Lets somebody in who waits. Raises NotFound, Forbidden or NotWaiting."""
    await _hold_waiting(tx, me, person_id)
    await people.enable(tx, me, person_id)
    await notify(tx, models.APPROVED, to=[person_id], about=person_id)


async def decline(tx: Write, me: Principal, person_id: UUID, reason: str) -> None:
    """Keeps somebody out who waits; the reason goes into the audit log. Raises NotFound, Forbidden or NotWaiting."""
    await _hold_waiting(tx, me, person_id)
    fields = Fields()
    reason = fields.line("reason", reason, 200)
    fields.check()
    await people.disable(tx, me, person_id)
    await audit.record(tx, "person.declined", person_id, person_id=person_id, personal={"reason": reason})


async def _hold_waiting(tx: Write, me: Principal, person_id: UUID) -> None:
    people.check_rights(me)
    status = await queries.hold_waiting(tx.conn, tx.institute_id, person_id)
    if status is None:
        raise NotFound
    if status != "pending":
        raise models.NotWaiting
