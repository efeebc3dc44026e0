"""The demo: *Aarambh Classes* as it is on a given day, and *Prayas Academy* beside it.

The cast and about 120 students, with the loose ends that a front desk has on any day: newcomers of the last two
weeks, somebody who waits for approval, students without a batch or a parent, a batch that is nearly full and one that
is half empty. The same day always gives the same institute, and everything that has no date is the same on all days:
`rolling` relies on that.
"""

import random
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

import msgspec

from kaksha.core.clock import session_start, zone
from kaksha.sandbox import names, week
from kaksha.sandbox.cast import AARAMBH, BatchPlan, InstitutePlan, Member, the_cast

__all__ = ["DEMO_ZONE", "demo", "demo_people"]

DEMO_ZONE = "Asia/Kolkata"
_OFFERED = ("rohan", "sunita", "vikram", "asha", "meher", "nandini")


class _Course(msgspec.Struct, frozen=True):
    """A batch of the demo: `own` students besides the cast's, roll numbers from `rolls` on."""

    number: int
    code: str
    name: str
    course: str
    grade: str
    subjects: tuple[tuple[str, str], ...]
    own: int
    capacity: int
    rolls: int
    medium: str = "en"
    newcomers: tuple[int, ...] = ()
    """Days since the last of them joined."""


_COURSES = (
    _Course(0xA201, "JEE-A", "JEE-A", "Class 11 JEE", "Class 11",
            (("PHY", "vikram"), ("MAT", "nandini"), ("CHE", "shabana")), 22, 24, 2201, newcomers=(6,)),
    _Course(0xA203, "JEE-H", "JEE Hindi medium", "Class 12 JEE", "Class 12",
            (("PHY", "gurpreet"), ("MAT", "rakesh"), ("CHE", "shabana")), 16, 20, 2701, "hi"),
    _Course(0xA204, "NEET-A", "NEET-A", "Class 11 NEET", "Class 11",
            (("PHY", "vikram"), ("CHE", "debashish"), ("BIO", "lakshmi")), 18, 24, 2301, newcomers=(1, 9)),
    _Course(0xA202, "F8", "Foundation 8", "Class 8 Foundation", "Class 8",
            (("MAT", "nandini"), ("SCI", "thomas"), ("ENG", "anjali")), 15, 20, 2101, "hi"),
    _Course(0xA205, "F9", "Foundation 9", "Class 9 Foundation", "Class 9",
            (("MAT", "priyanka"), ("SCI", "thomas"), ("ENG", "anjali")), 12, 24, 2401),
    _Course(0xA206, "F10", "Foundation 10", "Class 10 Foundation", "Class 10",
            (("MAT", "priyanka"), ("SCI", "lakshmi"), ("ENG", "anjali")), 15, 20, 2501, newcomers=(2, 12)),
    _Course(0xA207, "BRD-12", "Boards 12", "Class 12 Boards", "Class 12",
            (("PHY", "gurpreet"), ("CHE", "debashish"), ("MAT", "rakesh"), ("ENG", "anjali")), 11, 16, 2601, "hi"),
    _Course(0xA208, "CRASH", "JEE crash course", "JEE crash course", "Class 12",
            (("PHY", "gurpreet"), ("CHE", "debashish"), ("MAT", "rakesh")), 6, 16, 2801, newcomers=(4,)),
)  # fmt: skip
_VISITORS = 6
"""Students of JEE-H who also take the crash course."""
_WITHOUT_BATCH = (3, 5, 8)
"""Days since they joined."""
_WITHOUT_PARENT = 4
_SIBLINGS = 27
_BOTH_PARENTS = (5, 25, 45, 65)
"""Families in which father and mother sign in."""

_STAFF = (
    ("shabana", "Shabana Ansari", "Chemistry, 15 years"),
    ("debashish", "Debashish Mukherjee", "Chemistry, 9 years"),
    ("gurpreet", "Gurpreet Bedi", "Physics, 6 years"),
    ("lakshmi", "Lakshmi Narayanan", "Biology, 11 years"),
    ("thomas", "Thomas Kurian", "Science, 7 years"),
    ("priyanka", "Priyanka Jadhav", "Mathematics, 4 years"),
    ("rakesh", "Rakesh Mishra", "Mathematics, 20 years"),
    ("anjali", "Anjali Bhatt", "English, 5 years"),
)
_SUBJECTS = ((0xA106, "SCI", "Science"),)


