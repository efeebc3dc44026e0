"""Failures in both faces: the API's envelope (or problem+json), and a page that says what to do next."""

from datetime import datetime
from typing import Any, cast
from urllib.parse import quote

import msgspec
import structlog
from litestar import Request as _AnyRequest
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException as _NoRoute,
    ValidationException,
)
from litestar.response import Response
from litestar.utils.scope.state import ScopeState

from kaksha.core import html, i18n
from kaksha.core.clock import system_clock
from kaksha.core.errors import (
    AppError,
    BodyTooLarge,
    Conflict,
    Internal,
    Invalid,
    Malformed,
    MethodNotAllowed,
    NotFound,
    NotSignedIn,
    Unsupported,
    Why,
)  # fmt: skip
from kaksha.core.http import Request
from kaksha.core.i18n import N_
from kaksha.core.repeats import Replay
from kaksha.core.validation import problems_of

__all__ = ["handle", "refusal"]

_TITLES = {
    403: N_("Not for you"),
    404: N_("Not found"),
    429: N_("Too fast"),
    500: N_("Our fault"),
    503: N_("Back in a moment"),
}
_log = structlog.get_logger("kaksha.failures")


class _Failure(msgspec.Struct, omit_defaults=True):
    """The API's failure envelope; the last four members answer `Accept: application/problem+json` (RFC 9457)."""

    message: str
    code: str
    request_id: str = msgspec.field(name="requestId")
    success: bool = msgspec.field(default_factory=lambda: False)
    errors: dict[str, list[str]] | None = None
    type: str | None = None
    title: str | None = None
    status: int | None = None
    detail: str | None = None


def handle(request: _AnyRequest[Any, Any, Any], error: Exception) -> Response[Any]:
    """The answer to whatever a route raised."""
    ours = Request(request.scope, request.receive, request.send)
    if isinstance(error, Replay):
        headers = {"Location": error.location} if error.location else {}
        media = "application/json" if ours.is_api else "text/html"
        return Response(error.body, status_code=error.status, headers=headers, media_type=media)
    known = _as_app_error(ours, error)
    if isinstance(known, Internal):
        _log.error("request.failed", request_id=ours.request_id, path=ours.scope["path"], exc_info=error)
    if ours.is_api:
        return _json(ours, known)
    if isinstance(known, NotSignedIn):
        return _to_sign_in(ours)
    return _page(ours, known)


def _to_sign_in(request: Request) -> Response[bytes]:
    """Where a page's reader goes when their sign-in is over; back to where they were afterwards."""
    query = request.scope["query_string"].decode("latin-1")
    here = quote(request.scope["path"]) + (f"?{query}" if query else "")
    target = f"/sign-in?next={quote(here)}" if request.method == "GET" else "/sign-in"
    if "hx-request" in request.headers:
        return Response(b"", status_code=204, headers={"HX-Redirect": target})
    return Response(b"", status_code=303, headers={"Location": target})


def _page(request: Request, error: AppError) -> Response[bytes]:
    """The whole page, or for htmx a line that it puts where the frame keeps notices."""
    said = _said(request.lang, error, request.request_id)
    if "hx-request" in request.headers:
        response = request.part("core/error.html", "alert", status=error.status, **said)
        response.headers.update({"HX-Retarget": "#notice", "HX-Reswap": "innerHTML"})
    else:
        response = request.page("core/error.html", status=error.status, **said)
    response.headers.update(error.headers)
    return response


def text(lang: str, error: AppError) -> str:
    """What the person reads."""
    return i18n.gettext(lang, error.text).format(**_in_words(lang, error.facts))


def reasons(lang: str, problems: dict[str, list[str]]) -> dict[str, list[str]]:
    """The reasons of bad fields in the person's language."""
    return {field: [_in_language(lang, why) for why in whys] for field, whys in problems.items()}


def _in_language(lang: str, why: str) -> str:
    if isinstance(why, Why):
        return i18n.gettext(lang, why.key).format(**_in_words(lang, why.facts))
    return i18n.gettext(lang, why)


def _in_words(lang: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Facts as a person reads them; a moment in the zone that it carries."""
    return {name: i18n.moment(fact, lang) if isinstance(fact, datetime) else fact for name, fact in facts.items()}


def _json(request: Request, error: AppError) -> Response[bytes]:
    failure = _Failure(text(request.lang, error), error.code, request.request_id)
    if isinstance(error, Invalid):
        failure.errors = reasons(request.lang, error.problems)
    media = "application/json"
    if "application/problem+json" in request.headers.get("accept", ""):
        media = "application/problem+json"
        failure.type, failure.title = "about:blank", failure.message
        failure.status, failure.detail = error.status, failure.message
    headers = dict(error.headers)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(msgspec.json.encode(failure), status_code=error.status, headers=headers, media_type=media)


def _as_app_error(request: Request, error: Exception) -> AppError:
    if isinstance(error, AppError):
        return error
    if isinstance(error, ValidationException):
        return _invalid(request)
    if isinstance(error, _NoRoute):
        return NotFound()
    if isinstance(error, MethodNotAllowedException):
        return MethodNotAllowed()
    if isinstance(error, HTTPException):
        return {400: Malformed, 404: NotFound, 413: BodyTooLarge, 415: Unsupported}.get(error.status_code, Internal)()
    return Internal()


def _invalid(request: Request) -> AppError:
    """The framework stopped at the first bad parameter or field: look at each."""
    handler = request.scope["route_handler"]
    problems: dict[str, list[str]] = {}
    for name, sent, field in _fields(handler):
        if name == "data":
            try:
                value = msgspec.json.decode(cast(bytes, ScopeState.from_scope(request.scope).body) or b"{}")
            except msgspec.DecodeError:
                return Malformed()
            problems |= problems_of(field, value)
        elif sent in request.query_params:
            problems |= problems_of(field, request.query_params[sent], sent)
        elif name in request.path_params and problems_of(field, request.path_params[name]):
            return NotFound()  # an id that cannot be one is an id that is not there
    return Invalid(problems) if problems else Malformed()


def _fields(handler: Any) -> list[tuple[str, str, Any]]:
    """(name in the function, name as sent, type) of a handler's parameters."""
    said = handler.parsed_fn_signature.parameters
    found: list[tuple[str, str, Any]] = []
    for field in msgspec.structs.fields(handler.signature_model):
        definition = said[field.name].kwarg_definition if field.name in said else None
        found.append((field.name, getattr(definition, "name", None) or field.name, field.type))
    return found


def refusal(error: AppError, request_id: str, accept_language: str, path: str) -> tuple[bytes, str]:
    """What is said before any route (no person is known there), and its media type: JSON for the API, else a page."""
    lang = i18n.negotiate(None, accept_language)
    if path.startswith("/v1/"):
        return msgspec.json.encode(_Failure(text(lang, error), error.code, request_id)), "application/json"
    view = html.View(lang=lang, path=path, now=system_clock())
    return html.render("core/error.html", view, **_said(lang, error, request_id)), "text/html; charset=utf-8"


def _title(error: AppError) -> str:
    if type(error) is Conflict:  # the bare one: what was read is no longer so. Its subclasses are facts of their own.
        return N_("Changed in the meantime")
    return _TITLES.get(error.status, N_("That did not work"))


def _said(lang: str, error: AppError, request_id: str) -> dict[str, Any]:
    return {
        "title": i18n.gettext(lang, _title(error)),
        "message": text(lang, error),
        "code": error.code,
        "request_id": request_id,
        "action": (i18n.gettext(lang, N_("Go to the start")), "/home"),
    }
