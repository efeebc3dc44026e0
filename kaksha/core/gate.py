"""Who a proof belongs to, remembered; and forgotten within a second when a sign-in ends or its roles change.

Checking a token or reading a session for each request would cost more than the request. So verified proofs are kept
until they expire, and every process hears of sign-ins that ended or changed (`core.live`). While a process cannot
hear, it asks the database each time.
"""

import contextlib
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec

from kaksha.core.errors import NotSignedIn
from kaksha.core.http import Principal
from kaksha.core.ids import UUID
from kaksha.core.live import Ears
from kaksha.core.tokens import BadToken, SpentToken, Tokens

__all__ = ["ACCESS", "Gate", "SessionChange"]

ACCESS = "access"
_MOST = 20_000
"""Proofs kept by a process: about 12 MiB."""


class SessionChange(msgspec.Struct, frozen=True):
    """A sign-in whose row is now as of `at` (`changed_at`, Unix seconds): proofs made from an older row are void, and
    all when it ended.

    The row's own moment is compared, never the time of reading: a proof may be made from what a transaction is about
    to replace, at a later time than that transaction began.
    """

    session_id: UUID
    at: float
    ended: bool = False

    @property
    def void_before(self) -> float:
        return math.inf if self.ended else self.at


class Gate:
    """The authenticator of one process.

    `load` reads a page session and as of when it is. `changes` lists the changes of one person's sign-in, or all recent
    ones for None.
    """

    def __init__(
        self,
        tokens: Tokens,
        ears: Ears,
        clock: Callable[[], datetime],
        load: Callable[[str, datetime], Awaitable[tuple[Principal, float] | None]],
        changes: Callable[[Principal | None], Awaitable[list[SessionChange]]],
    ) -> None:
        self._tokens = tokens
        self._ears = ears
        self._clock = clock
        self._load = load
        self._changes = changes
        self._known: OrderedDict[tuple[str, str], tuple[Principal, float]] = OrderedDict()
        """(Kind, proof) -> whose it is, and as of when. The kind keeps a cookie from being taken for a token."""
        self._cookies: dict[UUID, set[str]] = {}
        """Person -> the cookies of theirs that are remembered, so that a notice to them finds their bell's count."""
        self._rung: dict[UUID, int] = {}
        """Person -> the number of the last notice that we heard of for them."""
        self._rings = 0
        self._void_before: dict[UUID, tuple[float, float]] = {}
        """Session -> (proofs older than this are void, when we heard), Unix seconds."""
        self._prune_at = _MOST
        self._frames_changed = 0
        ears.on("session", self._heard)
        ears.on("institute", self._institute_changed)
        ears.on("notification", self._ring)
        ears.on_resume(self._catch_up)

    async def token(self, bearer: str) -> Principal:
        """The caller of an API request. Raises NotSignedIn."""
        now = self._clock()
        proof = (ACCESS, bearer)
        known = self._known.get(proof)
        if known is None:
            known = self._keep(proof, _read(self._tokens.read(ACCESS, bearer, now)))
        return await self._checked(proof, known, now)

    async def cookie(self, value: str) -> Principal | None:
        """The person of a page session; None when it is over, so that a public page still shows."""
        now = self._clock()
        proof = ("cookie", value)
        known = self._known.get(proof)
        if known is not None:
            with contextlib.suppress(NotSignedIn):
                return await self._checked(proof, known, now)
        # Not remembered, or its roles or page frame changed: what the database says now decides.
        rings = self._rings
        try:
            heard = self._frames_changed
            known = await self._load(value, now)
            if heard != self._frames_changed:  # a change of the institute came in between: this may be from before it
                known = await self._load(value, now)
        except BadToken:
            return None
        if known is None:
            return None
        if self._rung.get(known[0].user_id, 0) <= rings:  # else its count of notices is of a moment ago already
            self._keep(proof, known)
            self._cookies.setdefault(known[0].user_id, set()).add(value)
        return known[0]

    async def _checked(self, proof: tuple[str, str], known: tuple[Principal, float], now: datetime) -> Principal:
        principal, as_of = known
        if principal.expires_at <= now.timestamp():
            self._known.pop(proof, None)
            raise SpentToken
        void_before, _ = self._void_before.get(principal.session_id, (0.0, 0.0))
        if not self._ears.hears:
            for change in await self._changes(principal):
                void_before = max(void_before, change.void_before)
        if void_before > as_of:
            self._known.pop(proof, None)
            raise SpentToken
        return principal

    def _keep(self, proof: tuple[str, str], known: tuple[Principal, float]) -> tuple[Principal, float]:
        self._known[proof] = known
        if len(self._known) > _MOST:
            (_, value), (old, _) = self._known.popitem(last=False)
            self._cookies.get(old.user_id, set()).discard(value)
        return known

    def _ring(self, body: Any) -> None:
        """Somebody's notices changed: their next page reads the session, and with it the count, anew."""
        user_id = UUID(body["user_id"])
        self._rings += 1
        if len(self._rung) > _MOST:
            self._rung.clear()
        self._rung[user_id] = self._rings
        for value in self._cookies.pop(user_id, ()):
            self._known.pop(("cookie", value), None)

    def _heard(self, body: Any) -> None:
        self._note(msgspec.convert(body, SessionChange))
        if len(self._void_before) > self._prune_at:
            hour_ago = time.time() - 3600  # no proof is good for that long
            self._void_before = {key: known for key, known in self._void_before.items() if known[1] > hour_ago}
            self._prune_at = max(_MOST, 2 * len(self._void_before))

    async def _catch_up(self) -> None:
        for change in await self._changes(None):
            self._note(change)
        self._frames_changed += 1
        self._cookies.clear()  # notices may have been missed: every frame and its bell are read anew
        for proof in [proof for proof in self._known if proof[0] == "cookie"]:
            del self._known[proof]

    def _institute_changed(self, body: Any) -> None:
        """Its name or zone, which page frames show: they are read anew. Tokens bring the zone with their next one."""
        self._frames_changed += 1
        of = UUID(body["id"])
        for proof, (principal, _) in list(self._known.items()):
            if proof[0] == "cookie" and principal.institute_id == of:
                del self._known[proof]

    def _note(self, change: SessionChange) -> None:
        known, _ = self._void_before.get(change.session_id, (0.0, 0.0))
        self._void_before[change.session_id] = (max(change.void_before, known), time.time())


def _read(claims: dict[str, Any]) -> tuple[Principal, float]:
    """Whom an access token speaks of, and as of when."""
    try:
        principal = Principal(
            user_id=UUID(claims["sub"]),
            institute_id=UUID(claims["iid"]),
            session_id=UUID(claims["sid"]),
            roles=frozenset(claims["rol"]),
            permissions=frozenset(claims["prm"]),
            lang=claims["lng"],
            zone=claims["zon"],
            expires_at=claims["exp"],
        )
        return principal, claims["upd"]
    except (KeyError, ValueError, TypeError) as error:
        raise BadToken from error
