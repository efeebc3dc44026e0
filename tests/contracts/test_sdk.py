"""Every operation has a method of the client, and that method is run here against the application.

Each public method of each group is called as one of the cast after another until it succeeds; what it sent over HTTP
says which operation it stands for. Operations without a method stand in pending/sdk.txt.
"""

import inspect
import re
from typing import Any, get_type_hints
from uuid import UUID

import httpx2
import kaksha_client
import pytest
from kaksha_client import AsyncKakshaClient, KakshaError
from kaksha_client.tokens import MemoryTokenStore, Tokens

from kaksha.sandbox.cast import PASSWORD
from tests.contracts import documents
from tests.contracts.app import Route
from tests.contracts.committed import compare, settle
from tests.contracts.given import ROLES, SAMPLES, own_ids, route_of
from tests.contracts.source import ROOT
from tests.contracts.test_openapi import document, operations
from tests.world import World

_LEAST = 10


class Recorder(httpx2.AsyncHTTPTransport):
    """Passes requests on and remembers them with their answers' statuses."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, str, int]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await super().handle_async_request(request)
        self.sent.append((request.method, request.url.path, answer.status_code))
        return answer


@pytest.fixture(scope="module")
async def covered(world: World) -> dict[str, str]:
    """`GET /v1/batches` -> `batches.list`, for every method that reached its operation."""
    found: dict[str, str] = {}
    for role, key in ROLES.items():
        given = await world.sign_in(key)
        tokens = Tokens(given["accessToken"], given["refreshToken"], given["user"]["id"])
        for name in _methods():
            if name in found.values():
                continue
            for operation in await _run(world, name, role, key, tokens):
                found.setdefault(operation, name)
    return found


def _methods() -> list[str]:
    """`group.method` of the client; those that go through a list by another method come last."""
    client = AsyncKakshaClient(base_url="http://localhost")
    groups = {
        name: value for name, value in vars(client).items() if not name.startswith("_") and hasattr(value, "_session")
    }
    found = [
        f"{group}.{name}"
        for group, value in groups.items()
        for name, method in inspect.getmembers(type(value), inspect.isfunction)
        if not name.startswith("_") and (inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method))
    ]
    return sorted(found, key=lambda name: (name.endswith(".iterate"), name))


async def _run(world: World, name: str, role: str, key: str, tokens: Tokens) -> set[str]:
    """The operations that a method reached with success (or, where it changes something, with a refusal of ours)."""
    if name.startswith("auth."):
        fresh = await world.sign_in("nandini")
        tokens = Tokens(fresh["accessToken"], fresh["refreshToken"], fresh["user"]["id"])
    recorder = Recorder()
    store = MemoryTokenStore(tokens)
    reached: set[str] = set()
    async with AsyncKakshaClient(base_url=world.url, token_store=store, transport=recorder) as client:
        group, _, method = name.partition(".")
        function = getattr(getattr(client, group), method)
        own = await own_ids(world)
        arguments = _arguments(function, own | {"user_id": world.id(key)}, role, world.people["nandini"].email)
        try:
            if inspect.isasyncgenfunction(function):
                async for _ in function(**arguments):
                    break
            else:
                await function(**arguments)
        except KakshaError:
            pass
    for verb, path, status in recorder.sent:
        route = route_of(verb, path)
        good = 200 <= status < 300 if verb == "GET" or name.startswith("auth.") else status in (200, 201, 409, 422)
        if route is not None and good:
            reached.add(_operation(route))
    return reached


def _arguments(function: Any, ids: dict[str, UUID], role: str, email: str | None) -> dict[str, Any]:
    """What a method must be given, by its parameters' names."""
    known: dict[str, Any] = {"role": role, "email": email, "password": PASSWORD}
    hints = get_type_hints(function, vars(kaksha_client) | inspect.getmodule(function).__dict__)
    arguments: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        name = parameter.name
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        if (name == "email" and function.__name__ == "login") or name == "password":
            arguments[name] = known[name]
        elif parameter.default is parameter.empty:
            camel = re.sub(r"_(\w)", lambda found: found[1].upper(), name)
            arguments[name] = (
                str(ids[name]) if name in ids else known.get(name, SAMPLES.get(camel, _blank(hints.get(name))))
            )
    return arguments


def _blank(hint: Any) -> Any:
    return {int: 1, bool: True, list: []}.get(getattr(hint, "__origin__", hint), "x")


def _operation(route: Route) -> str:
    return f"{route.method} {documents.openapi_path(route.path)}"


def test_the_client_has_methods() -> None:
    assert len(_methods()) >= _LEAST, f"saw only {_methods()}"


async def test_owed_methods(covered: dict[str, str]) -> None:
    api = {name for name in operations() if name.split(" ")[1].startswith("/v1/")}
    assert len(api) >= 20, "saw hardly any operation"
    assert len(covered.keys() & api) >= _LEAST, f"the client reached only {sorted(covered)}"
    settle(
        "sdk",
        api - covered.keys() - _aliases(api & covered.keys()),
        "sdk/kaksha_client/_async/resources.py has a method for every operation",
        grows=True,
    )


def _aliases(covered: set[str]) -> set[str]:
    """Other verbs of a covered path whose docstring says that they are the same (SPEC 3: PUT like PATCH)."""
    paths = {name.split(" ")[1] for name in covered}
    return {
        name for name, operation in operations().items()
        if name.split(" ")[1] in paths and operation.get("description", "").startswith("The same as ")
    }  # fmt: skip


async def test_every_method_reaches_an_operation(covered: dict[str, str]) -> None:
    idle = set(_methods()) - set(covered.values()) - _TWICE
    assert not idle, f"these methods of the client reached nothing, for nobody of the cast: {sorted(idle)}"


_TWICE = {"batches.iterate"}
"""Methods that stand for an operation which another method has already."""


async def test_committed_api_page(covered: dict[str, str]) -> None:
    compare(ROOT / "docs" / "api" / "operations.md", documents.api_page(document(), covered))
