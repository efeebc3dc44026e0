"""What the guards send: real ids of an institute by parameter name, and JSON bodies by type."""

import asyncio
import json
import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2
import msgspec

from kaksha.sandbox.cast import AARAMBH
from tests.contracts.app import Route, routes
from tests.contracts.rows import completed
from tests.passkeys.hands import LOGIN, SETUP, Device, creation_options, ready, request_options
from tests.world import NOW, World

ROLES = {"student": "rohan", "teacher": "vikram", "parent": "sunita", "admin": "asha"}
"""One of the cast for each role."""
EVERYBODY = (None, *ROLES.values())

_IDS = {
    "institute_id": "select institute_id from institutes where institute_id = $1",
    "person_id": "select id from users where institute_id = $1",
    "user_id": "select id from users where institute_id = $1",
    "student_id": "select user_id from students where institute_id = $1",
    "teacher_id": "select user_id from teachers where institute_id = $1",
    "parent_id": "select id from users where institute_id = $1 and 'parent' = any (roles)",
    "passkey_id": "select id from passkeys where institute_id = $1",
    "target_id": "select id from push_targets where institute_id = $1",
    "session_id": "select id from sessions where institute_id = $1",
    "holiday_id": "select id from holidays where institute_id = $1",
    "slot_id": "select id from timetable_slots where institute_id = $1",
}
"""Where the ids of a parameter come from; by default `thing_id` is `things.id`."""


async def ids_of(owner: asyncpg.Connection, institute_id: UUID, names: Iterable[str]) -> dict[str, list[UUID]]:
    """All ids in an institute that each parameter could name."""
    found: dict[str, list[UUID]] = {}
    for name in sorted(set(names)):
        thing = name.removesuffix("_id")
        plural = thing[:-1] + "ies" if thing.endswith("y") else thing + ("es" if thing.endswith(("s", "ch")) else "s")
        statement = _IDS.get(name, f"select id from {plural} where institute_id = $1")
        try:
            rows = await owner.fetch(f"{statement} order by 1", institute_id)
        except asyncpg.UndefinedTableError:
            raise AssertionError(f"which table has the ids of {name}? Say it in tests/contracts/given.py") from None
        found[name] = [row[0] for row in rows]
        assert found[name], f"institute {institute_id} has no {name}: give the cast (or rows.second_family) one"
    return found


def parameter_names() -> set[str]:
    return {name for route in routes() for name in route.ids}


async def own_ids(world: World) -> dict[str, UUID]:
    """For each parameter, the id in Aarambh that everybody of the cast has most to do with; else the first one."""
    plan = world.institutes[0]
    async with world.owner() as owner:
        await completed(owner)
        first = {name: ids[0] for name, ids in (await ids_of(owner, AARAMBH, parameter_names())).items()}
        first["notification_id"] = await owner.fetchval(
            "select id from notifications where institute_id = $1 and user_id = $2 limit 1", plan.id, world.id("asha")
        )
    return first | {
        "institute_id": plan.id,
        "person_id": world.id("rohan"),
        "user_id": world.id("rohan"),
        "student_id": world.id("rohan"),
        "teacher_id": world.id("vikram"),
        "parent_id": world.id("sunita"),
        "batch_id": plan.batches[0].id,
        "subject_id": plan.subjects[0][0],
    }


async def passkey_bodies(world: World) -> dict[str, Any]:
    """What devices of Asha (to add) and Nandini (to sign in) send, by path: signed, and good once."""
    device, _ = await ready(world, "nandini")
    for_page = (await (await world.pages("asha")).get("/me/passkeys/options")).json()["data"]
    return {
        SETUP: {"credential": Device(world).create(await creation_options(world, "asha"))},
        LOGIN: {"credential": device.get(await request_options(world))},
        "/me/passkeys": {"credential": json.dumps(Device(world).create(for_page))},
        "/sign-in/passkey": {"credential": json.dumps(device.get(await request_options(world)))},
    }


async def signed_in(world: World) -> None:
    """Signs the cast in to both faces, before many requests of theirs run beside each other."""
    for key in ROLES.values():
        await world.api(key)
        await world.pages(key)


async def client(world: World, route: Route, key: str | None) -> httpx2.AsyncClient:
    """Somebody of the cast in the face that the route belongs to; None is nobody."""
    if key is None:
        return world.anyone
    return await (world.api(key) if route.api else world.pages(key))


