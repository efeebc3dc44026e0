"""What is known of a person who is signed in, and rows of their sign-ins."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from kaksha.core.ids import UUID

__all__ = [
    "Account", "Device", "Language", "Permission", "Person", "RefreshRow", "Role", "SessionRow", "SignOut", "SignedIn",
    "Theme", "User", "UserRow",
]  # fmt: skip

Role = Literal["student", "teacher", "parent", "admin"]
Language = Literal["en", "hi"]
Theme = Literal["system", "light", "dark"]
Permission = Literal["desk", "academics", "money", "owner"]


class User(msgspec.Struct, frozen=True, rename="camel"):
    """A person as the API shows them."""

    id: UUID
    name: str
    email: str | None
    phone: str | None
    roles: list[Role]
    institute_id: UUID
    avatar_url: str | None
    language: Language


class SignedIn(msgspec.Struct, frozen=True, rename="camel"):
    """Tokens of a new or renewed sign-in; `expiresIn` is the access token's life in seconds."""

    user: User
    access_token: str
    refresh_token: str
    expires_in: int
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a kind, not a secret


class SignOut(msgspec.Struct, frozen=True, rename="camel"):
    """Ends this sign-in (or that of `refreshToken`), or all of this person's."""

    refresh_token: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    everywhere: bool = False


class Device(msgspec.Struct, frozen=True):
    """What a caller says of its device in the headers of SPEC 1; shown to its owner, trusted for nothing."""

    id: str | None = None
    platform: str | None = None
    app_version: str | None = None


class Person(msgspec.Struct, frozen=True):
    """Whom a token speaks of."""

    id: UUID
    institute_id: UUID
    name: str
    email: str | None
    phone: str | None
    roles: list[Role]
    permissions: list[Permission]
    status: str
    language: Language
    zone: str
    avatar: str | None = None
    """The version of their picture."""


class UserRow(Person, frozen=True, kw_only=True):
    """A person with what the page frame shows."""

    theme: Theme
    institute_name: str
    second_factor: bool = False


class Account(UserRow, frozen=True, kw_only=True):
    """A person who signs in: what they proved must still be so when the sign-in is opened."""

    password_hash: str | None
    strong: bool = False
    """Whether they proved more than a password or a code by SMS: then no second step is asked for."""


class RefreshRow(msgspec.Struct, frozen=True):
    """A refresh token with its session and person."""

    session_id: UUID
    changed_at: datetime | None
    used_at: datetime | None
    expires_at: datetime
    revoked_at: datetime | None
    person: Person


class SessionRow(msgspec.Struct, frozen=True):
    """An open session with its person."""

    id: UUID
    role: str
    expires_at: datetime
    changed_at: datetime | None
    unread: int
    user: UserRow
