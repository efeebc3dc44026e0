"""The API's envelope, and how it leaves."""

from typing import Any, Generic, Literal, TypeVar, cast

import msgspec
from litestar.response import Response
from litestar.types import Receive, Scope, Send

__all__ = ["Json", "Many", "Ok", "Pagination", "paged", "raw"]

T = TypeVar("T")


class Ok(msgspec.Struct, Generic[T], kw_only=True, omit_defaults=False):
    """The envelope of one thing."""

    success: Literal[True] = True
    data: T
    message: str | msgspec.UnsetType = msgspec.UNSET


class Pagination(msgspec.Struct):
    """Where a page lies: `page` from 1; `nextCursor` where a list grows without end."""

    page: int
    limit: int
    total: int
    total_pages: int = msgspec.field(name="totalPages")
    next_cursor: str | msgspec.UnsetType | None = msgspec.field(name="nextCursor", default=msgspec.UNSET)


class Many(msgspec.Struct, Generic[T], kw_only=True):
    """The envelope of a list."""

    success: Literal[True] = True
    data: list[T]
    pagination: Pagination


def paged(
    items: list[T], page: int, limit: int, total: int, next_cursor: str | msgspec.UnsetType | None = msgspec.UNSET
) -> Many[T]:
    """A page of a list of `total` items; of an endless one with where the next begins, None at its end."""
    return Many(data=items, pagination=Pagination(page, limit, total, -(-total // limit), next_cursor))


def raw(kind: type[T], body: bytes | str) -> T:
    """JSON that PostgreSQL built, passed through untouched; `kind` is what it decodes to (a test does)."""
    del kind
    return cast(T, msgspec.Raw(body if isinstance(body, bytes) else body.encode()))


class Json(Response[Any]):
    """The answer of a route that returns plain data: encoded at once.

    The framework's own way (a response, an ASGI response, header objects) takes 20 us, a sixth of a dashboard.
    """

    def __init__(self, content: Any, *, status_code: int | None = None, **_: Any) -> None:
        self._encoded = msgspec.json.encode(content)
        self.status_code = status_code or 200

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        return self._answer

    async def _answer(self, _: Scope, __: Receive, send: Send) -> None:
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(self._encoded)).encode()),
        ]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": self._encoded, "more_body": False})
