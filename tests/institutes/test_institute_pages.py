"""The institute's pages."""

from uuid import uuid4

import pytest

from tests.world import World

GOOD = {"name": "Aarambh Classes", "zone": "Asia/Kolkata", "language": "en"}


def subject_of(world: World, code: str) -> str:
    return str(next(subject[0] for subject in world.institutes[0].subjects if subject[1] == code))


async def test_admins_see_what_they_may_press(world: World) -> None:
    for key, settings, subjects in [("asha", True, True), ("dean", False, True), ("desk", False, False)]:
        answer = await (await world.pages(key)).get("/institute")
        assert answer.status_code == 200
        assert "Aarambh Classes" in answer.text
        assert "Mathematics" in answer.text
        assert ("/institute/settings" in answer.text) == settings, key
        assert ("/institute/subjects" in answer.text) == subjects, key
    farah = (await (await world.pages("farah")).get("/institute")).text
    assert "Prayas Academy" in farah
    assert "Mathematics" not in farah


@pytest.mark.parametrize("key", ["vikram", "rohan", "sunita"])
async def test_the_pages_are_for_admins(world: World, key: str) -> None:
    pages = await world.pages(key)
    for path in ("/institute", "/institute/settings", "/institute/subjects/new"):
        assert (await pages.get(path)).status_code == 403
    assert (await pages.post("/institute/settings", data=GOOD)).status_code == 403
    assert (await pages.post("/institute/subjects", data={"name": "Art", "code": "ART"})).status_code == 403


async def test_rights_decide_the_forms_too(world: World) -> None:
    assert (await (await world.pages("dean")).get("/institute/settings")).status_code == 403
    assert (await (await world.pages("dean")).post("/institute/settings", data=GOOD)).status_code == 403
    desk = await world.pages("desk")
    assert (await desk.post("/institute/subjects", data={"name": "Art", "code": "ART"})).status_code == 403
    assert (await desk.post(f"/institute/subjects/{subject_of(world, 'BIO')}/archive")).status_code == 403


async def test_settings_are_changed_and_cleared(world: World) -> None:
    pages = await world.pages("asha")
    form = {**GOOD, "phone": "080 4681 0000", "email": "", "address": "1 M G Road\r\nPune", "gstin": "27AAPFU0939F1ZV"}
    answer = await pages.post("/institute/settings", data=form)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/institute"
    shown = (await pages.get("/institute")).text
    assert "The institute&#39;s settings are saved." in shown
    assert "+91 80 4681 0000" in shown
    assert "27AAPFU0939F1ZV" in shown
    assert "office@aarambh.example" not in shown
    again = (await pages.get("/institute/settings")).text
    assert "1 M G Road\nPune</textarea>" in again


async def test_bad_settings_come_back_with_every_reason_and_what_was_typed(world: World) -> None:
    pages = await world.pages("asha")
    form = {"name": " ", "zone": "Asia/Atlantis", "language": "en", "phone": "12", "email": "<b>", "gstin": "X"}
    answer = await pages.post("/institute/settings", data=form)
    assert answer.status_code == 422
    for field in ("name", "phone", "email", "gstin", "zone"):
        assert f'id="f-{field}-why"' in answer.text
    assert 'value="&lt;b&gt;"' in answer.text


async def test_a_subject_is_added_changed_and_archived(world: World) -> None:
    pages = await world.pages("dean")
    form = {"name": "Economics", "code": "ECO", "_idem": str(uuid4())}
    for _ in range(2):
        assert (await pages.post("/institute/subjects", data=form)).headers["location"] == "/institute"
    shown = (await pages.get("/institute")).text
    assert shown.count("Economics") == 1
    path = shown.split("Economics")[0].rpartition('href="')[2].partition('"')[0]
    taken = await pages.post(path, data={"name": "Physics", "code": "phy"})
    assert taken.status_code == 409
    assert "Another subject has this name." in taken.text
    assert "Another subject has this code." in taken.text
    assert (await pages.post(path, data={"name": "Commerce", "code": "COM"})).status_code == 303
    assert "Commerce" in (await pages.get(path)).text
    assert (await pages.post(f"{path}/archive")).headers["location"] == "/institute"
    assert "Commerce" not in (await pages.get("/institute")).text
    assert (await pages.get(path)).status_code == 404


async def test_the_page_says_which_batches_hold_a_subject(world: World) -> None:
    pages = await world.pages("dean")
    answer = await pages.post(f"/institute/subjects/{subject_of(world, 'PHY')}/archive")
    assert answer.status_code == 409
    assert "These batches still teach it: JEE-A." in answer.text
    assert "Physics" in (await pages.get("/institute")).text


async def test_another_institutes_subject_is_like_none(world: World) -> None:
    farah = await world.pages("farah")
    for path in (f"/institute/subjects/{subject_of(world, 'PHY')}", f"/institute/subjects/{uuid4()}"):
        assert (await farah.get(path)).status_code == 404
        assert (await farah.post(path, data={"name": "Mine", "code": "M"})).status_code == 404
        assert (await farah.post(f"{path}/archive")).status_code == 404
    for query in ("page=0", "page=x", "page=99999999999999999999", "page=²"):
        assert (await farah.get(f"/institute?{query}")).status_code == 200


async def test_a_new_name_is_in_every_frame_at_once(world: World) -> None:
    others = [await world.pages(key) for key in ("rohan", "sunita", "vikram")]
    for pages in others:
        assert "Aarambh Classes" in (await pages.get("/me")).text
    asha = await world.pages("asha")
    assert (await asha.post("/institute/settings", data=GOOD | {"name": "Aarambh Academy"})).status_code == 303
    for pages in others:
        assert '<span class="place">Aarambh Academy' in (await pages.get("/me")).text
    assert (await asha.post("/institute/settings", data=GOOD)).status_code == 303
    assert '<span class="place">Prayas Academy' in (await (await world.pages("farah")).get("/institute")).text


async def test_the_phone_is_shown_as_people_read_it(world: World) -> None:
    asha = await world.pages("asha")
    assert (await asha.post("/institute/settings", data=GOOD | {"phone": "080 4681 0000"})).status_code == 303
    assert 'value="+91 80 4681 0000"' in (await asha.get("/institute/settings")).text
