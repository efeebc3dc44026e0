"""A dashboard is one statement, on the API as on the page, however much there is to show."""

from collections.abc import AsyncIterator

import pytest

from tests.home import rows
from tests.home.wire import Wire, tapped
from tests.world import World, serving

CALLS = [
    ("rohan", "students/{}/dashboard"), ("rohan", "users/dashboard/student"), ("vikram", "teachers/{}/dashboard"),
    ("sunita", "parents/{}/dashboard"), ("sunita", "parents/{}/children"), ("asha", "users/dashboard/admin"),
]  # fmt: skip
PAGES = [("rohan", "/home"), ("vikram", "/home"), ("sunita", "/home"), ("sunita", "/children"), ("asha", "/home")]


@pytest.fixture(scope="module")
async def tap(database: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[World, Wire]]:
    """A world whose application reaches its database through a relay; jobs run elsewhere, so it is silent by itself."""
    owner_url, app_url = database
    async with (
        tapped(app_url, tmp_path_factory.mktemp("tap")) as (url, wire),
        serving(tmp_path_factory.mktemp("home"), url, owner_url, WORKER="external") as world,
    ):
        yield world, wire


async def statements(world: World, wire: Wire, who: str, path: str) -> list[str]:
    """What the second of two equal requests executed: the first one signs in and sets the connection's tenant."""
    client = await (world.pages(who) if path.startswith("/") else world.api(who))
    address = path if path.startswith("/") else f"/v1/{path.format(world.id(who))}"
    assert (await client.get(address)).status_code == 200
    with wire.listening() as heard:
        assert (await client.get(address)).status_code == 200
    return heard


@pytest.mark.parametrize(("who", "path"), CALLS + PAGES)
async def test_a_dashboard_is_one_statement(tap: tuple[World, Wire], who: str, path: str) -> None:
    (only,) = await statements(*tap, who, path)
    assert "json_build_object" in only


async def test_it_stays_one_with_twenty_more_batches(tap: tuple[World, Wire]) -> None:
    world, wire = tap
    subject = world.institutes[0].subjects[0][0]
    for number in range(20):
        batch = await rows.batch(world, f"More {number}")
        await rows.teach(world, batch, subject, world.id("vikram"))
        await rows.enrol(world, batch, world.id("rohan"))
    for who, path in CALLS + PAGES:
        assert len(await statements(world, wire, who, path)) == 1, path
    data = (await (await world.api("rohan")).get("/v1/users/dashboard/student")).json()["data"]
    assert len(data["batches"]) == 21


async def test_the_relay_hears_everything(tap: tuple[World, Wire]) -> None:
    """Broken on purpose: a request that writes is heard as more than one statement."""
    world, wire = tap
    pages = await world.pages("rohan")
    with wire.listening() as heard:
        await pages.post("/me", data={"name": "Rohan Deshpande", "language": "en", "theme": "light"})
    assert any(text.lstrip().startswith("update users") for text in heard)
    assert any(text.startswith("BEGIN") for text in heard)
