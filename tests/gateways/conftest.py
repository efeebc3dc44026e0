"""The sandbox's receivers for the gateways' tests: one for all, emptied for each."""

from collections.abc import AsyncIterator

import pytest

from kaksha.sandbox.emulators import Emulators, emulators


@pytest.fixture(scope="session")
async def receivers() -> AsyncIterator[Emulators]:
    async with emulators() as running:
        yield running


@pytest.fixture
def sandbox(receivers: Emulators) -> Emulators:
    """Running receivers with an empty inbox and no faults."""
    receivers.inbox.clear()
    receivers.faults.plan("mail", "none")
    receivers.faults.plan("sms", "none")
    receivers.faults.plan("push", "none")
    return receivers


class Time:
    """A monotonic clock that only moves when somebody sleeps by it, or a test moves it."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


@pytest.fixture
def time() -> Time:
    return Time()
