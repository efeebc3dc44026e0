"""Nobody but those whom a grant names reads a file: every purpose on every kind of hook for every audience, asked for
by everybody of the cast, by another institute and by nobody at all, by id and by every address that takes one."""

import itertools
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import pytest

from kaksha.files.models import Audience
from kaksha.files.service import Hook, batch, batch_teachers, detach, everyone, person
from kaksha.uploads.models import PURPOSES
from tests.contracts.given import ask
from tests.contracts.rows import Rows
from tests.files.hands import MP3, PDF, hung, sent
from tests.world import World, serving

PEOPLE = ("rohan", "meher", "sunita", "vikram", "nandini", "asha", "kabir", "imran", "farah")
OURS = frozenset(PEOPLE) - {"kabir", "imran", "farah"}
HOOKS = (
    "assignment", "submission", "message", "doubt", "note", "announcement", "document", "receipt", "own", "thing",
)  # fmt: skip
UPLOADERS = {"submission": "rohan", "receipt": "asha"}


def audiences(world: World) -> dict[str, tuple[list[Audience], set[str]]]:
    """Each audience, and whom it lets in."""
    jee = world.institutes[0].batches[0].id
    return {
        "nobody": ([], set()),
        "a student": ([person(world.id("rohan"))], {"rohan", "sunita"}),
        "a teacher": ([person(world.id("nandini"))], {"nandini"}),
        "a parent": ([person(world.id("sunita"))], {"sunita"}),
        "a batch": ([batch(jee)], {"rohan", "sunita", "vikram", "nandini"}),
        "its teachers": ([batch_teachers(jee)], {"vikram", "nandini"}),
        "everyone": ([everyone()], set(OURS)),
        "somebody elsewhere": ([person(world.id("kabir"))], set()),
        "a batch elsewhere": ([batch(world.institutes[1].batches[0].id)], set()),
    }


