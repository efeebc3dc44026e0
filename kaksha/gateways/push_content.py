"""What a push says, and its bytes for Web Push: encrypted for one browser (RFC 8291), signed by this server (RFC 8292).

A push service sees neither the text nor whose it is; it learns the server's public key and how urgent the message is.
"""

import base64
import hashlib
import os
from datetime import datetime, timedelta
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = [
    "Browser",
    "Push",
    "Vapid",
    "as_data",
    "b64",
    "decrypt",
    "encrypt",
    "payload",
    "private_key",
    "unb64",
    "vapid",
]

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256."""
_RECORD = 4096
_MOST = 3000
"""Bytes of a payload: below what every push service takes, with the encryption around it."""
_POINT = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """One push to one device. `key` names the intent: a second one of the same key replaces the first."""

    title: str
    body: str
    url: str
    """What a press opens."""
    key: str
    lang: str = "en"
    urgent: bool = False
    seconds: int = 86400
    """How long it is worth delivering."""

    @property
    def topic(self) -> str:
        """The key as a push service takes it: 32 letters that tell nobody our ids."""
        return b64(hashlib.sha256(f"push:{self.key}".encode()).digest()[:24])


class Browser(msgspec.Struct, frozen=True):
    """A browser's subscription: its key and shared secret, as `PushSubscription` gives them."""

    endpoint: str
    client_key: bytes
    client_secret: bytes


class Vapid(msgspec.Struct, frozen=True):
    """This server's key, by which push services know it again, and whom they may write to."""

    key: ec.EllipticCurvePrivateKey
    public: bytes
    contact: str

    def header(self, origin: str, now: datetime) -> str:
        """The Authorization header for a push service."""
        claims = {"aud": origin, "exp": int((now + timedelta(hours=12)).timestamp()), "sub": self.contact}
        return f"vapid t={jwt.encode(claims, self.key, algorithm='ES256')}, k={b64(self.public)}"


def vapid(secret: bytes, contact: str) -> Vapid:
    """The key pair that belongs to 32 secret bytes: the same in every process and after every start."""
    key = ec.derive_private_key(int.from_bytes(secret, "big") % (_ORDER - 1) + 1, ec.SECP256R1())
    return Vapid(key, key.public_key().public_bytes(*_POINT), contact)


def payload(push: Push) -> bytes:
    """What the service worker gets; a text that is too long is cut."""
    body = push.body
    while True:
        made = msgspec.json.encode(
            {"title": push.title[:300], "body": body, "url": push.url, "tag": push.topic, "lang": push.lang}
        )
        if len(made) <= _MOST:
            return made
        body = body[: max(0, len(body) - max(20, (len(made) - _MOST) // 4))].rstrip() + "…"


def encrypt(
    browser: Browser, plain: bytes, *, salt: bytes | None = None, own: ec.EllipticCurvePrivateKey | None = None
) -> bytes:
    """`aes128gcm` (RFC 8188) for one browser. `salt` and `own` are drawn anew unless a test names them.

    Raises ValueError for a key that is no point of the curve.
    """
    salt, own = salt or os.urandom(16), own or ec.generate_private_key(ec.SECP256R1())
    sender = own.public_key().public_bytes(*_POINT)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), browser.client_key)
    key, nonce = _keys(own.exchange(ec.ECDH(), theirs), browser.client_secret, browser.client_key, sender, salt)
    sealed = AESGCM(key).encrypt(nonce, plain + b"\x02", None)
    return salt + _RECORD.to_bytes(4, "big") + bytes([len(sender)]) + sender + sealed


def decrypt(own: ec.EllipticCurvePrivateKey, client_secret: bytes, body: bytes) -> bytes:
    """The other side of `encrypt`, for the sandbox. Raises ValueError or InvalidTag."""
    salt, length = body[:16], body[20]
    sender, sealed = body[21 : 21 + length], body[21 + length :]
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
    mine = own.public_key().public_bytes(*_POINT)
    key, nonce = _keys(own.exchange(ec.ECDH(), theirs), client_secret, mine, sender, salt)
    plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\x00")
    if plain[-1:] != b"\x02":
        raise ValueError("not the last record")
    return plain[:-1]


def _keys(shared: bytes, secret: bytes, client: bytes, sender: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """RFC 8291, 3.4: the content key and nonce."""
    info = b"WebPush: info\x00" + client + sender
    material = _hkdf(secret, shared, info, 32)
    key = _hkdf(salt, material, b"Content-Encoding: aes128gcm\x00", 16)
    return key, _hkdf(salt, material, b"Content-Encoding: nonce\x00", 12)


def _hkdf(salt: bytes, material: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(material)


def b64(value: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The bytes again. Raises ValueError."""
    if not text.isascii():
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def private_key(text: str) -> bytes:
    """The 32 bytes of a key in base64url, as tools for VAPID write it. Raises ValueError."""
    found = unb64(text)
    if len(found) != 32:
        raise ValueError("must be 32 bytes in base64url")
    return found


def as_data(push: Push) -> dict[str, Any]:
    """The same for apps: values are texts."""
    return {"url": push.url, "tag": push.topic, "lang": push.lang}
