"""A real HTTP server on the loopback that answers, or fails to, as the test says.

    server.on("GET", "/v1/batches", lost, truncated, page_of([]))

The steps of a route are used up one by one, the last one stays. A step is a Reply, or a function of the
request that returns one, or None: then the connection ends without.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Reply:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    connection: socket.socket

    @property
    def token(self) -> str | None:
        return self.headers.get("authorization", "").removeprefix("Bearer ") or None


Step = Callable[[Seen], Reply | None]


def success(data: Any, **more: Any) -> Reply:
    body = {"success": True, "data": data, **more}
    return Reply(200, json.dumps(body).encode(), {"Content-Type": "application/json"})


def failure(
    status: int, code: str, message: str = "No", *, retry_after: str | None = None, **more: Any
) -> Reply:
    body = {"success": False, "message": message, "code": code, "requestId": "req-1", **more}
    headers = {"Content-Type": "application/json"}
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    return Reply(status, json.dumps(body).encode(), headers)


def html(status: int) -> Reply:
    return Reply(status, b"<html><h1>Bad Gateway</h1></html>", {"Content-Type": "text/html"})


def lost(_seen: Seen) -> None:
    """The work is done, the answer gets lost: the connection ends without a byte."""


def reset(seen: Seen) -> None:
    """The connection is torn down with a RST."""
    seen.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def truncated(seen: Seen) -> None:
    """The body ends before the length that was announced."""
    seen.connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"success": tr')


class FaultServer:
    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._routes: dict[tuple[str, str], deque[Step]] = {}
        self._lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.fault_server = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def on(self, method: str, path: str, *steps: Step | Reply) -> None:
        self._routes[method, path] = deque(_step(step) for step in steps)

    def count(self, path: str) -> int:
        with self._lock:
            return sum(seen.path == path for seen in self.seen)

    def answer(self, seen: Seen) -> Reply | None:
        with self._lock:
            self.seen.append(seen)
            steps = self._routes.get((seen.method, seen.path))
            step = None if not steps else steps.popleft() if len(steps) > 1 else steps[0]
        return step(seen) if step else failure(404, "NOT_FOUND")  # a step may block: not under the lock

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def _step(step: Step | Reply) -> Step:
    if isinstance(step, Reply):
        reply = step
        return lambda _seen: reply
    return step


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True
    fault_server: FaultServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen = Seen(
            method=self.command,
            path=url.path,
            query=parse_qs(url.query),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=json.loads(body) if body else None,
            connection=self.connection,
        )
        assert isinstance(self.server, _Server)
        reply = self.server.fault_server.answer(seen)
        if reply is None:
            self.close_connection = True
            return
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle

    def log_message(self, format: str, *args: Any) -> None:
        pass
