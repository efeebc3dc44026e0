"""The pages of people, as a browser without scripts uses them."""

import re
from html import unescape

import httpx2

from kaksha.sandbox.cast import PASSWORD
from tests.people.hands import added, answers, visiting
from tests.world import World


def _text(answer: httpx2.Response) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", answer.text)))


async def test_the_list_counts_searches_and_pages(world: World) -> None:
    asha = await world.pages("asha")
    said = _text(await asha.get("/people"))
    for part in ("All 6", "Students 2", "Teachers 2", "Parents 1", "Admins 1", "Roll 2207 · Class 11"):
        assert part in said
    assert "Kabir" not in said
    found = await asha.get("/people", params={"q": "desh", "role": "student"})
    assert "Students 2" in _text(found)
    assert "Sunita" not in _text(found)
    assert "Nobody found for “kabir”" in _text(await asha.get("/people", params={"q": "kabir"}))
    for _ in range(32):
        await added(world, "student")
    assert "Page 1 of 2" in _text(await asha.get("/people"))
    second = await asha.get("/people", params={"page": "2", "role": "student", "q": "person"})
    assert "Page 2 of 2" in _text(second)
    assert 'href="/people?role=student&amp;q=person&amp;page=1"' in second.text
    assert (await asha.get("/people", params={"page": "nonsense", "role": "boss"})).status_code == 200


async def test_who_may_open_what(world: World) -> None:
    rohan = world.id("rohan")
    for key in ("vikram", "rohan", "sunita"):
        pages = await world.pages(key)
        for path in ("/people", "/people/new?role=student", f"/people/{rohan}/edit", f"/people/{rohan}/family"):
            assert (await pages.get(path)).status_code == 403, (key, path)
    assert (await (await world.pages("sunita")).get(f"/people/{rohan}")).status_code == 403
    vikram = await world.pages("vikram")
    shown = await vikram.get(f"/people/{rohan}")
    assert "Rohan Deshpande" in shown.text
    assert "Sunita Deshpande" in shown.text
    for part in ("/edit", "/family", "/unlink", "/disable", f"/people/{world.id('sunita')}"):
        assert part not in shown.text, part
    assert (await vikram.get(f"/people/{world.id('meher')}")).status_code == 404
    farah = await world.pages("farah")
    for path in ("", "/edit", "/family?q=desh"):
        assert (await farah.get(f"/people/{rohan}{path}")).status_code == 404, path
    for path, data in (
        ("edit", {"name": "Mine", "roles": "student"}), ("disable", {}), ("enable", {}),
        (f"children/{rohan}/unlink", {}), ("family", {"other": str(world.id("kabir")), "relation": "mother"}),
    ):  # fmt: skip
        assert (await farah.post(f"/people/{rohan}/{path}", data=data)).status_code == 404, path
    assert (await world.anyone.get("/people")).status_code == 303


async def test_a_family_is_added_by_forms(world: World) -> None:
    asha = await world.pages("asha")
    form = {"role": "student", "name": "Ira Bapat", "student.grade": "Class 10", "language": "hi", "_idem": "ira-1"}
    done = await asha.post("/people", data=form)
    assert done.status_code == 303
    student = done.headers["location"]
    shown = await asha.get(student)
    assert "Added." in _text(shown)
    assert "Class 10" in _text(shown)
    assert (await asha.post("/people", data=form)).headers["location"] == student
    child = student.rpartition("/")[2]
    new = await asha.get("/people/new", params={"role": "parent", "child": child})
    assert "What they are to Ira Bapat" in _text(new)
    form = {
        "role": "parent", "name": "Gauri Bapat", "phone": "98220 80001", "children.studentId": child,
        "children.relation": "mother",
    }  # fmt: skip
    done = await asha.post("/people", data=form)
    assert done.status_code == 303
    shown = await asha.get(student)
    assert "Gauri Bapat" in _text(shown)
    assert 'href="tel:+919822080001"' in shown.text


async def test_a_form_comes_back_with_every_fault_and_what_was_typed(world: World) -> None:
    asha = await world.pages("asha")
    form = {"role": "student", "name": "Ira", "student.grade": "", "email": "nobody", "student.rollNo": "2207"}
    answer = await asha.post("/people", data=form)
    assert answer.status_code == 422
    for part in (
        "Class: This is required.",
        "E-mail: Is not an e-mail address.",
        "Roll number: Another",
        "3 things need a change",
    ):
        assert part in _text(answer), part
    assert 'value="nobody"' in answer.text
    answer = await asha.post("/people", data=form | {"student.grade": "Class 9", "email": ""})
    assert answer.status_code == 409
    assert "Roll number: Another student has this roll number." in _text(answer)
    answer = await asha.post("/people", data=form | {"language": "klingon"})
    assert answer.status_code == 422
    answer = await asha.post("/people", data={"role": "parent", "name": "Nobody", "children.studentId": "nonsense"})
    assert answer.status_code == 422


async def test_a_person_is_changed_by_the_form(world: World) -> None:
    asha = await world.pages("asha")
    person = await added(world, "student", student={"grade": "Class 9", "rollNo": "F-1"})
    edit = f"/people/{person['id']}/edit"
    form = {
        "name": "Ira Changed", "phone": "", "email": "", "roles": ["student"], "student.grade": "Class 10",
        "student.rollNo": "F-1", "language": "en",
    }  # fmt: skip
    assert (await asha.post(edit, data=form | {"student.rollNo": ""})).status_code == 422
    assert (await asha.post(edit, data=form | {"roles": []})).status_code == 422
    assert (await asha.post(edit, data=form)).status_code == 303
    shown = _text(await asha.get(f"/people/{person['id']}"))
    assert "Ira Changed" in shown
    assert "No number or e-mail of their own" in shown
    answer = await asha.post(edit, data=form | {"roles": ["teacher"]})
    assert "Give an e-mail or a phone number" in _text(answer)
    assert (await asha.post(edit, data=form | {"roles": ["teacher"], "phone": "98220 80002"})).status_code == 303
    assert "Teaches here since" in _text(await asha.get(f"/people/{person['id']}"))


