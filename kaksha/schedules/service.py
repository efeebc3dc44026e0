"""Whose schedule a caller gets."""

from datetime import date, datetime

from kaksha.core.clock import local_date
from kaksha.core.db import Conn
from kaksha.core.errors import NotFound
from kaksha.core.http import Principal
from kaksha.core.ids import UUID
from kaksha.schedules import queries
from kaksha.schedules.models import Days


async def student(conn: Conn, me: Principal, student_id: UUID, span: Days, now: datetime) -> str:
    """A student's classes as JSON, for the student, parents, teachers and admins. Raises NotFound."""
    found = await queries.week_of(
        conn, me.institute_id, student_id, me.user_id, me.is_admin, today(me, now), span.start, span.end, now, me.zone
    )
    if found is None:
        raise NotFound
    return found


def today(me: Principal, now: datetime) -> date:
    return local_date(now, me.zone)
