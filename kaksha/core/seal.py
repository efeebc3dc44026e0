"""Secrets at rest: values sealed with AES-GCM under keys derived from KAKSHA_SECRET_KEY, one key a purpose."""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["Keys", "SealBroken", "open_sealed", "seal"]


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
