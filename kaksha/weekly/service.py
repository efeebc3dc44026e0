"""Changing the timetable, and making classes of it.

Like all that takes time of people and rooms, each verb holds the institute's row first.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import msgspec

from kaksha.classes import service as classes
from kaksha.classes.models import Place, Timed
from kaksha.core import audit
from kaksha.core.clock import local_date
from kaksha.core.db import Write
from kaksha.core.errors import Conflict, NotFound
from kaksha.core.http import Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.institutes import service as institutes
from kaksha.institutes.models import Fields
from kaksha.weekly import queries
from kaksha.weekly.models import AHEAD, NewSlot, SlotChange, SlotClash, SlotRow


class SlotInTheWay(Conflict):
    """Two classes of the weekly timetable would meet."""

    code = "SLOT_IN_THE_WAY"
    text = N_("{who} already has {subject} with {batch} on that weekday, {start} – {end}.")

    def __init__(self, clash: SlotClash) -> None:
        who = clash.room if clash.room_taken else clash.teacher if clash.teacher_taken else clash.batch
        super().__init__(
            who=who, subject=clash.subject, batch=clash.batch, start=f"{clash.starts:%H:%M}",
            end=f"{ends(clash.starts, clash.minutes):%H:%M}",
        )  # fmt: skip


async def add(tx: Write, body: NewSlot) -> tuple[UUID, Place | None]:
    """A new slot, with its classes of the next weeks; and its room, whose seats may be too few.

    Raises Invalid with every bad field, SlotInTheWay, or classes.InTheWay.
    """
    institute = await institutes.hold(tx)
    today = local_date(tx.now, institute.zone)
    fields = Fields()
    taught = await classes.teaching(tx, fields, body.batch_id, body.subject_id)
    teacher_id = body.teacher_id or (taught.teacher_id if taught else None)
    first = max(body.from_on or today, taught.starts_on) if taught else body.from_on or today
    if teacher_id is None:
        fields.wrong("teacherId", N_("Nobody teaches this subject in the batch: say who gives the class."))
    new = SlotRow(
        new_id(), body.batch_id, body.subject_id, teacher_id or new_id(), body.room_id, body.weekday,
        starts(fields, body.starts), body.minutes, first, body.until_on,
    )  # fmt: skip
    room = await _check(tx, fields, new, today, teacher_named=teacher_id is not None)
    if taught and fields.day("fromOn", first) > taught.ends_on:
        fields.wrong("fromOn", N_("Must be one of the batch's days."))
    fields.check()
    await _clear(tx, new, (new.id,))
    await queries.save(tx.conn, tx.institute_id, new, tx.now)
    await _make_or_refuse(tx, new, institute.zone)
    await audit.record(tx, "slot.created", new.id, after=_kept(new))
    return new.id, room


async def change(tx: Write, slot_id: UUID, body: SlotChange) -> UUID:
    """Changes a slot from a day on (today), with its classes ahead; answers the slot that holds from then on.

    What was before keeps its slot, so that past weeks stay as they were. Raises NotFound, Invalid, SlotInTheWay or
    classes.InTheWay.
    """
    institute = await institutes.hold(tx)
    today = local_date(tx.now, institute.zone)
    before = await slot(tx, slot_id)
    fields = Fields()
    first = max(body.on or today, today, before.from_on)
    given = {
        name: value
        for name, value in msgspec.structs.asdict(body).items()
        if value is not msgspec.UNSET and name != "on"
    }
    if isinstance(body.starts, str):
        given["starts"] = starts(fields, body.starts)
    wanted = msgspec.structs.replace(before, **given)
    if "until_on" not in given and before.until_on is not None and before.until_on < first:
        raise NotFound
    await _check(tx, fields, msgspec.structs.replace(wanted, from_on=first), today, teacher_named=True)
    fields.check()
    return await shift(tx, before, wanted, first, wanted.weekday - before.weekday, institute.zone)


async def shift(tx: Write, before: SlotRow, wanted: SlotRow, first: date, days: int, zone_name: str) -> UUID:
    """Makes a slot `wanted` for its days from `first` on, which move by `days`; answers the slot of those.

    1. A class that would come to lie in the past stays where it is. 2. The slot is split where days before remain.
    3. Its classes ahead move, cancelled ones too, so that they are not made again; holidays apply to the new days.
    4. None of them may come into the way of others. 5. What is missing is made.
    Raises SlotInTheWay or classes.InTheWay.
    """
    first = await queries.first_movable(
        tx.conn, tx.institute_id, before.id, first, days, wanted.starts, zone_name, tx.now
    )
    moved = first + timedelta(days)
    last = wanted.until_on
    if last is not None and last == before.until_on:
        last += timedelta(days)
    new = msgspec.structs.replace(
        wanted, id=before.id, from_on=max(moved, local_date(tx.now, zone_name)), until_on=last
    )  # fmt: skip
    split = before.from_on + timedelta((before.weekday - before.from_on.isoweekday()) % 7) < first
    if split:
        new = msgspec.structs.replace(new, id=new_id())
        ended = msgspec.structs.replace(before, until_on=first - timedelta(1))
        await queries.save(tx.conn, tx.institute_id, ended, tx.now)
    await _clear(tx, new, (new.id, before.id))
    await queries.save(tx.conn, tx.institute_id, new, tx.now)
    await queries.defer(tx.conn)
    await queries.shift(tx.conn, tx.institute_id, before.id, first, days, new, zone_name, tx.now)
    await queries.drop_unwanted(tx.conn, tx.institute_id, tx.now, new.id)
    await queries.apply_holidays(tx.conn, tx.institute_id, new.id, tx.now)
    for class_id in await queries.ahead(tx.conn, tx.institute_id, new.id, tx.now):
        row = await classes.found(tx, class_id)
        if row.cancelled_at is None:
            await classes.clear(tx, row.timed, zone_name, (class_id,))
    await _make_or_refuse(tx, new, zone_name)
    await audit.record(tx, "slot.changed", new.id, before=_kept(before), after=_kept(new))
    return new.id


async def remove(tx: Write, slot_id: UUID, on: date | None) -> None:
    """Ends a slot: `on` (today) is the first day without it. Classes held stay. Raises NotFound or Invalid."""
    institute = await institutes.hold(tx)
    before = await slot(tx, slot_id)
    first = on or local_date(tx.now, institute.zone)
    fields = Fields()
    fields.day("on", first)
    if before.until_on is not None and first > before.until_on:
        fields.wrong("on", N_("It is over before that."))
    fields.check()
    after = msgspec.structs.replace(before, until_on=max(first, before.from_on) - timedelta(1))
    await queries.save(tx.conn, tx.institute_id, after, tx.now)
    await queries.drop_unwanted(tx.conn, tx.institute_id, tx.now, slot_id)
    await queries.remove_empty(tx.conn, tx.institute_id, slot_id)
    await audit.record(tx, "slot.ended", slot_id, before=_kept(before), after={"until_on": after.until_on})


async def generate(tx: Write) -> int:
    """Makes the classes of the next weeks that are missing, removes those nobody wants, and answers how many it made.

    Safe to repeat, and to be killed: it is one transaction, and each class is made once for its slot and day.
    """
    institute = await institutes.hold(tx)
    await queries.drop_unwanted(tx.conn, tx.institute_id, tx.now)
    return len(await _make(tx, None, institute.zone))


async def backfill(tx: Write, since: datetime) -> int:
    """Makes also the classes that the timetable wanted since then: for the demo, whose past has to be there."""
    institute = await institutes.hold(tx)
    last = local_date(tx.now, institute.zone) + timedelta(AHEAD)
    found = await queries.wanted(tx.conn, tx.institute_id, None, since, last)
    return len(await queries.make(tx.conn, tx.institute_id, [new_id() for _ in found], found, tx.now)) if found else 0


async def _make(tx: Write, slot_id: UUID | None, zone_name: str) -> list[tuple[UUID, date]]:
    last = local_date(tx.now, zone_name) + timedelta(AHEAD)
    found = await queries.wanted(tx.conn, tx.institute_id, slot_id, tx.now, last)
    if not found:
        return []
    return await queries.make(tx.conn, tx.institute_id, [new_id() for _ in found], found, tx.now)


async def _make_or_refuse(tx: Write, new: SlotRow, zone_name: str) -> None:
    """Makes the slot's classes; where one cannot be made, raises InTheWay with what is there."""
    last = local_date(tx.now, zone_name) + timedelta(AHEAD)
    for one in await queries.wanted(tx.conn, tx.institute_id, new.id, tx.now, last):
        timed = Timed(one.batch_id, one.teacher_id, one.room_id, one.starts_at, one.ends_at)
        await classes.clear(tx, timed, zone_name)
    await _make(tx, new.id, zone_name)


