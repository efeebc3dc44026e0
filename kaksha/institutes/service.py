"""Changing the institute and its subjects.

Whoever changes the catalogue (subjects, batches and what they teach) first holds the institute's row: so what was
checked, a free code for instance, still holds when it is written.
"""

import re
from typing import Any
from zoneinfo import available_timezones

import msgspec
import phonenumbers

from kaksha.core import audit
from kaksha.core.db import Write
from kaksha.core.errors import Conflict, NotFound
from kaksha.core.http import Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.live import tell
from kaksha.institutes import queries
from kaksha.institutes.models import (
    FieldConflict,
    Fields,
    Institute,
    InstituteChange,
    NewRoom,
    NewSubject,
    Room,
    RoomChange,
    Subject,
    SubjectChange,
    changes,
)  # fmt: skip

_GSTIN = re.compile(r"[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]")


class SubjectTaken(FieldConflict):
    """Another subject has this name or code."""

    code, text = "SUBJECT_TAKEN", N_("Another subject has this name or code.")


class SubjectInUse(Conflict):
    code, text = "SUBJECT_IN_USE", N_("These batches still teach it: {batches}. Take it out of them first.")


class RoomTaken(FieldConflict):
    code, text = "ROOM_TAKEN", N_("Another room has this name.")


class RoomInUse(Conflict):
    code, text = "ROOM_IN_USE", N_("Classes are planned there ({n}). Move them to another room first.")


def viewer(me: Principal) -> UUID | None:
    """Whose view of the institute a list is; None, for admins, is all of it."""
    return None if me.is_admin else me.user_id


def may(me: Principal, permission: str) -> bool:
    """Whether the policy `allow("admin", permission=…)` lets this person through; pages hide what it does not."""
    return me.is_admin and bool({permission, "owner"} & me.permissions)


async def hold(tx: Write) -> Institute:
    """The institute, held until the transaction ends."""
    found = await queries.institute_for_change(tx.conn, tx.institute_id)
    if found is None:
        raise NotFound
    return found


async def change(tx: Write, body: InstituteChange) -> None:
    """Changes what the body names. Raises Invalid with every bad field."""
    before = await hold(tx)
    given = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}
    fields = Fields()
    norms = {"phone": _phone, "email": _email, "gstin": _gstin}
    for name, value in given.items():
        if name == "name":
            given[name] = fields.line(name, value, 120)
        elif name == "address":
            given[name] = fields.lines(name, value or "", 400)
        elif name == "zone" and not await _is_zone(tx, value):
            fields.wrong(name, N_("Is not a time zone we know."))
        elif name in norms and value is not None:
            given[name] = fields.normal(name, value, norms[name])
    fields.check()
    after = msgspec.structs.replace(before, **given)
    if after == before:
        return
    await queries.save_institute(tx.conn, tx.institute_id, after, tx.now)
    old, new = changes(before, after)
    await audit.record(tx, "institute.changed", tx.institute_id, before=old, after=new)
    if {"name", "zone"} & new.keys():  # what every page's frame shows
        await tell(tx.conn, "institute", {"id": tx.institute_id})


async def add_subject(tx: Write, body: NewSubject) -> UUID:
    """A new subject. Raises Invalid or SubjectTaken."""
    await hold(tx)
    new = await _checked(tx, new_id(), body.name, body.code)
    await queries.insert_subject(tx.conn, tx.institute_id, new, tx.now)
    await audit.record(tx, "subject.created", new.id, after={"name": new.name, "code": new.code})
    return new.id


async def change_subject(tx: Write, subject_id: UUID, body: SubjectChange) -> None:
    """Changes what the body names. Raises NotFound, Invalid or SubjectTaken."""
    before = await _subject(tx, subject_id)
    name = before.name if body.name is msgspec.UNSET else body.name
    code = before.code if body.code is msgspec.UNSET else body.code
    after = await _checked(tx, subject_id, name, code)
    if after == before:
        return
    await queries.save_subject(tx.conn, tx.institute_id, after, tx.now)
    old, new = changes(before, after)
    await audit.record(tx, "subject.changed", subject_id, before=old, after=new)


async def archive_subject(tx: Write, subject_id: UUID) -> None:
    """Takes a subject out of use; past work keeps it. Raises NotFound, or SubjectInUse with the batches' names."""
    before = await _subject(tx, subject_id)
    teaching = await queries.batches_teaching(tx.conn, tx.institute_id, subject_id, tx.now)
    if teaching:
        raise SubjectInUse(batches=", ".join(teaching))
    await queries.archive_subject(tx.conn, tx.institute_id, subject_id, tx.now)
    gone: dict[str, Any] = {"name": before.name, "code": before.code}
    await audit.record(tx, "subject.archived", subject_id, before=gone)


