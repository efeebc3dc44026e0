"""Marking a class: what is written, who may, who wins, what counts once, and what is refused as a whole."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec

from kaksha.attendance.models import MarkResult, SheetRow
from kaksha.core.ids import UUID, new_id
from tests.attendance.hands import at, enrol, held, joined, mark, records, sheet
from tests.institutes.staff import students, teacher
from tests.world import NOW, World


def results(answer: Any) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return {row["studentId"]: row["result"] for row in answer.json()["data"]["records"]}


async def audits(world: World, class_id: str) -> list[Any]:
    async with world.owner() as owner:
        return await owner.fetch(
            "select before, after, actor_id from audit_log where subject_id = $1 and action = 'attendance.marked'"
            " order by id",
            UUID(class_id),
        )


async def test_a_whole_class_in_one_call(world: World) -> None:
    rohan, *others = [world.id("rohan"), *await joined(world, ["Aarav Iyer", "Diya Sharma"], 3001)]
    one = await held(world, at(0, 14))
    before = await sheet(world, one)
    assert [row["rollNo"] for row in before.values()] == ["2207", "3001", "3002"]
    assert {row["status"] for row in before.values()} == {None}
    marks = {rohan: "present", others[0]: {"status": "absent", "note": " Has  fever "}, others[1]: "late"}
    answer = await mark(world, "vikram", one, marks)
    data = answer.json()["data"]
    assert (data["applied"], data["unchanged"], data["superseded"]) == (3, 0, 0)
    assert msgspec.to_builtins(msgspec.convert(data, MarkResult)) == data
    row = (await sheet(world, one))[str(others[0])]
    assert row == {
        "studentId": str(others[0]), "studentName": "Aarav Iyer", "rollNo": "3001", "status": "absent",
        "note": "Has fever", "missed": 0, "markedAt": "2026-11-22T10:00:00.000Z", "markedByName": "Vikram Rao",
    }  # fmt: skip
    assert msgspec.to_builtins(msgspec.convert(row, SheetRow)) == row
    again = await mark(world, "vikram", one, marks)
    assert set(results(again).values()) == {"unchanged"}
    later = await held(world, at(0, 15))
    assert (await sheet(world, later))[str(others[0])]["missed"] == 1


async def test_a_correction_keeps_its_history(world: World) -> None:
    one, rohan = await held(world, at(-3, 9)), str(world.id("rohan"))
    await mark(world, "vikram", one, {rohan: "absent"})
    await mark(world, "dean", one, {rohan: "excused"})
    first, second = await audits(world, one)
    assert (first["before"], msgspec.json.decode(first["after"])) == (None, {rohan: "absent"})
    assert msgspec.json.decode(second["before"]) == {rohan: "absent"}
    assert msgspec.json.decode(second["after"]) == {rohan: "excused"}
    assert second["actor_id"] == world.people["dean"].id


async def test_who_may_mark(world: World) -> None:
    one, marks = await held(world, at(-3, 11)), {world.id("rohan"): "present"}
    stranger = await teacher(world, "Usha Pillai")
    for key, status in {
        "nandini": 403, "desk": 403, "rohan": 403, "sunita": 403, "imran": 404, "farah": 404, "kabir": 403,
        "vikram": 200, "dean": 200, "asha": 200,
    }.items():  # fmt: skip
        answer = await mark(world, key, one, marks)
        assert answer.status_code == status, (key, answer.text)
    assert (await world.anyone.get(f"/v1/classes/{one}/attendance")).status_code == 401
    for key, status in {"nandini": 200, "desk": 200, "rohan": 403, "sunita": 403, "imran": 404, "farah": 404}.items():
        assert (await (await world.api(key)).get(f"/v1/classes/{one}/attendance")).status_code == status, key
    other = await held(world, at(-3, 12), "F8", "MAT", "nandini")
    assert (await mark(world, "vikram", other, {world.id("meher"): "present"})).status_code == 404
    assert (await (await world.api("vikram")).get(f"/v1/classes/{other}/attendance")).status_code == 404
    lent = await held(world, at(-3, 13), teacher="nandini", planned_teacher_id=world.id("vikram"))
    assert (await mark(world, "nandini", lent, marks)).status_code == 200, "whoever stands in marks"
    assert (await mark(world, "vikram", lent, marks)).status_code == 403, "whom somebody stands in for does not"
    assert stranger


async def test_the_teachers_own_address(world: World) -> None:
    one, body = await held(world, at(-4, 9)), {"records": records({world.id("rohan"): "late"})}
    vikram, nandini = world.id("vikram"), world.id("nandini")

    async def sent(key: str, teacher_id: UUID) -> int:
        who, path = await world.api(key), f"/v1/teachers/{teacher_id}"
        read = (await who.get(f"{path}/classes/{one}/attendance")).status_code
        wrote = (await who.post(f"{path}/attendance/mark", json={"classId": one, **body})).status_code
        assert read == wrote or (read, wrote) in {(200, 403), (200, 404)}
        return wrote

    assert await sent("vikram", vikram) == 200
    assert await sent("dean", vikram) == 200
    assert await sent("desk", vikram) == 403
    assert await sent("nandini", vikram) == 404, "nobody marks in another's name"
    assert await sent("nandini", nandini) == 403
    assert await sent("dean", nandini) == 404, "Nandini does not give this class"
    assert await sent("asha", new_id()) == 404


async def test_only_classes_that_were_held(world: World) -> None:
    rohan = world.id("rohan")
    ahead = await held(world, at(1, 9))
    begun = await held(world, at(1, 11), started_at=NOW)
    off = await held(world, at(-4, 11), cancelled_at=NOW, cancel_reason="Rain")
    for class_id, status in ((ahead, 409), (off, 409), (begun, 200)):
        answer = await mark(world, "vikram", class_id, {rohan: "present"})
        assert answer.status_code == status
        if status == 409:
            assert answer.json()["code"] == "CLASS_NOT_HELD"
    assert (await mark(world, "imran", ahead, {rohan: "present"})).status_code == 404
    assert (await mark(world, "nandini", ahead, {rohan: "present"})).status_code == 403
    assert (await mark(world, "vikram", str(uuid4()), {rohan: "present"})).status_code == 404


async def test_every_bad_row_is_named_and_nothing_is_written(world: World) -> None:
    one, rohan = await held(world, at(-5, 9)), world.id("rohan")
    [left, comes] = await students(world, ["Left Before", "Comes Later"], 3101)
    await enrol(world, left, first=-100, last=-5)
    await enrol(world, comes, first=-4)
    rows = [
        {"studentId": str(rohan), "status": "present"}, {"studentId": str(left), "status": "present"},
        {"studentId": str(comes), "status": "sick"}, {"studentId": str(world.id("meher")), "status": "late"},
        {"studentId": str(world.id("kabir")), "status": "late"}, {"studentId": str(rohan), "status": "absent"},
        {"studentId": str(rohan), "status": "late", "note": "x" * 201},
    ]  # fmt: skip
    answer = await (await world.api("vikram")).post(f"/v1/classes/{one}/attendance/mark", json={"records": rows})
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR")
    assert set(answer.json()["errors"]) == {
        "records.0.studentId", "records.1.studentId", "records.2.studentId", "records.2.status",
        "records.3.studentId", "records.4.studentId", "records.5.studentId", "records.6.studentId", "records.6.note",
    }  # fmt: skip
    assert {row["status"] for row in (await sheet(world, one)).values()} == {None}
    for body, field in (
        ({"records": []}, "records"),
        ({"records": records({rohan: "late"}), "classId": str(uuid4())}, "classId"),
        ({"records": records({rohan: "late"}), "takenAt": "2026-11-20T09:00:00"}, "takenAt"),
    ):
        answer = await (await world.api("vikram")).post(f"/v1/classes/{one}/attendance/mark", json=body)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


async def test_the_day_is_the_institutes(world: World) -> None:
    """A class at half past midnight in India is on the next day there, though not in UTC."""
    [new] = await students(world, ["Night Owl"], 3201)
    await enrol(world, new, first=-6)
    early = await held(world, at(-6, 0, 30))
    late = await held(world, at(-7, 23, 15), minutes=30)
    assert str(new) in await sheet(world, early)
    assert str(new) not in await sheet(world, late)
    assert (await mark(world, "vikram", late, {new: "present"})).status_code == 422


async def test_the_mark_taken_later_holds(world: World) -> None:
    one, rohan = await held(world, at(-1, 9)), str(world.id("rohan"))
    begins = at(-1, 9)

    async def sent(key: str, status: str, minutes: int, **more: Any) -> Any:
        taken = begins + timedelta(minutes=minutes)
        answer = await mark(world, key, one, {rohan: {"status": status, "takenAt": taken.isoformat()}}, **more)
        assert answer.status_code == 200
        return answer.json()["data"]["records"][0]

    assert (await sent("vikram", "absent", 10))["result"] == "applied"
    overruled = await sent("dean", "present", 5)
    assert (overruled["result"], overruled["status"], overruled["markedByName"]) == (
        "superseded",
        "absent",
        "Vikram Rao",
    )
    assert (await sent("dean", "absent", 30))["result"] == "unchanged"
    assert (await sent("vikram", "late", 20))["result"] == "superseded", (
        "at minute 30 Rohan was still seen to be absent"
    )
    assert (await sent("vikram", "late", 31))["result"] == "applied"


async def test_clocks_are_not_believed(world: World) -> None:
    one, rohan = await held(world, at(-1, 11)), str(world.id("rohan"))

    async def taken(**sent: Any) -> str:
        answer = await mark(world, "vikram", one, {rohan: {"status": sent.pop("status"), **sent}})
        return answer.json()["data"]["records"][0]["takenAt"]

    assert await taken(status="late", takenAt="2020-01-01T00:00:00Z") == "2026-11-21T05:30:00.000Z", "the beginning"
    assert await taken(status="absent", takenAt="2099-01-01T00:00:00Z") == "2026-11-22T10:00:00.000Z", "now"
    other = await held(world, at(-1, 13))
    body = {"records": records({rohan: "late"}), "takenAt": "2030-05-05T08:00:00Z", "sentAt": "2030-05-05T09:00:00Z"}
    answer = await (await world.api("vikram")).post(f"/v1/classes/{other}/attendance/mark", json=body)
    assert answer.json()["data"]["records"][0]["takenAt"] == "2026-11-22T09:00:00.000Z", "an hour ago, by any clock"


async def test_two_teachers_at_once_lose_nothing(world: World) -> None:
    """Each marks half the class absent at a moment of their own: row by row the later one holds, and each is told."""
    new = await joined(world, [f"Race {n}" for n in range(20)], 3301)
    one, begins = await held(world, at(-1, 15)), at(-1, 15)
    await asyncio.gather(*(world.api(key) for key in ("vikram", "dean")))

    def marks(status: str, odd: int) -> dict[Any, Any]:
        return {
            student: {"status": status, "takenAt": (begins + timedelta(minutes=5 + (n % 2 == odd))).isoformat()}
            for n, student in enumerate(new)
        }

    both = await asyncio.gather(
        mark(world, "vikram", one, marks("absent", 1)), mark(world, "dean", one, marks("late", 0))
    )
    rows = await sheet(world, one)
    for n, student in enumerate(map(str, new)):
        assert rows[student]["status"] == ("absent" if n % 2 else "late")
        assert rows[student]["markedByName"] == ("Vikram Rao" if n % 2 else "Diya Menon")
    found = [results(answer) for answer in both]
    for n, student in enumerate(map(str, new)):
        winner, other = (found[0], found[1]) if n % 2 else (found[1], found[0])
        assert winner[student] == "applied"
        assert other[student] in {"superseded", "applied"}, "applied where it came first, and was overruled after"
    assert "superseded" in {*found[0].values(), *found[1].values()}


async def test_the_rules(world: World) -> None:
    dean, path = await world.api("dean"), "/v1/attendance/settings"
    assert (await dean.get(path)).json()["data"] == {"minimumPercent": 75, "undoMinutes": 10, "lateCounts": True}
    assert (await (await world.api("rohan")).get(path)).status_code == 403
    assert (await (await world.api("vikram")).patch(path, json={})).status_code == 403
    bad = await dean.patch(path, json={"minimumPercent": 101, "undoMinutes": -1})
    assert (bad.status_code, set(bad.json()["errors"])) == (422, {"minimumPercent", "undoMinutes"})
    answer = await dean.patch(path, json={"minimumPercent": 80})
    assert answer.json()["data"] == {"minimumPercent": 80, "undoMinutes": 10, "lateCounts": True}
    await dean.patch(path, json={"minimumPercent": 75})


async def test_what_is_sent_twice_counts_once_for_ever(world: World) -> None:
    one, rohan = await held(world, at(0, 10)), str(world.id("rohan"))
    row_id, call_id, key = str(uuid4()), str(uuid4()), {"Idempotency-Key": str(uuid4())}
    first = await mark(world, "vikram", one, {rohan: {"status": "absent", "clientId": row_id}}, headers=key)
    replay = await mark(world, "vikram", one, {rohan: {"status": "absent", "clientId": row_id}}, headers=key)
    assert replay.text == first.text
    assert len(await audits(world, one)) == 1
    await mark(world, "vikram", one, {rohan: "late"}, clientId=call_id)
    world.clock.forward(hours=30)
    world.forget_clients()
    old = await mark(world, "vikram", one, {rohan: {"status": "absent", "clientId": row_id}})
    assert results(old) == {rohan: "superseded"}
    again = await mark(world, "vikram", one, {rohan: "late"}, clientId=call_id)
    assert results(again) == {rohan: "unchanged"}
    await mark(world, "vikram", one, {rohan: "present"})
    assert results(await mark(world, "vikram", one, {rohan: "late"}, clientId=call_id)) == {rohan: "superseded"}
    assert (await sheet(world, one))[rohan]["status"] == "present"
    for sent, field in (
        ({"marks": {rohan: "excused"}, "clientId": call_id}, "clientId"),
        ({"marks": {rohan: {"status": "late", "clientId": row_id}}}, "records.0.clientId"),
    ):
        answer = await mark(world, "vikram", one, **sent)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
