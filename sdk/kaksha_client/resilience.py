"""Retry and circuit breaker, for calls that leave the process. The server's gateways use the same ones.

The order of the layers, from the outside: deadline, retry, breaker, time-out of one try. The breaker is
inside the retry, so that it sees every try; an open breaker ends the retrying.

    breakers = Breakers()
    answer = await RetryPolicy().run_async(call, safe=True, breaker=breakers.get("razorpay"))

`call` must raise for a bad answer (`response.raise_for_status()`, or an error of your own with your own
`judge`): a response object that is merely returned counts as a success.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NamedTuple, TypeVar

import httpx2

from .errors import CircuitOpen, ErrorType, KakshaError, from_exception, from_response

T = TypeVar("T")

logger = logging.getLogger("kaksha_client")


class Outcome(Enum):
    """What the end of one try says about the health of the other side."""

    SUCCESS = "success"
    FAILURE = "failure"
    NOTHING = "nothing"


class Verdict(NamedTuple):
    """`retryable`: the same call may succeed later. `retry_after`: seconds the other side asked for."""

    retryable: bool
    outcome: Outcome
    retry_after: float | None = None


_FAILURES = {
    ErrorType.NETWORK_ERROR,
    ErrorType.TIMEOUT_ERROR,
    ErrorType.RATE_LIMIT_ERROR,
    ErrorType.SERVER_ERROR,
    ErrorType.SERVICE_UNAVAILABLE,
}


def judge(error: Exception) -> Verdict:
    """The default judgement, for our own errors, httpx2's and the ones of Python.

    A refusal that is the caller's fault (4xx but 408 and 429) is a sign of life, as good as a success. What
    we do not know counts as a failure, so that a breaker around foreign code works, but is not repeated.
    """
    match error:
        case CircuitOpen():
            return Verdict(False, Outcome.NOTHING)
        case KakshaError():
            known = error
        case httpx2.HTTPStatusError():
            known = from_response(error.response)
        case httpx2.RequestError() | TimeoutError():
            known = from_exception(error)
        case ConnectionError():
            return Verdict(True, Outcome.FAILURE)
        case _:
            return Verdict(False, Outcome.FAILURE)
    if known.type in _FAILURES:
        outcome = Outcome.FAILURE
    else:
        outcome = Outcome.NOTHING if known.status is None else Outcome.SUCCESS
    return Verdict(known.retryable, outcome, known.retry_after)


class State(StrEnum):
    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


class CircuitBreaker:
    """Stops calling what does not answer, and finds out by single probes when it does again.

    1. CLOSED: calls pass. `failure_threshold` failures within `monitoring_period` seconds open it; successes
       in between do not hide them.
    2. OPEN: calls raise CircuitOpen at once, for `reset_timeout` seconds.
    3. HALF_OPEN: one call at a time passes. `success_threshold` successes close it, any failure reopens it.

    A call that ends after the state has changed under it, or is cancelled, counts as nothing. Threads and
    event loops may share a breaker. `on_change(name, old, new)` runs with the lock held: let it be quick.
    """

    def __init__(
        self,
        name: str = "",
        *,
        failure_threshold: int = 5,
        monitoring_period: float = 10.0,
        reset_timeout: float = 60.0,
        success_threshold: int = 3,
        judge: Callable[[Exception], Verdict] = judge,
        on_change: Callable[[str, State, State], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._failure_threshold = failure_threshold
        self._monitoring_period = monitoring_period
        self._reset_timeout = reset_timeout
        self._success_threshold = success_threshold
        self._judge = judge
        self._on_change = on_change
        self._clock = clock
        self._lock = threading.RLock()  # re-entrant, so that on_change may read the state
        self._state = State.CLOSED
        self._epoch = 0  # one more at every change of state: tells which results are stale
        self._failures: deque[float] = deque(maxlen=failure_threshold)
        self._successes = 0
        self._opened_at = 0.0
        self._probing = False

    @property
    def state(self) -> State:
        with self._lock:
            self._half_open_when_due()
            return self._state

    @property
    def idle(self) -> bool:
        """Closed with no failure to remember: the same as a new one."""
        with self._lock:
            recent = self._failures and self._clock() - self._failures[-1] <= self._monitoring_period
            return self._state is State.CLOSED and not recent

    def reset(self) -> None:
        """Close it and forget everything; what is under way now counts as nothing."""
        with self._lock:
            self._enter(State.CLOSED)

    @contextlib.contextmanager
    def guard(self) -> Generator[None]:
        """One try, sync or with awaits in it. Raises CircuitOpen if it may not be made."""
        epoch = self._admit()
        outcome = Outcome.NOTHING  # of a cancellation or an interrupt, which is no Exception
        try:
            yield
            outcome = Outcome.SUCCESS
        except Exception as error:
            outcome = self._judge(error).outcome
            raise
        finally:
            self._settle(epoch, outcome)

    def _admit(self) -> int:
        with self._lock:
            self._half_open_when_due()
            if self._state is State.OPEN:
                raise CircuitOpen(retry_after=self._opened_at + self._reset_timeout - self._clock())
            if self._state is State.HALF_OPEN:
                if self._probing:
                    raise CircuitOpen
                self._probing = True
            return self._epoch

    def _settle(self, epoch: int, outcome: Outcome) -> None:
        with self._lock:
            if epoch != self._epoch:
                return
            self._probing = False
            if outcome is Outcome.FAILURE:
                self._count_failure()
            elif outcome is Outcome.SUCCESS and self._state is State.HALF_OPEN:
                self._successes += 1
                if self._successes >= self._success_threshold:
                    self._enter(State.CLOSED)

    def _count_failure(self) -> None:
        now = self._clock()
        self._failures.append(now)  # keeps only as many as it takes to open
        enough = len(self._failures) == self._failure_threshold
        if self._state is State.HALF_OPEN or (enough and now - self._failures[0] <= self._monitoring_period):
            self._opened_at = now
            self._enter(State.OPEN)

    def _half_open_when_due(self) -> None:
        if self._state is State.OPEN and self._clock() - self._opened_at >= self._reset_timeout:
            self._enter(State.HALF_OPEN)

    def _enter(self, state: State) -> None:
        old, self._state = self._state, state
        self._epoch += 1
        self._failures.clear()
        self._successes = 0
        self._probing = False
        if self._on_change is None or old is state:
            return
        try:
            self._on_change(self.name, old, state)
        except Exception:  # a broken metric must not break the calls
            logger.exception("on_change of circuit breaker %r failed", self.name)


class Breakers:
    """Breakers by key, such as `"razorpay"` or `f"{institute}:mail"`, all made by `make(key)`.

    When there are more than `limit`, those are dropped that are the same as new ones.
    """

    def __init__(self, make: Callable[[str], CircuitBreaker] = CircuitBreaker, *, limit: int = 1000) -> None:
        self._make = make
        self._limit = limit
        self._lock = threading.Lock()
        self._by_key: dict[str, CircuitBreaker] = {}

    def get(self, key: str) -> CircuitBreaker:
        with self._lock:
            if key not in self._by_key:
                if len(self._by_key) >= self._limit:
                    self._by_key = {name: kept for name, kept in self._by_key.items() if not kept.idle}
                self._by_key[key] = self._make(key)
            return self._by_key[key]

    def state(self, key: str) -> State:
        with self._lock:
            breaker = self._by_key.get(key)
        return breaker.state if breaker else State.CLOSED

    def states(self) -> dict[str, State]:
        with self._lock:
            breakers = dict(self._by_key)
        return {key: breaker.state for key, breaker in breakers.items()}

    def reset(self, key: str) -> None:
        with self._lock:
            breaker = self._by_key.get(key)
        if breaker:
            breaker.reset()


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often and how long. All times are seconds.

    `attempts` counts the first one. The wait is drawn between 0 and `base_delay * multiplier ** n`, at most
    `max_delay`. A Retry-After is waited for in full; one above `max_retry_after` is not waited for at all:
    the caller gets the error and may come back later. No try begins after `deadline`.
    `per_try` cuts off a try of `run_async`; of `run`, the time-out of its HTTP client does.
    """

    attempts: int = 3
    base_delay: float = 1.0
    multiplier: float = 2.0
    max_delay: float = 10.0
    max_retry_after: float = 30.0
    deadline: float | None = 90.0
    per_try: float | None = 30.0
    judge: Callable[[Exception], Verdict] = judge
    clock: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random
    sleep: Callable[[float], None] = time.sleep
    sleep_async: Callable[[float], Awaitable[None]] = asyncio.sleep

    def run(self, call: Callable[[], T], *, safe: bool, breaker: CircuitBreaker | None = None) -> T:
        """Call until it succeeds, cannot, or may not be repeated; then its own error is raised.

        `safe`: doing it twice is the same as doing it once (an idempotent method, or an idempotency key).
        """
        started = self.clock()
        for attempt in range(1, self.attempts + 1):
            try:
                with breaker.guard() if breaker else contextlib.nullcontext():
                    return call()
            except Exception as error:
                wait = self._wait(error, attempt, started) if safe else None
                if wait is None:
                    raise
            self.sleep(wait)
        raise ValueError("attempts must be at least 1")

    async def run_async(
        self, call: Callable[[], Awaitable[T]], *, safe: bool, breaker: CircuitBreaker | None = None
    ) -> T:
        """The same for coroutines; a try that takes longer than `per_try` raises TimeoutError."""
        started = self.clock()
        for attempt in range(1, self.attempts + 1):
            try:
                with breaker.guard() if breaker else contextlib.nullcontext():
                    async with asyncio.timeout(self._limit(started)):
                        return await call()
            except Exception as error:
                wait = self._wait(error, attempt, started) if safe else None
                if wait is None:
                    raise
            await self.sleep_async(wait)
        raise ValueError("attempts must be at least 1")

    def _wait(self, error: Exception, attempt: int, started: float) -> float | None:
        """Seconds until the next try, None if there is none."""
        verdict = self.judge(error)
        if not verdict.retryable or attempt >= self.attempts:
            return None
        wait = self.random() * min(self.max_delay, self.base_delay * self.multiplier ** (attempt - 1))
        if verdict.retry_after is not None:
            if verdict.retry_after > self.max_retry_after:
                return None
            wait += verdict.retry_after  # never earlier than asked; the jitter parts those asked the same
        if self.deadline is not None and self.clock() - started + wait >= self.deadline:
            return None
        return wait

    def _limit(self, started: float) -> float | None:
        if self.deadline is None:
            return self.per_try
        left = self.deadline - (self.clock() - started)
        return left if self.per_try is None else min(self.per_try, left)
