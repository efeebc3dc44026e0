"""Bodies, answers, rows and errors of joining."""

import hashlib
import hmac
import re
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from kaksha.accounts.models import Account, Language, Role, User
from kaksha.core.errors import Conflict, Forbidden, Gone
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID
from kaksha.core.seal import Keys
from kaksha.notifications.models import kinds
from kaksha.people.models import Relation

__all__ = [
    "APPROVED", "ASKED", "LETTERS", "OPEN_ROLES", "STATES", "Choice", "Comer", "Decline", "Door", "Institute",
    "Invite", "InviteBatch", "InviteChild", "InviteMade", "InviteNeeded", "InviteNotGood", "InviteState",
    "InviteUse", "Known", "NewInvite", "NotWaiting", "Register", "Waiting", "Waits", "code_hashes", "code_parts",
    "tidy_code",
]  # fmt: skip

ASKED = kinds.register(
    "joining.asked", group="joining", title=N_("{name} asks to join"), body=N_("Approve or decline."),
    path="/joining", channels=("push", "email"),
)  # fmt: skip
APPROVED = kinds.register(
    "joining.approved", group="account", title=N_("You are in"), body=N_("Your institute approved your account."),
    path="/home", channels=("push",),
)  # fmt: skip

InviteState = Literal["open", "used", "expired", "revoked"]
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter looks like another or like a figure."""
_READ_AS = str.maketrans("OIL", "011")
OPEN_ROLES: tuple[Role, ...] = ("student", "parent")
"""What one may register as with the institute's code alone."""
STATES: dict[InviteState, tuple[str, str]] = {
    "open": (N_("Open"), "good"),
    "used": (N_("Used up"), ""),
    "expired": (N_("Expired"), ""),
    "revoked": (N_("Revoked"), "bad"),
}
"""What people read of a state, and the kind of its chip."""


class Register(msgspec.Struct, frozen=True, rename="camel"):
    """A person who registers: with `inviteCode`, or with `instituteCode` as a student or parent, and then waits.

    An e-mail or a phone number or both. `grade` for a student, unless the invite's batch says it; `relation` for a
    parent whose invite names the child but not what they are to it.
    """

    name: Annotated[str, msgspec.Meta(description="1 to 120 characters")] = ""
    email: Annotated[str, msgspec.Meta(description="kept in small letters")] | None = None
    phone: Annotated[str, msgspec.Meta(description="a mobile number, Indian when it names no country")] | None = None
    password: Annotated[str, msgspec.Meta(description="8 to 128 characters, no common one")] = ""
    role: Role | None = None
    invite_code: (
        Annotated[str, msgspec.Meta(description="as handed out; case, spaces and dashes do not matter")] | None
    ) = None
    institute_code: Annotated[str, msgspec.Meta(description="the institute's own code")] | None = None
    language: Language | None = None
    grade: Annotated[str, msgspec.Meta(description="1 to 40 characters", examples=["Class 11"])] | None = None
    relation: Relation | None = None


class Waits(msgspec.Struct, frozen=True, rename="camel"):
    """Registered, and waiting for an admin: signing in is possible once they approve."""

    user: User
    status: Literal["pending"] = "pending"


class NewInvite(msgspec.Struct, frozen=True, rename="camel"):
    """An invite to be made. `batchId` goes with students, `studentId` (and `relation` to them) with parents.

    Without `expiresAt` it is good for seven days. Admins who come by it have no rights until an owner gives some.
    """

    role: Role
    batch_id: UUID | None = None
    student_id: UUID | None = None
    relation: Relation | None = None
    uses: Annotated[int, msgspec.Meta(description="how many may use it, 1 to 500")] = 1
    expires_at: Annotated[datetime, msgspec.Meta(tz=True, description="within a year")] | None = None
    label: Annotated[str, msgspec.Meta(description="a note for the office, at most 80 characters")] = ""


class InviteBatch(msgspec.Struct, frozen=True, rename="camel"):
    """The batch that an invite leads into."""

    id: UUID
    name: str


