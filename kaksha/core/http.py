"""The JSON and page routes' common ground: who may call, the envelope, paging, repeated requests, failures.

Every route names its policy as its only guard: `allow(...)` or `public("why")`; `main` refuses to start otherwise.
"""

import contextlib
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

import litestar
import msgspec
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, FormMultiDict, State
from litestar.handlers.base import BaseRouteHandler
from litestar.response import Response
from litestar.types import Empty
from litestar.utils.scope.state import ScopeState

from kaksha.core import html, i18n, limits, multipart, repeats
from kaksha.core.answers import Many, Ok, Pagination, paged, raw
from kaksha.core.cookies import page_cookie
from kaksha.core.db import Actor, Conn, Database, Write
from kaksha.core.errors import Forbidden, Malformed, NotSignedIn
from kaksha.core.ids import UUID
from kaksha.core.live import Ears
from kaksha.core.seal import Keys
from kaksha.core.settings import Settings
from kaksha.core.validation import converted, is_list

__all__ = [
    "EVERY_ROLE", "NOTICES", "Core", "Many", "Ok", "Pagination", "Policy", "Principal", "Request", "RequestWrite",
    "allow", "form", "paged", "public", "raw", "see_other",
]  # fmt: skip

T = TypeVar("T")

_FORM_PATIENCE = 3.0
"""Seconds that a form's second press waits for the answer to its first."""


class Principal(msgspec.Struct, frozen=True):
    """A signed-in person, as their token or session says it; good until `expires_at` (Unix seconds) or a notice."""

    user_id: UUID
    institute_id: UUID
    session_id: UUID
    roles: frozenset[str]
    permissions: frozenset[str]
    lang: str
    expires_at: float
    me: html.Me | None = None
    """What the page frame shows; API callers have none."""
    zone: str = "Asia/Kolkata"
    theme: str = "system"

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles


class Authenticator(Protocol):
    """How a request says who sends it. Answers None for nobody; raises NotSignedIn for a bad or spent proof."""

    async def token(self, bearer: str) -> Principal: ...
    async def cookie(self, value: str) -> Principal | None: ...


class Core(msgspec.Struct, frozen=True):
    """What a process has one of; `main` puts it together."""

    settings: Settings
    db: Database
    keys: Keys
    ears: Ears
    authenticator: Authenticator


class Request(litestar.Request[Any, Any, State]):
    """A request with what our handlers need: the caller, their language, the database."""

    @property
    def core(self) -> Core:
        return self.app.state.core

    @property
    def me(self) -> Principal:
        """The caller; only routes that `allow` somebody may ask."""
        return self.scope["user"]

    @property
    def now(self) -> datetime:
        return self.core.db.clock()

    @property
    def maybe_me(self) -> Principal | None:
        return self.scope["user"] if "user" in self.scope else None  # noqa: SIM401 - the scope's get() is untyped

    @property
    def lang(self) -> str:
        """The caller's language, else the one picked on a page, else the best of Accept-Language."""
        me = self.maybe_me
        picked = me.lang if me else self.query_params.get("lang") or self.cookies.get(LANG_COOKIE)
        return i18n.negotiate(picked, self.headers.get("accept-language", ""))

    @property
    def is_api(self) -> bool:
        return self.scope["path"].startswith("/v1/")

    @property
    def request_id(self) -> str:
        return self.scope["state"]["request_id"]

    @property
    def address(self) -> str:
        """The caller's address, behind our own proxies as far as settings say so."""
        return self.scope["state"]["address"]

    async def form(self) -> FormMultiDict:
        """The fields and files of a form. Of a multipart one the files lie on disk, so it may be of any size."""
        kind, options = self.content_type
        state = ScopeState.from_scope(self.scope)
        if kind == "multipart/form-data" and state.form is Empty:
            if not options.get("boundary"):
                raise Malformed
            state.form = await multipart.read(self.stream(), options["boundary"])
        return await super().form()

    def read(self) -> contextlib.AbstractAsyncContextManager[Conn]:
        """A connection for single statements of the caller's institute."""
        return self.core.db.read(self.me.institute_id)

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncGenerator["RequestWrite"]:
        """One transaction of the caller's institute; a repeated Idempotency-Key replays its first answer.

        The handler answers by `return tx.answer(...)` from inside the block: the answer is kept in the same
        transaction, and leaves only after the commit.
        """
        key = await repeats.key_of(self)
        actor = Actor(self.me.user_id, self.request_id)
        async with self.core.db.write(self.me.institute_id, actor) as tx:
            if key is not None:
                await repeats.claim(tx, key, 0.0 if self.is_api else _FORM_PATIENCE)
            yield RequestWrite(tx.conn, tx.institute_id, tx.actor, tx.now, tx.keys, key)

    async def take_limit(self, limit: limits.Limit, key: str, institute_id: UUID | None = None) -> None:
        """Counts this request against a limit that holds over all processes. Raises TooMany."""
        async with self.core.db.read(institute_id) as conn:
            await limits.take(conn, limit, key, self.now)

    def page(self, template: str, *, status: int = 200, notice: str | None = None, **context: Any) -> Response[bytes]:
        """A rendered page in the caller's language and theme."""
        body = html.render(template, self._view(notice), **context)
        response = Response(body, status_code=status, media_type="text/html; charset=utf-8")
        if NOTICE_COOKIE in self.cookies:
            response.delete_cookie(NOTICE_COOKIE)
        if "lang" in self.query_params:
            response.set_cookie(Cookie(LANG_COOKIE, value=self.lang, path="/", max_age=31_536_000, samesite="lax"))
        return response

    def part(self, template: str, block: str, *, status: int = 200, **context: Any) -> Response[bytes]:
        """One block of a page, for htmx to put in place."""
        body = html.part(template, block, self._view(None), **context)
        return Response(body, status_code=status, media_type="text/html; charset=utf-8")

    def _view(self, notice: str | None) -> html.View:
        me = self.maybe_me
        return html.View(
            lang=self.lang,
            theme=me.theme if me else "system",
            path=self.scope["path"],
            query=self.scope["query_string"].decode("latin-1"),
            me=me.me if me else None,
            zone=me.zone if me else "Asia/Kolkata",
            notice=notice or self._notice(),
            now=self.now,
            demo=bool(self.app.state.demo_people),
        )

    def _notice(self) -> str | None:
        text = NOTICES.get(self.cookies.get(NOTICE_COOKIE, ""))
        return i18n.gettext(self.lang, text) if text else None


