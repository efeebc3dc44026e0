"""The pages of each role: what they say, and what they refuse."""

from kaksha.core.ids import new_id
from tests.attendance.hands import at, held, joined, mark, sheet
from tests.world import World


async def page(world: World, key: str, path: str, status: int = 200) -> str:
    answer = await (await world.pages(key)).get(path)
    assert answer.status_code == status, (key, path, answer.text[-300:])
    return answer.text


async def test_a_students_page(world: World) -> None:
    rohan = world.id("rohan")
    assert "No class has been held yet" in await page(world, "rohan", "/attendance")
    for day in range(1, 9):
        class_id = await held(world, at(-day, 9))
        await mark(world, "vikram", class_id, {rohan: "absent" if day in (3, 4) else "present"})
    await held(world, at(-9, 9))
    shown = await page(world, "rohan", "/attendance")
    for said in ("75%", "6 of 8 classes", "Can miss no class now", "2 classes in a row", "1 class nobody has marked"):
        assert said in shown, said
    assert 'href="/attendance?month=2026-10"' in shown
    assert "No class was held in this month." in await page(world, "rohan", "/attendance?month=2026-10")
    for strange in ("2099-01", "nonsense", "0001-01"):
        assert "November 2026" in await page(world, "rohan", f"/attendance?month={strange}")
    assert "6 में से" not in shown
    child = await page(world, "sunita", f"/children/{rohan}/attendance")
    assert "दाख़िले से अब तक" in child
    assert "8 में से 6 कक्षाएँ" in child
    for key, status in (("vikram", 200), ("asha", 200), ("nandini", 200), ("meher", 404), ("imran", 404)):
        await page(world, key, f"/students/{rohan}/attendance", status)
    await page(world, "sunita", f"/children/{world.id('kabir')}/attendance", 404)
    await page(world, "rohan", f"/children/{rohan}/attendance", 403)


async def test_the_sheet_of_each_reader(world: World) -> None:
    one, ahead = await held(world, at(0, 9)), await held(world, at(1, 9))
    off = await held(world, at(0, 12), cancelled_at=at(0, 8), cancel_reason="Rain")
    path = f"/classes/{one}/attendance"
    assert 'value="present"' in await page(world, "vikram", path)
    assert 'value="present"' in await page(world, "dean", path)
    for key in ("nandini", "desk"):
        shown = await page(world, key, path)
        assert "Vikram Rao gives this class" in shown
        assert 'value="present"' not in shown
    assert "has not begun" in await page(world, "vikram", f"/classes/{ahead}/attendance")
    assert "is cancelled" in await page(world, "vikram", f"/classes/{off}/attendance")
    for key, status in (("rohan", 403), ("imran", 404), ("farah", 404)):
        await page(world, key, path, status)
    nandini = await world.pages("nandini")
    refused = await nandini.post(path, data={"_idem": str(new_id()), f"status-{world.id('rohan')}": "absent"})
    assert refused.status_code == 403
    wrong = {"_idem": str(new_id()), f"status-{world.id('meher')}": "absent", "status-x": "late"}
    answer = await (await world.pages("vikram")).post(path, data=wrong)
    assert answer.status_code == 422
    assert "need a change" in answer.text or "needs a change" in answer.text
    assert (await sheet(world, one))[str(world.id("rohan"))]["status"] is None


async def test_a_form_that_is_sent_again_changes_nothing(world: World) -> None:
    one, rohan = await held(world, at(0, 10)), world.id("rohan")
    vikram, path = await world.pages("vikram"), f"/classes/{one}/attendance"
    form = {"_idem": str(new_id()), f"status-{rohan}": "late", f"was-{rohan}": "", f"at-{rohan}": ""}
    assert (await vikram.post(path, data=form)).status_code == 303
    await mark(world, "dean", one, {rohan: "excused"})
    assert (await vikram.post(path, data=form)).status_code == 303
    assert (await sheet(world, one))[str(rohan)]["status"] == "excused"


async def test_the_offices_pages(world: World) -> None:
    [new] = await joined(world, ["Isha Pawar"], 3001)
    one = await held(world, at(-2, 15))
    await mark(world, "dean", one, {new: "absent", world.id("rohan"): "present"})
    shown = await page(world, "asha", f"/attendance?on={at(-2, 12).date()}")
    assert "Isha Pawar" in shown
    assert "1 of 2 there" in shown
    assert "/attendance/settings" in shown
    assert "/attendance/settings" not in await page(world, "desk", "/attendance?on=nonsense")
    await page(world, "desk", "/attendance/settings", 403)
    dean = await world.pages("dean")
    bad = await dean.post("/attendance/settings", data={"minimumPercent": "0", "undoMinutes": "15"})
    assert bad.status_code == 422
    assert 'value="15"' in bad.text
    good = {"minimumPercent": "80", "undoMinutes": "15"}
    assert (await dean.post("/attendance/settings", data=good)).status_code == 303
    rules = (await (await world.api("dean")).get("/v1/attendance/settings")).json()["data"]
    assert rules == {"minimumPercent": 80, "undoMinutes": 15, "lateCounts": False}


async def test_where_each_role_begins(world: World) -> None:
    await held(world, at(-3, 15))
    shown = await page(world, "vikram", "/attendance")
    assert "still to be marked" in shown
    answer = await (await world.pages("sunita")).get("/attendance")
    assert (answer.status_code, answer.headers["location"]) == (303, "/children")
