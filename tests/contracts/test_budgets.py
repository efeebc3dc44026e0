"""How many statements each GET route may cost, and that twenty rows cost what one costs.

Counted on the wire, in a request that was made before (so without preparing statements, reading the session or setting
the connection to its institute). `budgets.txt` holds the numbers; one that grows shows in the diff and needs a reason.
"""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kaksha.sandbox.cast import AARAMBH
from tests.contracts.app import Route, routes
from tests.contracts.committed import HERE, compare
from tests.contracts.given import ROLES, ask, client, own_ids, signed_in
from tests.contracts.rows import twenty_more
from tests.contracts.wire import Wire
from tests.world import World, serving

_MOST = 3
"""Above this nobody commits a budget by accident."""
_LEAST_ROUTES = 25
_VALUES = {"role": "student", "name": "sw.js", "path": "x", "code": "aarambh"}


@pytest.fixture(scope="module")
async def wired(
    database: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[World, Wire]]:
    """A world whose application reaches its database through the counting proxy."""
    owner_url, app_url = database
    wire = Wire(app_url)
    with tempfile.TemporaryDirectory(prefix="kw-") as folder:  # a socket's path must be short
        async with wire.open(Path(folder)) as url, serving(
            tmp_path_factory.mktemp("home"), url, owner_url, WORKER="external"
        ) as world:  # fmt: skip
            await signed_in(world)
            yield world, wire


async def test_the_wire_counts(wired: tuple[World, Wire]) -> None:
    """The measure itself: known statements, counted."""
    world, wire = wired
    async with world.db.read(AARAMBH) as conn:
        await conn.fetchval("select 1")
    with wire.counted() as ran:
        async with world.db.read(AARAMBH) as conn:
            await conn.fetchval("select 1")
            await conn.fetchval("select $1::int", 2)
            await conn.execute("select 3")
    assert ran == ["select 1", "select $1::int", "select 3"]
    with wire.counted() as ran:
        async with world.db.write(AARAMBH) as tx:
            await tx.conn.fetchval("select 1")
    assert ran == ["BEGIN;", "select 1", "COMMIT;"]


async def test_committed_budgets(wired: tuple[World, Wire]) -> None:
    world, wire = wired
    counted = await _counted(world, wire)
    one = {name: len(ran) for name, ran in counted.items()}
    assert len(one) >= _LEAST_ROUTES, f"saw only {sorted(one)}"
    missing = [route.name for route in _readable() if route.name not in one and route.name not in _EMPTY]
    assert not missing, f"nobody of the cast gets 200 or a redirect from these: {missing}"
    assert sum(one.values()) >= _LEAST_ROUTES // 2, "hardly any statement was seen: is the application on the wire?"
    above = {name: counted[name] for name, count in one.items() if count > _MOST}
    assert not above, f"above {_MOST} statements: {above}"
    dashboards = {name: count for name, count in one.items() if "dashboard" in name}
    assert set(dashboards.values()) == {1}, f"a dashboard is one statement: {dashboards}"
    async with world.owner() as owner:
        added = await twenty_more(owner, world)
    assert added >= 100
    many = {name: len(ran) for name, ran in (await _counted(world, wire)).items()}
    grown = {name: (count, many.get(name)) for name, count in one.items() if many.get(name) != count}
    assert not grown, f"twenty rows cost the statements of one (before, after): {grown}"
    lines = [f"{count} {name}" for name, count in sorted(one.items(), key=lambda entry: entry[0])]
    head = "# Statements of each GET route, the most that any role of the cast causes. Made by tests.contracts.update."
    compare(HERE / "budgets.txt", "\n".join([head, *lines]) + "\n")


_EMPTY = frozenset({
    "GET /v1/users/{user_id:uuid}/avatar", "GET /avatars/{user_id:uuid}", "GET /invites/{invite_id:uuid}/qr.svg",
    "GET /unsubscribe",
})  # fmt: skip
"""Not counted: the cast has no pictures, a code's picture needs the code, and unsubscribing its link."""


_NOT_THE_ROUTES = ("set_config('app.institute_id'", "as ended from sessions")
"""Whether a connection has to be set to the institute first depends on who used it before; whether the database is
asked if a sign-in still holds, on when this process last heard from it."""


def _readable() -> list[Route]:
    return [route for route in routes() if route.method == "GET" and not route.path.startswith("/schema")]


_TUS = {"Tus-Resumable": "1.0.0"}


async def _files(world: World) -> dict[str, str]:
    """Uploads a file whose bytes are there, and begins another; answers the tokens of both by path."""
    api = await world.api("rohan")
    sent = await api.post("/v1/files/upload", files={"file": ("a.pdf", b"%PDF-1.7")}, data={"purpose": "document"})
    begun = await api.post(
        "/v1/files/tus", headers=_TUS | {"Upload-Length": "9", "Upload-Metadata": "purpose ZG9jdW1lbnQ="}
    )
    return {
        "/v1/files/signed/{token:str}": sent.json()["data"]["url"].rpartition("/")[2],
        "/v1/files/tus/{token:str}": begun.headers["location"].rpartition("/")[2],
    }


async def _counted(world: World, wire: Wire) -> dict[str, list[str]]:
    """Route -> the statements of a repeated request, of the role that causes the most."""
    tokens = await _files(world)
    own = await own_ids(world)
    found: dict[str, list[str]] = {}
    for route in _readable():
        for role, key in ROLES.items():
            person = {"student": "rohan", "teacher": "vikram", "parent": "sunita"}.get(role, "rohan")
            values = _VALUES | {"role": role} | own | {"person_id": world.id(person)}
            address = route.address(values | {"token": tokens.get(route.path, "x")})
            who = await client(world, route, key)
            answer = await ask(who, "GET", address, headers=_TUS)
            if answer.status_code == 404 and "student_id" in route.ids:
                address = route.address(
                    values | {"student_id": world.id("meher"), "batch_id": world.institutes[0].batches[1].id}
                )
                answer = await ask(who, "GET", address)
            if answer.status_code not in (200, 303):
                continue
            with wire.counted() as ran:
                answer = await ask(who, "GET", address, headers=_TUS)
            ran = [text for text in ran if not any(part in text for part in _NOT_THE_ROUTES)]
            if len(ran) >= len(found.get(route.name, ())):
                found[route.name] = ran
    return found
