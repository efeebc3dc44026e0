"""Bodies, answers and rows of devices."""

from typing import Annotated, Literal

import msgspec
from litestar.datastructures import UploadFile

from kaksha.accounts.models import Language, Role, Theme
from kaksha.core.ids import UUID

__all__ = [
    "Avatar", "AvatarRow", "Confirm", "Digest", "Disable", "Factor", "LocalTime", "Preferences", "PreferencesChange",
    "PreferencesForm", "QuietHours", "RoleChoice", "SecondProof", "SignInEntry", "Upload", "Wanted",
]  # fmt: skip

Digest = Literal["none", "daily", "weekly"]
LocalTime = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""`22:30`, in the institute's zone."""
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class SignInEntry(msgspec.Struct, frozen=True, rename="camel"):
    """One open sign-in: a browser's (`web`) or an app's (`api`). `current` is the one that asks."""

    id: UUID
    kind: Literal["web", "api"]
    platform: str | None
    app_version: str | None
    current: bool
    created_at: str
    last_seen_at: str


class RoleChoice(msgspec.Struct, frozen=True):
    role: Role


class QuietHours(msgspec.Struct, frozen=True):
    """Local times between which nothing rings; `from` may be later than `to`: then they span midnight."""

    from_: LocalTime = msgspec.field(name="from")
    to: LocalTime


class Preferences(msgspec.Struct, frozen=True, rename="camel"):
    language: Language
    theme: Theme
    quiet_hours: QuietHours | None
    digest: Digest


class PreferencesChange(msgspec.Struct, frozen=True, rename="camel"):
    """A partial update: what is absent stays; `quietHours: null` ends them."""

    language: Language | msgspec.UnsetType = msgspec.UNSET
    theme: Theme | msgspec.UnsetType = msgspec.UNSET
    quiet_hours: QuietHours | msgspec.UnsetType | None = msgspec.UNSET
    digest: Digest | msgspec.UnsetType = msgspec.UNSET


class PreferencesForm(msgspec.Struct, frozen=True):
    """The same as a page's form: both times empty mean no quiet hours."""

    language: Language
    theme: Theme
    digest: Digest
    from_: LocalTime | None = msgspec.field(name="from", default=None)
    to: LocalTime | None = None


class Wanted(msgspec.Struct, frozen=True):
    """The columns of a change; None leaves one as it is. Quiet hours are set only when `quiet` says so."""

    digest: str | None
    quiet: bool
    quiet_from: str | None
    quiet_to: str | None


class Avatar(msgspec.Struct, frozen=True, rename="camel"):
    avatar_url: str | None


class AvatarRow(msgspec.Struct, frozen=True):
    """Whose picture, and which version of it."""

    user_id: UUID
    version: str

    @property
    def file(self) -> str:
        """Its name in the storage."""
        return f"avatars/{self.user_id}/{self.version}.webp"


class Factor(msgspec.Struct, frozen=True):
    """A second factor as it is kept: the secret is sealed, `last_step` is the last one whose code was used."""

    secret: bytes
    last_step: int


class Confirm(msgspec.Struct, frozen=True):
    """The sealed secret that the page showed, with a code that proves that the app has it."""

    secret: Annotated[str, msgspec.Meta(max_length=400)]
    code: Code


class Disable(msgspec.Struct, frozen=True):
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class SecondProof(msgspec.Struct, frozen=True):
    """The ticket of the first step, with a code of the authenticator app or one of the recovery codes."""

    ticket: Annotated[str, msgspec.Meta(max_length=1000)]
    code: Code


class Upload(msgspec.Struct, frozen=True):
    """The multipart body of a picture: one part `file`, JPEG, PNG or WebP, at most 5 MiB."""

    file: UploadFile | None = None
