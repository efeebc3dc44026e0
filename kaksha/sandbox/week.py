"""The demo's week: which class is when, with whom and where, and the holidays of its session.

Every batch of the cast has a class on each day, so that at any hour one was held in the last day, one is today and one
is ahead. Nobody and no room is in two classes at once: places are given one after the other, first come, first served.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, time, timedelta
from uuid import UUID

from kaksha.core.clock import session_start
from kaksha.sandbox.cast import BatchPlan, SlotPlan

__all__ = ["ROOMS", "holidays", "slots"]

ROOMS = (("Aryabhata hall", 60), ("Raman hall", 40), ("Room 1", 24), ("Room 2", 24), ("Room 3", 20), ("Lab", 16))
_PERIODS = (time(7, 30), time(9), time(10, 30), time(15), time(16, 30), time(18), time(19, 30))
_MINUTES = 75
_EVENING = (4, 5, 6, 3, 0, 1, 2)
_MORNING = (0, 1, 2, 3, 4, 5, 6)

_FIXED = (("Maharashtra Day", 5, 1, 1), ("Independence Day", 8, 15, 1), ("Gandhi Jayanti", 10, 2, 1),
          ("Christmas", 12, 25, 1), ("Republic Day", 1, 26, 1))  # fmt: skip
_MOVING = (
    ("Ganesh Chaturthi", date(2025, 8, 27), 1), ("Diwali", date(2025, 10, 20), 4), ("Holi", date(2026, 3, 4), 1),
    ("Ganesh Chaturthi", date(2026, 9, 14), 1), ("Diwali", date(2026, 11, 7), 4), ("Holi", date(2027, 3, 22), 1),
    ("Ganesh Chaturthi", date(2027, 9, 4), 1), ("Diwali", date(2027, 10, 28), 4), ("Holi", date(2028, 3, 11), 1),
)  # fmt: skip


def slots(
    batches: Sequence[BatchPlan], rooms: Sequence[tuple[UUID, str, int]], number: Callable[[int], UUID]
) -> Iterator[SlotPlan]:  # fmt: skip
    """The week of these batches; `number` makes the ids. Two classes on weekdays, one on Sundays, subjects in turn."""
    taken: set[tuple[int, int, str]] = set()
    count = 0
    for weekday in range(1, 8):
        for place, batch in enumerate(batches):
            turn = [batch.subjects[(weekday * 2 + n + place) % len(batch.subjects)] for n in range(1 + (weekday < 7))]
            fitting = sorted(rooms, key=lambda one: (one[2] < len(batch.students), one[2]))
            for subject, teacher in dict(turn).items():
                free = (
                    (period, room)
                    for period in (_EVENING if place % 2 == 0 else _MORNING)
                    for room in fitting
                    if not taken & {(weekday, period, who) for who in (batch.code, teacher, room[1])}
                )
                at, room = next(free)
                taken |= {(weekday, at, who) for who in (batch.code, teacher, room[1])}
                yield SlotPlan(number(count), batch.code, subject, teacher, room[0], weekday, _PERIODS[at], _MINUTES)
                count += 1


def holidays(start: date, number: Callable[[int], UUID]) -> Iterator[tuple[UUID, str, date, date]]:
    """The holidays of the session that begins on `start`."""
    found = [(name, date(start.year + (month < 4), month, day), days) for name, month, day, days in _FIXED]
    found += [one for one in _MOVING if session_start(one[1]) == start]
    for place, (name, first, days) in enumerate(sorted(found, key=lambda one: one[1])):
        yield number(start.year % 16 * 16 + place), name, first, first + timedelta(days - 1)
