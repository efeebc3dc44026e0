from __future__ import annotations

import threading
from contextlib import AbstractContextManager

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from virtual_clock import Clock

from kaksha_client import (
    Breakers,
    CircuitBreaker,
    CircuitOpen,
    ClientError,
    NetworkError,
    PermissionDenied,
    RateLimited,
    ServerError,
    State,
    TimedOut,
    ValidationError,
)


def fail(breaker: CircuitBreaker, times: int = 1, error: Exception | None = None) -> None:
    for _ in range(times):
        with pytest.raises(type(error) if error else NetworkError), breaker.guard():
            raise error or NetworkError


def succeed(breaker: CircuitBreaker, times: int = 1) -> None:
    for _ in range(times):
        with breaker.guard():
            pass


def test_the_guides_numbers(clock: Clock) -> None:
    breaker = CircuitBreaker(clock=clock)
    fail(breaker, 4)
    assert breaker.state is State.CLOSED
    fail(breaker)
    assert breaker.state is State.OPEN
    clock.sleep(59.9)
    with pytest.raises(CircuitOpen), breaker.guard():
        pytest.fail("an open breaker let a call through")
    clock.sleep(0.1)
    assert breaker.state is State.HALF_OPEN
    succeed(breaker, 2)
    assert breaker.state is State.HALF_OPEN
    succeed(breaker)
    assert breaker.state is State.CLOSED


def test_failures_age_but_are_not_hidden_by_successes(clock: Clock) -> None:
    breaker = CircuitBreaker(clock=clock)
    for _ in range(20):
        fail(breaker)
        clock.sleep(2.6)  # never five within ten seconds
    assert breaker.state is State.CLOSED
    breaker.reset()
    for _ in range(5):
        assert breaker.state is State.CLOSED
        succeed(breaker)
        fail(breaker)
    assert breaker.state is State.OPEN


def test_any_failure_reopens_and_the_time_starts_anew(clock: Clock) -> None:
    breaker = CircuitBreaker(clock=clock)
    fail(breaker, 5)
    clock.sleep(60)
    succeed(breaker, 2)
    fail(breaker)
    assert breaker.state is State.OPEN
    clock.sleep(59)
    assert breaker.state is State.OPEN
    clock.sleep(1)
    succeed(breaker, 2)
    assert breaker.state is State.HALF_OPEN  # the two of the first time are forgotten


def test_one_probe_at_a_time(clock: Clock) -> None:
    breaker = CircuitBreaker(clock=clock)
    fail(breaker, 5)
    clock.sleep(60)
    with breaker.guard(), pytest.raises(CircuitOpen), breaker.guard():
        pytest.fail("a second probe")
    succeed(breaker, 2)
    assert breaker.state is State.CLOSED


def test_a_cancelled_probe_leaves_room_for_another(clock: Clock) -> None:
    breaker = CircuitBreaker(clock=clock)
    fail(breaker, 5)
    clock.sleep(60)
    with pytest.raises(KeyboardInterrupt), breaker.guard():
        raise KeyboardInterrupt
    assert breaker.state is State.HALF_OPEN
    succeed(breaker, 3)
    assert breaker.state is State.CLOSED


def test_the_callers_own_faults_do_not_count(clock: Clock) -> None:
    breaker = CircuitBreaker(clock=clock)
    for error in (ValidationError(status=422), PermissionDenied(status=403), ClientError(status=404)):
        fail(breaker, 5, error)
    fail(breaker, 9, ClientError())  # never sent
    assert breaker.state is State.CLOSED
    assert breaker.idle


@pytest.mark.parametrize("error", [RateLimited(status=429), TimedOut(status=408), ServerError(), OSError()])
def test_the_other_sides_faults_do(clock: Clock, error: Exception) -> None:
    breaker = CircuitBreaker(clock=clock)
    fail(breaker, 5, error)
    assert breaker.state is State.OPEN


def test_changes_are_told_in_order(clock: Clock) -> None:
    told: list[tuple[str, State, State]] = []

    def tell(name: str, old: State, new: State) -> None:
        assert breaker.state is new
        told.append((name, old, new))

    breaker = CircuitBreaker("mail", clock=clock, on_change=tell)
    fail(breaker, 5)
    clock.sleep(60)
    succeed(breaker, 3)
    breaker.reset()
    assert told == [
        ("mail", State.CLOSED, State.OPEN),
        ("mail", State.OPEN, State.HALF_OPEN),
        ("mail", State.HALF_OPEN, State.CLOSED),
    ]


def test_a_broken_hook_breaks_no_call(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_name: str, _old: State, _new: State) -> None:
        raise RuntimeError("no metrics today")

    breaker = CircuitBreaker("mail", clock=clock, on_change=broken)
    fail(breaker, 5)
    assert breaker.state is State.OPEN
    assert "no metrics today" in caplog.text


