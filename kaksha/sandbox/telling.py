"""The demo's notices: a few unread ones for everybody of the cast, of yesterday and the days before.

Their ids are fixed, so a roll moves them to its day and makes them unread again; one that a visitor removed stays away.
"""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import msgspec

from kaksha.batches.models import ENROLLED
from kaksha.core.clock import zone
from kaksha.core.db import Write
from kaksha.joining.models import ASKED
from kaksha.notifications.models import NEW_DEVICE, Facts, Kind
from kaksha.notifications.service import said_in_every_language
from kaksha.sandbox import demo_queries
from kaksha.sandbox.cast import InstitutePlan

__all__ = ["tell"]

_ZONE = "Asia/Kolkata"


class _Told(msgspec.Struct, frozen=True):
    """One person's notice: about what, and how many days and at which hour before the day of the demo."""

    key: str
    kind: Kind
    about: UUID
    facts: Facts
    days: int
    hour: int


async def tell(tx: Write, plan: InstitutePlan, today: date, *, new: bool) -> None:
    """Plants the notices as of `today` (`new`), or moves those that are there."""
    people = {person.key: person.id for person in plan.people}
    for number, told in enumerate(each for each in _plan(plan, today) if each.key in people):
        at = datetime.combine(today - timedelta(told.days), time(told.hour, 12), zone(_ZONE)).astimezone(UTC)
        texts = msgspec.json.encode(said_in_every_language(told.kind, told.facts, _ZONE)).decode()
        data = {"about": told.about, "path": told.kind.path.format(about=told.about)}
        notice_id = UUID(int=plan.id.int & ~0xFFFF | 0xB000 + number)
        await demo_queries.plant_notice(
            tx.conn, plan.id, notice_id, told.kind.name, told.about, texts, msgspec.json.encode(data).decode(), at
        )
        await demo_queries.plant_notification(tx.conn, plan.id, notice_id, people[told.key], told.kind.name, at, new)


def _plan(plan: InstitutePlan, today: date) -> list[_Told]:
    found: list[_Told] = []
    names = {person.key: person for person in plan.people}
    if not plan.batches or "rohan" not in names:
        return found
    joined = next((batch for batch in plan.batches if "rohan" in batch.students), plan.batches[0])
    for key in ("rohan", "sunita"):
        facts: Facts = {"student": names["rohan"].name, "batch": joined.name, "day": today - timedelta(1)}
        found.append(_Told(key, ENROLLED, joined.id, facts, 2, 17))
    for person in plan.people:
        if person.status == "pending":
            found.append(_Told("asha", ASKED, person.id, {"name": person.name}, 1, 19))
    for key, hour in (("rohan", 20), ("meher", 18), ("sunita", 21), ("vikram", 8), ("nandini", 9), ("asha", 10)):
        when = datetime.combine(today - timedelta(1), time(hour, 12), zone(_ZONE))
        found.append(_Told(key, NEW_DEVICE, names[key].id, {"device": "Chrome, Android", "when": when}, 1, hour))
    return found