class _Student(msgspec.Struct):
    """A student while the plan is made."""

    course: _Course | None
    grade: str
    roll_no: str
    days: int | None
    """Days since a newcomer joined; None for those who are here since the session began."""
    medium: str = "en"
    member: Member | None = None


def demo(today: date) -> tuple[InstitutePlan, ...]:
    """The demo's institutes as they are on `today`."""
    aarambh, prayas = the_cast(today)
    return _lively(aarambh, today), prayas


def demo_people(plans: Sequence[InstitutePlan]) -> list[tuple[str, str, str]]:
    """(name, role, e-mail) of those whom the sign-in page offers."""
    people = {person.key: person for plan in plans for person in plan.people}
    return [(people[key].name, people[key].roles[0], people[key].email or "") for key in _OFFERED]


def _lively(cast: InstitutePlan, today: date) -> InstitutePlan:
    """The cast's institute with everybody else in it."""
    students = _students(cast)
    used: set[str] = set()
    families = _families(students, today, used)
    crowd = [student.member for student in students if student.member is not None]
    in_course: dict[str, list[str]] = {course.code: [] for course in _COURSES}
    for batch in cast.batches:
        in_course[batch.code] += batch.students
    for student in students:
        if student.course is not None and student.member is not None:
            in_course[student.course.code].append(student.member.key)
    in_course["CRASH"] += in_course["JEE-H"][:_VISITORS]
    batches = tuple(_batch(course, tuple(in_course[course.code]), today) for course in _COURSES)
    rooms = tuple((_id(0xA300 + place), name, seats) for place, (name, seats) in enumerate(week.ROOMS))
    return msgspec.structs.replace(
        cast,
        rooms=rooms,
        slots=tuple(week.slots(batches, rooms, lambda n: _id(0xA400 + n))),
        holidays=tuple(week.holidays(cast.starts_on, lambda n: _id(0xA600 + n))),
        subjects=(*cast.subjects, *((_id(number), code, name) for number, code, name in _SUBJECTS)),
        people=(*cast.people, *_staff(), *crowd, *families, _waiting(crowd, families, today, used)),
        batches=batches,
    )


def _students(cast: InstitutePlan) -> list[_Student]:
    """Everybody's place, before they have names: roll numbers, and who is new."""
    taken = {person.roll_no for person in cast.people}
    found: list[_Student] = []
    for course in _COURSES:
        rolls = [str(roll) for roll in range(course.rolls, course.rolls + 60) if str(roll) not in taken]
        for place in range(course.own):
            late = place - (course.own - len(course.newcomers))
            days = course.newcomers[late] if late >= 0 else None
            found.append(_Student(course, course.grade, rolls[place], days, course.medium))
    for place, days in enumerate(_WITHOUT_BATCH):
        found.append(_Student(None, ("Class 9", "Class 11", "Class 12")[place], str(2901 + place), days))
    return found


def _families(students: list[_Student], today: date, used: set[str]) -> list[Member]:
    """Names the students family by family and answers the parents.

    A younger and an older student are siblings in the first families. Siblings and younger students use the family's
    phone; older ones have their own. The last students with a batch have no parent here.
    """
    rng = random.Random("aarambh")  # noqa: S311 - names, not secrets
    younger = [student for student in students if student.grade in ("Class 8", "Class 9", "Class 10")]
    older = [student for student in students if student not in younger]
    alone = [student for student in older if student.course is not None][-_WITHOUT_PARENT:]
    older = [student for student in older if student not in alone]
    pairs = [[older[2 * place], younger[place]] for place in range(_SIBLINGS)]
    paired = [student for pair in pairs for student in pair]
    families = pairs + [[student] for student in [*younger, *older] if student not in paired]
    place = {id(student): number for number, student in enumerate(students)}
    parents: list[Member] = []
    for family, children in enumerate([*families, *([student] for student in alone)]):
        region = names.one_of(rng)
        surname = rng.choice(region.surnames)
        phone = f"+9198220{30000 + family * 7}"
        for child in children:
            own = family >= len(families) or (len(children) == 1 and child in older)
            child_phone = f"+9198230{40000 + family * 7}" if own else phone
            child.member = _student(rng, region, surname, child, place[id(child)], child_phone, today, used)
        if family < len(families):
            keys = tuple(child.member.key for child in children if child.member is not None)
            who = ("mother", "father") if family in _BOTH_PARENTS else (("father", "mother", "mother")[family % 3],)
            language = "hi" if children[0].medium == "hi" else "en"
            for relation in who:
                name = _name(rng, region.mothers if relation == "mother" else region.fathers, surname, used)
                key = _key(name, used)
                parents.append(
                    Member(key, _id(0xD000 + len(parents)), name, ("parent",), f"{key}@aarambh.example", phone,
                           language=language, children=keys, relation=relation)
                )  # fmt: skip
    return parents


