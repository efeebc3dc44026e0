"""The world that tests happen in: a server over real HTTP on a database of its own, with the cast in it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import uvicorn

from kaksha.core.db import Database
from kaksha.core.seal import Keys
from kaksha.core.settings import Settings, load
from kaksha.main import build
from kaksha.sandbox.cast import PASSWORD, Member, the_cast

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
"""Sunday, 3:30 pm in India."""


class Clock:
    """The world's time: stands still until a test moves it."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **amount: float) -> None:
        self.at += timedelta(**amount)


class World:
    """A running server and its people. `api("rohan")` and `pages("rohan")` are clients signed in as them."""

    def __init__(self, settings: Settings, app_url: str, owner_url: str, clock: Clock) -> None:
        self.settings = settings
        self.app_url = app_url
        self.owner_url = owner_url
        self.clock = clock
        self.url = settings.api_base_url
        self.institutes = the_cast(NOW.date())
        self.people: dict[str, Member] = {person.key: person for plan in self.institutes for person in plan.people}
        self._stack = contextlib.AsyncExitStack()
        self._clients: dict[tuple[str, str], httpx2.AsyncClient] = {}
        self.db: Database
        """The application's role, for tests that look behind the API."""

    def id(self, key: str) -> UUID:
        return self.people[key].id

    def institute(self, key: str) -> UUID:
        """The institute of a person."""
        return next(plan.id for plan in self.institutes if any(person.key == key for person in plan.people))

    @property
    def anyone(self) -> httpx2.AsyncClient:
        """A client that is signed in as nobody."""
        return self._client("anyone", "")

    async def api(self, key: str) -> httpx2.AsyncClient:
        """A client with this person's access token."""
        if ("api", key) not in self._clients:
            client = self._client("api", key)
            signed_in = await self.sign_in(key)
            client.headers["Authorization"] = f"Bearer {signed_in['accessToken']}"
        return self._clients["api", key]

    async def pages(self, key: str) -> httpx2.AsyncClient:
        """A client with this person's page session, behaving as a browser does in a form."""
        if ("pages", key) not in self._clients:
            client = self._client("pages", key)
            client.headers["Sec-Fetch-Site"] = "same-origin"
            answer = await client.post("/sign-in", data={"login": self.people[key].email, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
        return self._clients["pages", key]

    async def sign_in(self, key: str) -> Any:
        """A fresh sign-in's `data`."""
        answer = await self.anyone.post("/v1/auth/login", json={"email": self.people[key].email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def forget_clients(self) -> None:
        """Signs in anew next time (after a test moved the clock past the tokens, or ended sign-ins)."""
        self._clients.clear()

    @contextlib.asynccontextmanager
    async def owner(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the database's owner: sees all institutes, and may change the schema."""
        conn = await asyncpg.connect(self.owner_url)
        try:
            yield conn
        finally:
            await conn.close()

    def _client(self, kind: str, key: str) -> httpx2.AsyncClient:
        if (kind, key) not in self._clients:
            client = httpx2.AsyncClient(base_url=self.url, timeout=30, headers={"Accept-Language": "en"})
            self._stack.push_async_callback(client.aclose)
            self._clients[kind, key] = client
        return self._clients[kind, key]

    async def close(self) -> None:
        await self._stack.aclose()


@contextlib.asynccontextmanager
async def serving(home: Path, app_url: str, owner_url: str, **settings: str) -> AsyncIterator[World]:
    """A world on a migrated database with the cast in it; `settings` are variables as an operator sets them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = {"PORT": str(port), "KAKSHA_HOME": str(home), "KAKSHA_SECRET_KEY": "k" * 48, **settings}
    loaded = load(given, env_file=Path("/nonexistent"))
    world = World(loaded, app_url, owner_url, Clock())
    config = uvicorn.Config(
        build(loaded, app_url, clock=world.clock), host="127.0.0.1", port=port, log_level="warning", access_log=False,
        proxy_headers=False, ws="none",
    )  # fmt: skip
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    world.db = Database(app_url, Keys("k" * 48), size=4, clock=world.clock)
    await world.db.open()
    try:
        await until(lambda: server.started or task.done())
        await until_ready(world)
        yield world
    finally:
        await world.close()
        server.should_exit = True
        await task
        await world.db.close()


async def until_ready(world: World, seconds: float = 15) -> None:
    """Waits until /readyz says that everything is there."""
    answer = None
    try:
        async with asyncio.timeout(seconds):
            while (answer := await world.anyone.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not ready after {seconds} s: {answer and answer.text}") from None


async def until(condition: Any, seconds: float = 10) -> None:
    """Waits until `condition()` holds, asking often; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
