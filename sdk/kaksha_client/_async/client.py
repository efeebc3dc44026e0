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
    AsyncAuth,
    AsyncBatches,
    AsyncInstitutes,
    AsyncNotifications,
    AsyncParents,
    AsyncStudents,
    AsyncSubjects,
    AsyncTeachers,
    AsyncUsers,
)
from .session import AsyncSession


class AsyncKakshaClient:
    """A Kaksha server, as one person sees it.

        async with AsyncKakshaClient(base_url="https://kaksha.example") as client:
            await client.auth.login(email="asha@aarambh.example", password="...")
            page = await client.batches.list()

    `base_url`: the server's origin, without `/v1`. `token_store`: in memory if not given. `language`: `en` or
    `hi`, of texts for people. `device_id`: the one of the token store if not given. `timeout`: seconds that a
    try may take. `transport`: httpx2's, to call an application in process. `retry` and `breaker` replace the
    usual ones (three tries; five failures in ten seconds open the circuit for a minute).

    One client may be used by many tasks of one event loop at once. Its errors are those of
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
        transport: httpx2.AsyncBaseTransport | None = None,
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
        self._http = httpx2.AsyncClient(
            base_url=base_url, headers=headers, timeout=timeout, transport=transport
        )
        self._session = AsyncSession(
            self._http,
            store=store,
            policy=retry or RetryPolicy(per_try=timeout),
            breaker=self.breaker,
            language=language,
        )
        self.auth = AsyncAuth(self._session)
        self.users = AsyncUsers(self._session)
        self.students = AsyncStudents(self._session)
        self.teachers = AsyncTeachers(self._session)
        self.parents = AsyncParents(self._session)
        self.batches = AsyncBatches(self._session)
        self.subjects = AsyncSubjects(self._session)
        self.institutes = AsyncInstitutes(self._session)
        self.notifications = AsyncNotifications(self._session)

    async def request(
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
        return await self._session.send(
            Call(method, path, json=json, params=params, idempotency_key=idempotency_key)
        )

    async def aclose(self) -> None:
        """Close the connections. The sign-in stays in the token store."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
