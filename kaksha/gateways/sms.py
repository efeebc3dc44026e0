"""SMS, by the provider that SMS_URL names. Every answer says what the text costs, for a ledger."""

import re
from functools import partial
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import httpx2
import msgspec
import structlog

from kaksha.gateways.places import on_this_machine
from kaksha.gateways.resilience import Line, line, over
from kaksha.gateways.segments import Cost, cost
from kaksha.gateways.sms_content import (
    Sent,
    Sms,
    SmsMisconfigured,
    SmsOutOfCredit,
    SmsRefused,
    SmsUnavailable,
    SmsUncertain,
)
from kaksha.gateways.sms_providers import Generic, Msg91, Wire, send_generic, send_msg91

__all__ = [
    "Cost", "Sent", "Sms", "SmsConfig", "SmsMisconfigured", "SmsOutOfCredit", "SmsRefused", "SmsUnavailable",
    "SmsUncertain", "close", "configure", "cost", "send", "sms_line", "takes_references",
]  # fmt: skip

_log = structlog.get_logger("kaksha.sms")
_LIKE = "must look like https://TOKEN@provider/path or msg91://AUTHKEY@control.msg91.com?template=ID"


class SmsConfig(msgspec.Struct, frozen=True):
    """Made once a process by `configure`, ended by `close`. No provider: no SMS leaves."""

    provider: Generic | Msg91 | None
    wire: Wire
    line: Line


def sms_line() -> Line:
    """Without a limit from outside for one try: the provider's own knows what being cut off means."""
    return line("sms", SmsUnavailable, per_try=None, deadline=60)


def configure(sms_url: str | None, own_line: Line | None = None, *, seconds: float = 15.0) -> SmsConfig:
    """From SMS_URL; `seconds` limits one try. Raises ValueError in an operator's words.

    `https://TOKEN@provider/path` is our contract (plain http only to this machine);
    `msg91://AUTHKEY@control.msg91.com?template=ID&template.otp=ID&sender=KAKSHA` is MSG91.
    """
    provider = None if sms_url is None else _provider(sms_url)
    client = httpx2.AsyncClient(timeout=httpx2.Timeout(seconds, connect=min(5.0, seconds)))
    return SmsConfig(provider, Wire(client, seconds), own_line or sms_line())


async def close(config: SmsConfig) -> None:
    """Ends the connections."""
    await config.wire.client.aclose()


def _provider(sms_url: str) -> Generic | Msg91:
    parts = urlsplit(sms_url)
    if parts.scheme not in ("http", "https", "msg91") or not parts.hostname:
        raise ValueError(_LIKE)
    here = on_this_machine(parts.hostname)
    if parts.scheme == "http" and not here:
        raise ValueError("must be https:// (plain http only to this machine)")
    place = parts.netloc.rpartition("@")[2]
    token = unquote(parts.username) if parts.username else None
    if parts.scheme != "msg91":
        return Generic(urlunsplit((parts.scheme, place, parts.path, parts.query, "")), token)
    options = dict(parse_qsl(parts.query))
    sender = options.pop("sender", None)
    if token is None or not options or not all(re.fullmatch(r"template(\.\w+)?", name) for name in options):
        raise ValueError(f"{_LIKE}, with template.KIND=ID for single kinds and sender=ID")
    templates = {name.partition(".")[2]: template for name, template in options.items()}
    return Msg91(f"{'http' if here else 'https'}://{place}/api/v5/flow", token, sender, templates)


def takes_references(config: SmsConfig) -> bool:
    """Whether a repetition under the same key is taken once."""
    return not isinstance(config.provider, Msg91)


async def send(config: SmsConfig, sms: Sms) -> Sent:
    """Hands the SMS to the provider, at most 60 s and three tries.

    Raises SmsRefused (never again), SmsUnavailable (a job comes back later), SmsUncertain, SmsOutOfCredit,
    SmsMisconfigured.
    """
    price = cost(sms.text)
    match config.provider:
        case None:
            _log.warning("sms.not_sent", kind=sms.kind, segments=price.segments, why="SMS_URL is not set")
            return Sent(None, price)
        case Generic() as provider:
            call = partial(send_generic, config.wire, provider, sms)
        case Msg91() as provider:
            call = partial(send_msg91, config.wire, provider, sms)
    return Sent(await over(config.line, call), price)
