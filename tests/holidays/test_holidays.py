"""Holidays: what they cancel, give back, and who hears of them. Today is Sunday 22 November."""

from typing import Any

from tests.classes.hands import add as add_class, at, batch, made, row, subject
from tests.weekly.hands import days, generate, made as made_of, slot
from tests.world import World

PATH = "/v1/holidays"


async def add(world: World, name: str, first: str, last: str | None = None, **changes: Any) -> Any:
    body = {"name": name, "startsOn": first, **({"endsOn": last} if last else {}), **changes}
    return await (await world.api("dean")).post(PATH, json=body)


async def holiday(world: World, name: str, first: str, last: str | None = None, **changes: Any) -> dict[str, Any]:
    answer = await add(world, name, first, last, **changes)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def test_a_holiday_cancels_and_gives_back(world: World) -> None:
    weekly = await slot(world, 1, "09:00")
    other = await made(world, at(1, 12), batchId=batch(world, "F8"), subjectId=subject(world, "MAT"))
    new = await holiday(world, "Guru Nanak Jayanti", "2026-11-23", "2026-11-24")
    assert (new["startsOn"], new["endsOn"], new["batchName"]) == ("2026-11-23", "2026-11-24", None)
    assert await made_of(world, weekly["id"]) == [(day, "09:00") for day in days(8, 15, 22)]
    assert (await row(world, other["id"]))["cancel_reason"] == "Guru Nanak Jayanti"
    refused = await add_class(world, at(2, 9))
    assert refused.json()["errors"] == {"startsAt": ["Is a holiday: Guru Nanak Jayanti."]}
    told = (await (await world.api("rohan")).get("/v1/notifications")).json()["data"]
    assert [one["title"] for one in told if one["data"].get("about") == new["id"]] == ["No classes: Guru Nanak Jayanti"]
    dean = await world.api("dean")
    changed = await dean.patch(f"{PATH}/{new['id']}", json={"startsOn": "2026-11-24"})
    assert changed.json()["data"]["startsOn"] == "2026-11-24"
    assert await made_of(world, weekly["id"]) == [(day, "09:00") for day in days(1, 8, 15, 22)]
    assert (await row(world, other["id"]))["cancelled_at"] is None
    assert (await dean.delete(f"{PATH}/{new['id']}")).status_code == 200
    assert (await dean.get(f"{PATH}/{new['id']}")).status_code == 404


async def test_what_was_cancelled_otherwise_stays_so(world: World) -> None:
    new = await made(world, at(3, 9))
    dean = await world.api("dean")
    await dean.post(f"/v1/classes/{new['id']}/cancel", json={"reason": "Ill"})
    gone = await made(world, at(3, 11))
    off = await holiday(world, "Local festival", "2026-11-25")
    await dean.delete(f"{PATH}/{off['id']}")
    assert (await row(world, new["id"]))["cancel_reason"] == "Ill"
    assert (await row(world, gone["id"]))["cancelled_at"] is None


async def test_a_holiday_of_one_batch(world: World) -> None:
    ours = await made(world, at(4, 9))
    theirs = await made(world, at(4, 12), batchId=batch(world, "F8"), subjectId=subject(world, "MAT"))
    off = await holiday(world, "Excursion", "2026-11-26", batchId=batch(world, "F8"))
    assert (await row(world, ours["id"]))["cancelled_at"] is None
    assert (await row(world, theirs["id"]))["cancel_reason"] == "Excursion"

    async def sees(key: str) -> bool:
        listed = (await (await world.api(key)).get(PATH)).json()["data"]
        return off["id"] in [one["id"] for one in listed]

    assert [await sees(key) for key in ("meher", "sunita", "nandini", "asha", "rohan", "vikram", "kabir")] == [
        True, True, True, True, False, False, False,
    ]  # fmt: skip


async def test_what_a_holiday_left_out_is_made_when_it_goes(world: World) -> None:
    off = await holiday(world, "Diwali", "2026-11-27", "2026-12-04")
    weekly = await slot(world, 5, "07:00")
    assert await made_of(world, weekly["id"]) == [(day, "07:00") for day in days(19, 26)]
    await (await world.api("dean")).delete(f"{PATH}/{off['id']}")
    await generate(world)
    assert await made_of(world, weekly["id"]) == [(day, "07:00") for day in days(5, 12, 19, 26)]


async def test_every_bad_field_is_named(world: World) -> None:
    bad = await add(world, " ", "2026-11-25", "2026-11-24", batchId=str(world.id("rohan")))
    assert (bad.status_code, set(bad.json()["errors"])) == (422, {"name", "endsOn", "batchId"})
    assert set((await add(world, "Long", "2026-11-25", "2027-11-24")).json()["errors"]) == {"endsOn"}
    for key, status in (("vikram", 403), ("rohan", 403)):
        answer = await (await world.api(key)).post(PATH, json={"name": "Free", "startsOn": "2026-12-20"})
        assert answer.status_code == status
    off = await holiday(world, "Christmas", "2026-12-25")
    assert (await (await world.api("farah")).delete(f"{PATH}/{off['id']}")).status_code == 404
