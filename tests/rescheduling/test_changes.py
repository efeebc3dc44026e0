"""Classes that are moved, handed over and cancelled; who is told. Today is Sunday 22 November, half past three."""

from typing import Any

from tests.classes.hands import PATH, add, at, made, room, row, seen, subject
from tests.classes.test_clashes import maths_of_f8
from tests.weekly.hands import days, generate, made as made_of, slot
from tests.world import NOW, World


async def change(world: World, class_id: str, key: str = "dean", **body: Any) -> Any:
    return await (await world.api(key)).patch(f"{PATH}/{class_id}", json=body)


async def changed(world: World, class_id: str, **body: Any) -> dict[str, Any]:
    answer = await change(world, class_id, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def cancel(world: World, class_id: str, key: str = "dean", reason: str = "Vikram is ill") -> Any:
    return await (await world.api(key)).post(f"{PATH}/{class_id}/cancel", json={"reason": reason})


async def notices(world: World, key: str, about: str) -> list[tuple[str, str]]:
    """(title, body) of what somebody was told about a class, the newest first."""
    answer = await (await world.api(key)).get("/v1/notifications", params={"limit": 100})
    found = answer.json()["data"]
    return [(one["title"], one["body"]) for one in found if one["data"].get("about") == about]


async def classes_of(world: World, slot_id: str) -> list[str]:
    async with world.db.read(world.institute("asha")) as conn:
        rows = await conn.fetch("select id from classes where slot_id = $1::text::uuid order by starts_at", slot_id)
    return [str(found["id"]) for found in rows]


async def test_one_class_moves(world: World) -> None:
    new = await made(world, at(1, 9))
    moved = await changed(world, new["id"], startsAt=at(1, 11).isoformat(), topic="Optics")
    assert (moved["startsAt"], moved["endsAt"], moved["topic"]) == (
        "2026-11-23T05:30:00.000Z", "2026-11-23T06:30:00.000Z", "Optics",
    )  # fmt: skip
    for key in ("rohan", "sunita", "vikram"):
        told = await notices(world, key, new["id"])
        assert len(told) == 1, key
    assert await notices(world, "rohan", new["id"]) == [
        ("Physics is at another time", "JEE-A: Mon 23 Nov, 11 am (until now Mon 23 Nov, 9 am), with Vikram Rao.")
    ]
    assert await notices(world, "meher", new["id"]) == await notices(world, "kabir", new["id"]) == []


async def test_a_class_does_not_move_into_another(world: World) -> None:
    await made(world, at(2, 9))
    new = await made(world, at(2, 11), subjectId=subject(world, "MAT"))
    clash = await change(world, new["id"], startsAt=at(2, 9, 30).isoformat())
    assert (clash.status_code, clash.json()["code"]) == (409, "CLASS_IN_THE_WAY")
    assert (await row(world, new["id"]))["starts_at"] == at(2, 11)
    assert await notices(world, "rohan", new["id"]) == []
    nearer = await changed(world, new["id"], startsAt=at(2, 10).isoformat(), endsAt=at(2, 12).isoformat())
    assert nearer["startsAt"] == "2026-11-24T04:30:00.000Z", "its own old time is not in its way"


async def test_what_has_begun_does_not_move(world: World) -> None:
    new = await made(world, at(0, 14, 40), 55)
    begun = await change(world, new["id"], startsAt=at(3, 9).isoformat())
    assert (begun.status_code, begun.json()["code"]) == (409, "CLASS_BEGUN")
    gone = await cancel(world, new["id"])
    assert (gone.status_code, gone.json()["code"]) == (409, "CLASS_BEGUN")
    assert (await changed(world, new["id"], topic="Waves"))["topic"] == "Waves"
    past = await change(world, (await made(world, at(3, 9)))["id"], startsAt=at(-1, 9).isoformat())
    assert list(past.json()["errors"]) == ["startsAt"]
    try:
        world.clock.forward(minutes=6)
        over = await change(world, new["id"], topic="Sound")
        assert (over.status_code, over.json()["code"]) == (409, "CLASS_OVER")
    finally:
        world.clock.at = NOW


async def test_this_and_following_move(world: World) -> None:
    weekly = await slot(world, 1, "17:00")
    first, second, *_ = await classes_of(world, weekly["id"])
    moved = await changed(world, second, startsAt=at(9, 18).isoformat(), scope="following")
    assert (moved["id"], moved["startsAt"]) == (second, "2026-12-01T12:30:00.000Z"), "it stays the same class"
    assert await made_of(world, weekly["id"]) == [(day, "17:00") for day in days(1)]
    after = str((await row(world, second))["slot_id"])
    assert after != weekly["id"]
    assert await made_of(world, after) == [(day, "18:00") for day in days(9, 16, 23)]
    assert await generate(world) == 0, "nothing is made again on the old day"
    assert len(await notices(world, "rohan", second)) == 1
    assert str((await row(world, first))["slot_id"]) == weekly["id"]


async def test_all_move(world: World) -> None:
    place = await room(world, "Hall")
    weekly = await slot(world, 3, "06:00")
    third = (await classes_of(world, weekly["id"]))[2]
    await changed(
        world, third, startsAt=at(16, 6, 30).isoformat(), endsAt=at(16, 8).isoformat(), roomId=place, scope="all"
    )
    after = str((await row(world, third))["slot_id"])
    assert await made_of(world, after) == [(day, "06:30") for day in days(2, 9, 16, 23)]
    assert str((await row(world, third))["room_id"]) == place
    assert await generate(world) == 0


async def test_a_series_moves_as_a_whole_or_not_at_all(world: World) -> None:
    weekly = await slot(world, 4, "06:00")
    await made(world, at(25, 7), subjectId=subject(world, "MAT"))
    first = (await classes_of(world, weekly["id"]))[0]
    clash = await change(world, first, startsAt=at(4, 7).isoformat(), scope="following")
    assert (clash.status_code, clash.json()["code"]) == (409, "CLASS_IN_THE_WAY")
    assert await made_of(world, weekly["id"]) == [(day, "06:00") for day in days(4, 11, 18, 25)]
    once = await made(world, at(5, 13))
    alone = await change(world, once["id"], startsAt=at(5, 14).isoformat(), scope="all")
    assert list(alone.json()["errors"]) == ["scope"]
    far = await change(world, first, startsAt=at(12, 6).isoformat(), scope="following")
    assert list(far.json()["errors"]) == ["startsAt"]


async def test_a_cancelled_one_of_a_series_stays_cancelled(world: World) -> None:
    weekly = await slot(world, 5, "06:00")
    first, second, *_ = await classes_of(world, weekly["id"])
    assert (await cancel(world, second)).status_code == 200
    await changed(world, first, startsAt=at(6, 6).isoformat(), scope="all")
    after = str((await row(world, first))["slot_id"])
    assert await made_of(world, after) == [(day, "06:00") for day in days(6, 20, 27)]
    assert await made_of(world, after, cancelled=True) == [(day, "06:00") for day in days(13)]
    assert await generate(world) == 0


async def test_somebody_stands_in_and_gives_it_back(world: World) -> None:
    new = await made(world, at(7, 9))
    dean, nandini = await world.api("dean"), str(world.id("nandini"))
    taken = (await dean.post(f"{PATH}/{new['id']}/substitute", json={"teacherId": nandini})).json()["data"]
    assert (taken["teacherName"], taken["plannedTeacherName"]) == ("Nandini Iyer", "Vikram Rao")
    assert len(await notices(world, "sunita", new["id"])) == 1
    for key in ("rohan", "vikram", "nandini"):
        assert [title for title, _ in await notices(world, key, new["id"])] == ["Physics: Nandini Iyer gives the class"]
    start = {"classId": new["id"]}
    assert (await (await world.api("vikram")).post(f"{PATH}/start", json=start)).status_code == 403
    await made(world, at(7, 10), subjectId=subject(world, "MAT"))
    given = (await dean.post(f"{PATH}/{new['id']}/substitute", json={"teacherId": str(world.id("vikram"))})).json()[
        "data"
    ]
    assert (given["teacherName"], given["plannedTeacherName"]) == ("Vikram Rao", None)
    assert (await (await world.api("vikram")).post(f"{PATH}/start", json=start)).status_code == 200
    other = await made(world, at(7, 12), subjectId=subject(world, "MAT"))
    await made(world, at(8, 12))
    busy = await dean.post(f"{PATH}/{other['id']}/substitute", json={"teacherId": str(world.id("rohan"))})
    assert list(busy.json()["errors"]) == ["teacherId"]


async def test_who_stands_in_is_free_then(world: World) -> None:
    new = await made(world, at(9, 9))
    await made(world, at(9, 9, 30), **maths_of_f8(world))
    clash = await (await world.api("dean")).post(
        f"{PATH}/{new['id']}/substitute", json={"teacherId": str(world.id("nandini"))}
    )
    assert clash.status_code == 409
    assert clash.json()["message"].startswith("Nandini Iyer already has Mathematics with Foundation 8")


async def test_cancelled_and_restored(world: World) -> None:
    new = await made(world, at(10, 9))
    assert list((await cancel(world, new["id"], reason=" ")).json()["errors"]) == ["reason"]
    gone = (await cancel(world, new["id"])).json()["data"]
    assert (gone["status"], gone["reason"]) == ("cancelled", "Vikram is ill")
    assert (await cancel(world, new["id"])).status_code == 200
    told = ("Physics is cancelled", "JEE-A, Wed 2 Dec, 9 am: Vikram is ill")
    assert await notices(world, "rohan", new["id"]) == await notices(world, "vikram", new["id"]) == [told]
    assert len(await notices(world, "sunita", new["id"])) == 1
    assert new["id"] in await seen(world, "rohan", from_="2026-12-02", to_="2026-12-02"), "people see that it is off"
    start = await (await world.api("vikram")).post(f"{PATH}/start", json={"classId": new["id"]})
    assert (start.status_code, start.json()["code"]) == (409, "CLASS_CANCELLED")
    assert (await change(world, new["id"], topic="x")).json()["code"] == "CLASS_CANCELLED"
    dean = await world.api("dean")
    other = await made(world, at(10, 9, 30))
    assert (await dean.post(f"{PATH}/{new['id']}/restore")).json()["code"] == "CLASS_IN_THE_WAY"
    assert (await dean.delete(f"{PATH}/{other['id']}", params={"reason": "Twice"})).json()["data"]["reason"] == "Twice"
    assert (await dean.post(f"{PATH}/{new['id']}/restore")).json()["data"]["status"] == "scheduled"
    assert (await add(world, at(10, 9))).status_code == 409


async def test_only_academics_change_classes(world: World) -> None:
    new = await made(world, at(11, 9))
    for key, status in (("vikram", 403), ("rohan", 403), ("sunita", 403), ("farah", 404)):
        client = await world.api(key)
        assert (await change(world, new["id"], key, topic="x")).status_code == status, key
        assert (await cancel(world, new["id"], key)).status_code == status, key
        assert (await client.delete(f"{PATH}/{new['id']}", params={"reason": "x"})).status_code == status, key
        assert (await client.post(f"{PATH}/{new['id']}/restore")).status_code == status, key
        body = {"teacherId": str(world.id("nandini"))}
        assert (await client.post(f"{PATH}/{new['id']}/substitute", json=body)).status_code == status, key
