"""Marking a class, correcting it, and telling parents.

The class is held while it is marked, so two who mark it at once do so one after the other, and row by row the mark that
was taken later holds. Clocks of phones are not believed: with `sentAt` they are reckoned with, and no mark counts as
taken before the class began or later than now.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast, get_args

import msgspec

from kaksha.attendance import queries
from kaksha.attendance.models import (
    ABSENT,
    CORRECTED,
    LATE,
    Given,
    Mark,
    MarkBody,
    Marked,
    MarkResult,
    RulesChange,
    Status,
    TeacherMark,
)  # fmt: skip
from kaksha.classes import service as classes
from kaksha.classes.models import ClassRow
from kaksha.core import audit
from kaksha.core.db import Row, Write
from kaksha.core.errors import Forbidden, NotFound
from kaksha.core.http import Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID
from kaksha.institutes.models import Fields, changes, tidy
from kaksha.institutes.service import may
from kaksha.notifications.service import notify, withdraw

_STATUSES = frozenset(get_args(Status))
_MOST_NOTE = 200
_STILL_NEWS = timedelta(days=2)
"""Parents are told of absences in classes that began within this time; who fills in last week's book alarms nobody."""
_KINDS = {"absent": ABSENT, "late": LATE}


async def mark(
    tx: Write, me: Principal, class_id: UUID, body: TeacherMark | MarkBody, teacher_id: UUID | None = None
) -> MarkResult:
    """Marks students of a class that was held; all of it or, when a row cannot be, nothing.

    1. hold the class and see who was in it; 2. check every row, and which of them were sent before; 3. write; 4. take
    back and send notices; 5. audit. `teacher_id`: only as a class that this teacher gives. Raises NotFound, Forbidden,
    ClassNotHeld or Invalid with every bad row.
    """
    row, names = await _held(tx, me, class_id, teacher_id)
    given, fresh = await _checked(tx, row, names, body)
    rules = await queries.rules(tx.conn, tx.institute_id)
    news = tx.now - row.starts_at <= _STILL_NEWS
    assert tx.actor.user_id is not None
    written = await queries.mark(tx.conn, tx.institute_id, class_id, given, tx.actor.user_id, tx.now, news)
    if fresh:
        await queries.insert_sent(tx.conn, tx.institute_id, class_id, fresh, tx.now)
    applied = [one for one in written if one["result"] == "applied"]
    undo = timedelta(minutes=rules.undo_minutes)
    turned = [one for one in applied if one["was"] != one["status"]]  # a new note alone is no news
    told = await _tell(tx, row, names, turned, undo if news else None)
    if applied:
        before = {str(one["student_id"]): one["was"] for one in applied if one["was"] is not None}
        after = {str(one["student_id"]): one["status"] for one in applied}
        await audit.record(tx, "attendance.marked", class_id, before=before or None, after=after)
    return _result(class_id, names, written, tx.now + undo if told else None)


async def change_rules(tx: Write, body: RulesChange) -> None:
    """Changes what the institute decided. Raises Invalid with every bad field."""
    before = await queries.rules(tx.conn, tx.institute_id)
    given = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}
    fields = Fields()
    if "minimum_percent" in given:
        fields.number("minimumPercent", given["minimum_percent"], 1, 100)
    if "undo_minutes" in given:
        fields.number("undoMinutes", given["undo_minutes"], 0, 240)
    fields.check()
    after = msgspec.structs.replace(before, **given)
    if after == before:
        return
    await queries.save_rules(tx.conn, tx.institute_id, after, tx.now)
    old, new = changes(before, after)
    await audit.record(tx, "attendance.rules_changed", tx.institute_id, before=old, after=new)


def may_mark(me: Principal, teacher_id: UUID) -> bool:
    """Whether this person marks a class that this teacher gives: the teacher does, and academics."""
    return me.user_id == teacher_id or may(me, "academics")


