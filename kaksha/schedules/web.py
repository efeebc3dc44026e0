"""Pages: a week of classes, as a day on a phone and as a grid on a wide screen; for every role."""

from datetime import date, datetime, timedelta

import msgspec
from litestar import Router, get
from litestar.response import Response

from kaksha.classes.models import Class
from kaksha.core.clock import local_date
from kaksha.core.http import Request, allow
from kaksha.core.ids import UUID
from kaksha.holidays import service as holidays
from kaksha.holidays.models import Holiday
from kaksha.institutes.service import may, viewer
from kaksha.schedules import queries
from kaksha.schedules.models import week

Choice = tuple[str, str]
_FILTERS = ("batch", "teacher", "room", "student")


class Meeting(msgspec.Struct, frozen=True):
    """A class with its times, for the page."""

    about: Class
    starts: datetime
    ends: datetime


class Day(msgspec.Struct, frozen=True):
    """A day of the week, its classes and why there are none."""

    day: date
    meetings: list[Meeting]
    holidays: list[Holiday]


@get("/classes", guards=allow())
async def week_page(request: Request) -> Response[bytes]:
    me = request.me
    today = local_date(request.now, me.zone)
    chosen = _day(request.query_params.get("day", ""), today)
    span = week(chosen, me.zone)
    picked = {name: _id(request.query_params.get(name, "")) for name in _FILTERS}
    async with request.read() as conn:
        found = await queries.schedule(
            conn, me.institute_id, viewer(me), span.start, span.end, request.now, picked["batch"], picked["teacher"],
            picked["student"], picked["room"],
        )  # fmt: skip
        choices = await queries.choices(conn, me.institute_id, viewer(me), today)
        off = await holidays.between(conn, me, span.first, span.last, today)
    meetings = [
        Meeting(one, datetime.fromisoformat(one.starts_at), datetime.fromisoformat(one.ends_at))
        for one in msgspec.json.decode(found["items"], type=list[Class])
    ]
    days = [
        Day(
            day, [one for one in meetings if local_date(one.starts, me.zone) == day],
            [one for one in off if one.starts_on <= day <= one.ends_on],
        )
        for day in (span.first + timedelta(n) for n in range(7))
    ]  # fmt: skip
    return request.page(
        "schedules/week.html", days=days, chosen=chosen, today=today, first=span.first, last=span.last,
        before=span.first - timedelta(7), after=span.first + timedelta(7), picked=picked,
        batches=_choices(choices["batches"]), teachers=_choices(choices["teachers"]), rooms=_choices(choices["rooms"]),
        children=_choices(choices["children"]),
        is_admin=me.is_admin, may_change=may(me, "academics"), is_student="student" in me.roles,
        more=found["total"] > len(meetings),
    )  # fmt: skip


def _choices(found: str) -> list[Choice]:
    return msgspec.json.decode(found, type=list[Choice])


def _day(text: str, today: date) -> date:
    """The day of an address; today for what is none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if 2000 <= day.year <= 2100 else today


def _id(text: str) -> UUID | None:
    """The id of an address; none for what is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


routes = Router("/", route_handlers=[week_page], include_in_schema=False)
