"""Making, starting, ending, moving and cancelling classes.

All that takes time of a teacher, room or batch holds the institute's row first: who comes second sees what the first
did, so that the class in the way can be named. The exclusion constraints stand behind this.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from kaksha.classes import queries
from kaksha.classes.models import Attending, Clash, ClassRow, NewClass, Place, Teaching, Timed, link, times
from kaksha.core import audit
from kaksha.core.clock import local_date, zone
from kaksha.core.db import Conn, Write
from kaksha.core.errors import Conflict, Forbidden, Invalid, NotFound, Why
from kaksha.core.http import Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.live import tell
from kaksha.institutes import service as institutes
from kaksha.institutes.models import Fields
from kaksha.notifications.models import Facts, Kind, kinds
from kaksha.notifications.service import notify

STARTED = kinds.register(
    "class.started", group="classes", title=N_("{subject} has begun"),
    body=N_("{teacher} has started the class of {batch}."), path="/classes/{about}", urgent=True,
    lasts=timedelta(hours=1),
)  # fmt: skip


class InTheWay(Conflict):
    """Somebody or something would be in two classes at one time; `class_id` is the one in the way."""

    code = "CLASS_IN_THE_WAY"
    text = N_("{who} already has {subject} with {batch}: {start}, until {end}. Next free: {free}.")

    def __init__(self, clash: Clash, zone_name: str, free: datetime | None) -> None:
        who = clash.room if clash.room_taken else clash.teacher if clash.teacher_taken else clash.batch
        local = zone(zone_name)
        super().__init__(
            who=who, subject=clash.subject, batch=clash.batch, start=clash.starts_at.astimezone(local),
            end=f"{clash.ends_at.astimezone(local):%H:%M}", free=free.astimezone(local) if free else "–",
        )  # fmt: skip
        self.class_id = clash.class_id
        self.free = free


class ClassOver(Conflict):
    code, text = "CLASS_OVER", N_("This class is over.")


class ClassCancelled(Conflict):
    code, text = "CLASS_CANCELLED", N_("This class is cancelled.")


class ClassBegun(Conflict):
    code, text = "CLASS_BEGUN", N_("This class has begun: it can only be ended.")


class ClassNotLive(Conflict):
    code, text = "CLASS_NOT_LIVE", N_("This class has not been started.")


class ClassNotHeld(Conflict):
    code, text = "CLASS_NOT_HELD", N_("This class has not been held: it has not begun, or it is cancelled.")


async def found(tx: Write, class_id: UUID) -> ClassRow:
    """A class, held until the transaction ends. Raises NotFound."""
    row = await queries.row(tx.conn, tx.institute_id, class_id)
    if row is None:
        raise NotFound
    return row


async def seen(conn: Conn, me: Principal, class_id: UUID, now: datetime) -> str:
    """A class as JSON (`Class`), for those who teach it or are in its batch on its day, and admins. Raises NotFound."""
    found = await queries.one(conn, me.institute_id, class_id, institutes.viewer(me), now)
    if found is None:
        raise NotFound
    return found


async def shown(tx: Write, class_id: UUID) -> str:
    """A class as JSON (`Class`), as an admin sees it. Raises NotFound."""
    found = await queries.one(tx.conn, tx.institute_id, class_id, None, tx.now)
    if found is None:
        raise NotFound
    return found


async def save(tx: Write, row: ClassRow) -> None:
    """Writes what may change of a class; who asks has checked it."""
    await queries.save(tx.conn, tx.institute_id, row, tx.now)


async def held(tx: Write, class_id: UUID) -> tuple[ClassRow, list[Attending]]:
    """A class that has begun and is not cancelled, and who was in its batch on its day. Raises NotFound, ClassNotHeld.

    The class is held until the transaction ends: nobody cancels it meanwhile.
    """
    row = await found(tx, class_id)
    if not row.held(tx.now):
        raise ClassNotHeld
    return row, await queries.attending(tx.conn, tx.institute_id, class_id)


def teaches(row: ClassRow, me: Principal) -> bool:
    """Whether this person gives the class: its teacher (not the one stood in for), or an admin."""
    return me.user_id == row.teacher_id or me.is_admin


async def create(tx: Write, body: NewClass) -> UUID:
    """A one-off class. Raises Invalid with every bad field, or InTheWay."""
    institute = await institutes.hold(tx)
    new = await _checked(tx, body, institute.zone)
    await clear(tx, new.timed, institute.zone)
    await queries.insert(tx.conn, tx.institute_id, new, tx.now)
    await audit.record(tx, "class.created", new.id, after=kept(new))
    return new.id


async def start(tx: Write, me: Principal, class_id: UUID, meeting_url: str | None) -> None:
    """Starts a class before it ends, or gives a live one another link. Its teacher or an admin may.

    Raises NotFound, Forbidden, Invalid, ClassCancelled or ClassOver.
    """
    row = await _own(tx, me, class_id)
    if row.cancelled_at is not None:
        raise ClassCancelled
    if row.over(tx.now):
        raise ClassOver
    url = link(meeting_url) if meeting_url else row.meeting_url
    after = msgspec.structs.replace(row, started_at=row.started_at or tx.now, meeting_url=url)
    if after == row:
        return
    await queries.save(tx.conn, tx.institute_id, after, tx.now)
    await audit.record(tx, "class.started", class_id, after={"meeting_url": url})
    await told(tx, after, "started")
    if row.started_at is None:
        await tell_people(tx, STARTED, after)


async def end(tx: Write, me: Principal, class_id: UUID) -> None:
    """Ends a live class; ending it twice changes nothing. Raises NotFound, Forbidden or ClassNotLive."""
    row = await _own(tx, me, class_id)
    if row.started_at is None or row.cancelled_at is not None:
        raise ClassNotLive
    if row.ended_at is not None:
        return
    after = msgspec.structs.replace(row, ended_at=min(tx.now, max(row.ends_at, row.started_at)))
    await queries.save(tx.conn, tx.institute_id, after, tx.now)
    await audit.record(tx, "class.ended", class_id, after={"ended_at": after.ended_at})
    await told(tx, after, "ended")


async def clear(tx: Write, wanted: Timed, zone_name: str, but: Sequence[UUID] = ()) -> None:
    """Raises InTheWay when batch, teacher or room have another class at that time, other than those of `but`."""
    clash = await queries.clash(tx.conn, tx.institute_id, wanted, but)
    if clash is not None:
        free = await queries.next_free(tx.conn, tx.institute_id, wanted, zone_name, but)
        raise InTheWay(clash, zone_name, free)


def kept(row: ClassRow) -> dict[str, object]:
    """A class for the audit log."""
    return {
        "batch_id": row.batch_id, "subject_id": row.subject_id, "teacher_id": row.teacher_id, "room_id": row.room_id,
        "starts_at": row.starts_at, "ends_at": row.ends_at,
    }  # fmt: skip


async def _own(tx: Write, me: Principal, class_id: UUID) -> ClassRow:
    """A class that this person gives. A teacher who may see it, but not give it, hears Forbidden."""
    row = await found(tx, class_id)
    if teaches(row, me):
        return row
    if await queries.one(tx.conn, tx.institute_id, class_id, me.user_id, tx.now) is None:
        raise NotFound
    raise Forbidden


async def tell_people(tx: Write, kind: Kind, row: ClassRow, also: Sequence[UUID] = (), **facts: str | datetime) -> None:
    """The notice to all whom a class concerns but the one who presses."""
    to = [*await queries.audience(tx.conn, tx.institute_id, row.id), *also]
    known: Facts = {
        "subject": row.subject_name, "batch": row.batch_name, "teacher": row.teacher_name, "when": row.starts_at,
    }  # fmt: skip
    await notify(tx, kind, to=[one for one in to if one != tx.actor.user_id], about=row.id, facts=known | facts)


async def told(tx: Write, row: ClassRow, action: str) -> None:
    """The notice to every process, sent with the commit."""
    await tell(
        tx.conn, "class",
        {"institute": str(tx.institute_id), "classId": str(row.id), "batchId": str(row.batch_id), "action": action,
         "userId": str(tx.actor.user_id) if tx.actor.user_id else None, "meetingUrl": row.meeting_url,
         "at": tx.now.isoformat()},
    )  # fmt: skip


async def _checked(tx: Write, body: NewClass, zone_name: str) -> ClassRow:
    """A class that may be written. Raises Invalid with every bad field."""
    fields = Fields()
    line, url = topic(fields, body.topic), meeting_url(fields, body.meeting_url)
    sane = times(fields, body.starts_at, body.ends_at)
    day = local_date(body.starts_at if sane else tx.now, zone_name)
    if sane and body.ends_at <= tx.now:
        fields.wrong("endsAt", N_("Lies in the past."))
    taught = await teaching(tx, fields, body.batch_id, body.subject_id)
    if taught is not None and sane:
        if not taught.starts_on <= day <= taught.ends_on:
            fields.wrong("startsAt", N_("Must be one of the batch's days."))
        await not_on_holiday(tx, fields, body.batch_id, day)
    teacher_id = body.teacher_id or (taught.teacher_id if taught else None)
    if teacher_id is None:
        if taught is not None:
            fields.wrong("teacherId", N_("Nobody teaches this subject in the batch: say who gives the class."))
    elif not await is_teacher(tx, teacher_id, day):
        fields.wrong("teacherId", N_("Does not teach at this institute."))
    await room(tx, fields, body.room_id, body.batch_id, day)
    fields.check()
    assert teacher_id is not None
    return ClassRow(
        new_id(), body.batch_id, "", body.subject_id, "", teacher_id, "", None, body.room_id, body.starts_at,
        body.ends_at, line, url, None, None, None, None, None, None, day, zone_name,
    )  # fmt: skip


# --- what is checked of a class, here and where it is changed or planned ---------------------------------------------


async def teaching(tx: Write, fields: Fields, batch_id: UUID, subject_id: UUID) -> Teaching | None:
    """The batch's days and who teaches it the subject; notes when there is no such batch or subject."""
    found = await queries.teaching(tx.conn, tx.institute_id, batch_id, subject_id)
    if found is None:
        fields.wrong("subjectId", N_("Batch and subject do not belong together here."))
    return found


