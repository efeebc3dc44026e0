"""What the sync and the async client have in common: what a call looks like, and how an answer is read."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
import msgspec

from ._version import __version__
from .errors import UNREADABLE, ServerError, from_response
from .models import Answer, SignIn
from .tokens import Tokens

T = TypeVar("T")

logger = logging.getLogger("kaksha_client")

IDEMPOTENT = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}

# Nobody is signed in yet: no token is sent, and a 401 is about what was typed, not about a token.
SIGNING_IN = {
    "/auth/register",
    "/auth/login",
    "/auth/refresh",
    "/auth/forgot-password",
    "/auth/reset-password",
    "/auth/verify-email",
    "/auth/otp/request",
    "/auth/otp/verify",
    "/auth/biometric/login",
}

# A 401 with one of these is about what was typed too, on a path that needs a sign-in (/auth/change-password):
# a new token would not help.
SIGN_IN_FAILURES = {"INVALID_CREDENTIALS"}


class Call:
    """One call of the API with all that stays the same when it is tried again."""

    def __init__(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        if not path.startswith("/"):
            raise ValueError(f"path must begin with a slash: {path!r}")
        self.method = method.upper()
        self.path = path
        self.content = None if json is None else msgspec.json.encode(json)
        self.params = {name: value for name, value in (params or {}).items() if value is not None}
        self.request_id = str(uuid.uuid4())
        self.idempotency_key = idempotency_key
        if idempotency_key is None and self.method == "POST" and not path.startswith("/auth/"):
            self.idempotency_key = str(uuid.uuid4())

    @property
    def signing_in(self) -> bool:
        return self.path in SIGNING_IN

    @property
    def safe(self) -> bool:
        """Whether doing it twice is the same as doing it once."""
        return self.method in IDEMPOTENT or self.idempotency_key is not None

    def headers(self, access_token: str | None) -> dict[str, str]:
        headers = {"X-Request-ID": self.request_id}
        if access_token and not self.signing_in:
            headers["Authorization"] = f"Bearer {access_token}"
        if self.idempotency_key:
            headers["Idempotency-Key"] = self.idempotency_key
        if self.content is not None:
            headers["Content-Type"] = "application/json"
        return headers


def base_headers(*, device_id: str, language: str, app_version: str, platform: str) -> dict[str, str]:
    """The headers that every call of a client has."""
    return {
        "Accept": "application/json",
        "Accept-Language": language,
        "User-Agent": f"kaksha-client/{__version__}",
        "X-App-Version": app_version,
        "X-Device-ID": device_id,
        "X-Platform": platform,
    }


def path_of(template: str, *ids: str) -> str:
    """`path_of("/students/{}/dashboard", id)`; ValueError for an id that would lead to another path."""
    for value in ids:
        if value in ("", ".", ".."):
            raise ValueError(f"not an id: {value!r}")
    return template.format(*(quote(value, safe="") for value in ids))


def log(call: Call, outcome: int | str, started: float) -> None:
    """One line a try. Never a header, a body or a query: they hold tokens, passwords and children's data."""
    milliseconds = (time.monotonic() - started) * 1000
    path = call.path.partition("?")[0]
    logger.debug("%s %s %s %.0f ms %s", call.method, path, outcome, milliseconds, call.request_id)


def read_answer(call: Call, response: httpx2.Response, language: str) -> Answer:
    """The answer of a success; raises the KakshaError that anything else means."""
    if not response.is_success:
        error = from_response(response, language=language, signing_in=call.signing_in)
        error.request_id = error.request_id or call.request_id
        raise error
    if not response.content:
        return Answer(success=True)
    try:
        answer = msgspec.json.decode(response.content, type=Answer)
    except UNREADABLE:
        answer = None
    if answer is None or not answer.success:  # cut short, or the page of a Wi-Fi that wants a sign-in
        raise ServerError(
            "The answer is not one of a Kaksha server",
            code="UNREADABLE_ANSWER",
            status=response.status_code,
            request_id=call.request_id,
            language=language,
        )
    return answer


def shaped(data: Any, shape: type[T], language: str) -> T:
    """`data` of an answer as a typed struct; a ServerError if it is not one."""
    try:
        return msgspec.convert(data, shape)
    except msgspec.ValidationError as error:
        raise ServerError(
            f"The answer has another shape than expected: {error}",
            code="UNEXPECTED_ANSWER",
            retryable=False,
            language=language,
        ) from None


def tokens_of(sign_in: SignIn) -> Tokens:
    return Tokens(sign_in.access_token, sign_in.refresh_token, sign_in.user.id)
