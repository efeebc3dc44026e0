"""Making, moving and taking back holidays. Each verb holds the institute's row first, as all scheduling does."""

from datetime import date

import msgspec

from kaksha.classes import service as classes
from kaksha.core import audit
from kaksha.core.db import Conn, Write
from kaksha.core.errors import NotFound
from kaksha.core.http import Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.jobs import enqueue
from kaksha.holidays import queries
from kaksha.holidays.models import Holiday, HolidayChange, HolidayRow, NewHoliday
from kaksha.institutes import service as institutes
from kaksha.institutes.models import Fields, changes
from kaksha.notifications.models import Facts, kinds
from kaksha.notifications.service import notify

_MOST_DAYS = 200
ADDED = kinds.register(
    "holiday.added", group="classes", title=N_("No classes: {name}"), body=N_("{first} – {last}"), path="/classes",
    channels=("push", "email"),
)  # fmt: skip


async def between(conn: Conn, me: Principal, first: date, last: date, today: date) -> list[Holiday]:
    """The holidays of these days that concern somebody; an admin, all."""
    viewer = institutes.viewer(me)
    found = await queries.holidays(conn, me.institute_id, viewer, first, last, today, 1, 100)
    return msgspec.json.decode(found["items"], type=list[Holiday])


async def add(tx: Write, body: NewHoliday) -> UUID:
    """A holiday, which cancels the classes of its days. Raises Invalid with every bad field."""
    await institutes.hold(tx)
    fields = Fields()
    given = HolidayRow(new_id(), body.batch_id, body.name, body.starts_on, body.ends_on or body.starts_on)
    new = _checked(fields, given)
    if new.batch_id is not None and not await queries.has_batch(tx.conn, tx.institute_id, new.batch_id):
        fields.wrong("batchId", N_("Is not a batch of this institute."))
    fields.check()
    await queries.save(tx.conn, tx.institute_id, new, tx.now)
    await _cancel(tx, new)
    await audit.record(tx, "holiday.created", new.id, after=_kept(new))
    return new.id


async def change(tx: Write, holiday_id: UUID, body: HolidayChange) -> None:
    """Changes what the body names; classes of days that are no holiday any more are given back.

    Raises NotFound or Invalid.
    """
    institute = await institutes.hold(tx)
    before = await _holiday(tx, holiday_id)
    given = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}
    fields = Fields()
    after = _checked(fields, msgspec.structs.replace(before, **given))
    fields.check()
    if after == before:
        return
    await queries.save(tx.conn, tx.institute_id, after, tx.now)
    await _give_back(tx, after, institute.zone, after.starts_on, after.ends_on)
    await _cancel(tx, after)
    old, new = changes(before, after)
    await audit.record(tx, "holiday.changed", holiday_id, before=old, after=new)


async def remove(tx: Write, holiday_id: UUID) -> None:
    """Takes a holiday back; its classes ahead take place where nothing else is by now. Raises NotFound."""
    institute = await institutes.hold(tx)
    before = await _holiday(tx, holiday_id)
    await _give_back(tx, before, institute.zone, None, None)
    await queries.remove(tx.conn, tx.institute_id, holiday_id)
    await audit.record(tx, "holiday.removed", holiday_id, before=_kept(before))


async def _cancel(tx: Write, new: HolidayRow) -> None:
    gone = await queries.cancel_classes(tx.conn, tx.institute_id, new, tx.now)
    if gone:
        to = await queries.audience(tx.conn, tx.institute_id, gone)
        facts: Facts = {"name": new.name, "first": new.starts_on, "last": new.ends_on}
        await notify(tx, ADDED, to=[one for one in to if one != tx.actor.user_id], about=new.id, facts=facts)


async def _give_back(tx: Write, row: HolidayRow, zone: str, starts_on: date | None, ends_on: date | None) -> None:
    """Restores what the holiday cancelled on other days than those given; the timetable makes what it left out."""
    for class_id in await queries.cancelled_by(tx.conn, tx.institute_id, row.id, starts_on, ends_on, tx.now):
        found = await classes.found(tx, class_id)
        try:
            await classes.clear(tx, found.timed, zone, (class_id,))
        except classes.InTheWay:
            continue  # something else was put there meanwhile: it stays cancelled
        await classes.save(tx, msgspec.structs.replace(found, cancelled_at=None, reason=None))
    await enqueue(tx.conn, "weekly.generate", tx.institute_id, dedupe="weekly")


async def _holiday(tx: Write, holiday_id: UUID) -> HolidayRow:
    found = await queries.row(tx.conn, tx.institute_id, holiday_id)
    if found is None:
        raise NotFound
    return found


def _checked(fields: Fields, given: HolidayRow) -> HolidayRow:
    """A holiday that may be written; notes what is wrong with it."""
    new = msgspec.structs.replace(given, name=fields.line("name", given.name, 80))
    fields.day("startsOn", new.starts_on)
    if fields.day("endsOn", new.ends_on) < new.starts_on:
        fields.wrong("endsOn", N_("Cannot be before the first day."))
    elif (new.ends_on - new.starts_on).days > _MOST_DAYS:
        fields.wrong("endsOn", N_("Is too far from the first day."))
    return new


def _kept(row: HolidayRow) -> dict[str, object]:
    return {name: value for name, value in msgspec.structs.asdict(row).items() if name != "id"}
