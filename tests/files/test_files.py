"""Sending, fetching and deleting files, and what they hang on."""

from uuid import UUID, uuid4

import msgspec
import pytest

from kaksha.core.db import Actor
from kaksha.core.errors import Invalid
from kaksha.files.service import Hook, attach, batch, detach, person
from tests.files.hands import PDF, hung, sent
from tests.world import World


async def test_what_is_sent_can_be_fetched(world: World) -> None:
    api = await world.api("vikram")
    file = await sent(world, "vikram", "assignment", name="कक्षा ११ भौतिकी.pdf")
    assert (file["name"], file["contentType"], file["size"], file["purpose"]) == (
        "कक्षा ११ भौतिकी.pdf", "application/pdf", len(PDF), "assignment",
    )  # fmt: skip
    got = await api.get(f"/v1/files/{file['id']}/download")
    assert (got.status_code, got.content) == (200, PDF)
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert got.headers["content-disposition"].startswith("attachment;")
    assert got.headers["content-length"] == str(len(PDF))


async def test_a_grant_opens_a_file_and_taking_it_off_closes_it(world: World) -> None:
    jee = world.institutes[0].batches[0].id
    file = await sent(world, "vikram", "assignment")
    address = f"/v1/files/{file['id']}/download"
    everybody = ("rohan", "sunita", "nandini", "meher", "kabir", "asha", "vikram")

    async def who() -> set[str]:
        answers = {key: (await (await world.api(key)).get(address)).status_code for key in everybody}
        assert set(answers.values()) <= {200, 404}
        return {key for key, status in answers.items() if status == 200}

    assert await who() == {"vikram", "asha"}
    hook = Hook("assignment", uuid4())
    await hung(world, "vikram", file["id"], hook, batch(jee))
    assert await who() == {"vikram", "asha", "rohan", "sunita", "nandini"}
    async with world.db.read(world.institute("vikram")) as conn:
        shown = await conn.fetchval("select files_on($1, $2, $3)::text", world.institute("vikram"), hook.kind, hook.id)
    (listed,) = msgspec.json.decode(shown)
    assert {**listed, "url": ""} == {**file, "url": ""}
    async with world.db.write(world.institute("vikram"), Actor(world.id("vikram"))) as tx:
        await detach(tx, hook)
    assert await who() == {"vikram", "asha"}


async def test_only_ones_own_fresh_uploads_can_be_attached(world: World) -> None:
    file = await sent(world, "rohan", "submission")
    mine = await sent(world, "vikram", "assignment")
    hook = Hook("assignment", uuid4())
    async with world.db.write(world.institute("vikram"), Actor(world.id("vikram"))) as tx:
        with pytest.raises(Invalid) as refused:
            await attach(
                tx, [UUID(mine["id"]), UUID(file["id"]), uuid4()], hook=hook, audience=[person(world.id("rohan"))],
                purposes=("assignment",),
            )  # fmt: skip
        assert set(refused.value.problems) == {"fileIds.1", "fileIds.2"}
        with pytest.raises(Invalid):
            await attach(tx, [UUID(mine["id"])], hook=hook, audience=[], purposes=("note",))
        await attach(tx, [UUID(mine["id"])], hook=hook, audience=[], purposes=("assignment",))
        with pytest.raises(Invalid):
            other = Hook("assignment", uuid4())
            await attach(tx, [UUID(mine["id"])], hook=other, audience=[], purposes=("assignment",))
