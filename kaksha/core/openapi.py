"""The API's description: /openapi.json, and /docs to read it without any script."""

import re
from typing import Any, cast

import msgspec
from litestar import Litestar, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.response import Response

from kaksha.core.http import Request, public

_PATH_KIND = re.compile(r":\w+\}")
_FAILURE = {
    "type": "object",
    "description": "Every failure of every operation; `code` is stable, `message` is for people.",
    "required": ["success", "message", "code", "requestId"],
    "properties": {
        "success": {"const": False},
        "message": {"type": "string", "examples": ["Please check your input and try again."]},
        "code": {"type": "string", "examples": ["VALIDATION_ERROR"]},
        "requestId": {"type": "string"},
        "errors": {
            "type": "object",
            "description": "Every bad field (dotted path as sent) and the reasons; with status 422.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
            "examples": [{"email": ["Is not an e-mail address."]}],
        },
    },
}
_FAILED = {
    "description": "Any failure",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}},
}
_WHY = "integrators read it before they have an account"


def config() -> OpenAPIConfig:
    """How the description is made. The framework insists on addresses of its own; they get the same policy."""
    return OpenAPIConfig(
        title="Kaksha",
        version="1",
        create_examples=False,
        use_handler_docstrings=True,
        render_plugins=[JsonRenderPlugin()],
        openapi_router=Router("/schema", route_handlers=[], guards=public(_WHY), include_in_schema=False),
        components=Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}),
    )


def document(application: Litestar) -> bytes:
    """The description as it is committed: stable order, two spaces."""
    return msgspec.json.format(msgspec.json.encode(described(application), order="sorted"), indent=2) + b"\n"


def described(application: Litestar) -> dict[str, Any]:
    """The framework's description, and what it cannot know: who may call, and how every failure looks.

    Made once a process: the routes do not change while it runs.
    """
    state = application.state
    if "described" not in state:
        schema: dict[str, Any] = application.openapi_schema.to_schema()
        schema["components"]["schemas"]["Failure"] = _FAILURE
        for method, path, handler in handlers(application):
            policy = handler.resolve_guards()[0]
            operation = schema["paths"].get(_PATH_KIND.sub("}", path), {}).get(method.lower())
            if operation is None:
                continue
            operation["x-who"] = str(policy)
            operation["security"] = [] if policy.why else [{"bearer": []}]
            operation["responses"].pop("400", None)  # ours are 422 and named in Failure
            operation["responses"]["default"] = _FAILED
        state["described"] = schema
    return state["described"]


def handlers(application: Litestar) -> list[tuple[str, str, Any]]:
    """(method, path, handler) of every route of ours; the framework's own OPTIONS answers are left out."""
    return [
        (method, route.path, handler)
        for route in application.routes
        for handler in getattr(route, "route_handlers", ())
        if isinstance(handler, HTTPRouteHandler)
        for method in sorted(handler.http_methods)
        if method != "OPTIONS"
    ]


@get("/openapi.json", guards=public(_WHY), include_in_schema=False)
async def openapi_json(request: Request) -> Response[bytes]:
    return Response(document(request.app), media_type="application/json")


@get("/docs", guards=public(_WHY), include_in_schema=False)
async def docs(request: Request) -> Response[bytes]:
    return request.page("core/docs.html", groups=_groups(request.app), base=request.core.settings.api_base_url)


routes = Router("/", route_handlers=[openapi_json, docs])


class Field(msgspec.Struct):
    """A line of the reference: a parameter, or a member of a body or answer (nested ones by dotted name)."""

    name: str
    kind: str
    required: bool
    note: str


class Operation(msgspec.Struct):
    """One verb of one path, as a reader needs it."""

    method: str
    path: str
    summary: str
    who: str
    parameters: list[Field]
    body: list[Field]
    answer: list[Field]


def _groups(application: Litestar) -> dict[str, list[Operation]]:
    """The operations by tag. Made once a process: the description does not change while it runs."""
    state = application.state
    if "docs" not in state:
        schema = described(application)
        groups: dict[str, list[Operation]] = {}
        for path, item in sorted(schema["paths"].items()):
            for method, operation in item.items():
                if "operationId" in operation:
                    found = _operation(schema, method, path, operation)
                    groups.setdefault((operation.get("tags") or ["other"])[0], []).append(found)
        state["docs"] = dict(sorted(groups.items()))
    return state["docs"]


def _operation(schema: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> Operation:
    parameters = [
        Field(found["name"], _kind(schema, found["schema"]), found.get("required", False), found.get("in", ""))
        for found in operation.get("parameters", [])
    ]
    body = _content(operation.get("requestBody", {}))
    good = next((found for status, found in operation["responses"].items() if status.startswith("2")), None)
    answer = _content(cast(dict[str, Any], good or {}))
    return Operation(
        method=method.upper(),
        path=path,
        summary=operation.get("description", ""),
        who=operation.get("x-who", ""),
        parameters=parameters,
        body=_members(schema, body) if body else [],
        answer=_members(schema, answer) if answer else [],
    )


def _content(part: dict[str, Any]) -> dict[str, Any]:
    return part.get("content", {}).get("application/json", {}).get("schema", {})


def _resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """What a reference points to; of several choices, the one that is not null."""
    for choice in part.get("oneOf", []):
        if choice.get("type") != "null":
            return _resolved(schema, choice)
    if "$ref" in part:
        return schema["components"]["schemas"][part["$ref"].rpartition("/")[2]]
    return part


def _members(schema: dict[str, Any], part: dict[str, Any], prefix: str = "", depth: int = 0) -> list[Field]:
    """The members of an object, those of nested objects and list items under dotted names."""
    found = _resolved(schema, part)
    if found.get("type") == "array":
        return _members(schema, found.get("items", {}), f"{prefix}[]", depth)
    lines: list[Field] = []
    for name, member in found.get("properties", {}).items():
        dotted = f"{prefix}.{name}" if prefix else name
        lines.append(
            Field(dotted, _kind(schema, member), name in found.get("required", []), member.get("description", ""))
        )
        if depth < 4:
            lines += _members(schema, member, dotted, depth + 1)
    return lines


def _kind(schema: dict[str, Any], part: dict[str, Any]) -> str:
    choices = part.get("oneOf")
    if choices:
        return " or ".join(_kind(schema, choice) for choice in choices)
    found = _resolved(schema, part)
    if "enum" in found:
        return " | ".join(str(value) for value in found["enum"])
    if "const" in found:
        return str(found["const"]).lower()
    kind = found.get("type", "any")
    if kind == "array":
        return f"list of {_kind(schema, found.get('items', {}))}"
    return found.get("format") or str(kind)
