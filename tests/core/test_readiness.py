"""Whether requests can be served: each thing that is needed is asked."""

from tests.world import World


async def test_readiness_asks_the_storage_too(world: World) -> None:
    folder = world.settings.home / "files"
    assert (await world.anyone.get("/readyz")).json()["data"]["storage"] == "ready"
    folder.rename(folder.with_name("gone"))
    answer = await world.anyone.get("/readyz")
    assert (answer.status_code, answer.json()["data"]["storage"]) == (503, "unavailable")
    folder.with_name("gone").rename(folder)
