"""One refresh for all, and none where it would not help."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from caller import Caller
from fault_server import FaultServer, Reply, Seen, Step, failure, html, lost, success
from test_client_calls import SIGN_IN
from virtual_clock import Clock

from kaksha_client import (
    AsyncKakshaClient,
    AuthenticationError,
    KakshaClient,
    KakshaError,
    MemoryTokenStore,
    NetworkError,
    ServerError,
    Tokens,
)
from kaksha_client._refresh import Flight, outcome_of_async

CALLERS = 100
FRESH = Tokens("access-2", "refresh-2", "0193-asha")
EXPIRED = failure(401, "TOKEN_EXPIRED")


def only_for(token: str, wait: Callable[[], Any] = lambda: None) -> Step:
    """A route that knows one token; to all others it says 401, after `wait`."""

    def step(seen: Seen) -> Reply:
        if seen.token == token:
            return success([])
        wait()
        return EXPIRED

    return step


def test_one_refresh_then_the_call_once_more(
    call: Caller, server: FaultServer, store: MemoryTokenStore
) -> None:
    server.on("POST", "/v1/messages/send", only_for("access-2"))
    server.on("POST", "/v1/auth/refresh", success(SIGN_IN))
    assert call(lambda client: client.request("POST", "/messages/send", json={})).data == []
    first, refresh, second = server.seen
    assert refresh.body == {"refreshToken": "refresh-1"}
    assert refresh.token is None
    assert store.load() == FRESH
    for name in ("x-request-id", "idempotency-key"):
        assert first.headers[name] == second.headers[name]


def everyone_at_once(call: Caller, server: FaultServer, outcome: Step | Reply) -> list[Any]:
    """CALLERS calls of one client, all refused in the same moment; what each of them got."""
    server.on("GET", "/v1/batches", only_for("access-2", threading.Barrier(CALLERS).wait))
    server.on("POST", "/v1/auth/refresh", outcome)
    if call.face == "sync":
        with KakshaClient(**call.options) as client, ThreadPoolExecutor(CALLERS) as threads:
            started = [threads.submit(client.batches.list) for _ in range(CALLERS)]
            return [each.exception() or each.result() for each in started]

    async def main() -> list[Any]:
        async with AsyncKakshaClient(**call.options) as client:
            calls = (client.batches.list() for _ in range(CALLERS))
            return await asyncio.gather(*calls, return_exceptions=True)

    return asyncio.run(main())


def test_a_hundred_calls_one_refresh(call: Caller, server: FaultServer, store: MemoryTokenStore) -> None:
    answers = everyone_at_once(call, server, success(SIGN_IN))
    assert [answer.items for answer in answers] == [[]] * CALLERS
    assert server.count("/v1/auth/refresh") == 1
    assert server.count("/v1/batches") == 2 * CALLERS
    assert store.load() == FRESH


def test_a_hundred_calls_one_refusal(call: Caller, server: FaultServer, store: MemoryTokenStore) -> None:
    errors = everyone_at_once(call, server, failure(401, "TOKEN_REUSED"))
    assert {str(error) for error in errors} == {"Session expired. Please login again."}
    assert server.count("/v1/auth/refresh") == 1
    assert server.count("/v1/batches") == CALLERS
    assert store.load() is None


@pytest.mark.parametrize("status", [400, 401])
def test_a_refused_refresh_ends_the_sign_in(
    call: Caller, server: FaultServer, store: MemoryTokenStore, status: int
) -> None:
    server.on("GET", "/v1/batches", EXPIRED)
    server.on("POST", "/v1/auth/refresh", failure(status, "TOKEN_REUSED"))
    with pytest.raises(AuthenticationError, match=r"^Session expired\. Please login again\.$") as caught:
        call(lambda client: client.batches.list(), language="hi")
    assert caught.value.code == "SESSION_EXPIRED"
    assert caught.value.user_message == "आपका सत्र समाप्त हो गया है। कृपया फिर से लॉग इन करें।"
    assert store.load() is None


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (lost, NetworkError),
        (html(502), ServerError),
        (failure(429, "SLOW_DOWN"), KakshaError),
        (failure(409, "TRY_AGAIN"), KakshaError),
        (success({"user": SIGN_IN["user"]}), ServerError),  # a success without a token
    ],
)
def test_a_failed_refresh_signs_nobody_out(
    call: Caller, server: FaultServer, store: MemoryTokenStore, fault: Step | Reply, kind: type[KakshaError]
) -> None:
    server.on("GET", "/v1/batches", EXPIRED)
    server.on("POST", "/v1/auth/refresh", fault)
    with pytest.raises(kind):
        call(lambda client: client.batches.list())
    assert store.load() == Tokens("access-1", "refresh-1", "0193-asha")
    assert server.count("/v1/auth/refresh") == 1


@pytest.mark.parametrize("code", ["INVALID_CREDENTIALS", "A_CODE_OF_TOMORROW"])
def test_a_wrong_password_is_a_wrong_password(call: Caller, server: FaultServer, code: str) -> None:
    server.on("POST", "/v1/auth/login", failure(401, code, "Wrong e-mail or password"))
    with pytest.raises(AuthenticationError) as caught:
        call(lambda client: client.auth.login(email="asha@aarambh.example", password="wrong"))
    assert caught.value.user_message == "Wrong e-mail or password"
    server.on("POST", "/v1/auth/change-password", failure(401, "INVALID_CREDENTIALS", "Wrong password"))
    with pytest.raises(AuthenticationError, match="Wrong password"):
        call(lambda client: client.request("POST", "/auth/change-password", json={}))
    assert server.count("/v1/auth/refresh") == 0


def test_without_a_sign_in_there_is_nothing_to_refresh(
    call: Caller, server: FaultServer, store: MemoryTokenStore
) -> None:
    store.save(None)
    server.on("GET", "/v1/batches", EXPIRED)
    with pytest.raises(AuthenticationError):
        call(lambda client: client.batches.list())
    with pytest.raises(AuthenticationError):
        call(lambda client: client.auth.refresh())
    assert len(server.seen) == 1


def test_a_second_401_is_final(call: Caller, server: FaultServer, store: MemoryTokenStore) -> None:
    server.on("GET", "/v1/batches", EXPIRED)
    server.on("POST", "/v1/auth/refresh", success(SIGN_IN))
    with pytest.raises(AuthenticationError) as caught:
        call(lambda client: client.batches.list())
    assert caught.value.code == "TOKEN_EXPIRED"
    assert server.count("/v1/auth/refresh") == 1
    assert store.load() == FRESH


def test_a_refresh_by_hand(call: Caller, server: FaultServer, store: MemoryTokenStore) -> None:
    server.on("POST", "/v1/auth/refresh", success(SIGN_IN))
    call(lambda client: client.auth.refresh())
    assert store.load() == FRESH


def test_tokens_that_somebody_else_refreshed_are_used(
    call: Caller, server: FaultServer, store: MemoryTokenStore
) -> None:
    server.on("GET", "/v1/batches", only_for("access-2", lambda: store.save(FRESH)))
    assert call(lambda client: client.batches.list()).items == []
    assert server.count("/v1/auth/refresh") == 0


def test_another_program_with_the_same_store_was_faster(
    call: Caller, server: FaultServer, store: MemoryTokenStore
) -> None:
    def used_up(_seen: Seen) -> Reply:
        store.save(FRESH)
        return failure(401, "TOKEN_REUSED")

    server.on("GET", "/v1/batches", only_for("access-2"))
    server.on("POST", "/v1/auth/refresh", used_up)
    assert call(lambda client: client.batches.list()).items == []
    assert store.load() == FRESH


@pytest.mark.parametrize("present", [None, Tokens("access-2", "refresh-2", "0193-meher")])
@pytest.mark.parametrize("during", ["the call", "the refresh"])
def test_a_call_is_not_repeated_as_somebody_else(
    call: Caller, server: FaultServer, store: MemoryTokenStore, present: Tokens | None, during: str
) -> None:
    """On a shared phone one person signs out, and another in, while a call of the first is under way."""

    def change() -> None:
        store.save(present)

    def refresh(_seen: Seen) -> Reply:
        change()
        return success(SIGN_IN)

    server.on(
        "POST", "/v1/messages/send", only_for("access-2", change if during == "the call" else lambda: None)
    )
    server.on("POST", "/v1/auth/refresh", refresh)
    with pytest.raises(AuthenticationError, match="Session expired"):
        call(lambda client: client.request("POST", "/messages/send", json={}))
    assert server.count("/v1/messages/send") == 1
    assert store.load() == present


def test_a_cancelled_call_does_not_lose_the_new_tokens(
    server: FaultServer, store: MemoryTokenStore, clock: Clock
) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def slow(_seen: Seen) -> Reply:
        arrived.set()
        go_on.wait()
        return success(SIGN_IN)

    server.on("GET", "/v1/batches", only_for("access-2"))
    server.on("POST", "/v1/auth/refresh", slow)

    async def main() -> None:
        async with AsyncKakshaClient(base_url=server.url, token_store=store, retry=clock.policy()) as client:
            first = asyncio.create_task(client.batches.list())
            await asyncio.to_thread(arrived.wait)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            second = asyncio.create_task(client.batches.list())
            go_on.set()
            assert (await second).items == []

    asyncio.run(main())
    assert store.load() == FRESH
    assert server.count("/v1/auth/refresh") == 1


def test_one_who_stops_waiting_does_not_stop_the_others() -> None:
    flight = Flight()

    async def main() -> None:
        began = asyncio.Event()

        async def wait() -> None:
            began.set()
            await outcome_of_async(flight)

        waiter = asyncio.create_task(wait())
        await began.wait()
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter

    asyncio.run(main())
    assert not flight.outcome.cancelled()


def test_an_interrupted_refresh_leaves_nobody_waiting(
    server: FaultServer, store: MemoryTokenStore, clock: Clock
) -> None:
    """The program is told to stop in the middle of a refresh, and goes on: the next call refreshes anew."""

    class Interrupting(httpx2.HTTPTransport):
        interrupted = False

        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.url.path == "/v1/auth/refresh" and not self.interrupted:
                self.interrupted = True
                raise KeyboardInterrupt
            return super().handle_request(request)

    server.on("GET", "/v1/batches", only_for("access-2"))
    server.on("POST", "/v1/auth/refresh", success(SIGN_IN))
    with KakshaClient(
        base_url=server.url, token_store=store, retry=clock.policy(), transport=Interrupting()
    ) as client:
        with pytest.raises(KeyboardInterrupt):
            client.batches.list()
        assert client.batches.list().items == []
