from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from virtual_clock import Clock

from kaksha_client import (
    CircuitBreaker,
    CircuitOpen,
    ClientError,
    NetworkError,
    RateLimited,
    RetryPolicy,
    ServiceUnavailable,
    State,
    ValidationError,
)
from kaksha_client.resilience import Outcome, Verdict

Run = Callable[..., Any]


class Script:
    """A call that raises or returns the given things in turn."""

    def __init__(self, *ends: Any) -> None:
        self.ends = list(ends)
        self.calls = 0

    def __call__(self) -> Any:
        self.calls += 1
        end = self.ends.pop(0)
        if isinstance(end, BaseException):
            raise end
        return end

    async def later(self) -> Any:
        return self()


def run_sync(policy: RetryPolicy, script: Script, **how: Any) -> Any:
    return policy.run(script, **how)


def run_async(policy: RetryPolicy, script: Script, **how: Any) -> Any:
    return asyncio.run(policy.run_async(script.later, **how))


both = pytest.mark.parametrize("run", [run_sync, run_async])


@both
def test_three_tries_with_doubling_waits(run: Run, clock: Clock) -> None:
    script = Script(NetworkError(), ServiceUnavailable(), "done")
    assert run(clock.policy(), script, safe=True) == "done"
    assert clock.slept == [1.0, 2.0]


@both
def test_the_last_error_is_the_one_raised(run: Run, clock: Clock) -> None:
    last = NetworkError("third")
    with pytest.raises(NetworkError) as caught:
        run(clock.policy(), Script(NetworkError("first"), NetworkError("second"), last), safe=True)
    assert caught.value is last


@both
def test_jitter_is_full_and_the_wait_bounded(run: Run, clock: Clock) -> None:
    run(clock.policy(random=0.25), Script(NetworkError(), NetworkError(), 1), safe=True)
    assert clock.slept == [0.25, 0.5]
    clock.slept.clear()
    run(clock.policy(attempts=7), Script(*[NetworkError()] * 6, 1), safe=True)
    assert clock.slept == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


@both
@pytest.mark.parametrize(
    "error",
    [ValidationError(status=422), ClientError(status=404), CircuitOpen(), ValueError("a bug of ours")],
)
def test_what_would_fail_again_is_not_repeated(run: Run, clock: Clock, error: Exception) -> None:
    script = Script(error)
    with pytest.raises(type(error)):
        run(clock.policy(), script, safe=True)
    assert script.calls == 1


@both
def test_what_is_not_safe_is_not_repeated(run: Run, clock: Clock) -> None:
    script = Script(NetworkError())
    with pytest.raises(NetworkError):
        run(clock.policy(), script, safe=False)
    assert script.calls == 1


@both
def test_retry_after_is_the_least_wait(run: Run, clock: Clock) -> None:
    policy = clock.policy(random=0.5)
    assert run(policy, Script(RateLimited(retry_after=7.0), "done"), safe=True) == "done"
    assert clock.slept == [7.5]


@both
def test_a_longer_retry_after_is_left_to_the_caller(run: Run, clock: Clock) -> None:
    with pytest.raises(RateLimited) as caught:
        run(clock.policy(), Script(RateLimited(retry_after=31.0)), safe=True)
    assert caught.value.retry_after == 31.0
    assert clock.slept == []


@both
def test_no_try_begins_after_the_deadline(run: Run, clock: Clock) -> None:
    script = Script(*[NetworkError()] * 9)
    with pytest.raises(NetworkError):
        run(clock.policy(attempts=9, deadline=10.0), script, safe=True)
    assert clock.slept == [1.0, 2.0, 4.0]  # 8 more would pass it
    assert script.calls == 4


@both
def test_errors_of_httpx2_and_python_are_known(run: Run, clock: Clock) -> None:
    response = httpx2.Response(
        429, headers={"Retry-After": "3"}, request=httpx2.Request("GET", "http://kaksha.example")
    )
    too_many = httpx2.HTTPStatusError("429", request=response.request, response=response)
    script = Script(httpx2.ReadTimeout(""), too_many, ConnectionResetError(), "done")
    assert run(clock.policy(attempts=4, random=0.0), script, safe=True) == "done"
    assert clock.slept == [0.0, 3.0, 0.0]


@both
def test_a_gateway_brings_its_own_judgement(run: Run, clock: Clock) -> None:
    def judge(error: Exception) -> Verdict:
        return Verdict(isinstance(error, LookupError), Outcome.FAILURE)

    assert run(clock.policy(judge=judge), Script(LookupError(), "done"), safe=True) == "done"


@both
def test_the_breaker_sees_every_try_and_ends_the_retrying(run: Run, clock: Clock) -> None:
    breaker = CircuitBreaker(failure_threshold=2, clock=clock)
    script = Script(*[NetworkError()] * 9)
    with pytest.raises(CircuitOpen, match="Circuit breaker is OPEN") as caught:
        run(clock.policy(attempts=9), script, safe=True, breaker=breaker)
    assert script.calls == 2
    assert caught.value.type == "SERVICE_UNAVAILABLE"
    assert caught.value.retry_after == 58.0  # the wait of 2 seconds has passed
    assert breaker.state is State.OPEN


def test_a_try_that_takes_too_long_is_cut_off(clock: Clock) -> None:
    breaker = CircuitBreaker(failure_threshold=3, clock=clock)

    async def main() -> None:
        never = asyncio.Event()
        await clock.policy(per_try=0.001).run_async(never.wait, safe=True, breaker=breaker)

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert clock.slept == [1.0, 2.0]
    assert breaker.state is State.OPEN


def test_a_cancelled_call_is_not_repeated_and_counts_as_nothing(clock: Clock) -> None:
    breaker = CircuitBreaker(failure_threshold=1, clock=clock)

    async def main() -> None:
        begun = asyncio.Event()

        async def call() -> None:
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(clock.policy().run_async(call, safe=True, breaker=breaker))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert clock.slept == []
    assert breaker.state is State.CLOSED


def test_the_defaults_are_the_guides() -> None:
    policy = RetryPolicy()
    assert (policy.attempts, policy.base_delay, policy.multiplier, policy.max_delay) == (3, 1.0, 2.0, 10.0)
    assert policy.per_try == 30.0
