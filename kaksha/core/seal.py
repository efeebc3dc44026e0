"""Secrets at rest: values sealed with AES-GCM under keys derived from KAKSHA_SECRET_KEY, one key a purpose."""

import base64
import contextlib
import hashlib
import hmac
import os
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["Keys", "SealBroken", "open_sealed", "open_sealed_text", "seal", "seal_text"]

T = TypeVar("T")


class SealBroken(ValueError):
    """A sealed value was made with another key, or was changed."""


class Keys:
    """Keys derived from the process's secret; one leaked purpose says nothing about another.

    `previous` are secrets from before: what they signed and sealed is still taken, and nothing new is made with them.
    """

    def __init__(self, secret: str, previous: Iterable[str] = ()) -> None:
        self._secrets = [each.encode() for each in (secret, *previous)]

    def derive(self, purpose: str) -> bytes:
        """32 bytes for `purpose`, to sign or seal with."""
        return self.ring(purpose)[0]

    def ring(self, purpose: str) -> list[bytes]:
        """The same of every secret, the present one first, to verify or open with."""
        label = f"kaksha:{purpose}".encode()
        return [hmac.new(secret, label, hashlib.sha256).digest() for secret in self._secrets]


def seal(key: bytes, value: bytes, context: bytes) -> bytes:
    """`value` sealed under `key`; `context` (whose it is) must be the same when it is opened."""
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, value, context)


def open_sealed(ring: Iterable[bytes], sealed: bytes, context: bytes) -> bytes:
    """The value again, by whichever key of `ring` made it. Raises SealBroken."""
    for key in ring:
        with contextlib.suppress(InvalidTag):
            return AESGCM(key).decrypt(sealed[:12], sealed[12:], context)
    raise SealBroken


def seal_text(keys: Keys, purpose: str, value: Any) -> str:
    """`value` (anything msgspec encodes) as text that only we can read or make; for URLs, forms and job payloads."""
    sealed = seal(keys.derive(f"sealed {purpose}"), msgspec.json.encode(value), purpose.encode())
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_sealed_text(keys: Keys, purpose: str, text: str, kind: type[T]) -> T:
    """The value again. Raises SealBroken when it is not ours, or was sealed for another purpose."""
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        opened = open_sealed(keys.ring(f"sealed {purpose}"), sealed, purpose.encode())
        return msgspec.json.decode(opened, type=kind)
    except (ValueError, msgspec.DecodeError) as error:
        raise SealBroken from error
