"""One-off classes, who sees them, and starting and ending them."""

import asyncio
from typing import Any
from uuid import uuid4

import msgspec

from kaksha.classes import service
from kaksha.classes.models import Class
from kaksha.core.ids import UUID
from kaksha.core.live import Ears
from tests.classes.hands import PATH, add, at, batch, body, made, room, row, subject
from tests.world import NOW, World, until


async def test_a_class_says_all_that_spec_names(world: World) -> None:
    place = await room(world, "Room 1")
    new = await made(world, at(1, 17), roomId=place, topic=" Lenses  and mirrors ", meetingUrl="https://meet.example/a")
    assert new == {
        "id": new["id"], "batchId": batch(world, "JEE-A"), "batchName": "JEE-A", "subjectId": subject(world, "PHY"),
        "subjectName": "Physics", "teacherId": str(world.id("vikram")), "teacherName": "Vikram Rao",
        "plannedTeacherName": None, "roomId": place, "roomName": "Room 1", "topic": "Lenses and mirrors",
        "startsAt": "2026-11-23T11:30:00.000Z", "endsAt": "2026-11-23T12:30:00.000Z", "status": "scheduled",
        "startedAt": None, "endedAt": None, "reason": None, "joinFrom": "2026-11-23T11:15:00.000Z",
        "meetingUrl": "https://meet.example/a", "repeats": False,
    }  # fmt: skip
    assert msgspec.to_builtins(msgspec.convert(new, Class)) == new


async def test_who_sees_a_class(world: World) -> None:
    physics = (await made(world, at(2, 9)))["id"]
    ours = {"vikram": 200, "nandini": 200, "rohan": 200, "sunita": 200, "asha": 200, "dean": 200, "meher": 404}
    theirs = {"kabir": 404, "farah": 404, "imran": 404}
    for key, status in (ours | theirs).items():
        answer = await (await world.api(key)).get(f"{PATH}/{physics}")
        assert answer.status_code == status, key
    assert (await world.anyone.get(f"{PATH}/{physics}")).status_code == 401
    assert (await (await world.api("asha")).get(f"{PATH}/{uuid4()}")).status_code == 404


async def test_only_academics_make_classes(world: World) -> None:
    for key in ("vikram", "rohan", "sunita"):
        answer = await (await world.api(key)).post(PATH, json=body(world, at(3, 9)))
        assert answer.status_code == 403, key
    stranger = await (await world.api("farah")).post(PATH, json=body(world, at(3, 9)))
    assert stranger.status_code == 422
    assert set(stranger.json()["errors"]) >= {"subjectId"}


async def test_every_bad_field_is_named(world: World) -> None:
    bad = await add(
        world, at(3, 9), 5, topic="x" * 121, meetingUrl="http://meet.example", roomId=str(uuid4()),
        teacherId=str(world.id("rohan")),
    )  # fmt: skip
    assert bad.status_code == 422
    assert set(bad.json()["errors"]) == {"topic", "meetingUrl", "roomId", "teacherId", "endsAt"}
    for changes, field in (
        ({"startsAt": "2026-11-25T09:00:00"}, "startsAt"),
        ({"startsAt": "2026-11-20T09:00:00Z", "endsAt": "2026-11-20T10:00:00Z"}, "endsAt"),
        ({"startsAt": "2027-04-02T09:00:00Z", "endsAt": "2027-04-02T10:00:00Z"}, "startsAt"),
        ({"subjectId": subject(world, "BIO")}, "teacherId"),
        ({"subjectId": subject(world, "PHY", 1)}, "subjectId"),
        ({"meetingUrl": "https://user:secret@meet.example/"}, "meetingUrl"),
        ({"meetingUrl": "javascript:alert(1)"}, "meetingUrl"),
    ):
        answer = await add(world, at(3, 9), **changes)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [field]), changes


