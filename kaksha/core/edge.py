"""The outermost layer: what every request gets, in one pass around `send`.

Request id, refusal of what is too much or comes from another site, security headers, ETag and 304, metrics and one log
line. It reads no body, and holds back nothing but the start of a small JSON answer until its ETag is known.
"""

import gzip
import hashlib
import ipaddress
import math
import re
import time
from typing import Any
from urllib.parse import urlsplit

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

from kaksha.core import logs
from kaksha.core.errors import AppError, BodyTooLarge, Internal, OffSite, TooMany, Unsupported
from kaksha.core.failures import refusal
from kaksha.core.ids import new_id_text
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
_STREAMED = (b"multipart/form-data", b"application/offset+octet-stream")
"""How files come, whole or in pieces (tus)."""
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
        self._proven = _Proven()
        self._meters: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
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
        request_id = given if _REQUEST_ID.match(given) else new_id_text().encode()
        scope["state"] = {"request_id": request_id.decode(), "address": self._address(scope, headers)}
        answer = _Answer(scope, send, headers, [*self._common, (b"x-request-id", request_id)])
        proof = _digest(headers)
        refused = self._refusal(scope, headers, proof)
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
        if proof is not None and scope.get("user") is not None:
            self._proven.note(proof)
        self._account(scope, answer.status, time.perf_counter() - began)

    def _refusal(self, scope: Any, headers: dict[bytes, bytes], proof: bytes | None) -> AppError | None:
        # A sign-in counts for itself once it was seen to be good; everything else counts for its address.
        proven = proof if self._proven.knows(proof) else None
        gate = self._people if proven else self._addresses
        wait = gate.wait(proven or scope["state"]["address"], time.monotonic())
        if wait:
            refused = TooMany(wait)
            refused.headers |= limit_headers(gate.burst, 0, wait)
            return refused
        if scope["method"] in _SAFE:
            return None
        length = headers.get(b"content-length", b"")
        media = headers.get(b"content-type", b"application/json").partition(b";")[0].strip().lower()
        # Each route that takes files has a limit of its own, every other route the common one.
        most = math.inf if media in _STREAMED else self._settings.max_body_bytes
        if length and (not length.isdigit() or int(length) > most):
            return BodyTooLarge()
        if scope["path"].startswith("/v1/"):
            if length not in (b"", b"0") and media not in (b"application/json", *_STREAMED):
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
        told = client[0] if client else "local"
        trusted = self._settings.trusted_proxies
        if trusted and b"x-forwarded-for" in headers:
            lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
            hops = [hop.strip() for hop in ",".join(lines).split(",")]
            told = hops[-trusted] if len(hops) >= trusted and hops[-trusted] else told
        return _household(told) if ":" in told else told

    def _account(self, scope: Any, status: int, seconds: float) -> None:
        route = scope.get("path_template") or "(none)"
        key = (scope["method"], route, status)
        meters = self._meters.get(key)
        if meters is None:  # looked up once: methods, routes and statuses are few
            meters = self._meters[key] = (_requests.labels(*key), _seconds.labels(route))
        meters[0].inc()
        meters[1].observe(seconds)
        logs.request(*key, round(seconds * 1000, 1), scope["state"]["request_id"])


class _Proven:
    """Which proofs were seen to be good lately, by hash: 20 000 of them, the oldest go first."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._seen: dict[bytes, None] = {}

    def knows(self, proof: bytes | None) -> bool:
        return proof in self._seen

    def note(self, proof: bytes) -> None:
        """A request with this proof was somebody's."""
        if proof not in self._seen:
            self._seen[proof] = None
            if len(self._seen) > self._most:
                del self._seen[next(iter(self._seen))]


def _digest(headers: dict[bytes, bytes]) -> bytes | None:
    """The hash of the proof that a request carries, if it does."""
    proof = headers.get(b"authorization") or headers.get(b"cookie")
    return hashlib.blake2b(proof, digest_size=12).digest() if proof else None


def _household(address: str) -> str:
    """An IPv6 address without its lower half, which one customer changes at will; a port is no part of an address."""
    try:
        parsed = ipaddress.ip_address(address.partition("]")[0].lstrip("["))
    except ValueError:
        return address.partition(":")[0]
    if parsed.version == 4:
        return str(parsed)
    mapped = parsed.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((int(parsed), 64), strict=False))


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
