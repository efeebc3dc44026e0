"""The pages of batches."""

from uuid import uuid4

import pytest

from tests.institutes.staff import students
from tests.world import World

GOOD = {
    "name": "NEET-B", "code": "NEET-B", "course": "Class 12 NEET", "capacity": "2", "startsOn": "2026-11-01",
    "endsOn": "2027-05-31", "medium": "hi",
}  # fmt: skip


def batch_of(world: World, code: str) -> str:
    return f"/batches/{next(batch.id for plan in world.institutes for batch in plan.batches if batch.code == code)}"


def subject_of(world: World, code: str) -> str:
    return str(next(subject[0] for subject in world.institutes[0].subjects if subject[1] == code))


async def a_batch(world: World, code: str, **changes: str) -> str:
    """A batch made by the form, as its path."""
    answer = await (await world.pages("dean")).post("/batches", data={**GOOD, "name": code, "code": code, **changes})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


@pytest.mark.parametrize(
    ("key", "seen", "hidden"),
    [
        ("asha", ["JEE-A", "Foundation 8", "1 of 40", "New batch"], ["Prayas 11"]),
        ("desk", ["JEE-A", "Foundation 8", "1 of 40"], ["New batch"]),
        ("vikram", ["JEE-A", "Physics"], ["Foundation 8", "New batch", "of 40"]),
        ("rohan", ["JEE-A", "Physics"], ["Foundation 8", "New batch", "of 40"]),
        ("sunita", ["JEE-A", "Foundation 8"], ["Prayas 11", "of 40"]),
        ("kabir", ["Prayas 11"], ["JEE-A"]),
    ],
)
async def test_the_list_is_ones_own(world: World, key: str, seen: list[str], hidden: list[str]) -> None:
    page = (await (await world.pages(key)).get("/batches")).text
    assert [text for text in seen if text not in page] == []
    assert [text for text in hidden if text in page] == []


async def test_the_list_is_searched(world: World) -> None:
    pages = await world.pages("asha")
    page = (await pages.get("/batches?q=foundation")).text
    assert "Foundation 8" in page
    assert "JEE-A" not in page
    assert "No batch is called that" in (await pages.get("/batches?q=%3Cscript%3E")).text
    for query in ("page=0", "page=x", "page=99999999999999999999", "q=%00", "page=²"):
        assert (await pages.get(f"/batches?{query}")).status_code == 200


@pytest.mark.parametrize(
    ("key", "roster", "edit"),
    [
        ("asha", True, True),
        ("desk", True, False),
        ("vikram", True, False),
        ("rohan", False, False),
        ("sunita", False, False),
    ],
)
async def test_a_batch_shows_what_one_may_see_and_do(world: World, key: str, roster: bool, edit: bool) -> None:
    answer = await (await world.pages(key)).get(batch_of(world, "JEE-A"))
    assert answer.status_code == 200
    assert "Vikram Rao" in answer.text
    assert ("2207" in answer.text) == roster
    assert ("/edit" in answer.text) == ("Add a student" in answer.text) == edit


async def test_what_one_may_not_see_is_not_there(world: World) -> None:
    for key, code in [("rohan", "F8"), ("vikram", "F8"), ("asha", "P11"), ("kabir", "JEE-A"), ("farah", "F8")]:
        pages = await world.pages(key)
        assert (await pages.get(batch_of(world, code))).status_code == 404
    farah = await world.pages("farah")
    meher = f"/students/{world.id('meher')}"
    for path in (batch_of(world, "F8"), f"/batches/{uuid4()}"):
        for rest in ("/edit", "/subjects", "/add", "/add?q=a", meher):
            assert (await farah.get(path + rest)).status_code == 404
        assert (await farah.post(f"{path}/edit", data=GOOD)).status_code == 404
        assert (await farah.post(f"{path}/archive")).status_code == 404
        assert (await farah.post(f"{path}/subjects", data={"subjectId": [], "teacherId": []})).status_code == 404
        assert (await farah.post(f"{path}/add", data={"studentId": str(world.id("kabir"))})).status_code == 404
        assert (await farah.post(f"{path}{meher}/remove", data={})).status_code == 404
    found = (await farah.get(f"{batch_of(world, 'P11')}/add?q=Deshpande")).text
    assert "No student is called that" in found


@pytest.mark.parametrize("key", ["vikram", "rohan", "sunita", "desk"])
async def test_forms_are_for_academics(world: World, key: str) -> None:
    pages = await world.pages(key)
    path = batch_of(world, "JEE-A")
    rohan = f"{path}/students/{world.id('rohan')}"
    for page in ("/batches/new", f"{path}/edit", f"{path}/subjects", f"{path}/add", rohan):
        assert (await pages.get(page)).status_code == 403
    for action in ("/batches", f"{path}/edit", f"{path}/archive", f"{path}/subjects", f"{path}/add", f"{rohan}/remove"):
        assert (await pages.post(action, data=GOOD)).status_code == 403


