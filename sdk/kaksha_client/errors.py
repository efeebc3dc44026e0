"""What can go wrong, as one tree of exceptions.

KakshaError
├── NetworkError          NETWORK_ERROR         no answer: refused, reset, cut off
├── TimedOut              TIMEOUT_ERROR         no answer in time, or a 408
├── AuthenticationError   AUTHENTICATION_ERROR  401: nobody is signed in
├── PermissionDenied      AUTHENTICATION_ERROR  403: signed in, not allowed
├── ValidationError       VALIDATION_ERROR      422: `details` names the fields
├── RateLimited           RATE_LIMIT_ERROR      429
├── ServerError           SERVER_ERROR          5xx, or an answer nobody can read
├── ServiceUnavailable    SERVICE_UNAVAILABLE   503
│   └── CircuitOpen                             not even tried: the breaker is open
└── ClientError           CLIENT_ERROR          any other answer that is not a success

401 and 403 share the guide's type but not their class: who signs people out on AuthenticationError must not
do so because a button was not theirs to press.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, ClassVar

import httpx2
import msgspec


class ErrorType(StrEnum):
    """The guide's eight types of error."""

    NETWORK_ERROR = "NETWORK_ERROR"
    AUTHENTICATION_ERROR = "AUTHENTICATION_ERROR"
    VALIDATION_ERROR = "VALIDATION_ERROR"
    SERVER_ERROR = "SERVER_ERROR"
    CLIENT_ERROR = "CLIENT_ERROR"
    TIMEOUT_ERROR = "TIMEOUT_ERROR"
    RATE_LIMIT_ERROR = "RATE_LIMIT_ERROR"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"


class KakshaError(Exception):
    """The root. `message` is for the developer, `user_message` for the person in front of the screen.

    `retryable`: the same call may succeed if it is made again. `retry_after`: seconds that the server asked
    to wait. `details`: of a ValidationError, `{"field.path": ["why", ...]}`. `timestamp`: when, in UTC.
    `status` is None when there was no answer, `request_id` when there was no call.
    """

    type: ClassVar[ErrorType] = ErrorType.CLIENT_ERROR
    default_message: ClassVar[str] = "An error occurred"
    texts: ClassVar[Mapping[str, str]] = {
        "en": "Something went wrong. Please try again.",
        "hi": "कुछ गड़बड़ हो गई। कृपया फिर से कोशिश करें।",
    }
    retryable: bool = False

    # Everything but the message is optional, so that copies and pickles of an error keep all of it.
    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        details: Any = None,
        retryable: bool | None = None,
        user_message: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        language: str = "en",
    ) -> None:
        self.message = message or self.default_message
        super().__init__(self.message)
        self.code = code
        self.details = details
        if retryable is not None:
            self.retryable = retryable
        self.user_message = user_message or text_in(self.texts, language)
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after
        self.timestamp = datetime.now(UTC)

    def as_dict(self) -> dict[str, Any]:
        """The guide's AppError; `code` and `details` stand there only when known."""
        known = {"code": self.code, "details": self.details}
        return {
            "type": self.type.value,
            "message": self.message,
            **{name: value for name, value in known.items() if value is not None},
            "retryable": self.retryable,
            "userMessage": self.user_message,
            "timestamp": self.timestamp.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }


class NetworkError(KakshaError):
    type = ErrorType.NETWORK_ERROR
    default_message = "Network error"
    texts: ClassVar = {
        "en": "Please check your internet connection and try again.",
        "hi": "कृपया अपना इंटरनेट कनेक्शन जाँचें और फिर से कोशिश करें।",
    }
    retryable = True


class TimedOut(KakshaError):
    type = ErrorType.TIMEOUT_ERROR
    default_message = "Request timeout"
    texts: ClassVar = {
        "en": "Request timed out. Please try again.",
        "hi": "अनुरोध का समय समाप्त हो गया। कृपया फिर से कोशिश करें।",
    }
    retryable = True


class AuthenticationError(KakshaError):
    type = ErrorType.AUTHENTICATION_ERROR
    default_message = "Authentication failed"
    texts: ClassVar = {
        "en": "Please login again to continue.",
        "hi": "आगे बढ़ने के लिए कृपया फिर से लॉग इन करें।",
    }


class PermissionDenied(KakshaError):
    type = ErrorType.AUTHENTICATION_ERROR
    default_message = "Access denied"
    texts: ClassVar = {
        "en": "You do not have permission to perform this action.",
        "hi": "आपको यह काम करने की अनुमति नहीं है।",
    }


class ValidationError(KakshaError):
    type = ErrorType.VALIDATION_ERROR
    default_message = "Validation failed"
    texts: ClassVar = {
        "en": "Please check your input and try again.",
        "hi": "कृपया दी गई जानकारी जाँचें और फिर से कोशिश करें।",
    }


