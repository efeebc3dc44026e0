"""Bodies and answers of passkeys. Options and credentials are WebAuthn's own JSON (Level 3, `toJSON`)."""

from typing import Annotated, Any

import msgspec

from kaksha.core.ids import UUID

__all__ = ["Passkey", "PasskeyAdded", "PasskeyName", "PasskeyRow", "PasskeySetup", "PasskeySignIn"]

Label = Annotated[
    str, msgspec.Meta(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$")
]
"""Something to read, on one line."""


class PasskeySetup(msgspec.Struct, frozen=True):
    """`{}` asks for creation options, `{credential}` stores what the device made of them."""

    credential: dict[str, Any] | None = None
    label: Label | None = None


class PasskeySignIn(msgspec.Struct, frozen=True):
    """`{}` asks for request options, `{credential}` signs in."""

    credential: dict[str, Any] | None = None


class PasskeyName(msgspec.Struct, frozen=True):
    label: Label


class PasskeyAdded(msgspec.Struct, frozen=True):
    """A new passkey."""

    id: UUID
    label: str


class Passkey(msgspec.Struct, frozen=True, rename="camel"):
    """A passkey as its owner sees it; `backedUp` ones live in an account of the device's maker, not only there."""

    id: UUID
    label: str
    backed_up: bool
    created_at: str
    used_at: str | None


class PasskeyRow(msgspec.Struct, frozen=True):
    """What checking a signature needs."""

    id: UUID
    user_id: UUID
    public_key: bytes
