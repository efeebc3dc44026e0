"""Structured logs, one line an event, without secrets and without personal data.

Events carry ids, routes and numbers. Whatever slips in under a name that could be a secret or a person's is replaced.
"""

import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

__all__ = ["configure", "request"]

_PRIVATE = re.compile(
    r"password|secret|token|authorization|cookie|otp|api_key|signature|name|phone|email|address|body|question",
    re.I,
)
_PLAIN = frozenset({"event", "route", "method", "status", "ms", "level", "timestamp", "request_id", "path"})


def configure(fmt: str, level: str) -> None:
    """Sets the process's logging: `text` for people, `json` for machines."""
    lowest = getattr(logging, level.upper())
    _style.update(json=fmt == "json", quiet=lowest > logging.INFO)
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if fmt == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,  # the default prints every local variable
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            redact,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if fmt == "json" else _as_it_is,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("pgqueuer").setLevel(logging.CRITICAL)  # its failures are ours to log, with the job's name


class _Request(msgspec.Struct):
    """The line of one answered request, in the order in which structlog has it."""

    method: str
    route: str
    status: int
    ms: float
    request_id: str
    event: str
    level: str
    timestamp: str


_encode = msgspec.json.Encoder().encode
_style = {"json": False, "quiet": False}


def request(method: str, route: str, status: int, ms: float, request_id: str) -> None:
    """The line of one answered request.

    Not through structlog, whose chain takes 11 to 17 us: a tenth of a dashboard. Nothing in here can be private.
    """
    if _style["quiet"]:
        return
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if _style["json"]:
        line = _encode(_Request(method, route, status, ms, request_id, "request", "info", now)).decode()
    else:
        line = f"{now} [info     ] request {method} {route} {status} {ms} ms request_id={request_id}"
    sys.stderr.write(line + "\n")


def redact(_: object, __: str, event: Any) -> Any:
    """Replaces values under private names."""
    for key in event:
        if key not in _PLAIN and _PRIVATE.search(key):
            event[key] = "[redacted]"
    return event


def _as_it_is(_: object, __: str, event: Any) -> Any:
    return event