class RateLimited(KakshaError):
    type = ErrorType.RATE_LIMIT_ERROR
    default_message = "Rate limit exceeded"
    texts: ClassVar = {
        "en": "Too many requests. Please wait a moment and try again.",
        "hi": "बहुत सारे अनुरोध हो गए हैं। कृपया थोड़ा रुककर फिर से कोशिश करें।",
    }
    retryable = True


class ServerError(KakshaError):
    type = ErrorType.SERVER_ERROR
    default_message = "Server error"
    texts: ClassVar = {
        "en": "Server is temporarily unavailable. Please try again later.",
        "hi": "सर्वर अभी उपलब्ध नहीं है। कृपया थोड़ी देर बाद फिर से कोशिश करें।",
    }
    retryable = True


class ServiceUnavailable(KakshaError):
    type = ErrorType.SERVICE_UNAVAILABLE
    default_message = "Service unavailable"
    texts = ServerError.texts
    retryable = True


class CircuitOpen(ServiceUnavailable):
    """The breaker let nothing through; `retry_after` is the time until it will, where that is known."""

    default_message = "Circuit breaker is OPEN"
    retryable = False


class ClientError(KakshaError):
    """Any other refusal; `status` and `code` tell which (404, 409, 410, 413, 415, ...)."""


SESSION_EXPIRED: Mapping[str, str] = {
    "en": "Session expired. Please login again.",
    "hi": "आपका सत्र समाप्त हो गया है। कृपया फिर से लॉग इन करें।",
}

_BY_STATUS: Mapping[int, type[KakshaError]] = {
    401: AuthenticationError,
    403: PermissionDenied,
    408: TimedOut,
    422: ValidationError,
    429: RateLimited,
    503: ServiceUnavailable,
}


# What msgspec raises for bytes that are no JSON of the wanted shape.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError)


class _Failure(msgspec.Struct, rename="camel"):
    """The body of a failure; every field optional, because a proxy on the way may have written it."""

    message: str | None = None
    code: str | None = None
    errors: Any = None
    request_id: str | None = None


def text_in(texts: Mapping[str, str], language: str) -> str:
    """The text for a language tag such as `hi` or `hi-IN`, else the English one."""
    return texts.get(language.partition("-")[0].lower(), texts["en"])


def from_response(
    response: httpx2.Response, *, language: str = "en", signing_in: bool = False
) -> KakshaError:
    """The error that an answer other than a success means. The body must have been read.

    `signing_in`: nobody was signed in yet, so the server's own words ("wrong password") are the ones to show,
    not "login again".
    """
    status = response.status_code
    try:
        body = msgspec.json.decode(response.content, type=_Failure)
    except UNREADABLE:  # an HTML page of a proxy, an empty or a cut body
        body = _Failure()
    retry_after = retry_after_seconds(response.headers)
    error = _BY_STATUS.get(status) or (ServerError if status >= 500 else ClientError)

    retryable = None
    if status == 409 and (retry_after is not None or body.code == "IDEMPOTENCY_KEY_IN_FLIGHT"):
        retryable = True  # our own first try with this key is still being worked on
    elif status == 501:
        retryable = False

    user_message = None
    if error is ValidationError:
        user_message = _sentences(body.errors)
    elif error is ClientError or (signing_in and error is AuthenticationError):
        user_message = body.message

    return error(
        body.message,
        code=body.code or str(status),
        details=body.errors,
        retryable=retryable,
        user_message=user_message,
        status=status,
        request_id=body.request_id or response.headers.get("X-Request-ID"),
        retry_after=retry_after,
        language=language,
    )


def from_exception(
    error: httpx2.RequestError | TimeoutError, *, language: str = "en", request_id: str | None = None
) -> KakshaError:
    """The error that the lack of an answer means."""
    match error:
        case httpx2.TimeoutException() | TimeoutError():
            kind = TimedOut
        case httpx2.DecodingError():  # the body does not unpack
            kind = ServerError
        case httpx2.UnsupportedProtocol() | httpx2.LocalProtocolError() | httpx2.TooManyRedirects():
            kind = ClientError  # a mistake in our own address or headers, the same at every try
        case _:
            kind = NetworkError
    message = str(error) if kind is ClientError else None
    return kind(message, request_id=request_id, language=language)


def retry_after_seconds(headers: httpx2.Headers, now: datetime | None = None) -> float | None:
    """Retry-After in seconds, from either form; None when absent or unreadable.

    A date is compared with the answer's own `Date`, because clocks of phones and laptops are often wrong.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    until = _http_date(value)
    if until is None:
        return None
    since = _http_date(headers.get("Date", "")) or now or datetime.now(UTC)
    return max(0.0, (until - since).total_seconds())


def _http_date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)  # "-0000" and asctime dates have no zone


def _sentences(errors: Any) -> str | None:
    """What is wrong with all fields, as the guide joins it; None if nobody said."""
    try:
        fields = msgspec.convert(errors, dict[str, list[str]])
    except msgspec.ValidationError:
        return None
    return ". ".join(why for reasons in fields.values() for why in reasons)
