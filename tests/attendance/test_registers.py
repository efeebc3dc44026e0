"""What attendance comes to: against a simple reckoning in Python over random histories, and who may see it."""

import random
from collections import Counter
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import msgspec
import pytest

from kaksha.core.ids import UUID, new_id
from kaksha.registers.models import Day, StudentAttendance, Unmarked
from tests.attendance.hands import at, batch, enrol, held, joined, mark, subject
from tests.institutes.staff import students, teacher
from tests.world import NOW, World

STATUSES = ("present", "absent", "late", "excused", None)


async def read(world: World, student: Any, key: str = "asha", **query: Any) -> Any:
    path = f"/v1/students/{student}/attendance"
    answer = await (await world.api(key)).get(path, params={"limit": 100} | query)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert msgspec.to_builtins(msgspec.convert(data, StudentAttendance)) == data
    return data


# --- against an oracle -----------------------------------------------------------------------------------------


class History:
    """A student with enrolments and classes at random; `counted` are those that should count."""

    def __init__(self, rng: random.Random, student: UUID) -> None:
        self.student = student
        self.minimum = rng.choice((1, 50, 75, 80, 99, 100))
        self.late_counts = rng.random() < 0.7
        starts = sorted(rng.sample(range(-60, 0), 4))
        self.spells = [(starts[0], starts[1]), (starts[2], rng.choice((None, starts[3])))]
        self.classes: list[tuple[int, int, str, str | None, bool]] = []
        """(day, hour, subject, status, held) of each class of the batch."""
        chance = rng.choice(((8, 1, 1, 1, 1), (1, 5, 1, 1, 1), (1, 1, 1, 1, 6), (1, 1, 1, 1, 1)))
        for day in range(-60, 3):
            for hour in rng.sample((0, 9, 15, 23), rng.randrange(0, 3)):
                status = rng.choices(STATUSES, chance)[0]
                self.classes.append((day, hour, rng.choice(("PHY", "MAT")), status, rng.random() > 0.1))

    def mine(self) -> list[tuple[int, int, str, str | None, bool]]:
        return sorted(
            one for one in self.classes
            if one[4] and at(one[0], one[1]) <= NOW
            and any(first <= one[0] and (last is None or one[0] < last) for first, last in self.spells)
        )  # fmt: skip

    def there(self, status: str | None) -> bool | None:
        """Whether a mark counts as attended; None: it does not count."""
        return {"present": True, "absent": False, "late": self.late_counts}.get(status or "")


async def planted(world: World, rng: random.Random, number: int) -> History:
    [student] = await students(world, [f"History {number}"], 4000 + number)
    history, institute, group = History(rng, student), world.institute("asha"), new_id()
    rows, marks = [], []
    for day, hour, taught, status, was_held in history.classes:
        class_id, starts_at = new_id(), at(day, hour)
        rows.append(
            (institute, class_id, group, UUID(subject(world, taught)), await a_teacher(world, number), starts_at,
             starts_at + timedelta(minutes=30), None if was_held else NOW, NOW)
        )  # fmt: skip
        if status:
            marks.append((institute, class_id, student, new_id(), status, starts_at, world.id("asha")))
    async with world.db.write(institute) as tx:
        await tx.conn.execute(
            "insert into batches (institute_id, id, name, code, course, capacity, starts_on, ends_on, created_at,"
            " updated_at) values ($1, $2, $3, $3, 'C', 9, $4, $5, $6, $6)",
            institute, group, f"H{number}", date(2026, 4, 1), date(2027, 3, 31), NOW,
        )  # fmt: skip
        for first, last in history.spells:
            await tx.conn.execute(
                "insert into enrolments (institute_id, id, batch_id, student_id, starts_on, ends_on, created_at)"
                " values ($1, $2, $3, $4, $5, $6, $7)",
                institute, new_id(), group, student, at(first, 12).date(),
                None if last is None else at(last, 12).date(), NOW,
            )  # fmt: skip
        await tx.conn.executemany(
            "insert into classes (institute_id, id, batch_id, subject_id, teacher_id, starts_at, ends_at, cancelled_at,"
            " created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
            rows,
        )
        await tx.conn.executemany(
            "insert into attendance_marks (institute_id, class_id, student_id, id, status, taken_at, marked_by,"
            " marked_at) values ($1, $2, $3, $4, $5, $6, $7, $6)",
            marks,
        )
    return history


_TEACHERS: dict[int, UUID] = {}


async def a_teacher(world: World, number: int) -> UUID:
    """One for each history, so that no two classes get in each other's way."""
    if number not in _TEACHERS:
        _TEACHERS[number] = await teacher(world, f"Teacher {number}")
    return _TEACHERS[number]


