"""The providers of SMS: any that speaks our small contract (docs/operating/sms.md), and MSG91's flow API.

The generic contract carries a reference that makes a repetition harmless. MSG91 has none, so there a call is repeated
only where nothing can have been sent; where something may have been, SmsUncertain says so instead of sending twice.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any, cast

import httpx2
import msgspec
from kaksha_client.errors import UNREADABLE, retry_after_seconds

from kaksha.gateways.resilience import GatewayError
from kaksha.gateways.segments import cost
from kaksha.gateways.sms_content import (
    Sms,
    SmsMisconfigured,
    SmsOutOfCredit,
    SmsRefused,
    SmsUnavailable,
    SmsUncertain,
)

__all__ = ["Generic", "Msg91", "Wire", "send_generic", "send_msg91"]

_LONGEST_VALUE = 40
"""Letters that DLT allows in one variable of a registered template (India)."""


class Generic(msgspec.Struct, frozen=True):
    """A provider that takes our contract."""

    url: str
    token: str | None


class Msg91(msgspec.Struct, frozen=True):
    """MSG91. `templates` by kind; the empty kind is for all others."""

    url: str
    auth_key: str
    sender: str | None
    templates: Mapping[str, str]


class Wire(msgspec.Struct, frozen=True):
    """The connections, and how long one try may take, seconds."""

    client: httpx2.AsyncClient
    seconds: float


async def send_generic(wire: Wire, provider: Generic, sms: Sms) -> str:
    """The provider's id of the message. Raises as `sms.send` does, SmsUncertain excepted."""
    reference = hashlib.sha256(f"sms:{sms.key}".encode()).hexdigest()[:40]
    price = cost(sms.text)
    headers = {"Idempotency-Key": reference}
    if provider.token is not None:
        headers["Authorization"] = f"Bearer {provider.token}"
    body = {
        "to": sms.to, "text": sms.text, "kind": sms.kind, "templateId": sms.template, "values": sms.values,
        "reference": reference, "encoding": price.encoding, "segments": price.segments,
    }  # fmt: skip
    answer = await _post(wire, provider.url, headers, body, lost=SmsUnavailable)
    found = _object(answer)
    if answer.is_success:
        sent = found.get("id")
        if isinstance(sent, str) and sent:
            return sent
        raise SmsUnavailable("an answer without an id")
    if answer.status_code in (400, 422):
        raise SmsRefused(str(answer.status_code), bad_number=found.get("code") == "bad_number")
    raise _by_status(answer)


async def send_msg91(wire: Wire, provider: Msg91, sms: Sms) -> str:
    """The same for MSG91. Source: docs.msg91.com, "Send SMS" (flow API v5), and its list of error codes."""
    template = sms.template or provider.templates.get(sms.kind) or provider.templates.get("")
    if template is None:
        raise SmsMisconfigured(f"SMS_URL names no template for {sms.kind}")
    if any(len(value) > _LONGEST_VALUE for value in sms.values.values()):
        raise SmsRefused(f"a value is longer than {_LONGEST_VALUE}")
    recipient = {**sms.values, "mobiles": sms.to.removeprefix("+")}
    body: dict[str, Any] = {"template_id": template, "short_url": "0", "recipients": [recipient]}
    if provider.sender is not None:
        body["sender"] = provider.sender
    answer = await _post(wire, provider.url, {"authkey": provider.auth_key}, body, lost=SmsUncertain)
    found = _object(answer)
    sent = found.get("message") or found.get("request_id")
    if answer.is_success and found.get("type") == "success" and isinstance(sent, str):
        return sent
    if found.get("type") == "error" or found.get("hasError") is True or found.get("status") == "fail":
        raise _msg91_failure(str(found.get("apiError") or found.get("code") or ""), answer)
    if answer.is_success or answer.status_code in (500, 502, 504):
        raise SmsUncertain(f"{answer.status_code} and no word that we know")
    raise _by_status(answer)


_MSG91_ACCOUNT = frozenset({"106", "203", "207", "208", "209", "210", "302", "303", "418", "505"})
_MSG91_LATER = frozenset({"001", "002", "306", "506", "601"})


def _msg91_failure(code: str, answer: httpx2.Response) -> GatewayError:
    """MSG91 says that nothing was sent; it often says so with status 200."""
    reason = f"{answer.status_code} {code}".strip() if code.isalnum() and len(code) < 9 else str(answer.status_code)
    if code == "202":
        return SmsRefused(reason, bad_number=True)
    if code == "301":
        return SmsOutOfCredit(reason)
    if code in _MSG91_ACCOUNT:
        return SmsMisconfigured(reason)
    if code in _MSG91_LATER:
        return SmsUnavailable(reason)
    if code == "311":  # the same again within 10 s is discarded: the first one counts, and it is not this answer's
        return SmsUncertain(reason)
    return SmsRefused(reason) if answer.is_success or answer.status_code in (400, 422) else _by_status(answer)


async def _post(
    wire: Wire, url: str, headers: Mapping[str, str], body: Any, *, lost: type[GatewayError]
) -> httpx2.Response:
    """One try. `lost` is what it means that the request may have arrived and the answer did not."""
    kinds = {"Content-Type": "application/json", "Accept": "application/json"}
    try:
        async with asyncio.timeout(wire.seconds):
            return await wire.client.post(url, content=msgspec.json.encode(body), headers={**kinds, **headers})
    # The causes stay out of the traceback: they name the address that was called, and that may hold a key.
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
        raise SmsUnavailable("not reached") from None
    except (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError):
        raise SmsMisconfigured("SMS_URL cannot be called") from None
    except (TimeoutError, httpx2.TimeoutException):
        raise lost("no answer in time") from None
    except httpx2.RequestError:
        raise lost("the answer was cut off") from None


def _object(answer: httpx2.Response) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(answer.content)
    except UNREADABLE:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _by_status(answer: httpx2.Response) -> GatewayError:
    """What a status means when the body says nothing that we know."""
    status = answer.status_code
    if status == 402:
        return SmsOutOfCredit(str(status))
    if status in (408, 409, 425, 429) or status >= 500:
        return SmsUnavailable(str(status), retry_after=retry_after_seconds(answer.headers))
    if status in (401, 403, 404, 405) or answer.has_redirect_location or status < 400:
        return SmsMisconfigured(str(status))
    return SmsRefused(str(status))
