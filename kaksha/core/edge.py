"""The outermost layer: what every request gets, in one pass around `send`.

Request id, refusal of what is too much or comes from another site, security headers, ETag and 304, metrics and one log
line. It reads no body, and holds back nothing but the start of a small JSON answer until its ETag is known.
"""

import gzip
import hashlib
import re
import time
from typing import Any
from urllib.parse import urlsplit

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

from kaksha.core.errors import AppError, BodyTooLarge, Internal, OffSite, TooMany, Unsupported
from kaksha.core.failures import refusal
from kaksha.core.ids import new_id
from kaksha.core.limits import FloodGate, headers as limit_headers
from kaksha.core.settings import Settings

__all__ = ["Edge"]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{8,128}\Z")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_CSP = (
    b"default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self';"
    b" worker-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self';"
    b" frame-ancestors 'none'"
)
_PACKED = (b"text/", b"image/svg", b"application/manifest")
_WORTH_PACKING = 1000
"""Bytes."""
_requests = Counter("kaksha_requests_total", "Requests answered", ["method", "route", "status"])
_seconds = Histogram("kaksha_request_seconds", "Time to answer, seconds", ["route"])
_log = structlog.get_logger("kaksha.request")


class Edge:
    """Wraps the application; everything but HTTP passes through."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._origin = urlsplit(settings.api_base_url)
        self._people = FloodGate(per_second=20, burst=200)
        self._addresses = FloodGate(per_second=100, burst=1000)
        self._common = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"x-frame-options", b"DENY"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(self), microphone=(self), geolocation=(), payment=(self)"),
        ]
        if settings.secure:
            self._common.append((b"strict-transport-security", b"max-age=31536000; includeSubDomains"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given if _REQUEST_ID.match(given) else str(new_id()).encode()
        scope["state"] = {"request_id": request_id.decode(), "address": self._address(scope, headers)}
        answer = _Answer(scope, send, headers, [*self._common, (b"x-request-id", request_id)])
        refused = self._refusal(scope, headers)
        if refused is not None:
            await _refuse(answer, scope, headers, refused)
        elif self._wrong_host(scope, headers):
            await _redirect(answer, self._settings.api_base_url, scope)
        else:
            if scope["method"] == "HEAD":  # answered as GET; the server leaves the body out
                scope = {**scope, "method": "GET"}
            try:
                await self._app(scope, receive, answer.send)  # type: ignore[arg-type]
            except Exception as error:
                _log.error("request.broken", request_id=request_id.decode(), exc_info=error)
                await _refuse(answer, scope, headers, Internal())
        if answer.status == 401:
            self._addresses.wait(scope["state"]["address"], time.monotonic())
        self._account(scope, answer.status, time.perf_counter() - began)

    def _refusal(self, scope: Any, headers: dict[bytes, bytes]) -> AppError | None:
        proof = headers.get(b"authorization") or headers.get(b"cookie")
        address = scope["state"]["address"]
        now = time.monotonic()
        gate = self._people if proof else self._addresses
        # A new proof counts for itself only while its address sends few false ones: else each request would be "new".
        if proof and not gate.knows(proof) and not self._addresses.has_room(address, now):
            wait = 1.0
        else:
            wait = gate.wait(proof or address, now)
        if wait:
            refused = TooMany(wait)
            refused.headers |= limit_headers(gate.burst, 0, wait)
            return refused
        if scope["method"] in _SAFE:
            return None
        length = headers.get(b"content-length", b"")
        if length and (not length.isdigit() or int(length) > self._settings.max_body_bytes):
            return BodyTooLarge()
        if scope["path"].startswith("/v1/"):
            media = headers.get(b"content-type", b"application/json").partition(b";")[0].strip().lower()
            if length not in (b"", b"0") and not (media == b"application/json" or media.startswith(b"multipart/")):
                return Unsupported()
            return None
        return None if self._same_site(headers) else OffSite()

    def _same_site(self, headers: dict[bytes, bytes]) -> bool:
        """Whether a page of ours sent this. Browsers say so by Sec-Fetch-Site, older ones by Origin."""
        site = headers.get(b"sec-fetch-site")
        if site is not None:
            return site in (b"same-origin", b"none")
        origin = headers.get(b"origin")
        if origin is not None:
            return origin.decode("latin-1") == f"{self._origin.scheme}://{self._origin.netloc}"
        return b"cookie" not in headers

    def _wrong_host(self, scope: Any, headers: dict[bytes, bytes]) -> bool:
        """A passkey belongs to `localhost`, so its pages are not served as 127.0.0.1."""
        host = headers.get(b"host", b"").decode("latin-1").partition(":")[0]
        return (
            host == "127.0.0.1"
            and self._origin.hostname == "localhost"
            and scope["method"] in ("GET", "HEAD")
            and (not scope["path"].startswith(("/v1/", "/healthz", "/readyz", "/metrics", "/openapi.json")))
        )

    def _address(self, scope: Any, headers: dict[bytes, bytes]) -> str:
        client = scope.get("client")
        hops = [hop.strip() for hop in headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")]
        trusted = self._settings.trusted_proxies
        if trusted and len(hops) >= trusted and hops[-trusted]:
            return hops[-trusted]
        return client[0] if client else "local"

    def _account(self, scope: Any, status: int, seconds: float) -> None:
        route = scope.get("path_template") or "(none)"
        _requests.labels(scope["method"], route, status).inc()
        _seconds.labels(route).observe(seconds)
        state = scope["state"]
        _log.info(
            "request", method=scope["method"], route=route, status=status, ms=round(seconds * 1000, 1),
            request_id=state["request_id"],
        )  # fmt: skip


class _Answer:
    """The way back: adds the common headers, answers 304 when the caller has this JSON, and packs pages and files.

    The start of such an answer waits for its body, which comes in one piece.
    """

    def __init__(self, scope: Any, send: Send, headers: dict[bytes, bytes], common: list[tuple[bytes, bytes]]) -> None:
        self.status = 500
        self._api = scope["path"].startswith("/v1/")
        self._get = scope["method"] in ("GET", "HEAD")
        self._send = send
        self._known = headers.get(b"if-none-match")
        self._packs = b"gzip" in headers.get(b"accept-encoding", b"")
        self._common = common
        self._start: Any = None
        self._kind = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._head(message)
        elif self._start is None:
            await self._send(message)
        elif message.get("more_body"):
            await self._begin()
            await self._send(message)
        elif self._kind.startswith(b"application/json"):
            await self._json(message)
        else:
            await self._packed(message)

    async def _head(self, message: Any) -> None:
        self.status = message["status"]
        headers = [*message["headers"], *self._common]
        self._kind = next((value for name, value in headers if name == b"content-type"), b"")
        page = self._kind.startswith(b"text/html")
        if page:
            headers.append((b"content-security-policy", _CSP))
        if not any(name == b"cache-control" for name, _ in headers):
            headers.append((b"cache-control", b"private, no-cache" if self.status == 200 else b"no-store"))
        if self._api:
            headers.append((b"vary", b"Authorization, Accept, Accept-Language"))
        elif page:
            headers.append((b"vary", b"Cookie, Accept-Language, Accept-Encoding, HX-Request"))
        self._start = {**message, "headers": headers}
        tagged = self._api and self._get and self.status == 200 and self._kind.startswith(b"application/json")
        if not (tagged or (self._packs and self._kind.startswith(_PACKED))):
            await self._begin()

    async def _json(self, message: Any) -> None:
        """The answer with its ETag, or 304 when the caller has this very body."""
        tag = b'"' + hashlib.blake2b(message["body"], digest_size=12).hexdigest().encode() + b'"'
        headers = self._start["headers"]
        headers.append((b"etag", tag))
        known = self._known.split(b",") if self._known else ()
        if tag in [each.strip().removeprefix(b"W/") for each in known]:
            self.status = 304
            kept = [(name, value) for name, value in headers if name not in (b"content-length", b"content-type")]
            self._start = {"type": "http.response.start", "status": 304, "headers": kept}
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._begin()
        await self._send(message)

    async def _packed(self, message: Any) -> None:
        """The page or file, packed when that is worth it: on a slow network it is a quarter of the wait."""
        body = message["body"]
        if len(body) > _WORTH_PACKING:
            body = gzip.compress(body, compresslevel=5, mtime=0)
            headers = [(name, value) for name, value in self._start["headers"] if name != b"content-length"]
            headers += [(b"content-encoding", b"gzip"), (b"content-length", str(len(body)).encode())]
            if not self._kind.startswith(b"text/html"):
                headers.append((b"vary", b"Accept-Encoding"))
            self._start = {**self._start, "headers": headers}
        await self._begin()
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _begin(self) -> None:
        start, self._start = self._start, None
        await self._send(start)


async def _refuse(answer: _Answer, scope: Any, headers: dict[bytes, bytes], error: AppError) -> None:
    language = headers.get(b"accept-language", b"").decode("latin-1")
    body, kind = refusal(error, scope["state"]["request_id"], language, scope["path"])
    sent = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    sent += [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    if error.status == 413:
        sent.append((b"connection", b"close"))  # the rest of the body is not read
    await answer.send({"type": "http.response.start", "status": error.status, "headers": sent})
    await answer.send({"type": "http.response.body", "body": body, "more_body": False})


async def _redirect(answer: _Answer, base: str, scope: Any) -> None:
    query = scope["query_string"]
    target = base.encode() + scope["raw_path"] + (b"?" + query if query else b"")
    await answer.send(
        {
            "type": "http.response.start",
            "status": 307,
            "headers": [(b"location", target), (b"content-length", b"0")],
        }
    )
    await answer.send({"type": "http.response.body", "body": b"", "more_body": False})
