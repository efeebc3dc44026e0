"""What counts on a dashboard as rows come and go: days, ends, seats, and what waits for an admin."""

from datetime import date, timedelta
from typing import Any

import msgspec

from kaksha.home.models import DASHBOARDS
from kaksha.sandbox.cast import AARAMBH
from tests.home import rows
from tests.home.rows import TODAY
from tests.world import World


async def own(world: World, who: str, role: str) -> Any:
    answer = await (await world.api(who)).get(f"/v1/users/dashboard/{role}")
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    # With rows of every kind in it the answer is still what was promised.
    decoded = msgspec.json.decode(msgspec.json.encode(data), type=DASHBOARDS[role])
    assert msgspec.to_builtins(decoded) == data
    return data


async def board_of(world: World, student: Any) -> Any:
    answer = await (await world.api("asha")).get(f"/v1/students/{student}/dashboard")
    return answer.json()["data"]


async def test_a_batch_counts_from_today_until_its_last_day(world: World) -> None:
    student = await rows.student(world, "Kavya Patel", "3001")
    day = timedelta(days=1)
    over = await rows.batch(world, "Over", ends=TODAY - day)
    last = await rows.batch(world, "Last day", ends=TODAY)
    ahead = await rows.batch(world, "Ahead", starts=TODAY + 10 * day, ends=TODAY + 20 * day)
    gone = await rows.batch(world, "Archived")
    left = await rows.batch(world, "Left")
    never = await rows.batch(world, "Never begun", starts=TODAY + day)
    for batch in (over, last, gone):
        await rows.enrol(world, batch, student, date(2026, 4, 1))
    await rows.enrol(world, ahead, student, TODAY + 10 * day)
    await rows.enrol(world, left, student, date(2026, 4, 1), TODAY)
    await rows.enrol(world, never, student, TODAY + day, TODAY + day)
    await rows.run(world, "update batches set archived_at = now() where institute_id = $1 and id = $2", AARAMBH, gone)
    batches = (await board_of(world, student))["batches"]
    assert [(one["name"], one["joinsOn"], one["daysGone"], one["daysLeft"]) for one in batches] == [
        ("Last day", "2026-04-01", 235, 0), ("Ahead", "2026-12-02", 0, 11),
    ]  # fmt: skip


async def test_classmates_are_those_there_today(world: World) -> None:
    batch = await rows.batch(world, "Classmates")
    me = await rows.student(world, "Aarav Iyer", "3010")
    await rows.enrol(world, batch, me)
    for number, (starts, ends) in enumerate(
        [
            (TODAY, None), (date(2026, 4, 1), date(2027, 1, 1)),  # both are there
            (date(2026, 4, 1), TODAY), (TODAY + timedelta(days=1), None),  # left today, joins tomorrow
        ]
    ):  # fmt: skip
        other = await rows.student(world, f"Classmate {number}", f"301{number + 1}")
        await rows.enrol(world, batch, other, starts, ends)
    (shown,) = (await board_of(world, me))["batches"]
    assert shown["classmates"] == 2


async def test_a_teacher_loses_sight_of_a_student_who_left(world: World) -> None:
    api = await world.api("vikram")
    student = await rows.student(world, "Diya Sharma", "3020")
    jee = next(plan for plan in world.institutes[0].batches if plan.code == "JEE-A").id
    path = f"/v1/students/{student}/dashboard"
    assert (await api.get(path)).status_code == 404
    enrolment = await rows.enrol(world, jee, student, TODAY - timedelta(days=3))
    assert (await api.get(path)).status_code == 200
    board = await own(world, "vikram", "teacher")
    assert board["counts"]["newStudents"] == 1
    assert board["newStudents"][0]["studentName"] == "Diya Sharma"
    await rows.end(world, enrolment)
    assert (await api.get(path)).status_code == 404
    assert (await own(world, "vikram", "teacher"))["counts"]["newStudents"] == 0


