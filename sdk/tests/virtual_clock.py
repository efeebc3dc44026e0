"""Time that passes only when someone sleeps."""

from __future__ import annotations

from typing import Any

from kaksha_client import RetryPolicy


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)

    def policy(self, *, random: float = 1.0, **settings: Any) -> RetryPolicy:
        """A policy on this clock; `random` is what each draw gives."""
        return RetryPolicy(
            clock=self, sleep=self.sleep, sleep_async=self.sleep_async, random=lambda: random, **settings
        )