async def test_a_batch_is_made_once_and_edited(world: World) -> None:
    pages = await world.pages("dean")
    form = {**GOOD, "_idem": str(uuid4())}
    first, again = [await pages.post("/batches", data=form) for _ in range(2)]
    assert first.status_code == again.status_code == 303
    path = first.headers["location"]
    assert path == again.headers["location"]
    assert "The batch is there." in (await pages.get(path)).text
    taken = await pages.post("/batches", data={**GOOD, "capacity": "0"})
    assert taken.status_code == 422
    assert "Another batch has this code at the same time." in taken.text
    assert "Must be 1 or more." in taken.text
    bad = await pages.post(f"{path}/edit", data={**GOOD, "name": "<i>", "endsOn": "2026-11-01", "capacity": ""})
    assert bad.status_code == 422
    assert 'value="&lt;i&gt;"' in bad.text
    assert 'id="f-capacity-why"' in bad.text
    assert (await pages.post(f"{path}/edit", data={**GOOD, "name": "NEET C"})).headers["location"] == path
    assert "<h1>NEET C</h1>" in (await pages.get(path)).text
    assert (await pages.post(f"{path}/archive")).headers["location"] == "/batches"
    assert (await pages.get(path)).status_code == 404


async def test_subjects_get_their_teachers(world: World) -> None:
    pages = await world.pages("dean")
    path = await a_batch(world, "TEACH")
    form = (await pages.get(f"{path}/subjects")).text
    assert form.count("<select") == 5
    assert form.count("Vikram Rao") == 5
    physics, chemistry, vikram = subject_of(world, "PHY"), subject_of(world, "CHE"), str(world.id("vikram"))
    rows = {"subjectId": [chemistry, physics], "teacherId": ["", vikram]}
    assert (await pages.post(f"{path}/subjects", data=rows)).headers["location"] == path
    page = (await pages.get(path)).text
    assert "Physics" in page
    assert "Chemistry" not in page
    rows = {"subjectId": [chemistry, physics], "teacherId": [vikram, str(world.id("rohan"))]}
    bad = await pages.post(f"{path}/subjects", data=rows)
    assert bad.status_code == 422
    assert f'id="f-teacher-{physics}-why"' in bad.text
    assert f'id="f-teacher-{chemistry}-why"' not in bad.text
    assert (await pages.post(f"{path}/subjects", data={"subjectId": ["x"], "teacherId": ["y"]})).status_code == 422


async def test_students_are_found_added_and_taken_out(world: World) -> None:
    pages = await world.pages("dean")
    path = await a_batch(world, "SEATS")
    esha, faiz, gauri = await students(world, ["Esha Roy", "Faiz Roy", "Gauri Roy"], 801)
    found = (await pages.get(f"{path}/add?q=roy")).text
    assert [name in found for name in ("Esha Roy", "Faiz Roy", "Gauri Roy")] == [True] * 3
    found = (await pages.get(f"{path}/add?q=802")).text
    assert [name in found for name in ("Esha Roy", "Faiz Roy", "Gauri Roy")] == [False, True, False]
    for student in (esha, faiz):
        form = {"studentId": str(student), "startsOn": "2026-11-22", "_idem": str(uuid4())}
        for _ in range(2):
            assert (await pages.post(f"{path}/add?q=roy", data=form)).headers["location"] == f"{path}/add"
    page = (await pages.get(path)).text
    assert "Every seat is taken." in page
    assert "Faiz Roy" in page
    full = await pages.post(f"{path}/add", data={"studentId": str(gauri)})
    assert full.status_code == 409
    assert "All 2 seats of this batch are taken." in full.text
    again = await pages.post(f"{path}/add?q=roy", data={"studentId": str(esha), "startsOn": "2026-11-22"})
    assert again.status_code == 409
    assert "Esha Roy is in this batch already" in again.text
    assert "In the batch" in again.text
    late = await pages.post(f"{path}/add", data={"studentId": str(gauri), "startsOn": "2028-01-01"})
    assert late.status_code == 422
    assert 'id="f-startsOn-why"' in late.text
    student = f"{path}/students/{faiz}"
    early = await pages.post(f"{student}/remove", data={"on": "2026-11-01"})
    assert early.status_code == 422
    assert 'id="f-on-why"' in early.text
    assert (await pages.post(f"{student}/remove", data={"on": "2026-11-22"})).headers["location"] == path
    assert "Faiz Roy" not in (await pages.get(path)).text
    assert (await pages.get(student)).status_code == 404
    held = await pages.post(f"{path}/archive")
    assert held.status_code == 409
    assert "Students are still in this batch (1)." in held.text


async def test_the_roster_is_searched_on_the_page(world: World) -> None:
    pages = await world.pages("asha")
    path = await a_batch(world, "LONG", capacity="30")
    for student in await students(world, [f"Student {n:02}" for n in range(22)], 700):
        assert (await pages.post(f"{path}/add", data={"studentId": str(student)})).status_code == 303
    first, second = [(await pages.get(f"{path}?page={n}")).text for n in (1, 2)]
    assert "Student 00" in first
    assert "Student 21" not in first
    assert "Student 21" in second
    found = (await pages.get(f"{path}?q=student+07")).text
    assert "Student 07" in found
    assert "Student 08" not in found
    assert "Nobody here is called that" in (await pages.get(f"{path}?q=zzz")).text
