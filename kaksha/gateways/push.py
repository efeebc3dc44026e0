"""Push: Web Push to browsers and Firebase Cloud Messaging (HTTP v1) to apps.

Neither has an idempotency key. What makes a repetition harmless is that it replaces: Topic and the notification's tag
(Web Push), collapse key and tag (FCM) come from the caller's key, so a device shows one of them, whatever arrives.
The address of a subscription comes from a browser: only the push services' own hosts are called.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import httpx2
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from kaksha_client.errors import UNREADABLE, retry_after_seconds
from kaksha_client.resilience import Outcome

from kaksha.core.i18n import N_
from kaksha.gateways.places import on_this_machine
from kaksha.gateways.push_content import Browser, Push, Vapid, as_data, encrypt, payload
from kaksha.gateways.resilience import GatewayError, Line, line, over

__all__ = [
    "Browser", "Push", "PushConfig", "PushGone", "PushMisconfigured", "PushRefused", "PushUnavailable", "checked_key",
    "close", "configure", "known_host", "send_app", "send_browser",
]  # fmt: skip

_SERVICES = ("fcm.googleapis.com", "push.services.mozilla.com", "notify.windows.com", "push.apple.com")
_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_EARLY = timedelta(minutes=5)
"""A token is asked for anew this long before it ends."""


class PushUnavailable(GatewayError):
    """Later it may work; a repetition replaces what arrived."""

    status, code, text = 503, "PUSH_UNAVAILABLE", N_("Push messages cannot be sent right now. Please try again later.")
    retryable = True


class PushGone(GatewayError):
    """The device takes no more: its subscription is to be forgotten."""

    status, code, text = 410, "PUSH_GONE", N_("This device no longer takes push messages.")
    outcome = Outcome.SUCCESS


class PushRefused(GatewayError):
    """This message is refused for good."""

    status, code, text = 422, "PUSH_REFUSED", N_("The push message was refused.")
    outcome = Outcome.SUCCESS


class PushMisconfigured(GatewayError):
    """The operator must act: keys, credentials."""

    status, code, text = 503, "PUSH_MISCONFIGURED", PushUnavailable.text


class Account(msgspec.Struct, frozen=True):
    """Firebase's service account, and where messages go."""

    project_id: str
    client_email: str
    private_key: str
    token_uri: str
    private_key_id: str = ""
    url: str = ""


class _Pass(msgspec.Struct):
    """The access token in use."""

    text: str = ""
    until: datetime = datetime.min.replace(tzinfo=UTC)


class PushConfig(msgspec.Struct, frozen=True):
    """Made once a process by `configure`, ended by `close`."""

    vapid: Vapid
    hosts: tuple[str, ...]
    account: Account | None
    """None: no push to apps leaves."""
    client: httpx2.AsyncClient
    clock: Callable[[], datetime]
    web_line: Line
    app_line: Line
    held: _Pass


def configure(
    vapid: Vapid, clock: Callable[[], datetime], hosts: tuple[str, ...] = (), credentials: str | None = None,
    fcm_url: str = "https://fcm.googleapis.com", *, seconds: float = 10.0,
    make_line: Callable[..., Line] = line,
) -> PushConfig:  # fmt: skip
    """`credentials` is the service account's JSON, or its file's path. Raises ValueError in an operator's words."""
    account = None if credentials is None else _account(credentials, fcm_url)
    web, app = (make_line(name, PushUnavailable, per_try=seconds + 5, deadline=60) for name in ("web_push", "fcm"))
    client = httpx2.AsyncClient(timeout=httpx2.Timeout(seconds, connect=min(5.0, seconds)))
    return PushConfig(vapid, hosts, account, client, clock, web, app, _Pass())


def _account(credentials: str, url: str) -> Account:
    try:
        text = credentials if credentials.lstrip().startswith("{") else Path(credentials).read_text("utf-8")
        found = msgspec.structs.replace(msgspec.json.decode(text, type=Account), url=url.rstrip("/"))
        jwt.encode({}, found.private_key, algorithm="RS256")
    except (OSError, msgspec.MsgspecError, ValueError, TypeError, jwt.PyJWTError) as error:
        raise ValueError("must be a service account's JSON, or the path of one") from error
    for address in (found.token_uri, found.url):
        parts = urlsplit(address)
        if parts.scheme != "https" and not (parts.scheme == "http" and on_this_machine(parts.hostname or "")):
            raise ValueError("its token_uri and FCM_URL must be https:// (plain http only to this machine)")
    return found


async def close(config: PushConfig) -> None:
    """Ends the connections."""
    await config.client.aclose()


def known_host(config: PushConfig, endpoint: str) -> bool:
    """Whether an address that a browser gave belongs to a push service: nothing else is ever called."""
    try:
        parts = urlsplit(endpoint)
        place = parts.netloc
    except ValueError:
        return False
    if place in config.hosts and place:
        return parts.scheme in ("https", "http")
    host = parts.hostname or ""
    if parts.scheme != "https" or parts.username or parts.port not in (None, 443):
        return False
    return any(host == service or host.endswith(f".{service}") for service in _SERVICES)


def checked_key(client_key: bytes) -> None:
    """Raises ValueError for a browser's key that is none."""
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), client_key)


