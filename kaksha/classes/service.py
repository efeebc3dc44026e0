"""Making, starting, ending, moving and cancelling classes.

All that takes time of a teacher, room or batch holds the institute's row first: who comes second sees what the first
did, so that the class in the way can be named. The exclusion constraints stand behind this.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from kaksha.classes import queries
from kaksha.classes.models import Attending, Clash, ClassRow, NewClass, Place, Teaching, Timed
from kaksha.core import audit
from kaksha.core.clock import local_date, zone
from kaksha.core.db import Write
from kaksha.core.errors import Conflict, Forbidden, Invalid, NotFound, Why
from kaksha.core.http import Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.live import tell
from kaksha.institutes import service as institutes
from kaksha.institutes.models import Fields

_LONGEST = timedelta(hours=12)
_SHORTEST = timedelta(minutes=10)


class InTheWay(Conflict):
    """Somebody or something would be in two classes at one time; `class_id` is the one in the way."""

    code = "CLASS_IN_THE_WAY"
    text = N_("{who} has {subject} with {batch} at that time ({start} – {end}). Next free: {free}.")

    def __init__(self, clash: Clash, zone_name: str, free: datetime | None) -> None:
        who = clash.room if clash.room_taken else clash.teacher if clash.teacher_taken else clash.batch
        local = zone(zone_name)
        starts_at, ends_at = clash.starts_at.astimezone(local), clash.ends_at.astimezone(local)
        super().__init__(
            who=who, subject=clash.subject, batch=clash.batch, start=f"{starts_at:%d.%m. %H:%M}", end=f"{ends_at:%H:%M}",
            free=f"{free.astimezone(local):%d.%m. %H:%M}" if free else "–",
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
    new, _ = await _checked(tx, body, institute.zone)
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
    await _tell(tx, after, "started")


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
    await _tell(tx, after, "ended")


async def clear(tx: Write, wanted: Timed, zone_name: str, but: Sequence[UUID] = ()) -> None:
    """Raises InTheWay when batch, teacher or room have another class at that time, other than those of `but`."""
    clash = await queries.clash(tx.conn, tx.institute_id, wanted, but)
    if clash is not None:
        free = await queries.next_free(tx.conn, tx.institute_id, wanted, zone_name, but)
        raise InTheWay(clash, zone_name, free)


def link(url: str) -> str:
    """A link to a meeting that a browser may be sent to. Raises Invalid."""
    text = url.strip()
    try:
        parts = urlsplit(text)
        good = parts.scheme == "https" and bool(parts.hostname) and parts.username is None and text.isprintable()
    except ValueError:
        good = False
    if not good or " " in text or len(text) > 500:
        raise Invalid({"meetingUrl": [N_("Must be a link that begins with https://.")]})
    return text


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


async def _tell(tx: Write, row: ClassRow, action: str) -> None:
    """The notice to every process, sent with the commit."""
    await tell(
        tx.conn, "class",
        {"institute": str(tx.institute_id), "classId": str(row.id), "batchId": str(row.batch_id), "action": action,
         "userId": str(tx.actor.user_id) if tx.actor.user_id else None, "meetingUrl": row.meeting_url,
         "at": tx.now.isoformat()},
    )  # fmt: skip


async def _checked(tx: Write, body: NewClass, zone_name: str) -> tuple[ClassRow, Place | None]:
    """A class that may be written, and its room. Raises Invalid with every bad field."""
    fields = Fields()
    topic = fields.lines("topic", body.topic, 120).replace("\n", " ")
    url: str | None = None
    if body.meeting_url:
        try:
            url = link(body.meeting_url)
        except Invalid as error:
            fields.problems |= error.problems
    sane = times(fields, body.starts_at, body.ends_at)
    day = local_date(body.starts_at, zone_name) if sane else local_date(tx.now, zone_name)
    if sane and body.ends_at <= tx.now:
        fields.wrong("endsAt", N_("Lies in the past."))
    taught = await queries.teaching(tx.conn, tx.institute_id, body.batch_id, body.subject_id)
    teacher_id = body.teacher_id or (taught.teacher_id if taught else None)
    await _people(tx, fields, taught, teacher_id, day, sane=sane)
    room: Place | None = None
    if body.room_id is not None:
        room = await queries.place(tx.conn, tx.institute_id, body.room_id, body.batch_id, day)
        if room is None:
            fields.wrong("roomId", N_("Is not a room of this institute."))
    if taught is not None and sane:
        holiday = await queries.holiday_on(tx.conn, tx.institute_id, body.batch_id, day)
        if holiday is not None:
            fields.wrong("startsAt", Why(N_("Is a holiday: {name}."), name=holiday))
    fields.check()
    assert teacher_id is not None
    new = ClassRow(
        new_id(), body.batch_id, "", body.subject_id, "", teacher_id, "", None, body.room_id, body.starts_at,
        body.ends_at, topic, url, None, None, None, None, None, None, day, zone_name,
    )  # fmt: skip
    return new, room


async def _people(
    tx: Write, fields: Fields, taught: Teaching | None, teacher_id: UUID | None, day: date, *, sane: bool
) -> None:
    """What is wrong with the batch's days and the teacher of a new class."""
    if taught is None:
        fields.wrong("subjectId", N_("Batch and subject do not belong together here."))
        return
    if sane and not taught.starts_on <= day <= taught.ends_on:
        fields.wrong("startsAt", N_("Must be one of the batch's days."))
    if teacher_id is None:
        fields.wrong("teacherId", N_("Nobody teaches this subject in the batch: say who gives the class."))
    elif not await queries.is_teacher(tx.conn, tx.institute_id, teacher_id, day):
        fields.wrong("teacherId", N_("Does not teach at this institute."))


def times(fields: Fields, starts_at: datetime, ends_at: datetime) -> bool:
    """Whether both are times of ours, the one after the other and not too far from it."""
    for name, moment in (("startsAt", starts_at), ("endsAt", ends_at)):
        if moment.tzinfo is None:
            fields.wrong(name, N_("Must say its time zone: end it with Z or an offset."))
        elif not 2000 <= moment.year <= 2100:
            fields.wrong(name, N_("Must be a year between 2000 and 2100."))
    if "startsAt" in fields.problems or "endsAt" in fields.problems:
        return False
    if not _SHORTEST <= ends_at - starts_at <= _LONGEST:
        fields.wrong("endsAt", N_("Must be 10 minutes to 12 hours after the beginning."))
        return False
    return True
