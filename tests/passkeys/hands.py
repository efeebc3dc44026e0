"""A device with a passkey, as far as the server can tell: it makes and signs what a browser would send."""

import base64
import hashlib
import json
import os
import struct
from typing import Any
from uuid import UUID

import httpx2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor

from tests.world import World

SETUP, LOGIN, MINE = "/v1/auth/biometric/setup", "/v1/auth/biometric/login", "/v1/auth/biometric"
_PRESENT, _VERIFIED, _BACKED_UP, _NEW = 0x01, 0x04, 0x18, 0x40
_addresses = iter(f"198.51.{number // 200}.{number % 200 + 1}" for number in range(50000))


def text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def data(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


class Device:
    """One key for one site. `count` is what it says of its uses; a synced key says 0 for ever."""

    def __init__(self, world: World, count: int = 0) -> None:
        self.origin, self.host = world.url, "localhost"
        self.id = os.urandom(32)
        self.count = count
        self.verified = True
        self.handle = ""
        self._key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to creation options."""
        self.handle = options["user"]["id"]
        point = self._key.public_key().public_numbers()
        key = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        made = bytes(16) + struct.pack(">H", len(self.id)) + self.id + encode_cbor(key)
        attestation: dict[str, Any] = {"fmt": "none", "attStmt": {}, "authData": self._data(_NEW) + made}
        client = self._client("webauthn.create", options)
        return self._credential({"clientDataJSON": text(client), "attestationObject": text(encode_cbor(attestation))})

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to request options."""
        client, said = self._client("webauthn.get", options), self._data(0)
        signature = self._key.sign(said + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential({
            "clientDataJSON": text(client), "authenticatorData": text(said), "signature": text(signature),
            "userHandle": self.handle,
        })  # fmt: skip

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _data(self, flags: int) -> bytes:
        flags |= _PRESENT | _BACKED_UP | (_VERIFIED if self.verified else 0)
        return hashlib.sha256(self.host.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _credential(self, response: dict[str, str]) -> dict[str, Any]:
        return {"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": response}


async def creation_options(world: World, key: str) -> dict[str, Any]:
    answer = await (await world.api(key)).post(SETUP, json={})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def set_up(world: World, key: str, device: Device, **body: Any) -> httpx2.Response:
    """Makes a passkey of `key` on the device and sends it."""
    credential = device.create(await creation_options(world, key))
    return await (await world.api(key)).post(SETUP, json={"credential": credential, **body})


async def ready(world: World, key: str, count: int = 0) -> tuple[Device, UUID]:
    """A device whose passkey signs `key` in, and the passkey's id."""
    device = Device(world, count)
    answer = await set_up(world, key, device)
    assert answer.status_code == 200, answer.text
    return device, UUID(answer.json()["data"]["id"])


async def request_options(world: World) -> dict[str, Any]:
    """Of a caller whose address was never seen before."""
    answer = await world.anyone.post(LOGIN, json={}, headers={"X-Forwarded-For": next(_addresses)})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def login(world: World, credential: dict[str, Any]) -> httpx2.Response:
    return await world.anyone.post(
        LOGIN, json={"credential": credential}, headers={"X-Forwarded-For": next(_addresses)}
    )


async def signs_in(world: World, device: Device) -> httpx2.Response:
    """The two steps of signing in."""
    return await login(world, device.get(await request_options(world)))


def refused(answer: httpx2.Response, status: int = 401, code: str = "PASSKEY_REFUSED") -> bool:
    """Whether it was answered so; the answer is shown when it was not."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    return True
