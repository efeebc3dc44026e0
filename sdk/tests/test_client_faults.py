"""Networks and servers that fail, over real sockets; the waits are virtual."""

from __future__ import annotations

import socket
import threading

import pytest
from caller import Caller
from fault_server import FaultServer, Reply, Seen, Step, failure, html, lost, reset, success, truncated
from virtual_clock import Clock

from kaksha_client import (
    CircuitBreaker,
    CircuitOpen,
    ClientError,
    KakshaError,
    NetworkError,
    RateLimited,
    ServerError,
    ServiceUnavailable,
    State,
    TimedOut,
    ValidationError,
)

PATH = "/v1/batches"
GOOD = success([{"id": "b-1"}])
CUT = Reply(200, b'{"success": true, "data": [{"id"')
CAPTIVE_PORTAL = html(200)


@pytest.mark.parametrize(
    "fault",
    [lost, reset, truncated, html(502), CUT, CAPTIVE_PORTAL, failure(500, "INTERNAL"), failure(503, "DOWN")],
)
def test_a_read_survives_two_faults(
    call: Caller, server: FaultServer, clock: Clock, fault: Step | Reply
) -> None:
    server.on("GET", PATH, fault, fault, GOOD)
    assert call(lambda client: client.batches.list()).items == [{"id": "b-1"}]
    assert clock.slept == [1.0, 2.0]
    assert len({seen.headers["x-request-id"] for seen in server.seen}) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (lost, NetworkError),
        (reset, NetworkError),
        (truncated, NetworkError),
        (html(502), ServerError),
        (CUT, ServerError),
        (failure(503, "DOWN"), ServiceUnavailable),
    ],
)
def test_after_three_tries_the_error_is_told(
    call: Caller, server: FaultServer, fault: Step | Reply, kind: type[KakshaError]
) -> None:
    server.on("GET", PATH, fault)
    with pytest.raises(kind) as caught:
        call(lambda client: client.batches.list())
    assert len(server.seen) == 3
    assert caught.value.request_id in (server.seen[0].headers["x-request-id"], "req-1")
    assert caught.value.retryable


@pytest.mark.parametrize("fault", [lost, reset, truncated, html(502)])
def test_a_write_is_repeated_under_the_same_key(
    call: Caller, server: FaultServer, fault: Step | Reply
) -> None:
    server.on("POST", "/v1/messages/send", fault, success({"id": "m-1"}))
    call(lambda client: client.request("POST", "/messages/send", json={"content": "Namaste"}))
    keys = [seen.headers["idempotency-key"] for seen in server.seen]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    call(lambda client: client.request("POST", "/messages/send", json={}, idempotency_key="mine"))
    assert server.seen[-1].headers["idempotency-key"] == "mine"


@pytest.mark.parametrize("fault", [lost, html(502), failure(429, "SLOW_DOWN", retry_after="1")])
def test_a_write_without_a_key_is_not_repeated(
    call: Caller, server: FaultServer, fault: Step | Reply
) -> None:
    server.on("POST", "/v1/auth/login", fault)
    server.on("PATCH", "/v1/users/profile", fault)
    with pytest.raises(KakshaError):
        call(lambda client: client.auth.login(email="asha@aarambh.example", password="kaksha-demo"))
    with pytest.raises(KakshaError):
        call(lambda client: client.users.update_profile(name="Asha"))
    assert len(server.seen) == 2


def test_invalid_fields_are_not_repeated(call: Caller, server: FaultServer, clock: Clock) -> None:
    server.on("POST", "/v1/messages/send", failure(422, "INVALID_FIELDS", errors={"content": ["Empty"]}))
    with pytest.raises(ValidationError):
        call(lambda client: client.request("POST", "/messages/send", json={}))
    assert len(server.seen) == 1
    assert clock.slept == []


def test_retry_after_in_seconds(call: Caller, server: FaultServer, clock: Clock) -> None:
    server.on("GET", PATH, failure(429, "SLOW_DOWN", retry_after="12"), GOOD)
    call(lambda client: client.batches.list())
    assert clock.slept == [13.0]  # as asked, and a second of jitter