@pytest.fixture(scope="module")
async def world(database: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Who may read does not depend on the store: one is enough here."""
    owner_url, app_url = database
    async with serving(tmp_path_factory.mktemp("home"), app_url, owner_url) as running:
        yield running


async def readers_of(world: World, file_id: str) -> set[str]:
    """Everybody of both institutes whom the door lets in, as the application's role sees it."""
    found: set[str] = set()
    for plan in world.institutes:
        async with world.db.read(plan.id) as conn:
            rows = await conn.fetch(
                """
                select p.key from unnest($1::text[], $2::uuid[], $3::boolean[]) p (key, id, admin)
                where exists (select from files where id = $4) and may_see_file(p.id, p.admin, $4, $5)
                """,
                [person.key for person in plan.people], [person.id for person in plan.people],
                ["admin" in person.roles for person in plan.people], UUID(file_id), world.clock().date(),
            )  # fmt: skip
        found |= {row["key"] for row in rows}
    return found


async def test_zero_files_are_readable_by_a_stranger(
    world: World, record_property: Callable[[str, object], None]
) -> None:
    checked = {"by the door": 0, "over HTTP": 0, "refused": 0}
    wrong: list[str] = []
    for purpose in PURPOSES:
        uploader = UPLOADERS.get(purpose, "vikram")
        file = await sent(world, uploader, purpose, MP3 if purpose == "voice" else PDF)
        family = {uploader, "sunita"} if uploader == "rohan" else {uploader}
        # While it hangs on nothing: its uploader, their parents, and the office unless it is for a conversation.
        alone = family | (set() if purpose in ("message", "voice") else {"asha"})
        if (seen := await readers_of(world, file["id"])) != alone:
            wrong.append(f"{purpose} alone: {seen}")
        for hook, (name, (audience, readers)) in itertools.product(HOOKS, audiences(world).items()):
            thing = Hook(hook, uuid4())
            await hung(world, uploader, file["id"], thing, *audience)
            may = readers | family | ({"asha"} if hook != "message" else set())
            if (seen := await readers_of(world, file["id"])) != may:
                wrong.append(f"{purpose} on {hook} for {name}: {seen}, not {may}")
            checked["by the door"] += len(PEOPLE)
            checked["refused"] += len(set(PEOPLE) - seen)
            if hook == HOOKS[list(PURPOSES).index(purpose)] and name in ("nobody", "a student", "a batch"):
                wrong += await asked_over_http(world, file["id"], may, f"{purpose} on {hook} for {name}")
                checked["over HTTP"] += 3 * (len(PEOPLE) + 1)
            async with world.db.write(world.institute(uploader)) as tx:
                await detach(tx, thing)
    assert not wrong, wrong[:20]
    assert checked["by the door"] == len(PURPOSES) * len(HOOKS) * 9 * len(PEOPLE)
    record_property("combinations", checked)
    print(checked)  # noqa: T201 - how many were looked at is part of the result


async def asked_over_http(world: World, file_id: str, may: set[str], what: str) -> list[str]:
    wrong: list[str] = []
    for key in (*PEOPLE, None):
        client = await world.api(key) if key else world.anyone
        for method, path in (("GET", ""), ("GET", "/download"), ("DELETE", "")):
            if method == "DELETE" and key in may:
                continue
            answer = await ask(client, method, f"/v1/files/{file_id}{path}")
            if answer.status_code != (401 if key is None else 200 if key in may else 404):
                wrong.append(f"{what}: {key} {method} {path}: {answer.status_code}")
    return wrong


async def test_other_days_and_other_families_do_not_count(world: World) -> None:
    """Who left a batch, who will come to it, and the parents of others."""
    jee = world.institutes[0].batches[0].id
    file = await sent(world, "vikram", "assignment")
    await hung(world, "vikram", file["id"], Hook("assignment", uuid4()), batch(jee))
    path = f"/v1/files/{file['id']}/download"
    async with world.owner() as owner:
        other = await Rows(owner, world.institute("rohan")).person("Other Parent", "parent")
        assert not await owner.fetchval(
            "select set_config('app.institute_id', $1, false) is null or may_see_file($2, false, $3, current_date)",
            str(world.institute("rohan")), other, UUID(file["id"]),
        )  # fmt: skip
        for sql, status in (
            ("update enrolments set ends_on = starts_on where student_id = $1", 404),
            ("update enrolments set ends_on = null where student_id = $1", 200),
            ("update enrolments set starts_on = '2027-01-01' where student_id = $1", 404),
            ("update enrolments set starts_on = '2026-04-01' where student_id = $1", 200),
        ):
            await owner.execute(sql, world.id("rohan"))
            for key in ("rohan", "sunita"):
                assert (await (await world.api(key)).get(path)).status_code == status, (sql, key)


async def test_signed_addresses_open_one_file_for_a_while(world: World) -> None:
    file = await sent(world, "rohan")
    other = await sent(world, "kabir")
    assert (await world.anyone.get(file["url"])).content == PDF
    token = file["url"].rpartition("/")[2]
    theirs = other["url"].rpartition("/")[2]
    for place in range(0, 80, 7):
        forged = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert (await world.anyone.get(f"/v1/files/signed/{forged}")).status_code == 404
    for mixed in (token[:48] + theirs[48:], theirs[:20] + token[20:], token[:-4], "x", token + "AAAA"):
        assert (await world.anyone.get(f"/v1/files/signed/{mixed}")).status_code == 404
    at = world.clock.at
    world.clock.forward(minutes=59)
    assert (await world.anyone.get(file["url"])).status_code == 200
    world.clock.forward(minutes=62)
    assert (await world.anyone.get(file["url"])).status_code == 404
    world.clock.at = at
    assert (await (await world.api("rohan")).delete(f"/v1/files/{file['id']}")).status_code == 200
    assert (await world.anyone.get(file["url"])).status_code == 404
