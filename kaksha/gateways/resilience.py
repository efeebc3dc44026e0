"""What the gateways share: errors that know whether to come back, and a line that repeats, gives up and counts.

The retry and the breaker are the client's (`kaksha_client.resilience`): one implementation on both sides.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import ClassVar, TypeVar

import msgspec
import structlog
from kaksha_client.errors import CircuitOpen
from kaksha_client.resilience import CircuitBreaker, Outcome, RetryPolicy, State, Verdict, judge as judge_others
from prometheus_client import Counter, Gauge

from kaksha.core.errors import AppError
from kaksha.core.i18n import N_

__all__ = ["GatewayError", "Line", "judge", "line", "over"]

T = TypeVar("T")

_calls = Counter("kaksha_gateway_calls_total", "Calls of providers, after all tries", ["gateway", "result"])
_breakers = Gauge("kaksha_gateway_open", "1 while a provider is left alone because it failed", ["gateway"])
_log = structlog.get_logger("kaksha.gateways")


class GatewayError(AppError):
    """A provider failed. `reason` is for logs: codes and our own words, never a person's data or a provider's text."""

    status, code, text = 502, "PROVIDER_FAILED", N_("A service that we need did not answer. Please try again later.")
    retryable: ClassVar[bool] = False
    """Whether the same call may succeed later: a job comes back for it."""
    outcome: ClassVar[Outcome] = Outcome.FAILURE
    """What it says about the health of the provider; a refusal of one call is a sign of life."""

    def __init__(self, reason: str = "", *, retry_after: float | None = None) -> None:
        super().__init__()
        self.reason = reason
        self.retry_after = retry_after
        """Seconds that the provider asked us to wait."""
        if retry_after is not None:
            self.headers["Retry-After"] = str(max(1, -int(-retry_after // 1)))

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}" if self.reason else self.code


def judge(error: Exception) -> Verdict:
    """Our own errors as they say of themselves, anything else as the client's judgement has it."""
    if isinstance(error, GatewayError):
        return Verdict(error.retryable, error.outcome, error.retry_after)
    return judge_others(error)


class Line(msgspec.Struct, frozen=True):
    """How one provider is called. There is one a process and provider, because the breaker remembers."""

    name: str
    policy: RetryPolicy
    breaker: CircuitBreaker
    unavailable: type[GatewayError]
    """What a caller gets when there was no answer in time, or no try."""


def line(
    name: str,
    unavailable: type[GatewayError],
    *,
    per_try: float | None = 30.0,
    deadline: float = 90.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Line:
    """A line with the numbers of SPEC 7 (3 tries; 5 failures in 10 s, 60 s of rest, 3 successes). Times are seconds."""
    _breakers.labels(name).set(0)
    return Line(
        name,
        RetryPolicy(per_try=per_try, deadline=deadline, judge=judge, clock=clock, sleep_async=sleep),
        CircuitBreaker(name, judge=judge, on_change=_changed, clock=clock),
        unavailable,
    )


async def over(line: Line, call: Callable[[], Awaitable[T]], *, safe: bool = True) -> T:
    """Makes the call over the line. `safe`: doing it twice is the same as doing it once.

    Raises the GatewayError that the last try ended in.
    """
    try:
        answer = await line.policy.run_async(call, safe=safe, breaker=line.breaker)
    except CircuitOpen as error:
        _calls.labels(line.name, "not_tried").inc()
        raise line.unavailable("not tried: it kept failing", retry_after=error.retry_after) from None
    except TimeoutError:
        _count_failure(line, "timeout", "no answer in time")
        raise line.unavailable("no answer in time") from None
    except GatewayError as error:
        _count_failure(line, error.code.lower(), error.reason)
        raise
    _calls.labels(line.name, "ok").inc()
    return answer


def _count_failure(line: Line, result: str, reason: str) -> None:
    _calls.labels(line.name, result).inc()
    _log.warning("gateway.failed", gateway=line.name, result=result, reason=reason)


def _changed(name: str, old: State, new: State) -> None:
    _breakers.labels(name).set(0 if new is State.CLOSED else 1)
    _log.warning("gateway.breaker", gateway=name, was=old.value, now=new.value)
