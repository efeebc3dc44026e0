"""Bodies, answers and rows of accounts."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from kaksha.core.ids import UUID

__all__ = [
    "Account", "Device", "Language", "NewUser", "Permission", "Person", "Profile", "ProfileChange", "ProfileChoice",
    "ProfileOption", "Refresh", "RefreshRow", "Role", "SecondStep", "SessionRow", "SignIn", "SignOut", "SignedIn",
    "Theme", "User", "UserRow",
]  # fmt: skip

Role = Literal["student", "teacher", "parent", "admin"]
Language = Literal["en", "hi"]
Theme = Literal["system", "light", "dark"]
Permission = Literal["desk", "academics", "money", "owner"]
Name = Annotated[
    str, msgspec.Meta(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$")
]
"""Something to read, on one line."""


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


class Profile(msgspec.Struct, frozen=True, rename="camel"):
    """One's own record."""

    id: UUID
    name: str
    email: str | None
    phone: str | None
    roles: list[Role]
    permissions: list[Permission]
    institute_id: UUID
    institute_name: str
    avatar_url: str | None
    language: Language
    theme: Theme
    email_verified: bool
    phone_verified: bool
    created_at: str


class SignIn(msgspec.Struct, frozen=True, rename="camel"):
    """Either email or phone with a password, or the choice of a profile with the ticket of the first answer."""

    email: Annotated[str, msgspec.Meta(max_length=254)] | None = None
    phone: Annotated[str, msgspec.Meta(max_length=32)] | None = None
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)] | None = None
    profile_ticket: Annotated[str, msgspec.Meta(max_length=4000)] | None = None
    user_id: UUID | None = None


class SecondStep(msgspec.Struct, frozen=True, rename="camel"):
    """The password was right; send `ticket` with a code of the authenticator app to /auth/second-factor."""

    ticket: str
    second_factor: Literal[True] = True


class SignedIn(msgspec.Struct, frozen=True, rename="camel"):
    """Tokens of a new or renewed sign-in; `expiresIn` is the access token's life in seconds."""

    user: User
    access_token: str
    refresh_token: str
    expires_in: int
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a kind, not a secret


class ProfileOption(msgspec.Struct, frozen=True, rename="camel"):
    user_id: UUID
    name: str
    roles: list[Role]
    institute_name: str


class ProfileChoice(msgspec.Struct, frozen=True, rename="camel"):
    """Several people sign in with this phone or e-mail: repeat the call with `profileTicket` and one `userId`."""

    profiles: list[ProfileOption]
    profile_ticket: str


class Refresh(msgspec.Struct, frozen=True, rename="camel"):
    refresh_token: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class SignOut(msgspec.Struct, frozen=True, rename="camel"):
    """Ends this sign-in (or that of `refreshToken`), or all of this person's."""

    refresh_token: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    everywhere: bool = False


class ProfileChange(msgspec.Struct, frozen=True, rename="camel"):
    """A partial update: what is absent stays."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    language: Language | msgspec.UnsetType = msgspec.UNSET
    theme: Theme | msgspec.UnsetType = msgspec.UNSET


class NewUser(msgspec.Struct, frozen=True):
    """A person to be created by an admin, the operator or the demo; already checked."""

    name: str
    roles: list[str]
    email: str | None = None
    phone: str | None = None
    password_hash: str | None = None
    permissions: list[str] = []
    language: str = "en"


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


class Account(UserRow, frozen=True, kw_only=True):
    """A person who signs in: what they proved must still be so when the sign-in is opened."""

    password_hash: str | None
    second_factor: bool = False
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
