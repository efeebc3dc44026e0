"""Codes of an authenticator app: TOTP (RFC 6238) with what every app understands: SHA-1, six digits, 30 seconds."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote

__all__ = ["address", "key_text", "new_secret", "step_of"]

_SECONDS = 30
_DRIFT = 1
"""Steps that a phone's clock may be off, either way."""


def new_secret() -> bytes:
    """160 random bits, as the RFC recommends."""
    return secrets.token_bytes(20)


def key_text(secret: bytes) -> str:
    """The secret as it is typed into an app."""
    return base64.b32encode(secret).decode()


def address(secret: bytes, issuer: str, account: str) -> str:
    """What the QR code holds."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='')}"
    return f"otpauth://totp/{label}?secret={key_text(secret)}&issuer={quote(issuer, safe='')}"


def step_of(secret: bytes, code: str, now: datetime) -> int | None:
    """The time step whose code this is, the newest first; None when it is none of now. The caller uses a step once."""
    here = int(now.timestamp()) // _SECONDS
    fitting = [
        step for step in range(here + _DRIFT, here - _DRIFT - 1, -1)
        if hmac.compare_digest(_code(secret, step).encode(), code.encode())
    ]  # fmt: skip
    return fitting[0] if fitting else None


def _code(secret: bytes, step: int) -> str:
    digest = hmac.new(secret, step.to_bytes(8), hashlib.sha1).digest()
    place = digest[-1] & 15
    return f"{(int.from_bytes(digest[place : place + 4]) & 0x7FFFFFFF) % 1_000_000:06}"