async def _held(
    tx: Write, me: Principal, class_id: UUID, teacher_id: UUID | None
) -> tuple[ClassRow, Mapping[UUID, str]]:
    """A held class that this person may mark, and the names of who was in it."""
    if teacher_id not in (None, me.user_id) and not me.is_admin:
        raise NotFound
    try:
        row, attending = await classes.held(tx, class_id)
    except classes.ClassNotHeld:
        await _permitted(tx, me, await classes.found(tx, class_id), teacher_id)
        raise
    await _permitted(tx, me, row, teacher_id)
    return row, {student.id: student.name for student in attending}


async def _permitted(tx: Write, me: Principal, row: ClassRow, teacher_id: UUID | None) -> None:
    """Raises Forbidden for whoever may see the class but not mark it, NotFound for everybody else."""
    as_given = teacher_id is None or row.teacher_id == teacher_id
    if as_given and may_mark(me, row.teacher_id):
        return
    if me.is_admin and not as_given:
        raise NotFound
    viewer = None if me.is_admin else me.user_id
    if await queries.head(tx.conn, tx.institute_id, row.id, viewer, tx.now) is None:
        raise NotFound
    raise Forbidden


async def _checked(
    tx: Write, row: ClassRow, names: Mapping[UUID, str], body: TeacherMark | MarkBody
) -> tuple[list[Given], list[tuple[UUID, UUID | None, bytes]]]:
    """The marks that may be written, and what to note as sent. Raises Invalid with every bad row."""
    fields = Fields()
    if not body.records:
        fields.wrong("records", N_("Mark at least one student."))
    if body.class_id not in (None, row.id):
        fields.wrong("classId", N_("Is not the class of this address."))
    records = [msgspec.structs.replace(one, note=tidy(one.note)) for one in body.records]
    times = Counter(one.student_id for one in records)
    ids = [one.client_id for one in records if one.client_id is not None]
    if body.client_id is not None:
        ids.append(body.client_id)
    known = await queries.sent(tx.conn, tx.institute_id, ids) if ids else {}
    doubled = {one for one, n in Counter(ids).items() if n > 1}
    for place, one in enumerate(records):
        _check(fields, f"records.{place}", one, names, times, doubled, known, row.id)
    whole = b"".join(_digest(row.id, one) for one in records)
    call = (body.client_id, None, hashlib.sha256(whole).digest()) if body.client_id else None
    if call and known.get(call[0], call[2]) != call[2]:
        fields.wrong("clientId", N_("Was used for something else."))
    fields.check()
    again = body.client_id in known
    given = [
        Given(one.student_id, cast(Status, one.status), one.note, _taken(one, body, row, tx.now),
              again or one.client_id in known)
        for one in records
    ]  # fmt: skip
    noted: list[tuple[UUID, UUID | None, bytes]] = [
        (one.client_id, one.student_id, _digest(row.id, one)) for one in records if one.client_id is not None
    ]
    return given, [one for one in [*noted, *([call] if call else [])] if one[0] not in known]


def _check(
    fields: Fields, where: str, one: Mark, names: Mapping[UUID, str], times: Mapping[UUID, int], doubled: set[UUID],
    known: Mapping[UUID, bytes], class_id: UUID,
) -> None:  # fmt: skip
    """What is wrong with one row."""
    if one.student_id not in names:
        fields.wrong(f"{where}.studentId", N_("Was not in this class's batch on its day."))
    if times[one.student_id] > 1:
        fields.wrong(f"{where}.studentId", N_("Is marked twice here."))
    if one.status not in _STATUSES:
        fields.wrong(f"{where}.status", N_("Must be present, absent, late or excused."))
    if len(one.note) > _MOST_NOTE:
        fields.wrong(f"{where}.note", N_("Must have at most 200 characters."))
    if one.client_id is not None:
        digest = _digest(class_id, one)
        if one.client_id in doubled or known.get(one.client_id, digest) != digest:
            fields.wrong(f"{where}.clientId", N_("Was used for something else."))


