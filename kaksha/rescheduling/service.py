"""Moving, handing over and cancelling classes, and telling whom it concerns."""

from datetime import date, datetime

import msgspec

from kaksha.classes import service as classes
from kaksha.classes.models import Class, ClassRow, times
from kaksha.core import audit
from kaksha.core.clock import local_date, zone as clock_zone
from kaksha.core.db import Conn, Write
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID
from kaksha.institutes import service as institutes
from kaksha.institutes.models import Fields, changes
from kaksha.notifications.models import kinds
from kaksha.rescheduling import queries
from kaksha.rescheduling.models import Choices, ClassChange, Free
from kaksha.weekly import service as weekly

MOVED = kinds.register(
    "class.moved", group="classes", title=N_("{subject} is at another time"),
    body=N_("{batch}: {when} (until now {old}), with {teacher}."), path="/classes/{about}", channels=("push", "email"),
)  # fmt: skip
SUBSTITUTED = kinds.register(
    "class.substituted", group="classes", title=N_("{subject}: {teacher} gives the class"),
    body=N_("{batch}, {when}."), path="/classes/{about}",
)  # fmt: skip
CANCELLED = kinds.register(
    "class.cancelled", group="classes", title=N_("{subject} is cancelled"), body=N_("{batch}, {when}: {reason}"),
    path="/classes/{about}", channels=("push", "email"), urgent=True,
)  # fmt: skip

RESTORED = kinds.register(
    "class.restored", group="classes", title=N_("{subject} takes place after all"), body=N_("{batch}, {when}."),
    path="/classes/{about}", channels=("push", "email"), urgent=True,
)  # fmt: skip


async def choices(conn: Conn, institute_id: UUID, today: date) -> Choices:
    """What the forms offer."""
    found = await queries.choices(conn, institute_id, today)
    kind = list[tuple[str, str]]
    return Choices(msgspec.json.decode(found["taught"], type=kind), msgspec.json.decode(found["rooms"], type=kind))


async def free_teachers(conn: Conn, institute_id: UUID, one: Class) -> list[Free]:
    """Who could give a class, best first."""
    starts_at, ends_at = datetime.fromisoformat(one.starts_at), datetime.fromisoformat(one.ends_at)
    return await queries.teachers(conn, institute_id, one.id, one.subject_id, starts_at, ends_at)


async def change(tx: Write, class_id: UUID, body: ClassChange) -> UUID:
    """Changes a class, or from it on the timetable it comes from; answers the class.

    Raises NotFound, Invalid with every bad field, ClassCancelled, ClassBegun, ClassOver, InTheWay or SlotInTheWay.
    """
    institute = await institutes.hold(tx)
    before = await _changeable(tx, class_id)
    fields = Fields()
    after = await _wanted(tx, fields, before, body)
    moved = (after.starts_at, after.ends_at) != (before.starts_at, before.ends_at)
    if moved and before.held(tx.now):
        raise classes.ClassBegun
    if moved and after.starts_at <= tx.now:
        fields.wrong("startsAt", N_("Lies in the past."))
    if body.scope != "this":
        _of_a_series(fields, before, after)
    fields.check()
    if body.scope != "this":
        await _series(tx, before, after, institute.zone, everything=body.scope == "all")
        after = await classes.found(tx, class_id)
    elif after != before:
        await classes.clear(tx, after.timed, institute.zone, (class_id,))
        await classes.save(tx, after)
        old, new = changes(before, after)
        await audit.record(tx, "class.changed", class_id, before=old, after=new)
    await _tell(tx, before, await classes.found(tx, class_id))
    return class_id


async def cancel(tx: Write, class_id: UUID, reason: str) -> None:
    """Cancels a class that has not been held; again changes nothing. Raises NotFound, Invalid or ClassBegun."""
    await institutes.hold(tx)
    row = await classes.found(tx, class_id)
    if row.cancelled_at is not None:
        return
    if row.held(tx.now):
        raise classes.ClassBegun
    fields = Fields()
    why = fields.line("reason", reason, 200)
    fields.check()
    await classes.save(tx, msgspec.structs.replace(row, cancelled_at=tx.now, reason=why))
    await audit.record(tx, "class.cancelled", class_id, before=classes.kept(row), after={"reason": why})
    await classes.told(tx, row, "cancelled")
    await classes.tell_people(tx, CANCELLED, row, reason=why)


