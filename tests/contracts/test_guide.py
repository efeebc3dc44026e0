"""Every path and verb of the integration guide answers; its events and settings exist; the rest stands in pending/."""

import ast
import re

from kaksha.core.ids import new_id
from tests.contracts.app import Route, routes
from tests.contracts.committed import HERE, settle
from tests.contracts.source import PACKAGE, modules, strings, tree
from tests.world import World

_EVENTS = [
    "message:send", "class:join", "class:leave", "class:start", "class:end", "notification:read",
    "message:received", "class:update", "notification:received", "assignment:update", "grade:update",
    "typing", "presence", "message:read", "doubt:update", "payment:update",
]  # fmt: skip
"""Reference 3A.4 and SPEC 4: from the client, to the client, and beyond the guide."""

_SETTINGS = [
    "API_BASE_URL", "SOCKET_URL", "OPENAI_API_KEY", "OPENAI_ORGANIZATION", "RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET",
    "RAZORPAY_WEBHOOK_SECRET", "PORT", "KAKSHA_HOME", "KAKSHA_SECRET_KEY", "DATABASE_URL", "DATABASE_OWNER_URL",
    "REDIS_URL", "STORAGE_URL", "OPENAI_BASE_URL", "RAZORPAY_BASE_URL", "SMTP_URL", "SMS_URL", "WORKER",
]  # fmt: skip
"""SPEC 10."""


def _guide() -> list[tuple[int, str, str, str]]:
    """(number, constant, verb, path) of each line; a constant with several verbs has several."""
    lines = (HERE / "guide.txt").read_text("utf-8").splitlines()
    found = [line.split() for line in lines if line and not line.startswith("#")]
    return [(int(number), constant, verb, path) for number, constant, verb, path in found]


def _shape(path: str) -> str:
    """A path whatever its parameters are called."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def _routed() -> dict[tuple[str, str], Route]:
    return {(route.method, _shape(route.path)): route for route in routes() if route.api}


def test_owed_paths() -> None:
    guide, routed = _guide(), _routed()
    assert {number for number, *_ in guide} == set(range(1, 75)), "guide.txt holds all 74 constants"
    missing = [f"{verb} {path}" for _, _, verb, path in guide if (verb, _shape(f"/v1{path}")) not in routed]
    settle("paths", missing, "a path of the guide answers under /v1 with the verbs of reference 3A.1")


async def test_what_is_routed_answers(world: World) -> None:
    """Over HTTP, as nobody: a routed path knows the caller is missing, where an unknown one says 404 or 405."""
    seen = 0
    for _, constant, verb, path in _guide():
        route = _routed().get((verb, _shape(f"/v1{path}")))
        if route is None:
            continue
        seen += 1
        address = "/v1" + re.sub(r"\{role\}", "student", path)
        address = re.sub(r"\{\w+\}", str(new_id()), address)
        answer = await world.anyone.request(verb, address)
        wanted = range(200, 500) if route.public else (401,)
        assert answer.status_code in wanted, f"{constant} {verb} {address}: {answer.status_code} {answer.text}"
        assert answer.status_code not in (404, 405), f"{constant} {verb} {address} does not answer"
    assert seen >= 6, "saw hardly any path of the guide"


def test_owed_events() -> None:
    """An event exists when a feature's live.py names it."""
    lives = [path for path in modules() if path.name == "live.py" and path.parent != PACKAGE / "core"]
    named = {text for path in lives for _, text in strings(tree(path))}
    settle("events", set(_EVENTS) - named, "an event is handled or sent by name in a feature's live.py")


def test_owed_settings() -> None:
    known = setting_names()
    assert len(known) >= 10, "saw hardly any setting: does core/settings.py still say take('NAME', ...)?"
    settle("settings", set(_SETTINGS) - set(known), "a setting of SPEC 10 is read in kaksha/core/settings.py")


def setting_names() -> list[str]:
    """The variables that `core.settings.load` reads."""
    return [
        node.args[0].value
        for node in ast.walk(tree(PACKAGE / "core" / "settings.py"))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "take"
        and isinstance(node.args[0], ast.Constant)
    ]
