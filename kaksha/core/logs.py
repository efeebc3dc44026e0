"""Structured logs, one line an event, without secrets and without personal data.

Events carry ids, routes and numbers. Whatever slips in under a name that could be a secret or a person's is replaced.
"""

import logging
import re
import sys
from typing import Any

import structlog

__all__ = ["configure"]

_PRIVATE = re.compile(
    r"password|secret|token|authorization|cookie|otp|api_key|signature|name|phone|email|address|body|question",
    re.I,
)
_PLAIN = frozenset({"event", "route", "method", "status", "ms", "level", "timestamp", "request_id", "path"})


def configure(fmt: str, level: str) -> None:
    """Sets the process's logging: `text` for people, `json` for machines."""
    lowest = getattr(logging, level.upper())
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


def redact(_: object, __: str, event: Any) -> Any:
    """Replaces values under private names."""
    for key in event:
        if key not in _PLAIN and _PRIVATE.search(key):
            event[key] = "[redacted]"
    return event


def _as_it_is(_: object, __: str, event: Any) -> Any:
    return event
