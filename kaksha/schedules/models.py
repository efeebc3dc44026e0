"""What a schedule is asked for, and the days it spans."""

from datetime import date, datetime, time, timedelta

import msgspec

from kaksha.core.clock import local_date, zone
from kaksha.core.errors import Invalid, Why
from kaksha.core.i18n import N_

__all__ = ["MOST_DAYS", "Days", "days", "week"]

MOST_DAYS = 62


class Days(msgspec.Struct, frozen=True):
    """Local days, both included, and the moments they span: from `start` until before `end`."""

    first: date
    last: date
    start: datetime
    end: datetime


def days(first: date | None, last: date | None, now: datetime, zone_name: str) -> Days:
    """The days asked for; without any, this week from Monday; with one, a week from or until it. Raises Invalid."""
    if first is None and last is None:
        return week(local_date(now, zone_name), zone_name)
    if first is None:
        first = max(last or date.max, date.min + timedelta(6)) - timedelta(6)
    last = last or min(first, date.max - timedelta(6)) + timedelta(6)
    if not (2000 <= first.year <= 2100 and 2000 <= last.year <= 2100):
        raise Invalid({"from": [N_("Must be a year between 2000 and 2100.")]})
    if last < first:
        raise Invalid({"to": [N_("Cannot be before the first day.")]})
    if (last - first).days >= MOST_DAYS:
        raise Invalid({"to": [Why(N_("At most {n} days at once."), n=MOST_DAYS)]})
    return _span(first, last, zone_name)


def week(day: date, zone_name: str) -> Days:
    """The week, from Monday, in which a day lies."""
    first = day - timedelta(day.weekday())
    return _span(first, first + timedelta(6), zone_name)


def _span(first: date, last: date, zone_name: str) -> Days:
    local = zone(zone_name)
    return Days(
        first, last, datetime.combine(first, time(), local), datetime.combine(last + timedelta(1), time(), local)
    )
