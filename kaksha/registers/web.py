"""Pages: a student's attendance for everybody who may see it, a teacher's classes to be marked, the office's day."""

import calendar
from datetime import date, timedelta
from typing import Any, cast

import msgspec
from babel.dates import format_date, get_day_names
from litestar import Router, get
from litestar.params import FromPath
from litestar.response import Response

from kaksha.core.clock import local_date
from kaksha.core.html import Me
from kaksha.core.http import Pagination, Request, allow, see_other
from kaksha.core.ids import UUID
from kaksha.institutes.service import may
from kaksha.registers import service
from kaksha.registers.models import Day, Record, StudentAttendance, Unmarked

_RECORDS = 100
_WORST = ("absent", "late", None, "excused", "present")
"""Of several classes of a day the calendar shows the first of these."""


class Square(msgspec.Struct, frozen=True):
    """A day of the calendar: how it went (`unmarked`, or "" without a class) and what it had."""

    day: date
    look: str
    records: list[Record]


@get("/attendance", guards=allow())
async def start(request: Request) -> Response[bytes]:
    """Of each role what they look for first."""
    role = cast(Me, request.me.me).role
    if role == "student":
        return await _student_page(request, request.me.user_id, None)
    if role == "parent":
        return see_other("/children")
    return await (_teacher_page(request) if role == "teacher" else _day_page(request))


@get("/students/{student_id:uuid}/attendance", guards=allow())
async def student_page(request: Request, student_id: FromPath[UUID]) -> Response[bytes]:
    return await _student_page(request, student_id, None)


@get("/children/{student_id:uuid}/attendance", guards=allow("parent"))
async def child_page(request: Request, student_id: FromPath[UUID]) -> Response[bytes]:
    return await _student_page(request, student_id, request.me.user_id)


async def _student_page(request: Request, student_id: UUID, parent_id: UUID | None) -> Response[bytes]:
    today = local_date(request.now, request.me.zone)
    first = _month(request.query_params.get("month", ""), today)
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    page = request.query_params.get("page", "")[:4]
    asked = service.Asked(first, last, page=max(1, int(page)) if page.isdecimal() else 1, limit=_RECORDS)
    async with request.read() as conn:
        found = await service.student(conn, request.me, student_id, asked, request.now, parent_id)
    record = msgspec.json.decode(msgspec.json.encode(found.data), type=StudentAttendance)
    back = ("/children/" if parent_id else "/people/") + str(student_id)
    return request.page(
        "registers/student.html", record=record, first=first, weeks=_weeks(first, record.records),
        before=_named(first - timedelta(1)), after=_named(last + timedelta(1)) if last < today else None,
        own=student_id == request.me.user_id, back=back, pagination=_pages(found.pagination),
        title=format_date(first, "LLLL y", locale=request.lang), weekdays=_weekdays(request.lang),
        months={one.month: _short(one.month, request.lang) for one in record.by_month},
    )  # fmt: skip


async def _teacher_page(request: Request) -> Response[bytes]:
    async with request.read() as conn:
        found = await service.unmarked(conn, request.me, request.me.user_id, request.now)
    return request.page("registers/unmarked.html", classes=msgspec.json.decode(found, type=list[Unmarked]))


async def _day_page(request: Request) -> Response[bytes]:
    today = local_date(request.now, request.me.zone)
    on = _day(request.query_params.get("on", ""), today)
    async with request.read() as conn:
        board = msgspec.json.decode(await service.day(conn, request.me, on, request.now), type=Day)
        waiting = msgspec.json.decode(await service.unmarked(conn, request.me, None, request.now), type=list[Unmarked])
    missing: dict[str, list[Any]] = {}
    for student in board.absent:
        missing.setdefault(student.batch_name, []).append(student)
    here = {one.class_id for one in board.classes}
    return request.page(
        "registers/day.html", board=board, missing=missing, on=on, today=today, before=on - timedelta(1),
        after=on + timedelta(1), waiting=[one for one in waiting if one.class_id not in here][:_RECORDS],
        may_change=may(request.me, "academics"),
    )  # fmt: skip


def _weeks(first: date, records: list[Record]) -> list[list[Square | None]]:
    """The month as weeks from Monday; None outside of it."""
    by_day: dict[date, list[Record]] = {}
    for record in reversed(records):
        by_day.setdefault(record.day, []).append(record)
    weeks: list[list[Square | None]] = []
    for week in calendar.Calendar().monthdatescalendar(first.year, first.month):
        weeks.append([_square(day, by_day.get(day, [])) if day.month == first.month else None for day in week])
    return weeks


def _square(day: date, records: list[Record]) -> Square:
    seen = {record.status for record in records}
    worst = next((status or "unmarked" for status in _WORST if status in seen), "")
    return Square(day, worst, records)


def _month(text: str, today: date) -> date:
    """The first day of `2026-11`; of this month for whatever is none, or lies ahead."""
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        found = today
    return min(found, today).replace(day=1) if found.year >= 2000 else today.replace(day=1)


def _day(text: str, today: date) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return today
    return found if 2000 < found.year < 2100 else today


def _weekdays(lang: str) -> list[tuple[str, str]]:
    """(letter, whole name) from Monday on."""
    narrow = get_day_names("narrow", "stand-alone", locale=lang)
    wide = get_day_names("wide", "stand-alone", locale=lang)
    return [(str(narrow[day]), str(wide[day])) for day in range(7)]


def _short(month: str, lang: str) -> str:
    return format_date(date.fromisoformat(f"{month}-01"), "LLL", locale=lang)


def _named(day: date) -> str:
    return f"{day:%Y-%m}"


def _pages(found: Pagination) -> Pagination:
    """A month rarely has more than a page."""
    return Pagination(found.page, found.limit, found.total, found.total_pages)


routes = Router("/", route_handlers=[start, student_page, child_page], include_in_schema=False)
