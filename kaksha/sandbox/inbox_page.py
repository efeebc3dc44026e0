"""The inbox's page and JSON, and the switch for faults. For developers and tests, on loopback only.

A web page that a developer happens to visit must not read codes here or clear the inbox: the Host must be ours, and a
press must come from here.
"""

import contextlib
import re
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Request, get, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.response import Response

from kaksha import core
from kaksha.core import html, i18n
from kaksha.sandbox import push, sms
from kaksha.sandbox.inbox import FAULTS, Faults, Inbox, Message

__all__ = ["inbox_app", "said"]

_Request = Request[Any, Any, State]
_STATIC = Path(core.__file__).parent / "static"
_ZONE = "Asia/Kolkata"
_SAFE = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
_LINK_OR_CODE = re.compile(
    r"(?P<link>https?://[^\s<>\"]*[^\s<>\".,;:!?)\]])|(?<![\w₹.,/+-])(?P<code>\d{6})(?![\w]|[.,]\d)"
)


class Part(msgspec.Struct, frozen=True):
    """A stretch of a text: `text`, `link`, `code` or `break` (a new line)."""

    kind: str
    text: str


def said(text: str) -> list[Part]:
    """The text in parts, so that the page can make links of links and show the codes."""
    parts: list[Part] = []
    for number, line in enumerate(text.strip().split("\n")):
        if number:
            parts.append(Part("break", ""))
        at = 0
        for found in _LINK_OR_CODE.finditer(line):
            parts += [Part("text", line[at : found.start()]), Part(found.lastgroup or "text", found[0])]
            at = found.end()
        parts.append(Part("text", line[at:]))
    return [part for part in parts if part.text or part.kind == "break"]


class _Received(msgspec.Struct):
    version: int
    total: int
    messages: list[Message]


class _Plan(msgspec.Struct, forbid_unknown_fields=True):
    """`mail`, `sms` and `push` name a mode of FAULTS, or `none`."""

    mail: str | None = None
    sms: str | None = None
    push: str | None = None
    times: int = 1
    seconds: float = 1.0


@get("/", include_in_schema=False)
async def page(request: _Request) -> Response[bytes]:
    """The messages, newest first; with `seen`, nothing (204) for as long as nothing has changed."""
    inbox, (to, channel) = _inbox(request), _filters(request)
    if request.query_params.get("seen") == str(inbox.version):
        return Response(b"", status_code=204)
    lang = i18n.negotiate(request.query_params.get("lang"), request.headers.get("accept-language", ""))
    query = "&".join(
        part for part in request.scope["query_string"].decode("latin-1").split("&") if not part.startswith("seen=")
    )
    view = html.View(lang=lang, path="/", query=query, now=inbox.clock(), zone=_ZONE)
    shown = [(message, said(message.text)) for message in inbox.messages(to=to, channel=channel)]
    body = html.render(
        "sandbox/inbox.html",
        view,
        shown=shown,
        to=to,
        channel=channel,
        version=inbox.version,
        receivers=[(receiver, receiver) for receiver in inbox.receivers()],
    )
    return Response(body, media_type="text/html; charset=utf-8")


@get("/inbox.json", include_in_schema=False)
async def inbox_json(request: _Request) -> Response[_Received]:
    """Newest first. `to`, `channel`, `after` (an id) filter; `wait` holds the answer until there is one, seconds."""
    inbox, (to, channel) = _inbox(request), _filters(request)
    after, wait = _number(request, "after"), min(_number(request, "wait"), 30)

    def found() -> list[Message]:
        return inbox.messages(to=to, channel=channel, after=after)

    if wait:
        with contextlib.suppress(TimeoutError):
            await inbox.wait(lambda _: bool(found()), wait)
    return Response(_Received(inbox.version, len(inbox.messages()), found()))


@get("/messages/{number:int}", include_in_schema=False)
async def as_html(request: _Request, number: FromPath[int]) -> Response[str]:
    """A mail as its HTML reads, cut off from everything: no scripts, no forms, nothing fetched."""
    for message in _inbox(request).messages():
        if message.id == number and message.html is not None:
            alone = "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
            headers = {"Content-Security-Policy": alone}
            return Response(message.html, media_type="text/html; charset=utf-8", headers=headers)
    return Response("", status_code=404)


@post("/clear", include_in_schema=False)
async def clear(request: _Request) -> Response[bytes]:
    _inbox(request).clear()
    lang = request.query_params.get("lang")
    return Response(b"", status_code=303, headers={"Location": "/?lang=hi" if lang == "hi" else "/"})


@post("/faults", include_in_schema=False)
async def plan_faults(request: _Request) -> Response[dict[str, Any]]:
    """`{"mail": "tempfail", "times": 2}`; answers what is planned. 422 names the modes."""
    faults: Faults = request.app.state.faults
    try:
        plan = msgspec.json.decode(await request.body(), type=_Plan)
        if plan.mail is not None:
            faults.plan("mail", plan.mail, plan.times, plan.seconds)
        if plan.sms is not None:
            faults.plan("sms", plan.sms, plan.times, plan.seconds)
        if plan.push is not None:
            faults.plan("push", plan.push, plan.times, plan.seconds)
    except (msgspec.MsgspecError, ValueError) as error:
        return Response({"message": str(error), "modes": FAULTS}, status_code=422)
    planned = {channel: faults.planned(channel) for channel in ("mail", "sms", "push")}
    return Response(planned, status_code=200)


@get("/static/{name:str}", include_in_schema=False)
async def static_file(name: FromPath[str]) -> Response[bytes]:
    """The app's own look."""
    file = _STATIC / name
    kind = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}.get(file.suffix)
    if kind is None or file.parent != _STATIC or not file.is_file():
        return Response(b"", status_code=404)
    return Response(file.read_bytes(), media_type=kind)


@get("/sw.js", include_in_schema=False)
async def no_worker() -> Response[str]:
    """The pages' script asks for one; the inbox keeps nothing for offline."""
    return Response("// nothing to keep", media_type="text/javascript")


@get("/manifest.webmanifest", include_in_schema=False)
async def no_manifest() -> Response[dict[str, str]]:
    return Response({}, media_type="application/manifest+json")


async def _from_here(request: _Request) -> Response[bytes] | None:
    """Another site's page reaches us by a name of its own, or says in Sec-Fetch-Site (programs send none) who it is."""
    if request.url.hostname not in request.app.state.names:
        return Response(b"", status_code=403)
    if request.method == "POST" and request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return Response(b"", status_code=403)
    return None


def inbox_app(inbox: Inbox, faults: Faults, host: str) -> Litestar:
    """The sandbox's HTTP side: the page and the receivers of SMS and push."""
    return Litestar(
        [
            page,
            inbox_json,
            as_html,
            clear,
            plan_faults,
            static_file,
            no_worker,
            no_manifest,
            sms.generic,
            sms.msg91,
            push.subscription_json,
            push.web_push,
            push.fcm_token,
            push.fcm_send,
        ],
        state=State({"inbox": inbox, "faults": faults, "names": {"localhost", "127.0.0.1", "::1", host}}),
        before_request=_from_here,
        response_headers={"Content-Security-Policy": _SAFE, "X-Content-Type-Options": "nosniff"},
        openapi_config=None,
        logging_config=None,
        request_max_body_size=1 << 20,
    )


def _inbox(request: _Request) -> Inbox:
    return request.app.state.inbox


def _filters(request: _Request) -> tuple[str | None, str | None]:
    return request.query_params.get("to") or None, request.query_params.get("channel") or None


def _number(request: _Request, name: str) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else 0
