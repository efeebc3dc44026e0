"""An SMS, what sending it costs, and how it can fail."""

import re
from collections.abc import Mapping

import msgspec
from kaksha_client.resilience import Outcome

from kaksha.core.i18n import N_
from kaksha.gateways.resilience import GatewayError
from kaksha.gateways.segments import Cost

__all__ = ["Sent", "Sms", "SmsMisconfigured", "SmsOutOfCredit", "SmsRefused", "SmsUnavailable", "SmsUncertain"]

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


class SmsUnavailable(GatewayError):
    """Nothing was sent; the same call may succeed later."""

    status, code, text = 503, "SMS_UNAVAILABLE", N_("SMS cannot be sent right now. Please try again later.")
    retryable = True


class SmsUncertain(GatewayError):
    """It may have been sent, and again may be twice: whether that is better than never, the caller knows."""

    status, code, text = 504, "SMS_UNCERTAIN", N_("We could not learn whether the SMS was sent.")


class SmsRefused(GatewayError):
    """For good. `bad_number`: so is any other to this number; else it was this text or template."""

    status, code, text = 422, "SMS_REFUSED", N_("SMS to this number was refused. Please check the number.")
    outcome = Outcome.SUCCESS

    def __init__(self, reason: str = "", *, bad_number: bool = False) -> None:
        super().__init__(reason)
        self.bad_number = bad_number


class SmsOutOfCredit(GatewayError):
    """The operator must pay the provider."""

    status, code, text = 503, "SMS_OUT_OF_CREDIT", SmsUnavailable.text


class SmsMisconfigured(GatewayError):
    """The operator must act: key, address, template, allowed addresses."""

    status, code, text = 503, "SMS_MISCONFIGURED", SmsUnavailable.text


class Sms(msgspec.Struct, frozen=True, kw_only=True):
    """One SMS. `key` names the intent, as in Mail. Raises ValueError for a number that is not E.164."""

    to: str
    text: str
    """As it shall read; under DLT equal to the registered template with `values` filled in."""
    key: str
    kind: str = "notice"
    """`otp`, `notice` …: chooses the template in SMS_URL."""
    template: str | None = None
    """The provider's id of the registered template, where the institute has its own."""
    values: Mapping[str, str] = {}
    """The template's variables by name, for providers that fill it in themselves."""

    def __post_init__(self) -> None:
        if not _E164.fullmatch(self.to):
            raise ValueError("to must be a number in E.164")
        if not all(_NAME.fullmatch(name) and name not in ("mobiles", "mobile") for name in self.values):
            raise ValueError("values must have plain names")


class Sent(msgspec.Struct, frozen=True):
    """`provider_id` is what delivery reports name; None: no SMS left, because none is configured."""

    provider_id: str | None
    cost: Cost
