"""Tokens. Each names its institute, so that nothing is looked up across institutes; opaque ones are kept as hashes."""

import base64
import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import jwt
import msgspec

from kaksha.core.errors import NotSignedIn
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID
from kaksha.core.seal import Keys

__all__ = ["BadToken", "Opaque", "Tokens"]


class BadToken(NotSignedIn):
    code = "INVALID_TOKEN"


class SpentToken(NotSignedIn):
    """The token was good once: a refresh may help."""

    code, text = "TOKEN_EXPIRED", N_("Session expired. Please login again.")


class Opaque(msgspec.Struct, frozen=True):
    """A random token: its text goes to one holder, its hash into the database."""

    text: str
    institute_id: UUID
    hash: bytes


class Tokens:
    """Makes and reads tokens with the process's keys."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def sign(self, purpose: str, claims: dict[str, Any], now: datetime, lifetime: timedelta) -> str:
        """A signed token for one purpose (its audience); everything in it can be read by its holder."""
        times = {"iat": now.timestamp(), "exp": (now + lifetime).timestamp()}
        body = {"iss": "kaksha", "aud": purpose, **times, **claims}
        return jwt.encode(body, self._keys.derive(f"jwt:{purpose}"), algorithm="HS256")

    def read(self, purpose: str, token: str, now: datetime) -> dict[str, Any]:
        """The claims of a signed token. Raises BadToken, or SpentToken when its time is over."""
        now_key, *before = self._keys.ring(f"jwt:{purpose}")
        try:
            claims = _decoded(purpose, token, now_key)
        except BadToken:
            claims = next(_readable(purpose, token, before), None)
            if claims is None:
                raise
        if claims["exp"] <= now.timestamp():
            raise SpentToken
        return claims

    def opaque(self, kind: str, institute_id: UUID) -> Opaque:
        """A fresh random token of `kind` (`rt`, `ws`, …)."""
        return _opaque(kind, institute_id, secrets.token_bytes(32))

    def successor(self, kind: str, token: Opaque) -> Opaque:
        """The one token that follows `token`: whoever refreshes it twice at once gets the same."""
        return self.successors(kind, token)[0]

    def successors(self, kind: str, token: Opaque) -> list[Opaque]:
        """The successors that each key makes: the one from before a change of keys may be asked for after it."""
        made = [hmac.new(key, token.hash, hashlib.sha256).digest() for key in self._keys.ring("refresh")]
        return [_opaque(kind, token.institute_id, body) for body in made]

    def derived(self, kind: str, institute_id: UUID, row_id: UUID) -> Opaque:
        """The token that belongs to a row: a job that runs twice makes the same, and only our key makes it."""
        body = hmac.new(self._keys.derive(f"token {kind}"), row_id.bytes, hashlib.sha256).digest()
        return _opaque(kind, institute_id, body)

    def parse(self, kind: str, text: str) -> Opaque:
        """The token behind what a caller sent. Raises BadToken when it cannot be one."""
        prefix, _, rest = text.partition("_")
        try:
            body = base64.urlsafe_b64decode(rest + "=" * (-len(rest) % 4))
        except ValueError as error:
            raise BadToken from error
        if prefix != kind or len(body) != 48:
            raise BadToken
        token = _opaque(kind, UUID(bytes=body[:16]), body[16:])
        if token.text != text:  # base64 is read leniently: one token shall have one spelling
            raise BadToken
        return token


def _opaque(kind: str, institute_id: UUID, body: bytes) -> Opaque:
    text = base64.urlsafe_b64encode(institute_id.bytes + body).rstrip(b"=").decode()
    return Opaque(f"{kind}_{text}", institute_id, hashlib.sha256(body).digest())


def _decoded(purpose: str, token: str, key: bytes) -> dict[str, Any]:
    try:
        return jwt.decode(
            token,
            key,
            algorithms=["HS256"],
            audience=purpose,
            issuer="kaksha",
            # Times are compared with our own clock, which tests and the demo own.
            options={
                "require": ["exp", "iat"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except (jwt.InvalidTokenError, UnicodeError, RecursionError) as error:  # the last: a header nested too deep
        raise BadToken from error


def _readable(purpose: str, token: str, keys: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for key in keys:
        with contextlib.suppress(BadToken):
            yield _decoded(purpose, token, key)