async def send_browser(config: PushConfig, browser: Browser, push: Push) -> str:
    """Sends to a browser; answers what the service calls the message, or its topic.

    Raises PushGone, PushRefused, PushUnavailable or PushMisconfigured.
    """
    if not known_host(config, browser.endpoint):
        raise PushGone("not a push service that we know")
    try:
        sealed = encrypt(browser, payload(push))
    except ValueError:
        raise PushGone("its key is no key") from None
    return await over(config.web_line, partial(_to_browser, config, browser.endpoint, sealed, push))


async def _to_browser(config: PushConfig, endpoint: str, sealed: bytes, push: Push) -> str:
    parts = urlsplit(endpoint)
    headers = {
        "Authorization": config.vapid.header(f"{parts.scheme}://{parts.netloc}", config.clock()),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(push.seconds),
        "Topic": push.topic,
        "Urgency": "high" if push.urgent else "normal",
    }
    answer = await _post(config, endpoint, content=sealed, headers=headers)
    if answer.is_success:
        return answer.headers.get("location", "") or push.topic
    if answer.status_code in (404, 410):
        raise PushGone(str(answer.status_code))
    if answer.status_code in (400, 413):
        raise PushRefused(str(answer.status_code))
    raise _by_status(answer)


async def send_app(config: PushConfig, token: str, push: Push) -> str:
    """Sends to an app by FCM; answers its name of the message. Raises as `send_browser` does."""
    if config.account is None:
        raise PushRefused("FCM_CREDENTIALS is not set")
    return await over(config.app_line, partial(_to_app, config, config.account, token, push))


async def _to_app(config: PushConfig, account: Account, token: str, push: Push) -> str:
    url = f"{account.url}/v1/projects/{account.project_id}/messages:send"
    headers = {"Authorization": f"Bearer {await _access(config, account)}"}
    priority = "HIGH" if push.urgent else "NORMAL"
    message = {
        "token": token,
        "notification": {"title": push.title[:300], "body": push.body[:900]},
        "data": as_data(push),
        "android": {
            "priority": priority, "ttl": f"{push.seconds}s", "collapse_key": push.topic,
            "notification": {"tag": push.topic},
        },
        "apns": {
            "headers": {"apns-priority": "10" if push.urgent else "5", "apns-collapse-id": push.topic},
            "payload": {"aps": {"thread-id": push.topic}},
        },
    }  # fmt: skip
    answer = await _post(config, url, content=json.dumps({"message": message}).encode(), headers=headers)
    found = _object(answer)
    if answer.is_success:
        return str(found.get("name") or push.topic)
    raise _fcm_failure(config, answer, found)


def _fcm_failure(config: PushConfig, answer: httpx2.Response, found: dict[str, Any]) -> GatewayError:
    error = cast("dict[str, Any]", found.get("error") if isinstance(found.get("error"), dict) else {})
    details = cast("list[Any]", error.get("details") if isinstance(error.get("details"), list) else [])
    codes = [
        str(one.get("errorCode")) for each in details
        if isinstance(each, dict) and "FcmError" in str((one := cast("dict[str, Any]", each)).get("@type"))
    ]  # fmt: skip
    code = codes[0] if codes else ""
    if code in ("UNREGISTERED", "INVALID_ARGUMENT") or answer.status_code == 404:
        return PushGone(code or "404")
    if answer.status_code == 400:
        return PushRefused("400")
    if answer.status_code == 401:
        config.held.text = ""  # the next try asks for a new token
        return PushUnavailable("401") if code != "THIRD_PARTY_AUTH_ERROR" else PushMisconfigured(code)
    return PushMisconfigured(code) if code == "SENDER_ID_MISMATCH" else _by_status(answer)


async def _access(config: PushConfig, account: Account) -> str:
    """An access token, asked for once in most of an hour."""
    now = config.clock()
    if config.held.text and now < config.held.until:
        return config.held.text
    claims = {
        "iss": account.client_email, "scope": _SCOPE, "aud": account.token_uri, "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + 3600,
    }  # fmt: skip
    assertion = jwt.encode(claims, account.private_key, algorithm="RS256", headers={"kid": account.private_key_id})
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    answer = await _post(config, account.token_uri, data=form)
    found = _object(answer)
    token = found.get("access_token")
    if not answer.is_success or not isinstance(token, str):
        raise _by_status(answer) if answer.status_code >= 429 else PushMisconfigured("FCM_CREDENTIALS are refused")
    config.held.text = token
    config.held.until = now + timedelta(seconds=int(found.get("expires_in") or 3600)) - _EARLY
    return token


async def _post(config: PushConfig, url: str, **sent: Any) -> httpx2.Response:
    try:
        return await config.client.post(url, **sent)
    # The causes stay out of the traceback: the address of a subscription is a secret of its owner.
    except (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, httpx2.InvalidURL):
        raise PushGone("an address that cannot be called") from None
    except httpx2.RequestError:
        raise PushUnavailable("not reached, or no answer in time") from None


def _object(answer: httpx2.Response) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(answer.content)
    except UNREADABLE:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _by_status(answer: httpx2.Response) -> GatewayError:
    status = answer.status_code
    if status in (408, 425, 429) or status >= 500:
        return PushUnavailable(str(status), retry_after=retry_after_seconds(answer.headers))
    return PushMisconfigured(str(status))
