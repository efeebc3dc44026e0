"""One refresh of the tokens at a time, whichever tasks and threads ask for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from .tokens import Tokens, TokenStore

T = TypeVar("T")

_running: set[asyncio.Task[Any]] = set()


class Flight:
    """A refresh under way. All who need it wait for the one outcome, a failure too."""

    def __init__(self) -> None:
        self.outcome: Future[None] = Future()
        # From here on a waiter who is cancelled cannot cancel it for the others.
        self.outcome.set_running_or_notify_cancel()


class Refreshes:
    def __init__(self, store: TokenStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._flight: Flight | None = None

    def join(self, stale: Tokens) -> tuple[Flight, bool] | None:
        """A flight, and whether the caller is to fly it. None if *stale* has been replaced already."""
        with self._lock:
            if self._store.load() != stale:
                return None
            leads = self._flight is None
            self._flight = self._flight or Flight()
            return self._flight, leads

    def replace(self, stale: Tokens, fresh: Tokens | None) -> bool:
        """Store *fresh*, unless someone has signed in or out since *stale* was sent: that stands."""
        with self._lock:
            if self._store.load() != stale:
                return False
            self._store.save(fresh)
            return True

    def land(self, flight: Flight, error: Exception | None = None) -> None:
        with self._lock:
            self._flight = None
        if error is None:
            flight.outcome.set_result(None)
        else:
            flight.outcome.set_exception(error)


async def to_the_end_async(work: Coroutine[Any, Any, T]) -> T:
    """Await *work*, which goes on if the caller is cancelled: a refresh token that was sent is used up."""
    task = asyncio.ensure_future(work)
    _running.add(task)  # the loop itself keeps only weak references
    task.add_done_callback(_running.discard)
    return await asyncio.shield(task)


def to_the_end(result: T) -> T:
    """The same where nothing can be cancelled."""
    return result


async def outcome_of_async(flight: Flight) -> None:
    await asyncio.wrap_future(flight.outcome)


def outcome_of(flight: Flight) -> None:
    flight.outcome.result()
