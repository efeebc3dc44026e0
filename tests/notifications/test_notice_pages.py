"""The notices' pages and the bell."""

import re

from kaksha.core.ids import new_id
from kaksha.notifications import service
from tests.notifications.test_list import TOLD
from tests.world import World


async def _tell(world: World, key: str) -> None:
    facts = {"what": "Physics", "day": "x", "at": "x", "paid": "x"}
    async with world.db.write(world.institute("asha")) as tx:
        await service.notify(tx, TOLD, to=[world.id(key)], about=new_id(), facts=facts)


async def _bell(world: World, key: str) -> str | None:
    found = re.search(r'class="badge"[^>]*>(\d+)', (await (await world.pages(key)).get("/me")).text)
    return found[1] if found else None


async def test_the_bell_counts_and_a_press_opens(world: World) -> None:
    assert await _bell(world, "rohan") is None
    await _tell(world, "rohan")
    await _tell(world, "rohan")
    async with world.db.read(None) as conn:  # our notice comes after those of the two transactions
        await conn.fetchval("select 1")
    rohan = await world.pages("rohan")
    page = (await rohan.get("/notifications")).text
    assert page.count("About Physics") >= 2
    action = re.search(r'action="(/notifications/[^"]+/open)"', page)
    assert action is not None
    answer = await rohan.post(action[1])
    assert answer.headers["location"].startswith("/batches/")
    assert await _bell(world, "rohan") == "1"
    await rohan.post("/notifications/read-all")
    assert await _bell(world, "rohan") is None
    assert "Nothing unread" in (await rohan.get("/notifications", params={"show": "unread"})).text


async def test_anothers_notice_is_not_there(world: World) -> None:
    await _tell(world, "meher")
    page = (await (await world.pages("meher")).get("/notifications")).text
    found = re.search(r"/notifications/([^/]+)/open", page)
    assert found is not None
    for verb in ("open", "delete"):
        answer = await (await world.pages("rohan")).post(f"/notifications/{found[1]}/{verb}")
        assert answer.status_code == 404


async def test_what_reaches_one_is_chosen(world: World) -> None:
    rohan = await world.pages("rohan")
    form = {"on": ["classes.email", "account.push"], "digest": "daily", "from": "22:00", "to": "06:30"}
    assert (await rohan.post("/notifications/preferences", data=form)).status_code == 303
    page = (await rohan.get("/notifications/preferences")).text
    assert re.search(r'value="classes.email"[^>]* checked', page)
    assert not re.search(r'value="classes.push"[^>]* checked', page)
    assert 'value="22:00"' in page
    wrong = await rohan.post("/notifications/preferences", data={**form, "to": ""})
    assert wrong.status_code == 422
    assert "This is required." in wrong.text