def share(seen: list[bool]) -> float | None:
    """Per cent to one digit, halves up."""
    return int(Fraction(2000 * sum(seen), len(seen)) + 1) // 2 / 10 if seen else None


@pytest.mark.parametrize("number", range(12))
async def test_random_histories(world: World, number: int) -> None:
    history = await planted(world, random.Random(number), number)
    rules = {"minimumPercent": history.minimum, "lateCounts": history.late_counts}
    assert (await (await world.api("dean")).patch("/v1/attendance/settings", json=rules)).status_code == 200
    data = await read(world, history.student)
    mine = history.mine()
    counted = [(one, there) for one in mine if (there := history.there(one[3])) is not None]
    seen = [there for _, there in counted]
    assert (data["attended"], data["counted"]) == (sum(seen), len(seen))
    assert data["unmarked"] == sum(one[3] is None for one in mine)
    assert data["percentage"] == share(seen)
    streak = 0
    for there in reversed(seen):
        if not there:
            break
        streak += 1
    assert data["streak"] == streak

    def enough(attended: int, held: int) -> bool:
        return 100 * attended >= history.minimum * held

    misses = next(n for n in range(10_000) if not enough(sum(seen), len(seen) + n + 1))
    needs = next((n for n in range(10_000) if enough(sum(seen) + n, len(seen) + n)), None)
    assert data["canMiss"] == (misses if enough(sum(seen), len(seen)) else 0)
    assert data["mustAttend"] == needs
    months: dict[str, list[bool]] = {}
    for one in mine:
        months.setdefault(f"{at(one[0], 12):%Y-%m}", [])
    for one, there in counted:
        months[f"{at(one[0], 12):%Y-%m}"].append(there)
    assert [(one["month"], one["attended"], one["counted"], one["percentage"]) for one in data["byMonth"]] == [
        (month, sum(seen), len(seen), share(seen)) for month, seen in sorted(months.items())
    ]
    for one in data["bySubject"]:
        code = "PHY" if one["subjectName"] == "Physics" else "MAT"
        assert one["percentage"] == share([there for other, there in counted if other[2] == code])
    await check_pages(world, history, mine)


async def check_pages(world: World, history: History, mine: list[Any]) -> None:
    """The list from cursor to cursor, newest first; totals of a part of it."""
    asha, path = await world.api("asha"), f"/v1/students/{history.student}/attendance"
    found: list[Any] = []
    cursor: str | None = None
    while True:
        query = {"limit": 7} | ({"cursor": cursor} if cursor else {})
        answer = (await asha.get(path, params=query)).json()
        assert answer["pagination"]["total"] == len(mine)
        found += answer["data"]["records"]
        cursor = answer["pagination"]["nextCursor"]
        if cursor is None:
            break
    assert [one["status"] for one in found] == [one[3] for one in reversed(mine)]
    assert [one["day"] for one in found] == [at(one[0], 12).date().isoformat() for one in reversed(mine)]
    first, last = at(-40, 12).date(), at(-10, 12).date()
    part = [one for one in mine if -40 <= one[0] <= -10 and one[2] == "PHY"]
    totals = (await read(
        world, history.student, **{"from": first, "to": last, "subject": subject(world, "PHY")}
    ))["totals"]  # fmt: skip
    count = Counter(one[3] for one in part)
    assert totals == {
        "held": len(part), "present": count["present"], "absent": count["absent"], "late": count["late"],
        "excused": count["excused"], "unmarked": count[None],
        "percentage": share([there for one in part if (there := history.there(one[3])) is not None]),
    }  # fmt: skip


async def test_the_function_for_others_says_the_same(world: World) -> None:
    for number in range(20, 24):
        await planted(world, random.Random(number), number)
    await (await world.api("dean")).patch("/v1/attendance/settings", json={"minimumPercent": 75, "lateCounts": True})
    async with world.db.read(world.institute("asha")) as conn:
        ids = [row["user_id"] for row in await conn.fetch("select user_id from students")]
        rows = await conn.fetch("select * from attendance_shares($1, $2)", ids, NOW)
    assert len(rows) >= 4
    for row in rows:
        data = await read(world, row["student_id"])
        assert (data["attended"], data["counted"], data["unmarked"]) == (
            row["attended"],
            row["counted"],
            row["unmarked"],
        )
        assert data["percentage"] == (None if row["percent"] is None else float(row["percent"]))
        assert (data["canMiss"], data["mustAttend"]) == (row["can_miss"], row["must_attend"])


# --- who may see it --------------------------------------------------------------------------------------------


