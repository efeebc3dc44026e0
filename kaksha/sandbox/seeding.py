"""The large seed for benchmarks: institutes `bench-001`…, filled evenly by COPY. The same numbers give the same rows.

Student n of an institute signs in as `s00000n@bench-00i.example`, teachers as `t…`, parents as `p…`, the admin as
`admin@…`, all with the demo's password. Everything about student n follows from n, so that more can be added to what
stands.
"""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import asyncpg
import msgspec

from kaksha.core.clock import session_start
from kaksha.core.ids import UUID
from kaksha.sandbox import names, queries

__all__ = ["Found", "fill", "remove", "standing"]

BATCH = 40
STUDENTS_A_TEACHER = 60
_PARENTS_OF_TEN = 8
_SUBJECTS = (("PHY", "Physics"), ("CHE", "Chemistry"), ("MAT", "Mathematics"), ("BIO", "Biology"))
_COURSES = ("Class 11 JEE", "Class 12 JEE", "Class 11 NEET", "Class 12 NEET", "Class 9 Foundation")
_START = UUID("01970000-0001-7000-8000-000000000000").int
_ADMIN, _TEACHER, _STUDENT, _PARENT, _SUBJECT, _GROUP, _ENROLMENT, _CLASS = range(1, 9)
_DAYS_BEFORE, _DAYS_AFTER = 28, 14
"""For which days around the seed's classes are made: two a day for each batch, Sundays off."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "users": (
        "institute_id", "id", "name", "email", "phone", "password_hash", "roles", "permissions", "status", "language",
        "email_verified_at", "phone_verified_at", "created_at", "updated_at",
    ),
    "students": ("institute_id", "user_id", "roll_no", "grade", "joined_on"),
    "teachers": ("institute_id", "user_id", "title", "joined_on"),
    "parent_links": ("institute_id", "parent_id", "student_id", "relation", "created_at"),
    "subjects": ("institute_id", "id", "code", "name", "created_at", "updated_at"),
    "batches": (
        "institute_id", "id", "code", "name", "course", "medium", "capacity", "starts_on", "ends_on", "created_at",
        "updated_at",
    ),
    "batch_subjects": ("institute_id", "batch_id", "subject_id", "teacher_id"),
    "enrolments": ("institute_id", "id", "batch_id", "student_id", "starts_on", "created_at"),
    "classes": (
        "institute_id", "id", "batch_id", "subject_id", "teacher_id", "starts_at", "ends_at", "started_at", "ended_at",
        "created_at", "updated_at",
    ),
}  # fmt: skip
"""Tables in the order in which they fill, and what is copied into them."""

Row = tuple[Any, ...]


class Found(msgspec.Struct, frozen=True):
    """How a seed stands, by institute number: students there (with the session they are in) and students wanted."""

    have: dict[int, tuple[int, date]]
    want: dict[int, int]

    @property
    def missing(self) -> int:
        """Students to add."""
        return sum(max(0, want - self.students(number)) for number, want in self.want.items())

    @property
    def complete(self) -> bool:
        """Whether all that is wanted stands."""
        return self.missing == 0 and self.want.keys() <= self.have.keys()

    def students(self, number: int) -> int:
        """Students in an institute now."""
        return self.have[number][0] if number in self.have else 0


async def standing(owner: asyncpg.Connection, students: int, institutes: int) -> Found:
    """What stands, and what `students` spread over `institutes` come to. Until `owner` closes, no other seed runs."""
    await owner.execute("select pg_advisory_lock($1)", 0x73656564)  # "seed"
    even, rest = divmod(students, institutes)
    want = {number: even + (number <= rest) for number in range(1, institutes + 1)}
    rows = await _standing(owner)
    have = {int(row["code"][6:]): (row["students"], session_start(row["starts_on"])) for row in rows}
    return Found(have, want)


async def fill(
    owner: asyncpg.Connection, found: Found, password_hash: str, today: date, filled: Callable[[int], None]
) -> None:
    """Adds what is missing, one transaction an institute; calls `filled` with the students just added."""
    for number, want in found.want.items():
        have = found.students(number)
        if number in found.have and have >= want:
            continue
        start = found.have[number][1] if number in found.have else session_start(today)
        maker = _Maker(number, password_hash, start, today)
        async with owner.transaction():
            await maker.look(owner)
            if number not in found.have:
                await queries.insert_institute(
                    owner, maker.institute, f"bench-{number:03}", f"Bench {number:03}", "Asia/Kolkata", "en", maker.at
                )
            for table, rows in maker.tables(have, want, fresh=number not in found.have).items():
                await owner.copy_records_to_table(table, records=rows, columns=COLUMNS[table])
            await _attended(owner, maker.institute)
        filled(want - have)
    await _tidy(owner)


class _Maker:
    """Makes the rows of one institute; teachers, batches and subjects count from 0, students from 1."""

    def __init__(self, number: int, password_hash: str, start: date, today: date) -> None:
        self.number = number
        self.institute = self._id(0, 0)
        self.at = datetime.combine(start - timedelta(31), time(4, 30), UTC)
        self._start = start
        self._today = today
        self._busy: set[tuple[UUID, int]] = set()
        """(teacher, hour of the day) of classes that stand."""
        self._domain = f"bench-{number:03}.example"
        self._password_hash = password_hash

    async def look(self, owner: asyncpg.Connection) -> None:
        """Learns when the institute's teachers have classes already."""
        rows = await owner.fetch(
            "select distinct teacher_id, extract(hour from starts_at at time zone 'UTC')::integer as hour from classes"
            " where institute_id = $1",
            self.institute,
        )  # fmt: skip
        self._busy = {(row["teacher_id"], row["hour"]) for row in rows}

    def tables(self, have: int, want: int, *, fresh: bool) -> dict[str, list[Row]]:
        """The rows of students `have + 1` to `want`, and of the teachers and batches first needed by them."""
        students = range(have + 1, want + 1)
        parents = [n for n in students if n % 10 < _PARENTS_OF_TEN]
        staff = _teachers(want)
        teachers = range(0 if fresh else _teachers(have), staff)
        batches = range(-(-have // BATCH), -(-want // BATCH))
        subjects = _SUBJECTS if fresh else ()
        users = [self._person(_STUDENT, n, f"s{n:06}", "student") for n in students]
        users += [self._person(_PARENT, n, f"p{n:06}", "parent") for n in parents]
        users += [self._person(_TEACHER, n, f"t{n + 1:06}", "teacher") for n in teachers]
        users += [self._person(_ADMIN, 0, "admin", "admin")] if fresh else []
        i, at, start, id_of = self.institute, self.at, self._start, self._id
        return {
            "users": users,
            "students": [(i, id_of(_STUDENT, n), f"S{n:06}", _course(n)[:8].strip(), start) for n in students],
            "teachers": [(i, id_of(_TEACHER, n), "", start) for n in teachers],
            "parent_links": [(i, id_of(_PARENT, n), id_of(_STUDENT, n), _relation(n), at) for n in parents],
            "subjects": [(i, id_of(_SUBJECT, n), *subject, at, at) for n, subject in enumerate(subjects)],
            "batches": [self._batch(n) for n in batches],
            "batch_subjects": [
                (i, id_of(_GROUP, n), id_of(_SUBJECT, place), id_of(_TEACHER, (n + place) % staff))
                for n in batches
                for place in range(2)
            ],
            "enrolments": [
                (i, id_of(_ENROLMENT, n), id_of(_GROUP, (n - 1) // BATCH), id_of(_STUDENT, n), start, at)
                for n in students
            ],
            "classes": [row for n in batches for row in self._classes(n, staff)],
        }

    def _person(self, kind: int, n: int, local_part: str, role: str) -> Row:
        """A user; a student and their parent have the surname and the phone of their family."""
        family = n if kind in (_STUDENT, _PARENT) else -1 - n
        rng = random.Random(self.number << 32 | family & 0xFFFFFFFF)  # noqa: S311 - names, not secrets
        region = names.one_of(rng)
        surname = rng.choice(region.surnames)
        firsts = region.girls + region.boys
        if kind == _PARENT:
            firsts = region.mothers if _relation(n) == "mother" else region.fathers
        phone = f"+91{7_000_000_000 + self.number * 1_000_000 + n}" if family == n else None
        return (
            self.institute, self._id(kind, n), f"{rng.choice(firsts)} {surname}", f"{local_part}@{self._domain}", phone,
            self._password_hash, [role], ["owner"] if role == "admin" else [], "active", "en", self.at,
            self.at if phone else None, self.at, self.at,
        )  # fmt: skip

    def _batch(self, n: int) -> Row:
        course = _course(n * BATCH + 1)
        ends_on = self._start.replace(year=self._start.year + 1) - timedelta(1)
        return (
            self.institute, self._id(_GROUP, n), f"B{n + 1:03}", f"{course} {n + 1}", course, ("en", "hi")[n % 2],
            BATCH, self._start, ends_on, self.at, self.at,
        )  # fmt: skip

    def _classes(self, batch: int, staff: int) -> Iterator[Row]:
        """Two classes a day of a batch, each in the first hour in which its teacher and the batch are free."""
        hours: list[int] = []
        for place in range(2):
            teacher = self._id(_TEACHER, (batch + place) % staff)
            hour = next(hour for hour in range(24) if hour not in hours and (teacher, hour) not in self._busy)
            self._busy.add((teacher, hour))
            hours.append(hour)
        for day in range(-_DAYS_BEFORE, _DAYS_AFTER):
            on = self._today + timedelta(day)
            for place, hour in enumerate(hours) if on.weekday() < 6 else ():
                starts_at = datetime.combine(on, time(hour, 30), UTC)
                ends_at = starts_at + timedelta(minutes=55)
                held = day < 0
                yield (
                    self.institute, self._id(_CLASS, batch * 128 + (day + _DAYS_BEFORE) * 2 + place),
                    self._id(_GROUP, batch), self._id(_SUBJECT, place), self._id(_TEACHER, (batch + place) % staff),
                    starts_at, ends_at, starts_at if held else None, ends_at if held else None, self.at, self.at,
                )  # fmt: skip

    def _id(self, kind: int, n: int) -> UUID:
        """A fixed id that still is a UUIDv7: institute, kind and number in its last bits."""
        return UUID(int=_START + (self.number << 40) + (kind << 32) + n)


def _teachers(students: int) -> int:
    return max(1, -(-students // STUDENTS_A_TEACHER))


def _course(student: int) -> str:
    return _COURSES[(student - 1) // BATCH % len(_COURSES)]


def _relation(student: int) -> str:
    return ("mother", "father")[student % 2]


async def _standing(owner: asyncpg.Connection) -> list[asyncpg.Record]:
    """The large seed's institutes, how many of its students each has, and a day in their session."""
    return await owner.fetch(
        """
        select i.code, count(s.user_id)::integer as students, (i.created_at + interval '40 days')::date as starts_on
        from institutes i left join students s on s.institute_id = i.id and s.roll_no ~ '^S[0-9]{6}$'
        where i.code ~ '^bench-[0-9]{3}$'
        group by i.id
        """
    )


async def remove(owner: asyncpg.Connection) -> None:
    """Removes the large seed's institutes with everything in them, whatever table it is in, most dependent first."""
    await owner.execute(
        """
        do $$
        declare
          target regclass;
        begin
          create temporary table bench on commit drop as select id from institutes where code ~ '^bench-[0-9]{3}$';
          for target in
            with recursive tables as (
              select c.oid from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'institute_id'
              where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace
            ), depths as (
              select oid, 0 as depth from tables
              union
              select f.conrelid, d.depth + 1 from depths d
              join pg_constraint f on f.contype = 'f' and f.confrelid = d.oid and f.conrelid <> d.oid
              where d.depth < 30
            )
            select oid from depths where oid in (select oid from tables) group by oid order by max(depth) desc
          loop
            execute format('delete from %s where institute_id in (select id from bench)', target);
          end loop;
        end $$
        """
    )


async def _attended(owner: asyncpg.Connection, institute_id: UUID) -> None:
    """Everybody's mark in each class that was held; what stands already stays."""
    await owner.execute(
        """
        insert into attendance_marks (institute_id, class_id, student_id, id, status, taken_at, marked_by, marked_at)
        select $1, c.id, e.student_id, overlay(overlay(h.hash placing '7' from 13) placing '8' from 17)::uuid,
          case when h.hash < '10' then 'absent' when h.hash < '18' then 'late' else 'present' end,
          c.starts_at, c.teacher_id, c.starts_at
        from classes c
        join enrolments e on e.institute_id = $1 and e.batch_id = c.batch_id
          and e.starts_on <= (c.starts_at at time zone 'Asia/Kolkata')::date
        cross join lateral (select md5(c.id::text || e.student_id::text) as hash) h
        where c.institute_id = $1 and c.ended_at is not null
        on conflict do nothing
        """,
        institute_id,
    )


async def _tidy(owner: asyncpg.Connection) -> None:
    """Statistics and visibility for the planner, as they would be after a night."""
    await owner.execute(
        "vacuum (analyze) users, students, teachers, parent_links, subjects, batches, batch_subjects, enrolments,"
        " classes, attendance_marks"
    )