def _digest(class_id: UUID, one: Mark) -> bytes:
    """What a mark says, so that an id cannot come to mean another one."""
    said = f"{class_id} {one.student_id} {one.status} {one.note}"
    return hashlib.sha256(said.encode()).digest()


def _taken(one: Mark, body: TeacherMark | MarkBody, row: ClassRow, now: datetime) -> datetime:
    """When a mark was taken, by our clock."""
    taken = one.taken_at or body.taken_at
    if taken is None:
        return now
    if body.sent_at is not None:
        off = now - body.sent_at
        try:
            taken += off
        except OverflowError:
            taken = now
    begun = min(row.starts_at, row.started_at or row.starts_at)
    return min(max(taken, begun), now)


async def _tell(
    tx: Write, row: ClassRow, names: Mapping[UUID, str], turned: Sequence[Row], after: timedelta | None
) -> bool:
    """Takes back notices that are true no more, and tells parents what now is; answers whether any will be told.

    `after` is the time to undo; None when the class is too long ago to tell anybody.
    """
    moved = [one for one in turned if one["told_absent"] or one["told_late"]]
    new = [one for one in turned if after is not None and one["status"] in _KINDS]
    concerned = {one["student_id"] for one in (*moved, *new)}
    if not concerned:
        return False
    families: dict[UUID, set[UUID]] = {student_id: set() for student_id in concerned}
    for link in await queries.parents(tx.conn, tx.institute_id, list(concerned)):
        families[link["student_id"]].add(link["parent_id"])
    rows: list[tuple[UUID, UUID, bool, bool]] = []
    for one in moved:
        rows.append(await _corrected(tx, row, names[one["student_id"]], one, families[one["student_id"]], after))
    if rows:
        await queries.set_told(tx.conn, tx.institute_id, rows)
    told = False
    for one in new:
        parents = families[one["student_id"]]
        told = told or bool(parents)
        await notify(
            tx, _KINDS[one["status"]], to=parents, about=one["id"], after=after or None,
            **_facts(row, names[one["student_id"]], one),
        )  # fmt: skip
    return told


async def _corrected(
    tx: Write, row: ClassRow, name: str, one: Row, parents: set[UUID], after: timedelta | None
) -> tuple[UUID, UUID, bool, bool]:
    """Takes back what parents were to hear; who heard it hears of the correction. Answers what they then know."""
    knows = {"absent": one["told_absent"], "late": one["told_late"]}
    heard: set[UUID] = set()
    for status in [status for status, told in knows.items() if told]:
        kept = parents - await withdraw(tx, _KINDS[status], about=one["id"])
        knows[status] = bool(kept)
        heard |= kept
    if one["status"] in _KINDS:
        knows[one["status"]] |= after is not None
    elif heard:
        await notify(tx, CORRECTED, to=heard, about=one["id"], **_facts(row, name, one))
        knows = dict.fromkeys(knows, False)
    return row.id, one["student_id"], knows["absent"], knows["late"]


def _facts(row: ClassRow, name: str, one: Row) -> dict[str, Any]:
    """What a notice says, and what its page is made of."""
    return {
        "facts": {"child": name, "subject": row.subject_name, "time": row.starts_at},
        "data": {"studentId": one["student_id"], "classId": row.id, "status": one["status"]},
    }


def _result(
    class_id: UUID, names: Mapping[UUID, str], written: Sequence[Row], told_at: datetime | None
) -> MarkResult:  # fmt: skip
    count = Counter(one["result"] for one in written)
    records = [
        Marked(one["student_id"], names[one["student_id"]], one["result"], one["status"], _iso(one["taken_at"]),
               _iso(one["marked_at"]), one["marked_by"], one["marked_by_name"])
        for one in written
    ]  # fmt: skip
    return MarkResult(class_id, count["applied"], count["unchanged"], count["superseded"],
                      _iso(told_at) if told_at else None, records)  # fmt: skip


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
