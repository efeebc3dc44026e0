"""The sandbox's push services: Web Push as browsers' makers run it, and Firebase, each as strict as the real one.

A subscription's keys follow from its name, so those of the demo are good again after a start.
"""

import hashlib
import secrets
from typing import Any, cast
from urllib.parse import parse_qs

import jwt
import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from litestar import Request, get, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.response import Response

from kaksha.gateways.push_content import b64, decrypt, unb64
from kaksha.sandbox.inbox import Fault, Faults, Inbox, Message

__all__ = ["credentials", "fcm_send", "fcm_token", "subscription", "subscription_json", "web_push"]

_Request = Request[Any, Any, State]
_ACCESS = "sandbox-access"


def _key(name: str) -> tuple[ec.EllipticCurvePrivateKey, bytes]:
    """The private key and secret of a subscription."""
    secret = hashlib.sha256(f"sandbox push {name}".encode()).digest()
    return ec.derive_private_key(int.from_bytes(secret, "big") >> 8, ec.SECP256R1()), secret[:16]


def subscription(push_url: str, name: str) -> dict[str, Any]:
    """What a browser would say of a subscription with this name: `endpoint` and `keys`."""
    key, secret = _key(name)
    encoding, form = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    point = key.public_key().public_bytes(encoding, form)
    return {"endpoint": f"{push_url}/{name}", "keys": {"p256dh": b64(point), "auth": b64(secret)}}


@get("/push/{name:str}", include_in_schema=False)
async def subscription_json(request: _Request, name: FromPath[str]) -> Response[dict[str, Any]]:
    """A subscription to register by hand."""
    return Response(subscription(f"{str(request.base_url).rstrip('/')}/push", name))


@post("/push/{name:str}", include_in_schema=False)
async def web_push(request: _Request, name: FromPath[str]) -> Response[dict[str, Any]]:
    """Takes a push (RFC 8030, 8291, 8292): 201, or what is wrong with it. The same Topic replaces."""
    faults: Faults = request.app.state.faults
    fault = faults.take("push")
    if fault is not None and fault.mode in _STATUS:
        return await _fail(faults, fault, Response({}, status_code=_STATUS[fault.mode]))
    headers, body = request.headers, await request.body()
    if not headers.get("ttl", "").isdigit() or headers.get("content-encoding") != "aes128gcm" or len(body) > 4096:
        return Response({"message": "TTL, Content-Encoding or length"}, status_code=413 if len(body) > 4096 else 400)
    if not _signed(headers.get("authorization", ""), f"{request.url.scheme}://{request.url.netloc}"):
        return Response({"message": "VAPID"}, status_code=403)
    try:
        said = cast("dict[str, str]", msgspec.json.decode(decrypt(*_key(name), body)))
    except (InvalidTag, ValueError, IndexError, msgspec.MsgspecError):
        return Response({"message": "cannot be decrypted"}, status_code=400)
    facts = {name: headers.get(name, "") for name in ("ttl", "urgency")}
    kept = _keep(request, name, said["title"], f"{said['body']}\n{said['url']}", headers.get("topic", ""), facts)
    return await _fail(faults, fault, Response({}, status_code=201, headers={"Location": f"/message/{kept.id}"}))


_STATUS = {"refuse": 410, "reject": 400, "tempfail": 503, "limit": 429, "signin": 403, "hang": 503}


def _signed(authorization: str, origin: str) -> bool:
    """Whether the VAPID header is signed by the key that it names, for us and for at most a day."""
    said = (part.strip().partition("=") for part in authorization.removeprefix("vapid ").split(","))
    parts = {name: value for name, _, value in said}
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(parts["k"]))
        # Its times are those of the sender's clock, which tests own.
        options = {"require": ["exp", "sub", "aud"], "verify_exp": False, "verify_iat": False}
        jwt.decode(parts["t"], key, algorithms=["ES256"], audience=origin, options=cast(Any, options))
    except (KeyError, ValueError, jwt.InvalidTokenError):
        return False
    return True


def credentials(url: str) -> str:
    """A service account that this sandbox takes, as JSON. Its key is drawn anew."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {
        "project_id": "sandbox", "client_email": "kaksha@sandbox.example", "private_key": pem,
        "private_key_id": "sandbox", "token_uri": f"{url}/fcm/token",
    }  # fmt: skip
    return msgspec.json.encode(account).decode()


@post("/fcm/token", include_in_schema=False)
async def fcm_token(request: _Request) -> Response[dict[str, Any]]:
    """An access token for a signed assertion."""
    form = parse_qs((await request.body()).decode("latin-1"))
    assertion = form.get("assertion", [""])[0]
    if assertion.count(".") != 2 or not form.get("grant_type", [""])[0].endswith(":jwt-bearer"):
        return Response({"error": "invalid_grant"}, status_code=400)
    return Response({"access_token": _ACCESS, "expires_in": 3599, "token_type": "Bearer"}, status_code=200)


@post("/v1/projects/sandbox/messages:send", include_in_schema=False)
async def fcm_send(request: _Request) -> Response[dict[str, Any]]:
    """Takes a message of FCM's HTTP v1; the same tag replaces."""
    faults: Faults = request.app.state.faults
    if request.headers.get("authorization") != f"Bearer {_ACCESS}":
        return _fcm_error(401, "UNAUTHENTICATED")
    fault = faults.take("push")
    if fault is not None and fault.mode in _FCM:
        return await _fail(faults, fault, _fcm_error(*_FCM[fault.mode]))
    try:
        message = cast("dict[str, Any]", msgspec.json.decode(await request.body()))["message"]
        said, data = message["notification"], message["data"]
        if not all(isinstance(value, str) for value in data.values()):
            return _fcm_error(400, "INVALID_ARGUMENT")
        tag, facts = message["android"]["notification"]["tag"], {"urgency": message["android"]["priority"]}
        _keep(request, message["token"], said["title"], f"{said['body']}\n{data['url']}", tag, facts)
    except (msgspec.MsgspecError, KeyError, TypeError):
        return Response({"error": {"status": "INVALID_ARGUMENT", "details": []}}, status_code=400)
    named = Response({"name": f"projects/sandbox/messages/{secrets.token_hex(8)}"}, status_code=200)
    return await _fail(faults, fault, named)


_FCM = {
    "refuse": (404, "UNREGISTERED"), "tempfail": (503, "UNAVAILABLE"), "limit": (429, "QUOTA_EXCEEDED"),
    "signin": (401, "THIRD_PARTY_AUTH_ERROR"), "hang": (503, "UNAVAILABLE"), "reject": (400, ""),
}  # fmt: skip


def _fcm_error(status: int, code: str) -> Response[dict[str, Any]]:
    kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
    details = [{"@type": kind, "errorCode": code}] if code else []
    return Response({"error": {"code": status, "status": code, "details": details}}, status_code=status)


def _keep(request: _Request, to: str, title: str, text: str, key: str, facts: dict[str, str]) -> Message:
    inbox: Inbox = request.app.state.inbox
    return inbox.add(
        Message(at=inbox.clock(), channel="push", to=to, sender="", subject=title, text=text, key=key, facts=facts)
    )


async def _fail(faults: Faults, fault: Fault | None, answer: Response[dict[str, Any]]) -> Response[dict[str, Any]]:
    if fault is not None and fault.mode == "limit":
        answer.headers["Retry-After"] = str(round(fault.seconds))
    elif fault is not None and fault.mode in ("slow", "hang", "lost"):
        await faults.pass_time(fault)
    return answer
