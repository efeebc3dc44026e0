"""Telling people, and their own list of it."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from kaksha.core.ids import new_id
from kaksha.notifications import service
from kaksha.notifications.models import Facts, Money, kinds
from tests.world import NOW, World

PATH = "/v1/notifications"
TOLD = kinds.register(
    "test.told", group="classes", title="About {what}", body="{day}, {at}, {paid}", path="/batches/{about}"
)


async def tell(world: World, *keys: str, **wanted: Any) -> UUID:
    """Tells people of Aarambh of something; answers what it is about."""
    about: UUID = wanted.pop("about", None) or new_id()
    facts: Facts = {"what": "Physics", "day": date(2026, 11, 23), "at": NOW, "paid": Money(150000)}
    async with world.db.write(world.institute("asha")) as tx:
        await service.notify(tx, TOLD, to=[world.id(key) for key in keys], about=about, facts=facts, **wanted)
    return about


async def listed(world: World, key: str, **query: Any) -> Any:
    answer = await (await world.api(key)).get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_people_are_told_in_their_language(world: World) -> None:
    await (await world.api("sunita")).put("/v1/users/preferences", json={"language": "hi"})
    about = await tell(world, "rohan", "sunita")
    found = (await listed(world, "rohan"))["data"][0]
    assert found["title"] == "About Physics"
    assert found["body"] == "Mon 23 Nov, Sun 22 Nov, 3:30 pm, ₹1,500"
    assert found["data"] == {"about": str(about), "path": f"/batches/{about}"}
    assert (found["kind"], found["readAt"], found["createdAt"]) == ("test.told", None, "2026-11-22T10:00:00.000Z")
    world.forget_clients()
    assert "सोम 23 नव" in (await listed(world, "sunita"))["data"][0]["body"]


async def test_only_active_people_of_the_institute_are_told(world: World) -> None:
    before = (await listed(world, "meher"))["pagination"]["total"]
    await tell(world, "kabir", "meher", "meher")
    async with world.db.read(world.institute("kabir")) as conn:
        assert await conn.fetchval("select count(*) from notifications") == 0
    assert (await listed(world, "meher"))["pagination"]["total"] == before + 1


async def test_a_rolled_back_change_tells_nobody(world: World) -> None:
    before = (await listed(world, "rohan"))["pagination"]["total"]
    try:
        async with world.db.write(world.institute("asha")) as tx:
            await service.notify(tx, TOLD, to=[world.id("rohan")], facts={"what": "", "day": "", "at": "", "paid": ""},
                                 about=new_id())  # fmt: skip
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert (await listed(world, "rohan"))["pagination"]["total"] == before


async def test_the_same_is_told_once(world: World) -> None:
    before = (await listed(world, "rohan"))["pagination"]["total"]
    await tell(world, "rohan", dedupe="once")
    await tell(world, "rohan", "meher", dedupe="once")
    assert (await listed(world, "rohan"))["pagination"]["total"] == before + 1


async def test_what_waits_is_not_seen_and_can_be_taken_back(world: World) -> None:
    before = (await listed(world, "rohan"))["pagination"]["total"]
    about = await tell(world, "rohan", "meher", after=timedelta(minutes=10))
    assert (await listed(world, "rohan"))["pagination"]["total"] == before
    async with world.db.write(world.institute("asha")) as tx:
        assert await service.withdraw(tx, TOLD, about=about, to=[world.id("rohan")]) == {world.id("rohan")}
    world.clock.forward(minutes=11)
    world.forget_clients()
    assert (await listed(world, "rohan"))["pagination"]["total"] == before
    assert (await listed(world, "meher"))["data"][0]["data"]["about"] == str(about)


async def test_what_was_read_is_not_taken_back(world: World) -> None:
    about = await tell(world, "rohan")
    found = (await listed(world, "rohan"))["data"][0]
    await (await world.api("rohan")).post(f"{PATH}/{found['id']}/read")
    async with world.db.write(world.institute("asha")) as tx:
        assert await service.withdraw(tx, TOLD, about=about) == set()
    assert (await listed(world, "rohan"))["data"][0]["id"] == found["id"]


async def test_reading_and_removing(world: World) -> None:
    await tell(world, "vikram")
    await tell(world, "vikram")
    vikram = await world.api("vikram")
    first, second = (await listed(world, "vikram"))["data"]
    for verb in ("POST", "PUT", "PATCH"):
        answer = await vikram.request(verb, f"{PATH}/{first['id']}/read")
        assert answer.json()["data"]["readAt"], verb
    assert [one["id"] for one in (await listed(world, "vikram", unread=True))["data"]] == [second["id"]]
    assert (await vikram.put(f"{PATH}/read-all")).json()["data"] == {"marked": 1, "unread": 0}
    assert (await vikram.post(f"{PATH}/read-all")).json()["data"] == {"marked": 0, "unread": 0}
    assert (await vikram.delete(f"{PATH}/{first['id']}")).status_code == 200
    assert (await vikram.delete(f"{PATH}/{first['id']}")).status_code == 404
    assert [one["id"] for one in (await listed(world, "vikram"))["data"]] == [second["id"]]


async def test_another_persons_notice_is_not_there(world: World) -> None:
    await tell(world, "asha")
    theirs = (await listed(world, "asha"))["data"][0]["id"]
    for key in ("rohan", "kabir"):
        who = await world.api(key)
        for verb, path in (("POST", f"{PATH}/{theirs}/read"), ("DELETE", f"{PATH}/{theirs}")):
            assert (await who.request(verb, path)).status_code == 404, (key, verb)
    assert (await listed(world, "asha"))["data"][0]["readAt"] is None


async def test_a_cursor_goes_on_where_the_page_ended(world: World) -> None:
    abouts = [await tell(world, "nandini") for _ in range(5)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = await listed(world, "nandini", **query)
        seen += [one["data"]["about"] for one in page["data"]]
        if page["pagination"]["nextCursor"] is None:
            break
        query["cursor"] = page["pagination"]["nextCursor"]
        await tell(world, "nandini")  # what comes meanwhile moves nothing
    assert seen == [str(about) for about in reversed(abouts)]
    by_page = [(await listed(world, "nandini", page=page, limit=3))["data"] for page in (1, 2, 3)]
    assert [len(page) for page in by_page] == [3, 3, 1]
    assert (await (await world.api("nandini")).get(PATH, params={"cursor": "nonsense"})).status_code == 422


async def test_preferences_are_a_partial_update(world: World) -> None:
    meher = await world.api("meher")
    change = {
        "groups": [{"group": "classes", "channels": {"push": False, "sms": True}}],
        "quietHours": {"from": "22:00", "to": "07:00"},
        "digest": "daily",
    }
    kept = (await meher.put(f"{PATH}/preferences", json=change)).json()["data"]
    classes = next(one for one in kept["groups"] if one["group"] == "classes")
    assert classes["channels"] == {"inApp": True, "push": False, "email": False, "sms": True}
    kept = (await meher.post(f"{PATH}/preferences", json={"digest": "none"})).json()["data"]
    assert (kept["digest"], kept["quietHours"]) == ("none", {"from": "22:00", "to": "07:00"})
    assert (await meher.get(f"{PATH}/preferences")).json()["data"] == kept
    wrong = await meher.put(f"{PATH}/preferences", json={"groups": [{"group": "nope", "channels": {"inApp": False}}]})
    assert wrong.status_code == 422