async def test_start_and_end(world: World) -> None:
    new = await made(world, at(4, 9))
    ears, told = Ears(world.app_url), list[Any]()
    ears.on("class", told.append)
    listening = asyncio.create_task(ears.run())
    await until(lambda: ears.hears)
    vikram = await world.api("vikram")
    start = {"classId": new["id"], "meetingUrl": "https://meet.example/live"}
    refused = await vikram.post(f"{PATH}/end", json={"classId": new["id"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "CLASS_NOT_LIVE")
    live = (await vikram.post(f"{PATH}/start", json=start)).json()["data"]
    assert (live["status"], live["meetingUrl"], live["startedAt"]) == (
        "live", "https://meet.example/live", "2026-11-22T10:00:00.000Z",
    )  # fmt: skip
    assert (await vikram.post(f"{PATH}/start", json=start)).json()["data"] == live
    joined = (await (await world.api("rohan")).get(f"{PATH}/{new['id']}")).json()["data"]
    assert joined["meetingUrl"] == "https://meet.example/live", "who waits joins as soon as the class is live"
    ended = (await vikram.post(f"{PATH}/end", json={"classId": new["id"]})).json()["data"]
    assert (ended["status"], ended["endedAt"]) == ("ended", "2026-11-22T10:00:00.000Z")
    assert (await vikram.post(f"{PATH}/end", json={"classId": new["id"]})).status_code == 200
    over = await vikram.post(f"{PATH}/start", json=start)
    assert (over.status_code, over.json()["code"]) == (409, "CLASS_OVER")
    await until(lambda: len(told) == 2)
    assert [(one["action"], one["classId"], one["meetingUrl"]) for one in told] == [
        ("started", new["id"], "https://meet.example/live"), ("ended", new["id"], "https://meet.example/live"),
    ]  # fmt: skip
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_only_its_teacher_or_an_admin_starts_it(world: World) -> None:
    new = await made(world, at(4, 11), meetingUrl="https://meet.example/b")
    for key, status in (("nandini", 403), ("rohan", 403), ("sunita", 403), ("imran", 404), ("farah", 404)):
        for verb in ("start", "end"):
            answer = await (await world.api(key)).post(f"{PATH}/{verb}", json={"classId": new["id"]})
            assert answer.status_code == status, (key, verb)
    bad = await (await world.api("vikram")).post(
        f"{PATH}/start", json={"classId": new["id"], "meetingUrl": "http://meet.example"}
    )
    assert (bad.status_code, list(bad.json()["errors"])) == (422, ["meetingUrl"])
    assert (await row(world, new["id"]))["started_at"] is None
    answer = await (await world.api("asha")).post(f"{PATH}/start", json={"classId": new["id"]})
    assert answer.json()["data"]["status"] == "live"


async def test_the_link_opens_with_the_door(world: World) -> None:
    new = await made(world, at(0, 16), meetingUrl="https://meet.example/c")  # in half an hour

    async def link(key: str) -> str | None:
        return (await (await world.api(key)).get(f"{PATH}/{new['id']}")).json()["data"]["meetingUrl"]

    try:
        assert await link("rohan") is await link("sunita") is None
        assert await link("vikram") == await link("asha") == "https://meet.example/c"
        world.clock.forward(minutes=15)
        world.forget_clients()
        assert await link("rohan") == await link("sunita") == "https://meet.example/c"
        world.clock.forward(minutes=75)
        world.forget_clients()
        assert await link("rohan") is None
        ended = (await (await world.api("rohan")).get(f"{PATH}/{new['id']}")).json()["data"]
        assert ended["status"] == "ended", "its time is over, though nobody ended it"
    finally:
        world.clock.at = NOW
        world.forget_clients()


async def test_what_attendance_asks(world: World) -> None:
    new = await made(world, at(0, 14, 40))
    async with world.db.write(world.institute("asha")) as tx:
        found, students = await service.held(tx, UUID(new["id"]))
        assert (found.teacher_id, str(found.batch_id), found.day) == (world.id("vikram"), new["batchId"], NOW.date())
        assert [(one.name, one.roll_no) for one in students] == [("Rohan Deshpande", "2207")]
    ahead = await made(world, at(5, 9))
    async with world.db.write(world.institute("asha")) as tx:
        for class_id, error in ((UUID(ahead["id"]), service.ClassNotHeld), (uuid4(), service.NotFound)):
            try:
                await service.held(tx, class_id)
            except error:
                continue
            raise AssertionError(class_id)
