"""The time. Business code never asks the system itself, so that tests and the demo own the clock."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

__all__ = ["Clock", "local_date", "session_start", "system_clock", "zone"]

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The time zone called `name` (IANA), as kept in an institute's row."""
    return ZoneInfo(name)


def local_date(moment: datetime, zone_name: str) -> date:
    """The calendar day that `moment` falls on in an institute's zone."""
    return moment.astimezone(zone(zone_name)).date()


def session_start(day: date) -> date:
    """The first of April that began the session (April to March) in which `day` lies."""
    return date(day.year if day.month >= 4 else day.year - 1, 4, 1)
