"""Bodies, answers and rows of accounts."""

from typing import Annotated, Literal

import msgspec

from kaksha.core.ids import UUID
from kaksha.sessions.models import (
    Account,
    Device,
    Language,
    Permission,
    Person,
    Role,
    SignedIn,
    SignOut,
    Theme,
    User,
    UserRow,
)

__all__ = [
    "Account", "Device", "Language", "NewUser", "Permission", "Person", "Profile", "ProfileChange", "ProfileChoice",
    "ProfileOption", "Refresh", "Role", "SecondStep", "SignIn", "SignOut", "SignedIn",
    "Theme", "User", "UserRow",
]  # fmt: skip

Name = Annotated[
    str, msgspec.Meta(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$")
]
"""Something to read, on one line."""


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
