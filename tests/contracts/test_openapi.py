"""openapi.json is what the application says of itself, complete enough to write a client from."""

from typing import Any

import msgspec

from kaksha.core import openapi
from tests.contracts.app import application, routes
from tests.contracts.committed import compare
from tests.contracts.documents import openapi_path
from tests.contracts.source import ROOT

_BYTES = ("image/", "application/octet-stream")
_VERBS = frozenset({"get", "put", "post", "patch", "delete"})


def document() -> dict[str, Any]:
    return msgspec.json.decode(openapi.document(application()))


def operations() -> dict[str, dict[str, Any]]:
    """`GET /v1/batches` -> what the description says of it."""
    return {
        f"{verb.upper()} {path}": operation
        for path, item in document()["paths"].items()
        for verb, operation in item.items()
        if verb in _VERBS
    }


def test_committed_description() -> None:
    compare(ROOT / "openapi.json", openapi.document(application()).decode())


def test_the_description_is_made_the_same_each_time() -> None:
    application.cache_clear()
    routes.cache_clear()
    first = openapi.document(application())
    application.cache_clear()
    assert openapi.document(application()) == first


def test_every_route_of_the_api_is_described() -> None:
    described = set(operations())
    assert len(described) >= 20, "saw hardly any operation"
    silent = [
        route.name for route in routes() if route.api and f"{route.method} {openapi_path(route.path)}" not in described
    ]
    assert not silent, f"include_in_schema=False is for pages only: {silent}"


def test_every_operation_is_named_and_explained() -> None:
    seen: dict[str, str] = {}
    wrong = []
    for name, operation in operations().items():
        identity = operation.get("operationId", "")
        if not identity or identity in seen:
            wrong.append(f"{name}: operationId {identity!r} is missing or that of {seen.get(identity)}")
        seen[identity] = name
        if len(operation.get("description") or "") < 5:
            wrong.append(f"{name}: its function needs a docstring")
        if not operation.get("tags"):
            wrong.append(f"{name}: its router needs tags=[the feature]")
        if not any(status.startswith("2") for status in operation["responses"]):
            wrong.append(f"{name}: no successful answer is described")
    assert not wrong, "\n".join(wrong)


def test_every_answer_has_a_shape() -> None:
    """`Ok[...]`, `Many[...]` or `Response[Ok[...]]`: an answer of an unknown shape cannot be relied on."""
    wrong = [
        name
        for name, operation in operations().items()
        for status, answer in operation["responses"].items()
        if status.startswith("2") and status != "204" and name.split(" ")[1].startswith("/v1/")
        and not any(media.startswith(_BYTES) for media in answer.get("content", {}))  # a file's shape is its type
        and "$ref" not in str(answer.get("content", {}).get("application/json", {}).get("schema", {}))
    ]  # fmt: skip
    assert not wrong, f"annotate what is answered: {wrong}"


def test_every_operation_says_how_it_fails_and_who_may_call_it() -> None:
    wrong = []
    for name, operation in operations().items():
        failed = operation["responses"].get("default", {}).get("content", {}).get("application/json", {})
        if failed.get("schema") != {"$ref": "#/components/schemas/Failure"}:
            wrong.append(f"{name}: the failure envelope")
        if not operation.get("x-who"):
            wrong.append(f"{name}: x-who")
        if operation.get("security") not in ([], [{"bearer": []}]):
            wrong.append(f"{name}: security")
    assert not wrong, f"core/openapi.py adds these to each operation: {wrong}"


def test_every_reference_leads_somewhere() -> None:
    whole = document()
    names = set(whole["components"]["schemas"])
    used = {found.rpartition("/")[2] for found in _references(whole) if found.startswith("#/components/schemas/")}
    assert used <= names, f"not described: {sorted(used - names)}"
    assert len(used) >= 10


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for child in value.values() for found in _references(child)]
    if isinstance(value, list):
        return [found for child in value for found in _references(child)]
    return []