async def add_room(tx: Write, body: NewRoom) -> UUID:
    """A new room. Raises Invalid or RoomTaken."""
    await hold(tx)
    new = await _checked_room(tx, Room(new_id(), body.name, body.capacity))
    await queries.save_room(tx.conn, tx.institute_id, new, tx.now)
    await audit.record(tx, "room.created", new.id, after={"name": new.name, "capacity": new.capacity})
    return new.id


async def change_room(tx: Write, room_id: UUID, body: RoomChange) -> None:
    """Changes what the body names. Raises NotFound, Invalid or RoomTaken."""
    before = await _room(tx, room_id)
    given = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}
    after = await _checked_room(tx, msgspec.structs.replace(before, **given))
    if after == before:
        return
    await queries.save_room(tx.conn, tx.institute_id, after, tx.now)
    old, new = changes(before, after)
    await audit.record(tx, "room.changed", room_id, before=old, after=new)


async def archive_room(tx: Write, room_id: UUID) -> None:
    """Takes a room out of use; past classes keep it. Raises NotFound, or RoomInUse while something is planned there."""
    before = await _room(tx, room_id)
    planned = await queries.classes_in(tx.conn, tx.institute_id, room_id, tx.now)
    if planned:
        raise RoomInUse(n=planned)
    await queries.archive_room(tx.conn, tx.institute_id, room_id, tx.now)
    await audit.record(tx, "room.archived", room_id, before={"name": before.name, "capacity": before.capacity})


async def _room(tx: Write, room_id: UUID) -> Room:
    await hold(tx)
    found = await queries.room(tx.conn, tx.institute_id, room_id)
    if found is None:
        raise NotFound
    return found


async def _checked_room(tx: Write, given: Room) -> Room:
    """A room that may be written. Raises Invalid or RoomTaken."""
    fields = Fields()
    new = Room(given.id, fields.line("name", given.name, 60), fields.number("capacity", given.capacity, 1, 1000))
    taken = await queries.room_name_taken(tx.conn, tx.institute_id, new)
    fields.check(RoomTaken({"name": [RoomTaken.text]}) if taken else None)
    return new


async def _subject(tx: Write, subject_id: UUID) -> Subject:
    await hold(tx)
    found = await queries.subject_row(tx.conn, tx.institute_id, subject_id)
    if found is None:
        raise NotFound
    return found


async def _checked(tx: Write, subject_id: UUID, name: str, code: str) -> Subject:
    """A subject that may be written. Raises Invalid or SubjectTaken."""
    fields = Fields()
    new = Subject(subject_id, fields.line("name", name, 80), fields.line("code", code, 12))
    taken = await queries.subjects_like(tx.conn, tx.institute_id, new)
    whys: dict[str, list[str]] = {}
    if taken["name"]:
        whys["name"] = [N_("Another subject has this name.")]
    if taken["code"]:
        whys["code"] = [N_("Another subject has this code.")]
    fields.check(SubjectTaken(whys) if whys else None)
    return new


def _phone(text: str) -> str:
    """An office's number in E.164 (landlines too), read as Indian when it names no country."""
    try:
        number = phonenumbers.parse(text, "IN")
    except phonenumbers.NumberParseException:
        raise ValueError(N_("Is not a phone number.")) from None
    if not phonenumbers.is_valid_number(number):
        raise ValueError(N_("Is not a phone number."))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _email(text: str) -> str:
    email = text.strip().lower()
    name, _, host = email.rpartition("@")
    if not name or "." not in host or len(email) > 254 or not email.isprintable() or " " in email:
        raise ValueError(N_("Is not an e-mail address."))
    return email


def _gstin(text: str) -> str:
    gstin = "".join(text.split()).upper()
    if not _GSTIN.fullmatch(gstin):
        raise ValueError(N_("Is not a GSTIN: it has 15 letters and digits, such as 27AAPFU0939F1ZV."))
    return gstin


async def _is_zone(tx: Write, name: str) -> bool:
    """Python's list also holds names of single machines ("localtime"), which have no slash."""
    known = name in available_timezones() and ("/" in name or name == "UTC")
    return known and await queries.knows_zone(tx.conn, name)
