"""Guesses of a secret (a password, a code), counted so that they end and so that nobody is locked out by them.

Every try is counted before it is checked, so that ten thousand at once are not all let through; one that was right is
given back, so only wrong ones use the counts up. A place (an address, or a device that says who it is) from which
somebody signed in before has a count of its own: whatever strangers do elsewhere to the same login, and whatever
others do at the same address, who comes from a known place gets in.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

import msgspec

from kaksha.core.db import Conn
from kaksha.core.limits import Limit, digest, refusal
from kaksha.core.seal import Keys

__all__ = ["Guess", "Kind", "Place", "begin", "knows", "right"]


class Place(msgspec.Struct, frozen=True):
    """Where somebody is: their address, and what their device calls itself, which nobody else can know."""

    address: str
    device: str | None = None


class Kind(msgspec.Struct, frozen=True):
    """What is guessed, and how often it may be wrong."""

    name: str
    here: Limit
    """For one login from one place."""
    login: Limit
    """For one login from all places that never signed in to it."""
    address: Limit
    """For all logins from one address, but those that signed in there before."""


class Guess(msgspec.Struct, frozen=True):
    """A try under way: what it was counted against, and what is remembered of it when it was right."""

    keys: list[bytes]
    periods: list[timedelta]
    places: list[bytes]


async def begin(conn: Conn, keys: Keys, kind: Kind, login: str, place: Place, at: datetime) -> Guess:
    """Counts a try. Raises TooMany; who it is has no influence on when, so that says nothing of who exists."""
    rings = _hashes(keys, login, place)
    places = [each for ring in rings for each in ring]
    limits = (kind.here, kind.login, kind.address)
    known_keys = [digest(kind.here, f"{login}/{each.hex()}") for each in places]
    strange = (f"{login}/{place.address}", login, place.address)
    strange_keys = [digest(limit, key) for limit, key in zip(limits, strange, strict=True)]
    periods = [limit.period for limit in limits]
    row = await conn.fetchrow(
        "select known, retry_after from begin_guess($1, $2, $3, $4, $5, $6)",
        places, known_keys, strange_keys, periods, [limit.burst for limit in limits], at,
    )  # fmt: skip
    assert row is not None
    known: int | None = row["known"]
    if row["retry_after"]:
        raise refusal(kind.here, row["retry_after"])
    taken = strange_keys if known is None else [known_keys[known - 1]]
    return Guess(taken, periods[: len(taken)], [ring[0] for ring in rings])


async def right(conn: Conn, guess: Guess, at: datetime) -> None:
    """The try was right: it counts for nothing, and its place is known from now on."""
    await conn.execute("select right_guess($1, $2, $3, $4)", guess.keys, guess.periods, guess.places, at)


async def knows(conn: Conn, keys: Keys, login: str, place: Place) -> str | None:
    """A name for the place, if somebody signed in there with this login before."""
    hashes = [each for ring in _hashes(keys, login, place) for each in ring]
    found = await conn.fetch("select key from sign_in_places where key = any ($1::bytea[])", hashes)
    known = min((row["key"] for row in found), key=hashes.index, default=None)
    return known.hex() if known else None


def _hashes(keys: Keys, login: str, place: Place) -> list[list[bytes]]:
    """What is kept of a place, by each key; without one it tells neither the login nor the address."""
    parts = [f"device/{place.device}"] if place.device else []
    return [
        [hmac.new(key, f"{login}\0{part}".encode(), hashlib.sha256).digest()[:16] for key in keys.ring("places")]
        for part in [*parts, f"address/{place.address}"]
    ]
