"""Bodies and answers of codes."""

from typing import Annotated

import msgspec

__all__ = [
    "ChangePassword", "CodeSent", "EnterCode", "Forgot", "Letter", "RequestCode", "ResetPassword", "VerifyEmail",
]  # fmt: skip

Password = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
Token = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Forgot(msgspec.Struct, frozen=True):
    """Either the e-mail or the phone one signs in with."""

    email: Annotated[str, msgspec.Meta(max_length=254)] | None = None
    phone: Annotated[str, msgspec.Meta(max_length=32)] | None = None


class ResetPassword(msgspec.Struct, frozen=True):
    token: Token
    password: Password


class ChangePassword(msgspec.Struct, frozen=True, rename="camel"):
    current_password: Password
    new_password: Password


class VerifyEmail(msgspec.Struct, frozen=True):
    token: Token


class RequestCode(msgspec.Struct, frozen=True):
    phone: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]


class CodeSent(msgspec.Struct, frozen=True, rename="camel"):
    """`challenge` goes back with the code; seconds."""

    challenge: str
    expires_in: int
    resend_after: int


class EnterCode(msgspec.Struct, frozen=True):
    challenge: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=12)]


class Letter(msgspec.Struct, frozen=True):
    """What a message says, in its reader's language: a mail's subject and paragraphs, and the same as an SMS."""

    subject: str
    text: str
    short: str
