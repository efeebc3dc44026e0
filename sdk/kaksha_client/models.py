"""What the server sends, typed. Fields that a newer server adds are ignored."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


class Shape(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """camelCase on the wire, snake_case here."""


class User(Shape, frozen=True):
    id: str
    name: str
    roles: list[str]
    institute_id: str
    email: str | None = None
    phone: str | None = None
    avatar_url: str | None = None
    language: str = "en"


class Profile(User, frozen=True):
    """One's own record. `theme`: system, light or dark. `permissions`: of an admin."""

    permissions: list[str] = []
    institute_name: str | None = None
    theme: str = "system"
    email_verified: bool = False
    phone_verified: bool = False
    created_at: datetime | None = None


class SignIn(Shape, frozen=True):
    """Signed in as `user`. `expires_in`: seconds that the access token lives."""

    user: User
    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"

    def __repr__(self) -> str:  # the tokens must not reach a log by way of a repr
        return f"SignIn(user={self.user!r}, expires_in={self.expires_in})"


class ProfileOption(Shape, frozen=True):
    user_id: str
    name: str
    roles: list[str]
    institute_name: str


class ProfileChoice(Shape, frozen=True):
    """The sign-in was right for several people: sign in again with `profile_ticket` and one `user_id`."""

    profiles: list[ProfileOption]
    profile_ticket: str

    def __repr__(self) -> str:
        return f"ProfileChoice(profiles={self.profiles!r})"


class Pagination(Shape, frozen=True):
    """`page` counts from 1. Lists without end have a `next_cursor` while there is more."""

    page: int | None = None
    limit: int | None = None
    total: int | None = None
    total_pages: int | None = None
    next_cursor: str | None = None


class Page(Shape, Generic[T], frozen=True):
    items: list[T]
    pagination: Pagination | None = None


class Answer(Shape, frozen=True):
    """A success as it came: `data` is plain (dict, list, str, number, None)."""

    success: bool
    data: Any = None
    message: str | None = None
    pagination: Pagination | None = None
