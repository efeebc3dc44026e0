"""Parents and their children."""

from tests.people.hands import added, code
from tests.world import World


async def test_a_child_is_linked_and_unlinked(world: World) -> None:
    asha = await world.api("asha")
    parent, student = await added(world, "parent"), await added(world, "student")
    children = f"/v1/people/{parent['id']}/children"
    link = {"studentId": student["id"], "relation": "father"}
    answer = await asha.post(children, json=link)
    assert answer.status_code == 201
    assert answer.json()["data"]["relation"] == "father"
    assert code(await asha.post(children, json=link)) == (409, "ALREADY_LINKED")
    shown = (await asha.get(f"/v1/people/{student['id']}")).json()["data"]
    assert [(one["id"], one["relation"]) for one in shown["parents"]] == [(parent["id"], "father")]
    assert (await asha.delete(f"{children}/{student['id']}")).status_code == 200
    assert (await asha.delete(f"{children}/{student['id']}")).status_code == 404
    assert (await asha.get(f"/v1/people/{student['id']}")).json()["data"]["parents"] == []


async def test_a_parent_is_added_with_children(world: World) -> None:
    children = [{"studentId": str(world.id(key)), "relation": "guardian"} for key in ("rohan", "meher")]
    parent = await added(world, "parent", children=children)
    assert [child["name"] for child in parent["children"]] == ["Meher Deshpande", "Rohan Deshpande"]
    body = {"name": "Twice", "roles": ["parent"], "phone": "98220 71111", "children": [children[0], children[0]]}
    answer = await (await world.api("asha")).post("/v1/people", json=body)
    assert answer.json()["errors"].keys() == {"children.1.studentId"}


async def test_only_students_are_children(world: World) -> None:
    asha, sunita = await world.api("asha"), world.id("sunita")

    async def linked(child: object, parent: object = sunita) -> tuple[int, str]:
        body = {"studentId": str(child), "relation": "mother"}
        return code(await asha.post(f"/v1/people/{parent}/children", json=body))

    assert await linked(sunita) == (422, "OWN_PARENT")
    for other in (world.id("vikram"), world.id("kabir"), "01970000-0000-7000-8000-0000000fffff"):
        assert await linked(other) == (422, "NOT_A_STUDENT")
    assert await linked(world.id("rohan"), world.id("vikram")) == (409, "NOT_A_PARENT")
    gone = await added(world, "student")
    await asha.post(f"/v1/people/{gone['id']}/disable")
    assert await linked(gone["id"]) == (409, "PERSON_DISABLED")


async def test_a_role_that_links_a_family_stays(world: World) -> None:
    asha = await world.api("asha")
    for key, role in (("sunita", "teacher"), ("rohan", "teacher")):
        answer = await asha.patch(f"/v1/people/{world.id(key)}", json={"roles": [role]})
        assert code(answer) == (409, "STILL_LINKED"), key


async def test_links_are_audited(world: World) -> None:
    asha = await world.api("asha")
    parent, student = await added(world, "parent"), await added(world, "student")
    await asha.post(f"/v1/people/{parent['id']}/children", json={"studentId": student["id"], "relation": "mother"})
    await asha.delete(f"/v1/people/{parent['id']}/children/{student['id']}")
    async with world.owner() as conn:
        rows = await conn.fetch(
            "select action, before, after from audit_log where subject_id = $1 and action like 'parent.%' order by id",
            parent["id"],
        )
    assert [row["action"] for row in rows] == ["parent.linked", "parent.unlinked"]
    assert rows[0]["after"] == rows[1]["before"]