class InviteChild(msgspec.Struct, frozen=True, rename="camel"):
    """The student whose parent an invite is for."""

    id: UUID
    name: str


class InviteUse(msgspec.Struct, frozen=True, rename="camel"):
    """Somebody who came by an invite."""

    id: UUID
    name: str
    at: str


class Invite(msgspec.Struct, frozen=True, rename="camel"):
    """An invite as the office sees it; `usedBy` are the latest twenty, the newest first. Its code is not kept."""

    id: UUID
    role: Role
    batch: InviteBatch | None
    student: InviteChild | None
    relation: Relation | None
    uses: int
    uses_left: int
    expires_at: str
    label: str
    state: InviteState
    created_by: str
    created_at: str
    used_by: list[InviteUse]


class InviteMade(msgspec.Struct, frozen=True, rename="camel"):
    """A new invite with its code and the link to hand on.

    Both are shown this once: only a hash is kept, so a repetition of the request (Idempotency-Key) answers null here.
    """

    invite: Invite
    code: str | None
    link: str | None


class Decline(msgspec.Struct, frozen=True, rename="camel"):
    """Why somebody who waits is not let in; for the institute's own record."""

    reason: Annotated[str, msgspec.Meta(description="1 to 200 characters")] = ""


class Known(msgspec.Struct, frozen=True):
    """An invite as it is kept, with what stands behind it and whether it can be used now."""

    id: UUID
    role: Role
    batch_id: UUID | None
    batch_name: str | None
    course: str | None
    student_id: UUID | None
    student_name: str | None
    relation: Relation | None
    uses_left: int
    code_hash: bytes
    good: bool


class Institute(msgspec.Struct, frozen=True):
    """The institute that somebody joins."""

    id: UUID
    code: str
    name: str
    zone: str
    language: Language


class Choice(msgspec.Struct, frozen=True):
    """A batch or student to choose for an invite."""

    id: UUID
    name: str
    detail: str


class Waiting(msgspec.Struct, frozen=True):
    """Somebody who waits for approval."""

    id: UUID
    name: str
    email: str | None
    phone: str | None
    roles: list[Role]
    grade: str | None
    created_at: datetime


class Door(msgspec.Struct, frozen=True):
    """What a code opens: an institute, and the invite if it was one's."""

    institute: Institute
    invite: Known | None
    code_hash: bytes | None

    @property
    def roles(self) -> tuple[Role, ...]:
        return (self.invite.role,) if self.invite else OPEN_ROLES


class Comer(msgspec.Struct, frozen=True):
    """Somebody who registered, as accounts know them."""

    account: Account
    user: User


class InviteNotGood(Gone):
    """Unknown, used up, expired or revoked: one answer for all."""

    code = "INVITE_NOT_GOOD"
    text = N_("This invite is not good (any more). Please ask your institute for a new one.")


class InviteNeeded(Forbidden):
    code, text = "INVITE_NEEDED", N_("Teachers and admins need an invite from their institute.")


class NotWaiting(Conflict):
    code, text = "NOT_WAITING", N_("They are not waiting for approval any more.")


def tidy_code(text: str) -> str:
    """A code as it is looked up: small letters, and one dash where spaces and dashes of any kind stood."""
    return re.sub(r"[\s_\u2010-\u2015\u2212-]+", "-", text[:100].strip().lower()).strip("-")


def code_parts(code: str) -> tuple[str, str] | None:
    """The institute's code and the secret: the last eight letters and figures, wherever dashes stand between them."""
    found = re.fullmatch(r"(.+?)-?((?:[a-z0-9]-?){8})", code)
    if found is None:
        return None
    secret = found[2].replace("-", "").upper().translate(_READ_AS)
    return (found[1], secret) if set(secret) <= set(LETTERS) else None


def code_hashes(keys: Keys, institute_id: UUID, secret: str) -> list[bytes]:
    """What is kept of a code, by each key: neither the table nor a copy of it tells one, since no key is in it."""
    whose = institute_id.bytes + secret.encode()
    return [hmac.new(key, whose, hashlib.sha256).digest() for key in keys.ring("invites")]