async def restore(tx: Write, class_id: UUID) -> None:
    """Takes a cancellation back before the class would begin. Raises NotFound, ClassOver or InTheWay."""
    institute = await institutes.hold(tx)
    row = await classes.found(tx, class_id)
    if row.cancelled_at is None:
        return
    if row.starts_at <= tx.now:
        raise classes.ClassOver
    await classes.clear(tx, row.timed, institute.zone, (class_id,))
    after = msgspec.structs.replace(row, cancelled_at=None, reason=None)
    await classes.save(tx, after)
    await audit.record(tx, "class.restored", class_id, before={"reason": row.reason})
    await classes.told(tx, row, "restored")
    await classes.tell_people(tx, RESTORED, row)


async def _changeable(tx: Write, class_id: UUID) -> ClassRow:
    row = await classes.found(tx, class_id)
    if row.cancelled_at is not None:
        raise classes.ClassCancelled
    if row.over(tx.now):
        raise classes.ClassOver
    return row


async def _wanted(tx: Write, fields: Fields, row: ClassRow, body: ClassChange) -> ClassRow:
    """The class as the body wants it; notes what is wrong with it."""
    starts_at = row.starts_at if body.starts_at is msgspec.UNSET else body.starts_at
    if body.ends_at is not msgspec.UNSET:
        ends_at = body.ends_at
    else:
        ends_at = row.ends_at if body.starts_at is msgspec.UNSET else starts_at + (row.ends_at - row.starts_at)
    day = row.day
    if times(fields, starts_at, ends_at):
        day = local_date(starts_at, row.zone)
        taught = await classes.teaching(tx, fields, row.batch_id, row.subject_id)
        if taught is not None and not taught.starts_on <= day <= taught.ends_on:
            fields.wrong("startsAt", N_("Must be one of the batch's days."))
        if day != row.day:
            await classes.not_on_holiday(tx, fields, row.batch_id, day)
    teacher_id, planned = row.teacher_id, row.planned_teacher_id
    if body.teacher_id is not msgspec.UNSET and body.teacher_id != row.teacher_id:
        teacher_id = body.teacher_id
        own = planned or row.teacher_id
        planned = None if teacher_id == own or body.scope != "this" else own
        if not await classes.is_teacher(tx, teacher_id, day):
            fields.wrong("teacherId", N_("Does not teach at this institute."))
    room_id = row.room_id if body.room_id is msgspec.UNSET else body.room_id
    if room_id != row.room_id:
        await classes.room(tx, fields, room_id, row.batch_id, day)
    return msgspec.structs.replace(
        row, starts_at=starts_at, ends_at=ends_at, day=day, teacher_id=teacher_id, planned_teacher_id=planned,
        room_id=room_id, topic=row.topic if body.topic is msgspec.UNSET else classes.topic(fields, body.topic),
        meeting_url=row.meeting_url if body.meeting_url is msgspec.UNSET
        else classes.meeting_url(fields, body.meeting_url),
    )  # fmt: skip


def _of_a_series(fields: Fields, before: ClassRow, after: ClassRow) -> None:
    if before.slot_on is None:
        fields.wrong("scope", N_("This class is not in the weekly timetable: it can only be moved alone."))
    elif abs((after.day - before.slot_on).days) > 6:
        fields.wrong("startsAt", N_("Move those of each week to a day of the same week or the next."))
    elif local_date(after.ends_at, after.zone) != after.day:
        fields.wrong("endsAt", N_("It must end before midnight."))


async def _series(tx: Write, before: ClassRow, after: ClassRow, zone: str, *, everything: bool) -> None:
    """Moves the slot that the class comes from: from this class on, or from the next that has not begun."""
    assert before.slot_id is not None
    assert before.slot_on is not None
    first = before.slot_on if not everything else min(before.slot_on, local_date(tx.now, zone))
    slot = await weekly.slot(tx, before.slot_id)
    local = after.starts_at.astimezone(clock_zone(zone))
    wanted = msgspec.structs.replace(
        slot, weekday=local.isoweekday(), starts=local.time(), teacher_id=after.teacher_id, room_id=after.room_id,
        minutes=int((after.ends_at - after.starts_at).total_seconds() // 60),
    )  # fmt: skip
    await weekly.shift(tx, slot, wanted, first, (after.day - before.slot_on).days, zone)
    alone = await classes.found(tx, before.id)
    if (alone.topic, alone.meeting_url) != (after.topic, after.meeting_url):
        await classes.save(tx, msgspec.structs.replace(alone, topic=after.topic, meeting_url=after.meeting_url))


async def _tell(tx: Write, before: ClassRow, after: ClassRow) -> None:
    """What people have to know of a change."""
    staff = [before.teacher_id]
    if after.starts_at != before.starts_at:
        await classes.told(tx, after, "moved")
        await classes.tell_people(tx, MOVED, after, staff, old=before.starts_at)
    elif after.teacher_id != before.teacher_id:
        await classes.told(tx, after, "substituted")
        await classes.tell_people(tx, SUBSTITUTED, after, staff)