def test_retry_after_as_a_date(call: Caller, server: FaultServer, clock: Clock) -> None:
    later = failure(429, "SLOW_DOWN", retry_after="Sun, 22 Nov 2026 10:00:09 GMT")
    later.headers["Date"] = "Sun, 22 Nov 2026 10:00:00 GMT"
    server.on("GET", PATH, later, GOOD)
    call(lambda client: client.batches.list())
    assert clock.slept == [10.0]


def test_an_hour_is_not_waited_for(call: Caller, server: FaultServer, clock: Clock) -> None:
    server.on("GET", PATH, failure(429, "SLOW_DOWN", retry_after="3600"))
    with pytest.raises(RateLimited) as caught:
        call(lambda client: client.batches.list())
    assert caught.value.retry_after == 3600
    assert clock.slept == []


def test_our_own_first_try_in_flight_is_waited_for(call: Caller, server: FaultServer) -> None:
    busy = failure(409, "IDEMPOTENCY_KEY_IN_FLIGHT")
    server.on("POST", "/v1/messages/send", lost, busy, success({"id": "m-1"}))
    assert call(lambda client: client.request("POST", "/messages/send", json={})).data == {"id": "m-1"}


def test_a_redirect_is_not_followed(call: Caller, server: FaultServer) -> None:
    server.on("GET", PATH, Reply(302, headers={"Location": "https://elsewhere.example/"}))
    with pytest.raises(ClientError) as caught:  # the token would go along
        call(lambda client: client.batches.list())
    assert caught.value.status == 302


def test_nobody_listens(call: Caller) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound but not listening: refused
        with pytest.raises(NetworkError) as caught:
            call(lambda client: client.batches.list(), base_url=f"http://127.0.0.1:{free.getsockname()[1]}")
    assert caught.value.status is None
    assert caught.value.request_id


def test_an_address_without_a_scheme(call: Caller, clock: Clock) -> None:
    with pytest.raises(ClientError, match="protocol"):
        call(lambda client: client.batches.list(), base_url="kaksha.example")
    assert clock.slept == []


def test_a_server_that_says_nothing(call: Caller, server: FaultServer, clock: Clock) -> None:
    done = threading.Event()

    def silent(_seen: Seen) -> None:
        done.wait()

    server.on("GET", PATH, silent)
    try:
        with pytest.raises(TimedOut) as caught:
            call(lambda client: client.batches.list(), timeout=0.05, retry=clock.policy(attempts=1))
    finally:
        done.set()
    assert caught.value.user_message == "Request timed out. Please try again."


def test_a_server_that_drips_is_cut_off_by_the_policy(
    call: Caller, server: FaultServer, clock: Clock
) -> None:
    if call.face == "sync":
        pytest.skip("a blocking try is bounded by httpx2's time-outs alone")
    done = threading.Event()

    def silent(_seen: Seen) -> None:
        done.wait()

    server.on("GET", PATH, silent)
    try:
        with pytest.raises(TimedOut):
            call(lambda client: client.batches.list(), retry=clock.policy(attempts=1, per_try=0.05))
    finally:
        done.set()


def test_a_dead_server_is_left_alone_until_it_may_live_again(
    call: Caller, server: FaultServer, clock: Clock
) -> None:
    breaker = CircuitBreaker(clock=clock)
    server.on("GET", PATH, *[html(502)] * 5, GOOD)
    with pytest.raises(ServerError):
        call(lambda client: client.batches.list(), breaker=breaker)
    with pytest.raises(CircuitOpen) as caught:  # at its third try
        call(lambda client: client.batches.list(), breaker=breaker, language="hi")
    assert len(server.seen) == 5
    assert caught.value.user_message.startswith("सर्वर")
    assert caught.value.request_id == server.seen[-1].headers["x-request-id"]
    clock.sleep(60)
    for _ in range(3):
        call(lambda client: client.batches.list(), breaker=breaker)
    assert breaker.state is State.CLOSED