async def slot(tx: Write, slot_id: UUID) -> SlotRow:
    """A slot, held until the transaction ends. Raises NotFound."""
    found = await queries.slot(tx.conn, tx.institute_id, slot_id)
    if found is None:
        raise NotFound
    return found


async def _clear(tx: Write, new: SlotRow, but: Sequence[UUID]) -> None:
    """Raises SlotInTheWay when another slot takes the same time."""
    clash = await queries.clash(tx.conn, tx.institute_id, new, but)
    if clash is not None:
        raise SlotInTheWay(clash)


async def _check(tx: Write, fields: Fields, new: SlotRow, today: date, *, teacher_named: bool) -> Place | None:
    """Notes what is wrong with a slot's own fields, and answers its room."""
    fields.number("weekday", new.weekday, 1, 7)
    fields.number("minutes", new.minutes, 10, 600)
    if "starts" not in fields.problems and "minutes" not in fields.problems and ends(new.starts, new.minutes) is None:
        fields.wrong("minutes", N_("It must end before midnight."))
    if new.until_on is not None and fields.day("untilOn", new.until_on) < new.from_on:
        fields.wrong("untilOn", N_("Cannot be before the first day."))
    day = max(new.from_on, today)
    if teacher_named and not await classes.is_teacher(tx, new.teacher_id, day):
        fields.wrong("teacherId", N_("Does not teach at this institute."))
    return await classes.room(tx, fields, new.room_id, new.batch_id, day)


def starts(fields: Fields, text: str) -> time:
    """A time of day written HH:MM."""
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a time of any day, on the institute's clock
    except ValueError:
        fields.wrong("starts", N_("Must be a time, such as 17:00."))
        return time()


def ends(start: time, minutes: int) -> time | None:
    """When a class of a weekday ends; None past midnight."""
    total = start.hour * 60 + start.minute + minutes
    return None if total > 1440 else time(total // 60 % 24, total % 60)


def ends_text(starts_at: str, minutes: int) -> str:
    """When a slot ends, as HH:MM."""
    end = ends(time.fromisoformat(starts_at), minutes)
    return f"{end:%H:%M}" if end else ""


def may_change(me: Principal) -> bool:
    return institutes.may(me, "academics")


def _kept(row: SlotRow) -> dict[str, object]:
    """A slot for the audit log."""
    return {name: value for name, value in msgspec.structs.asdict(row).items() if name != "id"}
