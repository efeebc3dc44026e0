# Made by scripts/unasync.py of _async/client.py: change that one.
"""The client itself: what it is made of. How calls are made stands in `session.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx2

from .._version import __version__
from .._wire import Call, base_headers
from ..models import Answer
from ..resilience import CircuitBreaker, RetryPolicy
from ..tokens import MemoryTokenStore, TokenStore
from .resources import (
    Auth,
    Batches,
    Institutes,
    Notifications,
    Parents,
    Students,
    Subjects,
    Teachers,
    Users,
)
from .session import Session


class KakshaClient:
    """A Kaksha server, as one person sees it.

        with KakshaClient(base_url="https://kaksha.example") as client:
            client.auth.login(email="asha@aarambh.example", password="...")
            page = client.batches.list()

    `base_url`: the server's origin, without `/v1`. `token_store`: in memory if not given. `language`: `en` or
    `hi`, of texts for people. `device_id`: the one of the token store if not given. `timeout`: seconds that a
    try may take. `transport`: httpx2's, to call an application in process. `retry` and `breaker` replace the
    usual ones (three tries; five failures in ten seconds open the circuit for a minute).

    One client may be used by many threads at once. Its errors are those of
    `kaksha_client.errors`.
    """

    def __init__(
        self,
        *,
        base_url: str,
        token_store: TokenStore | None = None,
        language: str = "en",
        device_id: str | None = None,
        timeout: float = 30.0,
        app_version: str = __version__,
        platform: str = "python",
        transport: httpx2.BaseTransport | None = None,
        retry: RetryPolicy | None = None,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        store = token_store if token_store is not None else MemoryTokenStore()
        headers = base_headers(
            device_id=device_id or store.device_id(),
            language=language,
            app_version=app_version,
            platform=platform,
        )
        self.breaker = breaker or CircuitBreaker(base_url)
        self._http = httpx2.Client(base_url=base_url, headers=headers, timeout=timeout, transport=transport)
        self._session = Session(
            self._http,
            store=store,
            policy=retry or RetryPolicy(per_try=timeout),
            breaker=self.breaker,
            language=language,
        )
        self.auth = Auth(self._session)
        self.users = Users(self._session)
        self.students = Students(self._session)
        self.teachers = Teachers(self._session)
        self.parents = Parents(self._session)
        self.batches = Batches(self._session)
        self.subjects = Subjects(self._session)
        self.institutes = Institutes(self._session)
        self.notifications = Notifications(self._session)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """Any call of the API, for what has no method here; *path* comes after `/v1` and begins with a slash.

        `json` may hold msgspec structs, dates and UUIDs; `params` that are None are left out. A POST gets an
        idempotency key of its own unless one is given; give one to make the call again after a crash.
        """
        return self._session.send(
            Call(method, path, json=json, params=params, idempotency_key=idempotency_key)
        )

    def close(self) -> None:
        """Close the connections. The sign-in stays in the token store."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