async def test_who_sees_a_students_record(world: World) -> None:
    rohan, meher, sunita = world.id("rohan"), world.id("meher"), world.id("sunita")
    for student, ours in ((rohan, "rohan sunita vikram nandini asha desk"), (meher, "meher sunita nandini asha desk")):
        for key in ("rohan", "meher", "sunita", "vikram", "nandini", "asha", "desk", "kabir", "imran", "farah"):
            answer = await (await world.api(key)).get(f"/v1/students/{student}/attendance")
            assert answer.status_code == (200 if key in ours.split() else 404), (key, student)
    for key, parent, child, status in (
        ("sunita", sunita, rohan, 200), ("sunita", sunita, meher, 200), ("sunita", sunita, world.id("kabir"), 404),
        ("sunita", new_id(), rohan, 404), ("asha", sunita, rohan, 200), ("asha", sunita, new_id(), 404),
        ("asha", world.id("vikram"), rohan, 404), ("rohan", sunita, rohan, 403), ("vikram", sunita, rohan, 403),
        ("farah", sunita, rohan, 404),
    ):  # fmt: skip
        answer = await (await world.api(key)).get(f"/v1/parents/{parent}/children/{child}/attendance")
        assert answer.status_code == status, (key, parent, child)
    for query in ({"from": "2026-11-02", "to": "2026-11-01"}, {"from": "1066-01-01"}, {"cursor": "nonsense"}):
        assert (
            await (await world.api("rohan")).get(f"/v1/students/{rohan}/attendance", params=query)
        ).status_code == 422


async def test_what_a_teacher_still_has_to_mark(world: World) -> None:
    [new] = await joined(world, ["Ira Joshi"], 4801)
    half, none = await held(world, at(-2, 9)), await held(world, at(-1, 9))
    await held(world, at(-31, 9))
    await held(world, at(1, 9))
    done = await held(world, at(-2, 11))
    students_there = [new, world.id("rohan")]
    await mark(world, "vikram", half, {new: "present"})
    await mark(world, "vikram", done, dict.fromkeys(students_there, "present"))
    path = f"/v1/teachers/{world.id('vikram')}/attendance/unmarked"
    answer = await (await world.api("vikram")).get(path)
    data = answer.json()["data"]
    assert [(one["classId"], one["marked"], one["students"]) for one in data] == [(none, 0, 2), (half, 1, 2)]
    assert msgspec.to_builtins(msgspec.convert(data, list[Unmarked])) == data
    assert (await (await world.api("desk")).get(path)).json()["data"] == data
    for key, status in (("nandini", 404), ("rohan", 403), ("imran", 404)):
        assert (await (await world.api(key)).get(path)).status_code == status
    nobody = f"/v1/teachers/{world.id('rohan')}/attendance/unmarked"
    assert (await (await world.api("asha")).get(nobody)).status_code == 404


async def test_the_offices_day(world: World) -> None:
    meher = world.id("meher")
    one = await held(world, at(-20, 9), "F8", "MAT", "nandini")
    other = await held(world, at(-20, 11), "F8", "MAT", "nandini")
    await held(world, at(-20, 23, 30), "F8", "MAT", "nandini", minutes=20)
    off = await held(world, at(-20, 13), "F8", "MAT", "nandini", cancelled_at=NOW, cancel_reason="Rain")
    await mark(world, "nandini", one, {meher: "absent"})
    await mark(world, "nandini", other, {meher: "late"})
    path, on = "/v1/attendance/day", at(-20, 12).date().isoformat()
    data = (await (await world.api("desk")).get(path, params={"on": on})).json()["data"]
    assert msgspec.to_builtins(msgspec.convert(data, Day)) == data
    mine = [found for found in data["classes"] if found["batchId"] == batch(world, "F8")]
    assert [(found["absent"], found["late"], found["marked"]) for found in mine] == [(1, 0, 1), (0, 1, 1), (0, 0, 0)]
    assert off not in {found["classId"] for found in data["classes"]}
    [absent] = [found for found in data["absent"] if found["batchId"] == batch(world, "F8")]
    assert (absent["studentName"], absent["subjects"], absent["classes"]) == ("Meher Deshpande", ["Mathematics"], 2)
    assert (await (await world.api("asha")).get(path)).json()["data"]["day"] == "2026-11-22"
    assert (await (await world.api("vikram")).get(path)).status_code == 403
    assert (await (await world.api("farah")).get(path, params={"on": on})).json()["data"]["classes"] == []


async def test_a_class_that_is_moved_out_of_ones_days_counts_no_more(world: World) -> None:
    """An enrolment that ends earlier after all takes its classes out of the record, marks or not."""
    [new] = await students(world, ["Gone Early"], 4901)
    await enrol(world, new, first=-30)
    one = await held(world, at(-25, 16))
    await mark(world, "vikram", one, {new: "absent"})
    assert (await read(world, new))["counted"] == 1
    async with world.db.write(world.institute("asha")) as tx:
        await tx.conn.execute("update enrolments set ends_on = $2 where student_id = $1", new, at(-26, 12).date())
    assert (await read(world, new))["counted"] == 0
