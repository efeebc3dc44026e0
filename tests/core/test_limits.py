"""Rate limits: bursts, refill, and the same count for everybody who asks at once."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from kaksha.core.errors import TooMany
from kaksha.core.limits import FloodGate, Limit, take
from tests.world import NOW, World

_FIVE = Limit("test", 5, timedelta(seconds=10))


async def _allowed(world: World, key: str, after: float = 0) -> bool:
    async with world.db.read(None) as conn:
        try:
            await take(conn, _FIVE, key, NOW + timedelta(seconds=after))
        except TooMany as refused:
            assert int(refused.headers["Retry-After"]) >= 1
            assert refused.headers["RateLimit-Limit"] == "5"
            return False
    return True


async def test_of_twenty_at_once_five_pass(world: World) -> None:
    answers = await asyncio.gather(*(_allowed(world, "a") for _ in range(20)))
    assert sum(answers) == 5


async def test_one_more_fits_after_each_period(world: World) -> None:
    assert [await _allowed(world, "b") for _ in range(6)] == [True] * 5 + [False]
    assert [await _allowed(world, "b", after=10) for _ in range(2)] == [True, False]
    assert [await _allowed(world, "b", after=1000) for _ in range(6)] == [True] * 5 + [False]


async def test_keys_do_not_touch_each_other(world: World) -> None:
    assert [await _allowed(world, "c") for _ in range(5)] == [True] * 5
    assert await _allowed(world, "d")


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_a_gate_lets_no_more_through_than_it_says(gaps: list[float]) -> None:
    gate, now, passed = FloodGate(per_second=2, burst=4), 100.0, []
    for gap in gaps:
        now += gap
        wait = gate.wait("k", now)
        assert wait >= 0
        if not wait:
            passed.append(now)
    for first in passed:
        window = [moment for moment in passed if first <= moment < first + 3]
        assert len(window) <= 4 + 3 * 2


def test_a_gate_forgets_rather_than_grows() -> None:
    gate = FloodGate(per_second=1, burst=2, most=100)
    for number in range(1000):
        gate.wait(str(number), 0.0)
    assert len(gate._tat) <= 101


@pytest.mark.parametrize("burst", [1, 3])
def test_waiting_as_long_as_told_is_enough(burst: int) -> None:
    gate = FloodGate(per_second=5, burst=burst)
    for _ in range(burst):
        assert gate.wait("k", 10.0) == 0
    wait = gate.wait("k", 10.0)
    assert wait > 0
    assert gate.wait("k", 10.0 + wait + 1e-9) == 0