async def is_teacher(tx: Write, teacher_id: UUID, day: date) -> bool:
    """Whether somebody teaches at the institute on a day."""
    return await queries.is_teacher(tx.conn, tx.institute_id, teacher_id, day)


async def room(tx: Write, fields: Fields, room_id: UUID | None, batch_id: UUID, day: date) -> Place | None:
    """The room with its seats and how many the batch has that day; notes when there is no such room."""
    if room_id is None:
        return None
    found = await queries.place(tx.conn, tx.institute_id, room_id, batch_id, day)
    if found is None:
        fields.wrong("roomId", N_("Is not a room of this institute."))
    return found


async def not_on_holiday(tx: Write, fields: Fields, batch_id: UUID, day: date) -> None:
    """Notes when the batch has a holiday on the day."""
    holiday = await queries.holiday_on(tx.conn, tx.institute_id, batch_id, day)
    if holiday is not None:
        fields.wrong("startsAt", Why(N_("Is a holiday: {name}."), name=holiday))


def topic(fields: Fields, given: str) -> str:
    return fields.lines("topic", given, 120).replace("\n", " ")


def meeting_url(fields: Fields, given: str | None) -> str | None:
    """The link, checked; an empty one is none."""
    if not given:
        return None
    try:
        return link(given)
    except Invalid as error:
        fields.problems |= error.problems
        return None