def test_threads_share_one_probe(clock: Clock) -> None:
    breaker = CircuitBreaker(clock=clock)
    fail(breaker, 5)
    clock.sleep(60)
    start, end = threading.Barrier(16), threading.Barrier(16)
    entered: list[bool] = []

    def probe() -> None:
        start.wait()
        try:
            with breaker.guard():
                entered.append(True)
                end.wait()
        except CircuitOpen:
            end.wait()

    threads = [threading.Thread(target=probe) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert entered == [True]


def test_breakers_by_key(clock: Clock) -> None:
    breakers = Breakers(lambda key: CircuitBreaker(key, failure_threshold=1, clock=clock))
    assert breakers.get("mail") is breakers.get("mail")
    fail(breakers.get("mail"))
    breakers.get("sms")
    assert breakers.state("mail") is State.OPEN
    assert breakers.state("never seen") is State.CLOSED
    assert breakers.states() == {"mail": State.OPEN, "sms": State.CLOSED}
    breakers.reset("mail")
    breakers.reset("never seen")
    assert breakers.states() == {"mail": State.CLOSED, "sms": State.CLOSED}


def test_breakers_do_not_pile_up(clock: Clock) -> None:
    breakers = Breakers(lambda key: CircuitBreaker(key, clock=clock), limit=3)
    fail(breakers.get("open"), 5)
    fail(breakers.get("failed once"))
    breakers.get("idle")
    breakers.get("new")
    assert breakers.states().keys() == {"open", "failed once", "new"}
    clock.sleep(11)
    breakers.get("newer")
    assert breakers.states().keys() == {"open", "newer"}


class Model(RuleBasedStateMachine):
    """The breaker against the rules of its docstring, told from the whole history instead of counters.

    Calls overlap freely: they begin and end in separate steps, with time passing in between.
    """

    @initialize(threshold=st.integers(1, 4), period=st.integers(1, 6), reset=st.integers(1, 8))
    def begin_with(self, threshold: int, period: int, reset: int) -> None:
        self.clock = Clock()
        self.threshold, self.period, self.reset_after = threshold, period, reset
        self.breaker = CircuitBreaker(
            failure_threshold=threshold,
            monitoring_period=period,
            reset_timeout=reset,
            success_threshold=3,
            clock=self.clock,
        )
        self.state = State.CLOSED
        self.since = 0.0
        self.history: list[tuple[float, str]] = []  # how calls ended since the state began
        self.begun: list[tuple[AbstractContextManager[None], int]] = []
        self.changes = 0

    def change(self, state: State) -> None:
        self.state, self.since, self.history = state, self.clock.now, []
        self.changes += 1

    def time_passes(self) -> None:
        if self.state is State.OPEN and self.clock.now >= self.since + self.reset_after:
            self.change(State.HALF_OPEN)

    @rule(seconds=st.integers(1, 5))
    def wait(self, seconds: int) -> None:
        self.clock.sleep(seconds)
        self.time_passes()

    @rule()
    def begin(self) -> None:
        probing = any(epoch == self.changes for _, epoch in self.begun)
        refused = self.state is State.OPEN or (self.state is State.HALF_OPEN and probing)
        guard = self.breaker.guard()
        try:
            guard.__enter__()
        except CircuitOpen:
            assert refused
        else:
            assert not refused
            self.begun.append((guard, self.changes))

    @precondition(lambda self: bool(self.begun))
    @rule(data=st.data(), end=st.sampled_from(["success", "failure", "refusal", "cancelled"]))
    def end(self, data: st.DataObject, end: str) -> None:
        guard, epoch = self.begun.pop(data.draw(st.integers(0, len(self.begun) - 1)))
        errors: dict[str, BaseException] = {
            "failure": NetworkError(),
            "refusal": ValidationError(status=422),
            "cancelled": KeyboardInterrupt(),
        }
        error = errors.get(end)
        try:
            swallowed = guard.__exit__(type(error) if error else None, error, None)
        except BaseException as raised:
            swallowed = raised is not error
        assert not swallowed
        if epoch != self.changes:
            return
        self.history.append((self.clock.now, "success" if end == "refusal" else end))
        ends = [how for _, how in self.history]
        recent = [t for t, how in self.history if how == "failure" and t >= self.clock.now - self.period]
        if end == "failure" and (self.state is State.HALF_OPEN or len(recent) >= self.threshold):
            self.change(State.OPEN)
        elif self.state is State.HALF_OPEN and ends.count("success") == 3:
            self.change(State.CLOSED)

    @rule()
    def reset(self) -> None:
        self.breaker.reset()
        self.change(State.CLOSED)

    @invariant()
    def agree(self) -> None:
        assert self.breaker.state is self.state


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