async def test_a_teacher_sees_the_latest_ten_of_fourteen_days_and_what_ends(world: World) -> None:
    batch = await rows.batch(world, "Ends soon", ends=TODAY + timedelta(days=30))
    later = await rows.batch(world, "Ends later", ends=TODAY + timedelta(days=31))
    subject = world.institutes[0].subjects[2][0]
    for each in (batch, later):
        await rows.teach(world, each, subject, world.id("nandini"))
    for number in range(14):
        student = await rows.student(world, f"New {number:02}", f"40{number:02}")
        await rows.enrol(world, batch, student, TODAY - timedelta(days=number + 1))
    board = await own(world, "nandini", "teacher")
    assert board["counts"]["newStudents"] == 13  # the one of 14 days ago is not new any more
    assert [one["studentName"] for one in board["newStudents"]] == [f"New {number:02}" for number in range(10)]
    assert [(one["name"], one["daysLeft"]) for one in board["endingSoon"]] == [("Ends soon", 30)]


async def test_what_waits_for_an_admin_is_counted_and_named(world: World) -> None:
    before = await own(world, "asha", "admin")
    loose = await rows.student(world, "Zoya Ali", "5001")
    await rows.student(world, "Disabled One", "5002", status="disabled")
    gone = await rows.student(world, "Gone One", "5003")
    await rows.leave(world, gone)
    waiting = await rows.user(world, "Waiting One", "parent", status="pending")
    after = await own(world, "asha", "admin")
    counts = {name: after["counts"][name] - before["counts"][name] for name in after["counts"]}
    assert {name: n for name, n in counts.items() if n} == {
        "students": 1, "pending": 1, "withoutBatch": 1, "withoutParent": 1,
    }  # fmt: skip
    assert after["withoutBatch"][0]["name"] == after["withoutParent"][0]["name"] == "Zoya Ali"
    assert [one["id"] for one in after["pending"]] == [str(waiting)]
    assert "Waiting One" not in {one["name"] for one in after["newest"]}
    await rows.link(world, world.id("sunita"), loose)
    later = await own(world, "asha", "admin")
    assert later["counts"]["withoutParent"] == before["counts"]["withoutParent"]


async def test_seats_are_taken_before_the_first_day(world: World) -> None:
    batch = await rows.batch(world, "Two seats", seats=2)
    before = (await own(world, "asha", "admin"))["counts"]["nearlyFull"]
    for number, starts in enumerate((TODAY, TODAY + timedelta(days=9))):
        await rows.enrol(world, batch, await rows.student(world, f"Seat {number}", f"600{number}"), starts)
    data = await own(world, "asha", "admin")
    assert data["counts"]["nearlyFull"] == before + 1
    assert next(one["enrolled"] for one in data["batches"] if one["name"] == "Two seats") == 2


async def test_a_subject_is_without_teacher_when_nobody_or_somebody_gone_teaches_it(world: World) -> None:
    subject = await rows.subject(world, "Sanskrit")
    teacher = await rows.teacher(world, "Leela Nair")
    untaught = [one for one in await _untaught(world) if one["id"] == str(subject)]
    assert [one["batchName"] for one in untaught] == [None]
    batch = await rows.batch(world, "Sanskrit batch")
    await rows.teach(world, batch, subject, teacher)
    assert str(subject) not in {one["id"] for one in await _untaught(world)}
    await rows.leave(world, teacher)
    untaught = [one for one in await _untaught(world) if one["id"] == str(subject)]
    assert [one["batchName"] for one in untaught] == ["Sanskrit batch"]


async def _untaught(world: World) -> list[Any]:
    return (await own(world, "asha", "admin"))["withoutTeacher"]


async def test_changes_name_who_made_them_and_leave_sign_ins_out(world: World) -> None:
    pages = await world.pages("rohan")
    answer = await pages.post("/me", data={"name": "Rohan Deshpande", "language": "en", "theme": "dark"})
    assert answer.status_code == 303
    changes = (await own(world, "asha", "admin"))["changes"]
    assert (changes[0]["action"], changes[0]["actorName"]) == ("profile.changed", "Rohan Deshpande")
    assert changes[0]["at"] == "2026-11-22T10:00:00.000Z"
    assert "session.opened" not in {one["action"] for one in changes}


async def test_other_institutes_count_nowhere(world: World) -> None:
    data = await own(world, "farah", "admin")
    assert (data["counts"]["students"], data["counts"]["teachers"], data["counts"]["batches"]) == (1, 1, 1)
    assert {one["name"] for one in data["newest"]} == {"Kabir Khan", "Farah Sheikh", "Imran Qureshi"}
