"""Whose dashboard a caller gets: one's own by role, or somebody's by id, decided inside the one statement."""

from datetime import datetime

from kaksha.core.clock import local_date
from kaksha.core.db import Conn
from kaksha.core.errors import Forbidden, NotFound
from kaksha.core.http import EVERY_ROLE, Principal
from kaksha.core.ids import UUID
from kaksha.home import queries


async def student(conn: Conn, me: Principal, student_id: UUID, now: datetime) -> str:
    """A student's dashboard as JSON, for the student, parents, teachers and admins. Raises NotFound."""
    today = local_date(now, me.zone)
    return _there(
        await queries.student_dashboard(conn, me.institute_id, student_id, me.user_id, me.is_admin, today, now)
    )


async def teacher(conn: Conn, me: Principal, teacher_id: UUID, now: datetime) -> str:
    """A teacher's dashboard as JSON, for the teacher and admins. Raises NotFound."""
    today = local_date(now, me.zone)
    return _there(
        await queries.teacher_dashboard(conn, me.institute_id, teacher_id, me.user_id, me.is_admin, today, now)
    )


async def parent(conn: Conn, me: Principal, parent_id: UUID, now: datetime) -> str:
    """A parent's dashboard as JSON, for the parent and admins. Raises NotFound."""
    today = local_date(now, me.zone)
    return _there(await queries.parent_dashboard(conn, me.institute_id, parent_id, me.user_id, me.is_admin, today, now))


async def child(conn: Conn, me: Principal, student_id: UUID, now: datetime) -> str:
    """A student's dashboard for a parent's pages, where being an admin as well opens nothing more. Raises NotFound."""
    today = local_date(now, me.zone)
    return _there(await queries.student_dashboard(conn, me.institute_id, student_id, me.user_id, False, today, now))


async def own(conn: Conn, me: Principal, role: str, now: datetime) -> str:
    """The caller's own dashboard of a role. Raises NotFound (no such role, or no record of it yet) and Forbidden."""
    if role not in EVERY_ROLE:
        raise NotFound
    if role not in me.roles:
        raise Forbidden
    if role == "student":
        return await student(conn, me, me.user_id, now)
    if role == "teacher":
        return await teacher(conn, me, me.user_id, now)
    if role == "parent":
        return await parent(conn, me, me.user_id, now)
    return _there(await queries.admin_dashboard(conn, me.institute_id, local_date(now, me.zone), now))


def _there(found: str | None) -> str:
    if found is None:
        raise NotFound
    return found