def _student(
    rng: random.Random, region: names.Region, surname: str, student: _Student, place: int, phone: str, today: date,
    used: set[str],
) -> Member:  # fmt: skip
    name = _name(rng, region.girls if rng.random() < 0.48 else region.boys, surname, used)
    key = _key(name, used)
    joined_on, created_at = _joined(student.days, place, today)
    return Member(
        key, _id(0xC000 + place), name, ("student",), f"{key}@aarambh.example", phone, language=student.medium,
        roll_no=student.roll_no, grade=student.grade, joined_on=joined_on, created_at=created_at,
    )  # fmt: skip


def _joined(days: int | None, place: int, today: date) -> tuple[date, datetime]:
    """First day and admission. Newcomers joined `days` ago, the others in the first three weeks of the session.

    Nobody joins before the session or after today, so in its first days they all join together.
    """
    start = session_start(today)
    if days is not None:
        return max(start, today - timedelta(days)), _local(today - timedelta(days), 10 + place % 8, place % 60)
    joined_on = max(start, min(start + timedelta(place * 7 % 20), today - timedelta(15)))
    return joined_on, _local(joined_on - timedelta(3 + place % 25), 10 + place % 8, place % 60)


def _staff() -> Iterable[Member]:
    yield Member("pooja", _id(0xA00A), "Pooja Gaikwad", ("admin",), "pooja@aarambh.example", "+919822010010",
                 permissions=("desk",))  # fmt: skip
    for place, (key, name, title) in enumerate(_STAFF):
        yield Member(key, _id(0xA010 + place), name, ("teacher",), f"{key}@aarambh.example", f"+9198220100{place + 11}",
                     title=title)  # fmt: skip


def _waiting(crowd: list[Member], families: list[Member], today: date, used: set[str]) -> Member:
    """Yesterday evening the father of a student without a parent registered, and waits for approval."""
    cared_for = {key for parent in families for key in parent.children}
    child = next(student for student in reversed(crowd) if student.key not in cared_for)
    name = f"Dinesh {child.name.rpartition(' ')[2]}"
    key = _key(name, used)
    return Member(key, _id(0xDF00), name, ("parent",), f"{key}@aarambh.example", "+919822029900", status="pending",
                  relation="father", created_at=_local(today - timedelta(1), 19, 42))  # fmt: skip


def _batch(course: _Course, students: tuple[str, ...], today: date) -> BatchPlan:
    """The crash course runs for twelve weeks and always is in its fourth; the others take the session."""
    starts_on = ends_on = None
    if course.code == "CRASH":
        starts_on = today - timedelta(21 + today.weekday())
        ends_on = starts_on + timedelta(83)
    return BatchPlan(_id(course.number), course.code, course.name, course.course, course.subjects, students,
                     course.medium, course.capacity, starts_on, ends_on)  # fmt: skip


def _name(rng: random.Random, firsts: Sequence[str], surname: str, used: set[str]) -> str:
    """A first name that nobody of this surname has yet, as long as there are any."""
    fresh = [first for first in firsts if f"{first} {surname}".lower().replace(" ", ".") not in used]
    return f"{rng.choice(fresh or firsts)} {surname}"


def _key(name: str, used: set[str]) -> str:
    """The local part of an address that nobody has yet."""
    plain = name.lower().replace(" ", ".")
    key = next(key for key in (plain, *(f"{plain}{number}" for number in range(2, 99))) if key not in used)
    used.add(key)
    return key


def _local(day: date, hour: int, minute: int) -> datetime:
    return datetime.combine(day, time(hour, minute), zone(DEMO_ZONE))


def _id(number: int) -> UUID:
    """A fixed id that still is a UUIDv7."""
    return UUID(int=AARAMBH.int & ~0xFFFF | number)
