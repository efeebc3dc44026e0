"""A stranger gets what a missing id gets: for every id of every route, in both faces, for every role.

Each request is sent twice, with an id that nobody has and with one that the other institute has. The answers must be
the same to the letter but for the request id and the ids themselves, refuse, and leave the other institute as it was.
"""

import asyncio
import itertools
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx2
import pytest

from kaksha.core.ids import new_id
from kaksha.sandbox.cast import AARAMBH, PRAYAS
from tests.contracts.app import Route, routes
from tests.contracts.given import (
    EVERYBODY,
    ROLES,
    ask,
    client,
    example,
    has_ids,
    ids_of,
    own_ids,
    parameter_names,
    signed_in,
)
from tests.contracts.rows import fingerprint, second_family
from tests.world import World

_IGNORED = frozenset({"date", "x-request-id", "content-length", "etag", "set-cookie"})
_LEAST_ROUTES = 30

pytestmark = pytest.mark.usefixtures("neighbours")


@pytest.fixture(scope="module")
async def neighbours(world: World) -> None:
    """The other institute has somebody for each kind of id, and the cast is signed in."""
    async with world.owner() as owner:
        await second_family(owner)
    await signed_in(world)


async def test_the_other_institute_looks_like_nothing(world: World) -> None:
    """Ids in the path, in all combinations of own and foreign; bodies empty, and whole with own ids."""
    async with world.owner() as owner:
        theirs = {name: found[0] for name, found in (await ids_of(owner, PRAYAS, parameter_names())).items()}
        before = await fingerprint(owner, PRAYAS)
    own = await own_ids(world)
    missing = {name: new_id() for name in theirs}
    found = [route for route in routes() if route.ids]
    assert len(found) >= _LEAST_ROUTES, "saw hardly any route with an id"
    assert {route.api for route in found} == {True, False}, "both faces have routes with ids"
    pairs = [
        (route, key, foreign, body)
        for route in found
        for key in EVERYBODY
        for foreign in _subsets(route.ids)
        for body in _bodies(route, own)
    ]
    assert {key for _, key, _, _ in pairs} == set(EVERYBODY)

    async def pair(route: Route, key: str | None, foreign: tuple[str, ...], body: Any) -> str | None:
        one = await _sent(world, route, key, own | {name: missing[name] for name in foreign}, body)
        other = await _sent(world, route, key, own | {name: theirs[name] for name in foreign}, body)
        return _difference(route, key, foreign, one, other)

    problems = await _all([pair(*given) for given in pairs])
    assert not problems, f"{len(problems)} of {len(pairs)}; a stranger gets what a missing id gets:\n" + "\n".join(
        problems
    )
    async with world.owner() as owner:
        assert await fingerprint(owner, PRAYAS) == before, "a request of Aarambh changed Prayas"


async def test_ids_in_bodies_are_no_other_door(world: World) -> None:
    """The path names something of one's own; an id in the body is missing, or the other institute's."""
    async with world.owner() as owner:
        theirs = {name: found[0] for name, found in (await ids_of(owner, PRAYAS, parameter_names())).items()}
        before = await fingerprint(owner, PRAYAS)
    own = await own_ids(world)
    missing = {name: new_id() for name in theirs}
    found = [route for route in routes() if route.api and has_ids(route.body) and not route.public]
    assert len(found) >= 3, "saw hardly any body with an id"
    problems = []
    for route, key in itertools.product(found, ROLES.values()):
        for foreign in _subsets(sorted({name for name in theirs if _speaks_of(route, name)})):
            bodies = [example(route.body, own | {name: ids[name] for name in foreign}) for ids in (missing, theirs)]
            one, other = [await _sent(world, route, key, own, {"json": body}, foreign, body) for body in bodies]
            problems.append(_difference(route, key, foreign, one, other))
    problems = [problem for problem in problems if problem]
    assert not problems, "an id in a body is looked up in the caller's institute only:\n" + "\n".join(problems)
    async with world.owner() as owner:
        assert await fingerprint(owner, PRAYAS) == before, "a request of Aarambh changed Prayas"


