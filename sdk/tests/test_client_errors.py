from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime

import httpx2
import msgspec
import pytest

from kaksha_client import errors
from kaksha_client.errors import ErrorType, KakshaError, from_exception, from_response, retry_after_seconds


def answer(status: int, body: object = None, **headers: str) -> httpx2.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, content=msgspec.json.encode(body), headers=names)


@pytest.mark.parametrize(
    ("status", "kind", "type_", "retryable", "text"),
    [
        (401, errors.AuthenticationError, "AUTHENTICATION_ERROR", False, "Please login again to continue."),
        (
            403,
            errors.PermissionDenied,
            "AUTHENTICATION_ERROR",
            False,
            "You do not have permission to perform this action.",
        ),
        (404, errors.ClientError, "CLIENT_ERROR", False, "Something went wrong. Please try again."),
        (408, errors.TimedOut, "TIMEOUT_ERROR", True, "Request timed out. Please try again."),
        (422, errors.ValidationError, "VALIDATION_ERROR", False, "Please check your input and try again."),
        (
            429,
            errors.RateLimited,
            "RATE_LIMIT_ERROR",
            True,
            "Too many requests. Please wait a moment and try again.",
        ),
        *(
            (
                status,
                errors.ServerError,
                "SERVER_ERROR",
                status != 501,
                "Server is temporarily unavailable. Please try again later.",
            )
            for status in (500, 501, 502, 504)
        ),
        (
            503,
            errors.ServiceUnavailable,
            "SERVICE_UNAVAILABLE",
            True,
            "Server is temporarily unavailable. Please try again later.",
        ),
    ],
)
def test_each_status_is_the_guides_error(
    status: int, kind: type[KakshaError], type_: str, retryable: bool, text: str
) -> None:
    error = from_response(httpx2.Response(status))
    assert type(error) is kind
    shape = error.as_dict()
    assert datetime.fromisoformat(shape.pop("timestamp")).tzinfo == UTC
    assert shape == {
        "type": type_,
        "message": kind.default_message,
        "code": str(status),
        "retryable": retryable,
        "userMessage": text,
    }


def test_every_type_of_the_guide_has_a_class() -> None:
    kinds = [value for value in vars(errors).values() if isinstance(value, type)]
    assert {kind.type for kind in kinds if issubclass(kind, KakshaError) and kind is not KakshaError} == set(
        ErrorType
    )


def test_the_servers_facts_are_kept() -> None:
    body = {"message": "Already paid", "code": "DUE_ALREADY_SETTLED", "requestId": "r-1"}
    error = from_response(answer(409, body))
    assert (error.message, error.code, error.status, error.request_id, error.user_message) == (
        "Already paid",
        "DUE_ALREADY_SETTLED",
        409,
        "r-1",
        "Already paid",
    )
    assert str(error) == "Already paid"


def test_fields_are_named() -> None:
    fields = {"name": ["Name is missing", "Too short"], "phone": ["Not a number"]}
    error = from_response(answer(422, {"message": "Validation failed", "errors": fields}))
    assert error.details == fields
    assert error.user_message == "Name is missing. Too short. Not a number"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"message": "\xff"}', b'{"message": 3}', b'{"mess', b"[]"]
)
def test_a_body_of_somebody_else_is_no_obstacle(body: bytes) -> None:
    error = from_response(httpx2.Response(502, content=body))
    assert isinstance(error, errors.ServerError)
    assert error.message == "Server error"


@pytest.mark.parametrize("details", [["no fields"], {"name": "no list"}, "text", None])
def test_odd_details_fall_back(details: object) -> None:
    error = from_response(answer(422, {"errors": details}))
    assert error.user_message == "Please check your input and try again."
    assert error.details == details


def test_a_conflict_that_will_pass_says_when() -> None:
    assert not from_response(answer(409)).retryable
    assert from_response(answer(409, {"code": "IDEMPOTENCY_KEY_IN_FLIGHT"})).retryable
    in_flight = from_response(answer(409, Retry_After="1"))
    assert (in_flight.retryable, in_flight.retry_after) == (True, 1.0)


def test_texts_are_in_the_persons_language() -> None:
    assert from_response(answer(403), language="hi-IN").user_message == "आपको यह काम करने की अनुमति नहीं है।"
    assert from_response(answer(403), language="ta").user_message.startswith("You do not")
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, KakshaError):
            assert kind.texts.keys() == {"en", "hi"}


def test_at_sign_in_the_servers_words_count() -> None:
    wrong = answer(401, {"message": "Wrong e-mail or password", "code": "INVALID_CREDENTIALS"})
    assert from_response(wrong, signing_in=True).user_message == "Wrong e-mail or password"
    assert from_response(wrong).user_message == "Please login again to continue."


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (httpx2.ConnectTimeout(""), errors.TimedOut),
        (httpx2.PoolTimeout(""), errors.TimedOut),
        (TimeoutError(), errors.TimedOut),
        (httpx2.ConnectError(""), errors.NetworkError),
        (httpx2.RemoteProtocolError(""), errors.NetworkError),
        (httpx2.DecodingError(""), errors.ServerError),
        (httpx2.UnsupportedProtocol("no scheme"), errors.ClientError),
    ],
)
def test_no_answer(cause: httpx2.RequestError | TimeoutError, kind: type[KakshaError]) -> None:
    error = from_exception(cause, request_id="r-2")
    assert type(error) is kind
    assert error.status is None
    assert error.request_id == "r-2"
    assert error.retryable is (kind is not errors.ClientError)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("Sun, 22 Nov 2026 10:00:07 GMT", 7.0),
        ("Sunday, 22-Nov-26 10:00:07 GMT", 7.0),
        ("Sun Nov 22 10:00:07 2026", 7.0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("nan", None),
        ("٣", None),
        ("Sun, 99 Nov 99999999999 08:49:37 GMT", None),
    ],
)
def test_retry_after_has_two_forms(value: str, seconds: float | None) -> None:
    now = datetime(2026, 11, 22, 10, tzinfo=UTC)
    headers = httpx2.Headers([(b"Retry-After", value.encode())])
    assert retry_after_seconds(headers, now) == seconds


def test_retry_after_is_measured_on_the_servers_clock() -> None:
    headers = httpx2.Headers(
        {"Retry-After": "Sun, 22 Nov 2026 10:00:07 GMT", "Date": "Sun, 22 Nov 2026 10:00:05 GMT"}
    )
    assert retry_after_seconds(headers, datetime(1970, 1, 1, tzinfo=UTC)) == 2.0


def test_an_error_survives_pickle_and_copy() -> None:
    error = from_response(answer(422, {"message": "No", "errors": {"a": ["b"]}}), language="hi")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert twin.as_dict() == error.as_dict()
        assert twin.status == 422
