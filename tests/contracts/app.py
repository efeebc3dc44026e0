"""The application that the guards look at: its routes and policies, without a database."""

import inspect
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
from litestar import Litestar
from litestar.response import Response

from kaksha.core.http import Policy
from kaksha.core.openapi import handlers
from kaksha.core.settings import load
from kaksha.main import build


class Route(msgspec.Struct, frozen=True):
    """A verb of a path, who may call it, and what runs."""

    method: str
    path: str
    policy: Policy
    handler: Any

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def api(self) -> bool:
        return self.path.startswith("/v1/")

    @property
    def public(self) -> bool:
        return self.policy.why is not None

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """(name, kind) of what stands in the path."""
        return re.findall(r"\{(\w+):(\w+)\}", self.path)

    @property
    def ids(self) -> list[str]:
        """The names of the ids in the path."""
        return [name for name, kind in self.parameters if kind == "uuid"]

    def address(self, values: dict[str, Any]) -> str:
        """The path with its parameters filled in."""
        return re.sub(r"\{(\w+):\w+\}", lambda found: str(values[found[1]]), self.path)

    @property
    def answer(self) -> Any:
        """The type of a JSON answer, without the framework's wrapping."""
        said = self.handler.parsed_fn_signature.return_type.annotation
        return next(iter(get_args(said)), None) if (get_origin(said) or said) is Response else said

    @property
    def body(self) -> Any:
        """The type of the JSON body, or None."""
        said = self.handler.parsed_fn_signature.parameters.get("data")
        return said.annotation if said else None

    @property
    def forms(self) -> list[type[msgspec.Struct]]:
        """The structs that a page's handler speaks of (it calls `form(request, Kind)`), its helpers' included."""
        return _structs(self.handler.fn, 2)


def _structs(function: Any, depth: int) -> list[type[msgspec.Struct]]:
    found: list[type[msgspec.Struct]] = []
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if isinstance(value, type) and issubclass(value, msgspec.Struct):
            found.append(value)
        elif depth and inspect.isfunction(value) and value.__module__ == function.__module__:
            found += _structs(value, depth - 1)
    return found


@cache
def application() -> Litestar:
    """The whole application as `main` builds it; its database is never opened."""
    given = {"KAKSHA_HOME": tempfile.mkdtemp(prefix="kaksha-contracts-"), "KAKSHA_SECRET_KEY": "k" * 48}
    return build(load(given, env_file=Path("/nonexistent")), "postgresql://kaksha_app@/nowhere")._app


@cache
def routes() -> list[Route]:
    """Every route of both faces, in a stable order."""
    found = [
        Route(method, path, handler.resolve_guards()[0], handler) for method, path, handler in handlers(application())
    ]
    return sorted(found, key=lambda route: (not route.api, route.path, route.method))