async def test_ones_own_institute_has_no_half_open_doors(world: World) -> None:
    """Reading: what one may not see in one's own institute is answered as a missing id is, not as forbidden."""
    async with world.owner() as owner:
        ids = await ids_of(owner, AARAMBH, parameter_names())
    missing = {name: new_id() for name in ids}
    seen = {"shown": 0, "hidden": 0}
    problems: list[str] = []
    for route, key in itertools.product(
        [route for route in routes() if route.ids and route.method == "GET"], ROLES.values()
    ):
        nothing = await _sent(world, route, key, missing, {})
        for values in itertools.islice(itertools.product(*(ids[name] for name in route.ids)), 12):
            given = dict(zip(route.ids, values, strict=True))
            answer = await _sent(world, route, key, given, {})
            redirected = answer[0] == 303 and not answer[2].get("location", "").startswith("/sign-in")
            if answer[0] == 200 or redirected or "FILE_MISSING" in answer[1]:  # the guards' rows have no bytes
                seen["shown"] += 1
            elif answer == nothing:
                seen["hidden"] += 1
            else:
                problems.append(
                    f"{key}: {route.name} {given}: {answer[0]} {answer[1][:160]!r}, a missing one {nothing[0]}"
                )
    assert min(seen.values()) >= 20, f"the cast sees and is refused things: {seen}"
    assert not problems, "what one may not see is not there:\n" + "\n".join(problems)


Answer = tuple[int, str, dict[str, str]]


async def _sent(
    world: World, route: Route, key: str | None, values: dict[str, UUID], sent: dict[str, Any],
    masked: tuple[str, ...] = (), body: Any = None,
) -> Answer:  # fmt: skip
    """Status, text and headers, with the ids that were sent (in the path, or masked in the body) taken out."""
    answer = await ask(await client(world, route, key), route.method, route.address(values), **sent)
    given = {name: str(values[name]) for name in route.ids}
    sent_ids = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", str(body)) if masked else []
    return _plain(answer, [*given.values(), *sent_ids])


def _plain(answer: httpx2.Response, ids: list[str]) -> Answer:
    said = [answer.text, *(f"{name}\n{value}" for name, value in answer.headers.items() if name not in _IGNORED)]
    request_id = answer.headers.get("x-request-id", "-none-")
    for place, secret in enumerate(ids):
        said = [text.replace(secret, f"<id {place}>") for text in said]
    said = [text.replace(request_id, "<request>") for text in said]
    headers = dict(text.split("\n", 1) for text in said[1:])
    return answer.status_code, said[0], headers


def _difference(route: Route, key: str | None, foreign: tuple[str, ...], one: Answer, other: Answer) -> str | None:
    what = f"{key or 'nobody'}: {route.name} with {', '.join(foreign)}"
    if one != other:
        return f"{what}: missing {one[0]} {one[1][:200]!r}, the other institute's {other[0]} {other[1][:200]!r}"
    to_sign_in = key is None and other[0] == 303 and other[2].get("location", "").startswith("/sign-in")
    if not (400 <= other[0] < 500 or to_sign_in) or other[0] == 429:
        return f"{what}: {other[0]} {other[1][:200]!r}, where it must be refused"
    return None


def _subsets(names: list[str]) -> Iterator[tuple[str, ...]]:
    """Every choice of at least one of the names."""
    for size in range(1, len(names) + 1):
        yield from itertools.combinations(names, size)


def _bodies(route: Route, own: dict[str, UUID]) -> list[dict[str, Any]]:
    if route.method in ("GET", "DELETE"):
        return [{}]
    if not route.api:
        return [{"data": {"name": "x"}}, {"data": _form(route, own)}]
    return [{"json": {}}] + ([{"json": example(route.body, own)}] if route.body is not None else [])


def _form(route: Route, own: dict[str, UUID]) -> dict[str, Any]:
    """All fields of the structs that the page's handler speaks of."""
    merged: dict[str, Any] = {"name": "x"}
    for kind in route.forms:
        merged |= {name: value for name, value in example(kind, own).items() if isinstance(value, str | int)}
    return merged


def _speaks_of(route: Route, name: str) -> bool:
    camel = re.sub(r"_(\w)", lambda found: found[1].upper(), name)
    return f"'{camel}'" in str(example(route.body, {}))


async def _all(asked: list[Any], at_once: int = 8) -> list[str]:
    """The problems that were found, in order; a few requests at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(question: Any) -> str | None:
        async with gate:
            return await question

    return [problem for problem in await asyncio.gather(*(one(question) for question in asked)) if problem]
