"""Errors are facts: a class, a stable code, a status and a text in English and Hindi. Faces render them."""

from typing import Any, ClassVar, Self

from kaksha.core.i18n import N_

__all__ = [
    "AppError", "BodyTooLarge", "Conflict", "DatabaseDown", "Forbidden", "Gone", "Internal", "Invalid",
    "KeyInFlight", "KeyReused", "Malformed", "MethodNotAllowed", "NotFound", "NotSignedIn", "OffSite",
    "TooMany", "Unsupported", "Why", "every_error",
]  # fmt: skip


class Why(str):
    """A reason that names values: an English sentence that still knows its untranslated form."""

    __slots__ = ("facts", "key")
    key: str
    facts: dict[str, Any]

    def __new__(cls, text: str, **facts: Any) -> Self:
        why = super().__new__(cls, text.format(**facts))
        why.key, why.facts = text, facts
        return why


class AppError(Exception):
    """A failure that the caller is told about. `text` is English and the key of its translation."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL_ERROR"
    text: ClassVar[str] = N_("Something went wrong. Please try again.")

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        """Values that `text` names in braces."""
        self.headers: dict[str, str] = {}
        super().__init__(self.code)


class Internal(AppError):
    """Our own fault; the log has the traceback under the request id."""


class Malformed(AppError):
    status, code, text = 400, "MALFORMED_REQUEST", N_("The request could not be read.")


class NotSignedIn(AppError):
    status, code, text = 401, "NOT_SIGNED_IN", N_("Please login again to continue.")


class Forbidden(AppError):
    status, code, text = 403, "FORBIDDEN", N_("You do not have permission to perform this action.")


class OffSite(AppError):
    status, code, text = (
        403,
        "CROSS_SITE_REQUEST",
        N_("This form was sent from another site and was not accepted."),
    )


class NotFound(AppError):
    """Not there, or not the caller's to know of: both look alike."""

    status, code, text = 404, "NOT_FOUND", N_("We could not find that.")


class MethodNotAllowed(AppError):
    status, code, text = 405, "METHOD_NOT_ALLOWED", N_("This address does not take that kind of request.")


class Conflict(AppError):
    status, code, text = (
        409,
        "CONFLICT",
        N_("That does not fit what is there now. Please reload and try again."),
    )


class KeyInFlight(Conflict):
    code, text = "IDEMPOTENCY_KEY_IN_FLIGHT", N_("The same request is still being worked on.")


class Gone(AppError):
    status, code, text = 410, "GONE", N_("That is no longer available.")


class BodyTooLarge(AppError):
    status, code, text = 413, "BODY_TOO_LARGE", N_("That is too large to send.")


class Unsupported(AppError):
    status, code, text = 415, "UNSUPPORTED_MEDIA_TYPE", N_("That kind of content is not accepted here.")


class Invalid(AppError):
    """Fields are wrong; `problems` maps every bad field's dotted path to its reasons (English, translated later)."""

    status, code, text = 422, "VALIDATION_ERROR", N_("Please check your input and try again.")

    def __init__(self, problems: dict[str, list[str]]) -> None:
        super().__init__()
        self.problems = problems


class KeyReused(AppError):
    status, code = 422, "IDEMPOTENCY_KEY_REUSED"
    text = N_("This Idempotency-Key was already used for another request.")


class TooMany(AppError):
    status, code, text = (
        429,
        "TOO_MANY_REQUESTS",
        N_("Too many requests. Please wait a moment and try again."),
    )

    def __init__(self, retry_after: float = 1.0) -> None:
        super().__init__()
        self.headers["Retry-After"] = str(max(1, -int(-retry_after // 1)))


class DatabaseDown(AppError):
    status, code = 503, "DATABASE_UNAVAILABLE"
    text = N_("Server is temporarily unavailable. Please try again later.")

    def __init__(self, **facts: Any) -> None:
        super().__init__(**facts)
        self.headers["Retry-After"] = "2"


def every_error(root: type[AppError] = AppError) -> list[type[AppError]]:
    """All error classes that are loaded, for the documentation and its guard."""
    found = [root]
    for child in root.__subclasses__():
        found += every_error(child)
    return found
