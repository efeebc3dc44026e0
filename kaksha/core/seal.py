"""Secrets at rest: values sealed with AES-GCM under keys derived from KAKSHA_SECRET_KEY, one key a purpose."""

import base64
import hashlib
import hmac
import os
from typing import Any, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["Keys", "SealBroken", "open_sealed", "open_sealed_text", "seal", "seal_text"]

T = TypeVar("T")


class SealBroken(ValueError):
    """A sealed value was made with another key, or was changed."""


class Keys:
    """Keys derived from the process's secret; one leaked purpose says nothing about another."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def derive(self, purpose: str) -> bytes:
        """32 bytes for `purpose`."""
        return hmac.new(self._secret, f"kaksha:{purpose}".encode(), hashlib.sha256).digest()


def seal(key: bytes, value: bytes, context: bytes) -> bytes:
    """`value` sealed under `key`; `context` (whose it is) must be the same when it is opened."""
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, value, context)


def open_sealed(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """The value again. Raises SealBroken."""
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], context)
    except InvalidTag as error:
        raise SealBroken from error


def seal_text(keys: Keys, purpose: str, value: Any) -> str:
    """`value` (anything msgspec encodes) as text that only we can read or make; for URLs, forms and job payloads."""
    sealed = seal(keys.derive(f"sealed {purpose}"), msgspec.json.encode(value), purpose.encode())
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_sealed_text(keys: Keys, purpose: str, text: str, kind: type[T]) -> T:
    """The value again. Raises SealBroken when it is not ours, or was sealed for another purpose."""
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        opened = open_sealed(keys.derive(f"sealed {purpose}"), sealed, purpose.encode())
        return msgspec.json.decode(opened, type=kind)
    except (ValueError, msgspec.DecodeError) as error:
        raise SealBroken from error