async def ask(who: httpx2.AsyncClient, method: str, address: str, **sent: Any) -> httpx2.Response:
    """One request; when told that they come too fast, waits as a polite caller does."""
    while True:
        answer = await who.request(method, address, **sent)
        if answer.status_code != 429 or int(answer.headers["Retry-After"]) > 3:
            return answer
        await asyncio.sleep(0.3)


def route_of(method: str, path: str) -> Route | None:
    """The route that answers a request: fixed paths win over parameters."""
    path = path.partition("?")[0]
    fitting = [
        route for route in routes()
        if route.method == method and re.fullmatch(re.sub(r"\\\{\w+:\w+\\\}", "[^/]+", re.escape(route.path)), path)
    ]  # fmt: skip
    return min(fitting, key=lambda route: len(route.parameters), default=None)


# --- JSON bodies ------------------------------------------------------------------------------------------------

SAMPLES: dict[str, Any] = {
    "name": "Isha Pawar", "email": "isha.pawar@aarambh.example", "phone": "+919811122233", "password": "long enough 1",
    "code": "NEW-1", "course": "Class 12", "capacity": 30, "rollNo": "9901", "grade": "Class 11", "title": "Chemistry",
    "zone": "Asia/Kolkata", "gstin": "27AAPFU0939F1ZV", "address": "1 Main Road", "language": "hi", "theme": "dark",
    "startsOn": date(2026, 4, 1), "endsOn": date(2027, 3, 31), "joinedOn": date(2026, 4, 1), "on": date(2026, 12, 1),
    "relation": "guardian", "role": "student", "status": "present", "takenAt": NOW, "sentAt": NOW,
    "group": "account", "token": "a-token-of-an-app",
    "meetingUrl": "https://meet.example/abc", "weekday": 4,
    "starts": "05:00", "minutes": 45, "reason": "The teacher is ill", "topic": "Optics", "scope": "this",
    "day": date(2026, 11, 30),
}  # fmt: skip
_WHOLE: dict[str, dict[str, Any]] = {
    "NewPerson": {"name": "Isha Pawar", "roles": ["parent"], "phone": "+919811122233"},
    "PersonChange": {"name": "Isha Pawar"},
    "StudentPart": {"grade": "Class 12"},
    "QuietHours": {"from": "22:00", "to": "07:00"},
    "NewTarget": {"service": "fcm", "token": "a-token-of-an-app"},
    "NewHoliday": {"name": "Diwali", "startsOn": "2027-01-05"},
    "HolidayChange": {"name": "Deepavali"},
    "ClassChange": {"topic": "Waves"},
    "SlotChange": {"minutes": 35},
}
"""Bodies whose parts must fit each other."""


def example(kind: Any, ids: dict[str, UUID], name: str = "") -> Any:
    """A body of this type with every field filled in; its ids are those of `ids` by field name, else unknown ones."""
    return msgspec.to_builtins(_made(msgspec.inspect.type_info(kind), ids, name))


def _made(kind: Any, ids: dict[str, UUID], name: str) -> Any:
    info = msgspec.inspect
    match kind:
        case info.Metadata():
            return _made(kind.type, ids, name)
        case info.UnionType():
            return _made(next(option for option in kind.types if not isinstance(option, info.NoneType)), ids, name)
        case info.StructType():
            if kind.cls.__name__ in _WHOLE:
                return _WHOLE[kind.cls.__name__]
            return {field.encode_name: _made(field.type, ids, field.encode_name) for field in kind.fields}
        case info.ListType() | info.VarTupleType() | info.SetType():
            return [_made(kind.item_type, ids, re.sub(r"s$", "", name))]
        case info.LiteralType():
            wanted = SAMPLES.get(name)
            return wanted if wanted in kind.values else kind.values[0]
        case info.UUIDType():
            return ids.get(_snake(name)) or uuid4()
        case info.DateType():
            return SAMPLES.get(name, NOW.date())
        case info.DateTimeType():
            return SAMPLES.get(name, NOW + timedelta(days=1, hours=1 if name == "endsAt" else 0))
        case info.BoolType():
            return True
        case info.IntType() | info.FloatType():
            return SAMPLES.get(name, max(1, kind.ge or 0))
        case info.StrType():
            return SAMPLES.get(name, "x" * max(4, kind.min_length or 0))
        case info.DictType():
            return {}
        case _:
            return None


def has_ids(kind: Any) -> bool:
    """Whether a body carries ids."""
    return bool(re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", str(example(kind, {})))) if kind is not None else False


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", r"_\1", name).lower()