class RequestWrite(Write, frozen=True):
    """The transaction of one request: `answer` and `see_other` keep what they answer, for a repetition."""

    key: repeats.Key | None

    async def answer(self, content: Any, status: int = 200) -> Response[Any]:
        """The JSON answer, encoded now and sent after the commit."""
        body = msgspec.json.encode(content)
        await repeats.keep(self, self.key, status, body, None)
        return Response(body, status_code=status, media_type="application/json")

    async def see_other(self, path: str, notice: str | None = None) -> Response[bytes]:
        """The redirect after a form was accepted; `notice` is a key of NOTICES."""
        await repeats.keep(self, self.key, 303, b"", path)
        return see_other(path, notice)


LANG_COOKIE = "kaksha_lang"
NOTICE_COOKIE = "kaksha_notice"
NOTICES: dict[str, str] = {}
"""Texts shown once after a redirect; each feature's `web.py` adds its own."""


def see_other(path: str, notice: str | None = None) -> Response[bytes]:
    """A redirect to a page of ours, with a text shown there once."""
    response = Response(b"", status_code=303, headers={"Location": path}, media_type="text/html")
    if notice is not None:
        response.set_cookie(Cookie(NOTICE_COOKIE, value=notice, path="/", max_age=60, httponly=True, samesite="lax"))
    return response


class Policy:
    """Who may call a route. It is the route's guard: it finds the caller and turns the others away."""

    def __init__(self, roles: frozenset[str], permissions: frozenset[str], why: str | None) -> None:
        self.roles = roles
        self.permissions = permissions
        """Of these an admin needs one; empty asks for none. An owner has them all."""
        self.why = why
        """For a public route: the reason it is one."""

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        await self.admit(connection)

    async def admit(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        """Finds the caller. Raises NotSignedIn or Forbidden."""
        request = cast(Request, connection)
        try:
            caller = await _caller(request)
        except NotSignedIn:
            if self.why is None:
                raise
            caller = None  # a public route needs no proof, so a spent one beside the request does no harm
        if caller is not None:
            request.scope["user"] = caller
        if self.why is not None:
            return
        if caller is None:
            raise NotSignedIn
        if not self.roles & caller.roles:
            raise Forbidden
        if self.permissions and not (self.permissions | {"owner"}) & caller.permissions:
            raise Forbidden

    def __str__(self) -> str:
        if self.why is not None:
            return f"public: {self.why}"
        return "+".join(sorted(self.roles)) + (
            f" with {' or '.join(sorted(self.permissions))}" if self.permissions else ""
        )


EVERY_ROLE = frozenset({"student", "teacher", "parent", "admin"})


def allow(*roles: str, permission: str | tuple[str, ...] = ()) -> list[Any]:
    """The policy of a route for signed-in people: any role when none is named; one of an admin's permissions."""
    permissions = frozenset((permission,) if isinstance(permission, str) else permission)
    unknown = set(roles) - EVERY_ROLE
    if unknown:
        raise ValueError(f"no such role: {', '.join(sorted(unknown))}")
    return [Policy(frozenset(roles) or EVERY_ROLE, permissions, None)]


def public(why: str) -> list[Any]:
    """The policy of a route that nobody needs to sign in for, and the reason."""
    return [Policy(frozenset(), frozenset(), why)]


async def _caller(request: Request) -> Principal | None:
    """API routes take a bearer token, pages take the cookie; neither takes the other's."""
    if request.is_api:
        # Straight from the scope: the framework's header object costs more than the check itself.
        proof = next((value for name, value in request.scope["headers"] if name == b"authorization"), b"")
        kind, _, token = proof.decode("latin-1").partition(" ")
        if kind.lower() != "bearer" or not token:
            return None
        return await request.core.authenticator.token(token.strip())
    cookie = request.cookies.get(page_cookie(request.core.settings))
    return await request.core.authenticator.cookie(cookie) if cookie else None


async def form(request: Request, kind: type[T]) -> T:
    """A posted form as a body. Raises Invalid with every bad field; an empty field counts as not filled in."""
    given = await request.form()
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(cast(Any, kind)):
        texts = [text.strip() for text in given.getall(field.encode_name, []) if isinstance(text, str)]
        texts = [text for text in texts if text]
        if texts:
            values[field.encode_name] = texts if is_list(field.type) else texts[0]
    return converted(kind, values)
