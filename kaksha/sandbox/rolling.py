"""Plants the demo and keeps it from going stale: every start and an hourly job bring its dates to today.

The rule guarded here: what a visitor changed is theirs. The last roll's day is kept in the audit log, so what the demo
left in each row is known (`demo(that day)`), and a row moves only while it still holds exactly that:

- a batch moves while its days are the demo's (its name may be a visitor's by now);
- a person moves, with all enrolments, while nobody touched the person, the student's record or any enrolment.

Nothing comes back that a visitor removed, because a demo that stands is not planted again, except what is new in a
later edition.
"""

import json
from datetime import date
from typing import Any, cast

import asyncpg
import structlog

from kaksha.core import audit
from kaksha.core.clock import local_date
from kaksha.core.db import Conn, Database, Row, Write
from kaksha.core.errors import Conflict
from kaksha.core.ids import UUID
from kaksha.core.jobs import Jobs
from kaksha.core.passwords import hash_password
from kaksha.sandbox import demo_queries, queries
from kaksha.sandbox.cast import PASSWORD, InstitutePlan, Member
from kaksha.sandbox.demo import DEMO_ZONE, demo
from kaksha.sandbox.planting import Enrolled, admitted, batch_days, enrolled, plant_rows, turn_week
from kaksha.sandbox.telling import tell

__all__ = ["EDITION", "NotOurs", "register", "roll", "stand"]

EDITION = 2
"""Goes up when the plan gains people or things, so that a demo that stands gets them too."""
_log = structlog.get_logger("kaksha.demo")


class NotOurs(RuntimeError):
    """An institute that the demo did not make has the demo's code."""


async def stand(db: Database, owner: asyncpg.Connection) -> tuple[InstitutePlan, ...]:
    """Makes the demo stand as of today, new or from an earlier day, and answers what is planned for today."""
    plans = demo(_today(db))
    for plan in plans:
        if await queries.plant_institute(cast(Conn, owner), plan) != plan.id:
            raise NotOurs(
                f"This database has an institute “{plan.code}” that is not the demo's:"
                " use another KAKSHA_HOME or DATABASE_URL for the demo."
            )
    try:
        await roll(db)
    except Conflict as error:  # a visitor's doing that nobody foresaw: rather stale than not there
        _log.warning("demo.not_rolled", constraint=error.facts.get("constraint"))
    return plans


async def roll(db: Database) -> bool:
    """Brings the demo to today; answers whether there was anything to do.

    For each institute, in one transaction: 1. look up the day and edition of the last roll; 2. move what is as the
    demo left it that day; 3. plant what this edition adds (for a new demo: everything); 4. set the notices to today;
    5. mark the classes that were held; 6. note the day.
    """
    today = _today(db)
    done = False
    for plan in demo(today):
        async with db.write(plan.id) as tx:
            await queries.one_at_a_time(tx.conn)
            last = await queries.last_roll(tx.conn, plan.id)
            if last is not None and last["day"] == today and last["edition"] >= EDITION:
                await demo_queries.plant_marks(tx.conn, plan.id, tx.now)
                continue
            if last is not None and last["day"] != today:
                before = next(other for other in demo(last["day"]) if other.id == plan.id)
                await _move(tx, before, plan)
            if last is None or last["edition"] < EDITION:
                await plant_rows(tx, plan, await hash_password(PASSWORD))
            await turn_week(tx, plan)
            await tell(tx, plan, today, new=last is None or last["edition"] < EDITION)
            noted = {"day": today.isoformat(), "edition": EDITION}
            await demo_queries.plant_marks(tx.conn, plan.id, tx.now)
            await audit.record(tx, "demo.rolled", plan.id, after=noted)
            done = True
    return done


def register(jobs: Jobs, db: Database) -> None:
    """Rolls with the first hour of each Indian day, or with the next one after a machine slept through it."""

    async def tick() -> None:
        if await roll(db):
            _log.info("demo.rolled")

    jobs.every("sandbox.roll", "31 * * * *", tick)


def _today(db: Database) -> date:
    return local_date(db.clock(), DEMO_ZONE)


async def _move(tx: Write, before: InstitutePlan, plan: InstitutePlan) -> None:
    """Moves what is as `before` left it to where `plan` wants it."""
    for old, new in zip(before.batches, plan.batches, strict=True):
        was, becomes = batch_days(before, old), batch_days(plan, new)
        if was != becomes:
            await queries.move_batch(tx.conn, plan.id, new.id, was, becomes)
    days = {row["id"]: (row["starts_on"], row["ends_on"]) for row in await queries.batch_days(tx.conn, plan.id)}
    standing = {batch.id for batch in plan.batches if days.get(batch.id) == batch_days(plan, batch)[:2]}
    found = await queries.people_as_they_are(tx.conn, plan.id, [person.id for person in plan.people])
    rows = {row["id"]: row for row in found}
    old_enrolments, new_enrolments = _by_student(before), _by_student(plan)
    moving: list[Member] = []
    for old, new in zip(before.people, plan.people, strict=True):
        mine = old_enrolments.get(old.id, [])
        in_place = all(enrolment.batch.id in standing for enrolment in mine)
        if in_place and new.id in rows and _untouched(rows[new.id], before, old, mine):
            moving.append(new)
    await queries.move_users(tx.conn, [(plan.id, person.id, admitted(plan, person)) for person in moving])
    await queries.move_students(
        tx.conn,
        [
            (plan.id, person.id, person.joined_on or plan.starts_on)
            for person in moving
            if "student" in person.roles
        ],
    )  # fmt: skip
    await queries.move_enrolments(
        tx.conn,
        [
            (plan.id, enrolment.id, enrolment.starts_on, enrolment.created_at)
            for person in moving
            for enrolment in new_enrolments.get(person.id, [])
        ],
    )


def _untouched(row: Row, plan: InstitutePlan, person: Member, enrolments: list[Enrolled]) -> bool:
    """Whether a person's rows are as `plan` left them."""
    created_at = admitted(plan, person)
    if row["created_at"] != created_at or row["updated_at"] != created_at or row["left_on"] is not None:
        return False
    if "student" not in person.roles:
        return True
    kept: list[Any] = json.loads(row["enrolments"] or "[]")
    planned = {(enrolment.id, enrolment.starts_on, None) for enrolment in enrolments}
    found = {(UUID(id), date.fromisoformat(starts_on), ends_on) for id, starts_on, ends_on in kept}  # noqa: A001
    return row["joined_on"] == (person.joined_on or plan.starts_on) and found == planned


def _by_student(plan: InstitutePlan) -> dict[UUID, list[Enrolled]]:
    found: dict[UUID, list[Enrolled]] = {}
    for enrolment in enrolled(plan):
        found.setdefault(enrolment.student.id, []).append(enrolment)
    return found
