"""Rate limits (GCRA). Cheap floods are counted in the process; what must hold across processes, in PostgreSQL."""

import hashlib
from datetime import timedelta

import msgspec

from kaksha.core.db import Conn
from kaksha.core.errors import TooMany

__all__ = ["FloodGate", "Limit", "digest", "give_back", "refusal", "take"]


class Limit(msgspec.Struct, frozen=True):
    """`burst` requests at once, then one each `period`; `name` is also the policy's name in the headers."""

    name: str
    burst: int
    period: timedelta


async def take(conn: Conn, limit: Limit, key: str, at: object) -> None:
    """Counts one request of `key` against `limit`. Raises TooMany with the seconds to wait.

    The row is written at once, outside the caller's transaction: a refused or failed attempt still counts.
    """
    row = await conn.fetchrow(
        "select allowed, remaining, retry_after from take_limit($1, $2, $3, $4)",
        digest(limit, key),
        limit.period,
        limit.burst,
        at,
    )
    assert row is not None
    if not row["allowed"]:
        raise refusal(limit, row["retry_after"])


def refusal(limit: Limit, wait: float) -> TooMany:
    """What is said to who must wait so many seconds."""
    refused = TooMany(wait)
    refused.headers |= headers(limit.burst, 0, wait)
    return refused


async def give_back(conn: Conn, limit: Limit, key: str) -> None:
    """Takes back one request that `take` counted."""
    await conn.execute(
        "update rate_limits set tat = tat - $2::interval where key = $1", digest(limit, key), limit.period
    )


def digest(limit: Limit, key: str) -> bytes:
    """The key of a count in the database."""
    return hashlib.blake2b(f"{limit.name}\0{key}".encode(), digest_size=16).digest()


def headers(burst: int, remaining: int, reset: float) -> dict[str, str]:
    """The RateLimit-* headers of the IETF draft: limit, what is left, seconds until there is room."""
    return {
        "RateLimit-Limit": str(burst),
        "RateLimit-Remaining": str(remaining),
        "RateLimit-Reset": str(max(0, -int(-reset // 1))),
    }


class FloodGate:
    """In-process GCRA over many keys, for each request: no round trip, and no memory beyond `most` keys."""

    def __init__(self, per_second: float, burst: int, most: int = 50_000) -> None:
        self.burst = burst
        self._gap = 1 / per_second
        self._room = self._gap * burst
        self._most = most
        self._tat: dict[bytes | str, float] = {}

    def wait(self, key: bytes | str, now: float) -> float:
        """Seconds that `key` must wait; 0 means the request is let through. `now` is a monotonic time in seconds."""
        tat = max(self._tat.get(key, now), now) + self._gap
        if tat - now > self._room:
            return tat - now - self._room
        self._tat[key] = tat
        if len(self._tat) > self._most:
            self._tat = {kept: value for kept, value in self._tat.items() if value > now}
            if len(self._tat) > self._most:  # a flood of distinct keys: forget the oldest half
                self._tat = dict(list(self._tat.items())[self._most // 2 :])
        return 0.0
