"""Who a proof belongs to, remembered; and forgotten within a second when a sign-in ends or its roles change.

Checking a token or reading a session for each request would cost more than the request. So verified proofs are kept
until they expire, and every process hears of sign-ins that ended or changed (`core.live`). While a process cannot
hear, it asks the database each time.
"""

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
    """A sign-in that changed at `at` (Unix seconds): older proofs of it are void, and all when it ended."""

    session_id: UUID
    at: float
    ended: bool = False

    @property
    def void_before(self) -> float:
        return math.inf if self.ended else self.at


class Gate:
    """The authenticator of one process.

    `load` reads a page session. `changes` lists the changes of one person's sign-in, or all recent ones for None.
    """

    def __init__(
        self,
        tokens: Tokens,
        ears: Ears,
        clock: Callable[[], datetime],
        load: Callable[[str, datetime], Awaitable[Principal | None]],
        changes: Callable[[Principal | None], Awaitable[list[SessionChange]]],
    ) -> None:
        self._tokens = tokens
        self._ears = ears
        self._clock = clock
        self._load = load
        self._changes = changes
        self._known: OrderedDict[str, tuple[Principal, float]] = OrderedDict()
        self._void_before: dict[UUID, tuple[float, float]] = {}
        """Session -> (proofs older than this are void, when we heard), Unix seconds."""
        ears.on("session", self._heard)
        ears.on_resume(self._catch_up)

    async def token(self, bearer: str) -> Principal:
        """The caller of an API request. Raises NotSignedIn."""
        now = self._clock()
        known = self._known.get(bearer)
        if known is None:
            claims = self._tokens.read(ACCESS, bearer, now)
            known = self._keep(bearer, _principal(claims), claims["iat"])
        return await self._checked(bearer, known, now)

    async def cookie(self, value: str) -> Principal | None:
        """The person of a page session; None when it is over, so that a public page still shows."""
        now = self._clock()
        known = self._known.get(value)
        if known is None:
            try:
                principal = await self._load(value, now)
            except BadToken:
                principal = None
            if principal is None:
                return None
            known = self._keep(value, principal, now.timestamp())
        try:
            return await self._checked(value, known, now)
        except NotSignedIn:
            # Its roles or its page frame changed: what the database says now decides.
            principal = await self._load(value, now)
            if principal is not None:
                self._keep(value, principal, now.timestamp())
            return principal

    async def _checked(self, proof: str, known: tuple[Principal, float], now: datetime) -> Principal:
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

    def _keep(self, proof: str, principal: Principal, as_of: float) -> tuple[Principal, float]:
        self._known[proof] = known = (principal, as_of)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return known

    def _heard(self, body: Any) -> None:
        self._note(msgspec.convert(body, SessionChange))
        if len(self._void_before) > _MOST:
            hour_ago = time.time() - 3600  # no proof is good for that long
            self._void_before = {key: known for key, known in self._void_before.items() if known[1] > hour_ago}

    async def _catch_up(self) -> None:
        for change in await self._changes(None):
            self._note(change)

    def _note(self, change: SessionChange) -> None:
        known, _ = self._void_before.get(change.session_id, (0.0, 0.0))
        self._void_before[change.session_id] = (max(change.void_before, known), time.time())


def _principal(claims: dict[str, Any]) -> Principal:
    try:
        return Principal(
            user_id=UUID(claims["sub"]),
            institute_id=UUID(claims["iid"]),
            session_id=UUID(claims["sid"]),
            roles=frozenset(claims["rol"]),
            permissions=frozenset(claims["prm"]),
            lang=claims["lng"],
            expires_at=claims["exp"],
        )
    except (KeyError, ValueError, TypeError) as error:
        raise BadToken from error
