"""What the API answers is what it says it answers: every GET, decoded as its type and encoded again, is the same.

This is what holds the answers that PostgreSQL builds and nobody decodes (`core.http.raw`) to their types.
"""

import itertools
import json
import re
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from kaksha.core.http import Many, Ok
from tests.contracts.app import Route, routes
from tests.contracts.given import ROLES, ask, client, own_ids
from tests.contracts.rows import twenty_more
from tests.world import World

_LEAST = 14


def _json_routes() -> list[Route]:
    return [route for route in routes() if route.method == "GET" and get_origin(route.answer) in (Ok, Many)]


async def test_answers_are_what_they_say(world: World) -> None:
    async with world.owner() as owner:
        await twenty_more(owner, world)
    own = await own_ids(world)
    seen: dict[str, int] = {}
    problems: list[str] = []
    for route, (role, key) in itertools.product(_json_routes(), ROLES.items()):
        person = {"student": "rohan", "teacher": "vikram", "parent": "sunita", "admin": "asha"}[role]
        for person_id in (world.id(person), world.id("rohan")):
            values = own | {"role": role, "person_id": person_id}
            answer = await ask(await client(world, route, key), "GET", route.address(values))
            if answer.status_code == 200:
                seen[route.name] = seen.get(route.name, 0) + 1
                tried = [_wrong(kind, answer.content) for kind in _choices(route.answer)]
                problems += [f"{key}: {route.name}: {what}" for what in min(tried, key=len)]
    assert not problems, "\n".join(dict.fromkeys(problems))
    silent = [route.name for route in _json_routes() if route.name not in seen]
    assert not silent, f"nobody of the cast gets 200 from {silent}"
    assert len(seen) >= _LEAST, f"saw only {sorted(seen)}"


def _choices(kind: Any) -> list[Any]:
    """`Ok[A | B]` is an `Ok[A]` or an `Ok[B]`: structs without tags cannot be told apart while decoding."""
    inside = get_args(kind)[0]
    if isinstance(inside, UnionType) or get_origin(inside) is Union:
        return [get_origin(kind)[option] for option in get_args(inside)]
    return [kind]


def _wrong(kind: Any, body: bytes) -> list[str]:
    """What differs between an answer and its type; numbers are compared as they are written."""
    try:
        decoded = msgspec.json.decode(body, type=kind, strict=True)
    except msgspec.ValidationError as error:
        return [f"is not a {kind}: {error}"]
    given = json.loads(body, parse_float=str)
    made = json.loads(msgspec.json.encode(decoded), parse_float=str)
    return [*_differences(given, made, "$"), *_times(given, "$")]


def _differences(given: Any, made: Any, where: str) -> list[str]:
    if isinstance(given, dict) and isinstance(made, dict):
        return [
            difference
            for name in sorted(given.keys() | made.keys())
            for difference in (
                [f"{where}.{name} is not in its type"] if name not in made
                else [f"{where}.{name} is missing"] if name not in given
                else _differences(given[name], made[name], f"{where}.{name}")
            )
        ]  # fmt: skip
    if isinstance(given, list) and isinstance(made, list) and len(given) == len(made):
        return [found for pair in zip(given, made, strict=True) for found in _differences(*pair, f"{where}[]")]
    return [] if given == made else [f"{where} is {given!r}, its type writes {made!r}"]


def _times(value: Any, where: str) -> list[str]:
    """Times are UTC, to the millisecond, with Z (SPEC 1)."""
    if isinstance(value, dict):
        return [found for name, child in value.items() for found in _times(child, f"{where}.{name}")]
    if isinstance(value, list):
        return [found for child in value for found in _times(child, f"{where}[]")]
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:", value):
        good = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", value)
        return [] if good else [f"{where} is {value}: times end with Z (SQL: iso())"]
    return []