async def test_rights_are_unticked_and_never_taken_by_hand(world: World) -> None:
    asha = await world.pages("asha")
    desk = await added(world, "admin", permissions=["desk", "money"], password=PASSWORD)
    url = f"/people/{desk['id']}"
    form = {"name": "Dev", "email": desk["email"], "phone": desk["phone"], "roles": ["admin"], "language": "en"}
    assert (await asha.post(f"{url}/edit", data=form | {"rights": "1", "permissions": ["desk"]})).status_code == 303
    shown = _text(await asha.get(url))
    assert "Front desk" in shown
    assert "Money" not in shown
    dev = await visiting(world, desk)
    assert (await dev.get("/people/new?role=student")).status_code == 200
    assert "role=admin" not in (await dev.get("/people/new")).text
    assert (await dev.get("/people/new?role=admin")).status_code == 403
    assert (await dev.get(f"{url}/edit")).status_code == 403
    taken = await dev.post(f"{url}/edit", data=form | {"rights": "1", "permissions": ["owner"]})
    assert taken.status_code == 403
    new = {"role": "admin", "name": "Friend", "phone": "98220 80003", "permissions": ["owner"]}
    assert (await dev.post("/people", data=new)).status_code == 403
    assert "Friend" not in _text(await asha.get("/people?role=admin"))
    # An owner who unticks their own right is told so, in the form.
    own = {"name": "Asha Kulkarni", "email": "asha@aarambh.example", "roles": ["admin"], "rights": "1"}
    answer = await asha.post(f"/people/{world.id('asha')}/edit", data=own)
    assert answer.status_code == 409
    assert "You cannot stop being an owner by yourself." in _text(answer)


async def test_who_is_disabled_leaves_every_page(world: World) -> None:
    asha = await world.pages("asha")
    person = await added(world, "teacher", password=PASSWORD)
    pages = await visiting(world, person)
    assert (await pages.get("/me")).status_code == 200
    assert (await asha.post(f"/people/{person['id']}/disable")).status_code == 303
    await answers(pages, "/me", 303)
    again = await pages.post("/sign-in", data={"login": person["email"], "password": PASSWORD})
    assert again.status_code == 401
    shown = await asha.get(f"/people/{person['id']}")
    assert "Disabled: cannot sign in." in _text(shown)
    assert f"{person['id']}/edit" not in shown.text
    assert person["name"] not in _text(await asha.get("/people?role=teacher"))
    assert person["name"] in _text(await asha.get("/people?status=disabled"))
    assert (await asha.post(f"/people/{person['id']}/enable")).status_code == 303
    assert (await pages.post("/sign-in", data={"login": person["email"], "password": PASSWORD})).status_code == 303


async def test_somebody_who_waits_is_let_in(world: World) -> None:
    asha = await world.pages("asha")
    person = await added(world, "parent", password=PASSWORD)
    async with world.owner() as conn:
        await conn.execute("update users set status = 'pending' where id = $1", person["id"])
    assert "Approve" in _text(await asha.get(f"/people/{person['id']}"))
    assert "Waiting for approval" in _text(await asha.get("/people?role=parent"))
    assert (await asha.post(f"/people/{person['id']}/enable")).status_code == 303
    assert (await (await visiting(world, person)).get("/me")).status_code == 200


async def test_families_are_linked_by_search(world: World) -> None:
    asha = await world.pages("asha")
    parent, student = await added(world, "parent"), await added(world, "student", name="Omkar Wagle")
    family = f"/people/{parent['id']}/family"
    found = await asha.get(family, params={"as": "parent", "q": "wagle"})
    assert student["id"] in found.text
    form = {"as": "parent", "q": "wagle", "other": student["id"], "relation": "father"}
    assert "Choose a person." in _text(await asha.post(family, data=form | {"other": ""}))
    assert (await asha.post(family, data=form)).status_code == 303
    answer = await asha.post(family, data=form)
    assert answer.status_code == 409
    assert "They are linked already." in _text(answer)
    assert student["id"] not in (await asha.get(family, params={"q": "wagle"})).text
    shown = await asha.get(f"/people/{student['id']}")
    assert parent["name"] in _text(shown)
    unlink = f"/people/{parent['id']}/children/{student['id']}/unlink"
    assert unlink in shown.text
    done = await asha.post(unlink, data={"as": "child"})
    assert done.headers["location"] == f"/people/{student['id']}"
    # And from the child's side.
    form = {"as": "child", "q": "x", "other": parent["id"], "relation": "mother"}
    done = await asha.post(f"/people/{student['id']}/family", data=form)
    assert done.headers["location"] == f"/people/{student['id']}"
    assert "Mother" in _text(await asha.get(f"/people/{student['id']}"))


async def test_what_people_type_is_never_markup(world: World) -> None:
    asha = await world.pages("asha")
    person = await added(world, "student", name="<script>alert(1)</script>", student={"grade": "<b>9</b>"})
    for path in ("/people?q=%3Cscript%3E", f"/people/{person['id']}", f"/people/{person['id']}/edit"):
        answer = await asha.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "<b>9" not in answer.text
