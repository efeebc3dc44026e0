"""Ending sign-ins, switching roles, preferences, the picture, and the second factor of staff."""

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta

import msgspec

from kaksha.accounts import service as accounts
from kaksha.accounts.models import Account, ProfileChange, Role
from kaksha.core import audit, totp
from kaksha.core.db import Actor, Conn, Write
from kaksha.core.errors import BodyTooLarge, Conflict, Invalid, NotFound, NotSignedIn
from kaksha.core.http import Core, Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID
from kaksha.core.limits import Limit, take
from kaksha.core.live import tell
from kaksha.core.passwords import verify_password
from kaksha.core.pictures import square_webp
from kaksha.core.seal import SealBroken, open_sealed, open_sealed_text, seal, seal_text
from kaksha.devices import queries
from kaksha.devices.models import AvatarRow, Factor, PreferencesChange, PreferencesForm, QuietHours, Upload, Wanted
from kaksha.gateways import storage as files
from kaksha.gateways.storage import Storage
from kaksha.sessions import service as sessions

AVATAR_SIDE = 256
"""Pixels."""
AVATAR_BYTES = 5 << 20
STAFF = frozenset({"teacher", "admin"})
RECOVERY_CODES = 8
_UPLOADS = Limit("avatar", 10, timedelta(minutes=1))
_TRIES = Limit("second-factor", 5, timedelta(minutes=1))
"""Per person: who gets here knows the password, so a stranger locks nobody out."""


class WrongSecondFactor(NotSignedIn):
    """A wrong code, or one that was used before: one answer for both."""

    code, text = "WRONG_SECOND_FACTOR", N_("This code is not right, or was used before. Please try the next one.")


class SecondFactorThere(Conflict):
    code, text = "SECOND_FACTOR_THERE", N_("You already have a second step.")


# --- sign-ins and the role ------------------------------------------------------------------------------------------


async def end_sign_in(tx: Write, me: Principal, session_id: UUID) -> None:
    """Ends one of one's own sign-ins. Raises NotFound."""
    if not await queries.is_open(tx.conn, tx.institute_id, me.user_id, session_id, tx.now):
        raise NotFound
    await sessions.end_sessions(tx, me.user_id, session_id, "ended by its owner")


async def end_others(tx: Write, me: Principal) -> None:
    """Ends all of one's sign-ins but the one that asks."""
    await sessions.end_sessions(tx, me.user_id, None, "ended by its owner", but=me.session_id)


async def act_as(tx: Write, me: Principal, role: Role) -> None:
    """Switches this page session to another of one's roles. Raises Invalid for one that one does not hold."""
    if role not in me.roles:
        raise Invalid({"role": [N_("Is not one of the choices.")]})
    at = await queries.set_role(tx.conn, tx.institute_id, me.user_id, me.session_id, role, tx.now)
    if at is None:
        raise NotSignedIn
    await tell(tx.conn, "session", {"session_id": me.session_id, "at": at.timestamp()})


# --- preferences ----------------------------------------------------------------------------------------------------


async def preferences_json(conn: Conn, me: Principal) -> str:
    """One's own preferences as JSON."""
    found = await queries.preferences(conn, me.institute_id, me.user_id)
    if found is None:
        raise NotFound
    return found


async def change_preferences(tx: Write, me: Principal, body: PreferencesChange) -> None:
    """Changes what is given. Raises Invalid for quiet hours that begin when they end."""
    if body.language or body.theme:
        await accounts.change_profile(tx, me, ProfileChange(language=body.language, theme=body.theme))
    quiet = body.quiet_hours
    if isinstance(quiet, QuietHours) and quiet.from_ == quiet.to:
        raise Invalid({"quietHours.to": [N_("Must not be the time at which they begin.")]})
    hours = (quiet.from_, quiet.to) if isinstance(quiet, QuietHours) else (None, None)
    wanted = Wanted(body.digest or None, not isinstance(quiet, msgspec.UnsetType), *hours)
    if wanted.digest is None and not wanted.quiet:
        return
    before = await queries.set_preferences(tx.conn, tx.institute_id, me.user_id, wanted, tx.now)
    if before is None:
        raise NotFound
    after = {"digest": wanted.digest, "quiet": list(hours) if wanted.quiet else None}
    await audit.record(
        tx, "preferences.changed", me.user_id,
        before={"digest": before["digest"], "quiet": [before["quiet_from"], before["quiet_to"]]}, after=after,
    )  # fmt: skip


async def set_digest(tx: Write, user_id: UUID, digest: str) -> None:
    """Changes how often a digest comes, for those who ask from a mail. Raises NotFound."""
    before = await queries.set_preferences(tx.conn, tx.institute_id, user_id, Wanted(digest, False, None, None), tx.now)
    if before is None:
        raise NotFound
    await audit.record(
        tx, "preferences.changed", user_id, before={"digest": before["digest"]}, after={"digest": digest}
    )


def as_change(body: PreferencesForm) -> PreferencesChange:
    """A form as a change. Raises Invalid when one of the two times is missing."""
    missing = [name for name, value in (("from", body.from_), ("to", body.to)) if value is None]
    if len(missing) == 1:
        raise Invalid({missing[0]: [N_("This is required.")]})
    quiet = QuietHours(body.from_, body.to) if body.from_ and body.to else None
    return PreferencesChange(body.language, body.theme, quiet, body.digest)


# --- the picture ----------------------------------------------------------------------------------------------------


async def bytes_of(upload: Upload) -> bytes:
    """What was sent. Raises Invalid when there is no file, or BodyTooLarge."""
    if upload.file is None:
        raise Invalid({"file": [N_("This is required.")]})
    data = await upload.file.read(AVATAR_BYTES + 1)
    if len(data) > AVATAR_BYTES:
        raise BodyTooLarge
    return data


async def keep_picture(core: Core, storage: Storage, me: Principal, data: bytes) -> AvatarRow:
    """Makes a picture anew and stores it; `show_picture` then makes it the person's.

    Raises TooMany, NotAPicture, TooManyPixels, StorageUnavailable or StorageMisconfigured.
    """
    async with core.db.read(me.institute_id) as conn:
        await take(conn, _UPLOADS, str(me.user_id), core.db.clock())
    row = AvatarRow(me.user_id, secrets.token_hex(16))
    webp = await square_webp(data, AVATAR_SIDE)
    await files.put(storage, me.institute_id, row.file, webp, content_type="image/webp")
    return row


async def show_picture(tx: Write, me: Principal, row: AvatarRow | None) -> AvatarRow | None:
    """Makes a stored picture one's own, or removes it; answers the one from before, for `drop_picture`."""
    before = await queries.set_avatar(tx.conn, tx.institute_id, me.user_id, row.version if row else None, tx.now)
    await audit.record(tx, "avatar.changed", me.user_id, after={"there": row is not None})
    await sessions.refresh_sign_ins(tx, me.user_id, "web")
    return before


async def drop_picture(storage: Storage, me: Principal, row: AvatarRow | None) -> None:
    """Removes a picture that is nobody's by now."""
    if row is not None:
        await files.delete(storage, me.institute_id, row.file)


async def picture(storage: Storage, institute_id: UUID, row: AvatarRow) -> bytes:
    """The bytes of a picture. Raises FileMissing, StorageUnavailable or StorageMisconfigured."""
    content = await files.get(storage, institute_id, row.file)
    return b"".join([chunk async for chunk in content.chunks])


def caching(row: AvatarRow, asked: str | None) -> dict[str, str]:
    """How long a picture may be kept, by this reader only: for ever at the address that names its version."""
    age = "max-age=31536000, immutable" if asked == row.version else "no-cache"
    return {"ETag": f'"{row.version}"', "Cache-Control": f"private, {age}"}


def is_known(row: AvatarRow, tags: str | None) -> bool:
    """Whether the reader has this version (If-None-Match)."""
    return tags is not None and row.version in tags


# --- the second factor ----------------------------------------------------------------------------------------------


async def offered(core: Core, me: Principal) -> tuple[str, str, str]:
    """A fresh key as it is typed, the address for its QR code, and the key sealed for the form. Nothing is kept yet."""
    secret = totp.new_secret()
    return await shown(core, me, seal_text(core.keys, _purpose(me.user_id), base64.b64encode(secret).decode()))


async def shown(core: Core, me: Principal, sealed: str) -> tuple[str, str, str]:
    """The same for a secret that was offered before. Raises Invalid."""
    account = await sessions.account(core.db, me.institute_id, me.user_id)
    secret = _opened(core, me, sealed)
    name = account.email or account.phone or account.name
    return totp.key_text(secret), totp.address(secret, f"Kaksha {account.institute_name}", name), sealed


async def confirm(tx: Write, core: Core, me: Principal, sealed: str, code: str) -> list[str]:
    """Keeps a secret whose app showed `code`; answers the recovery codes, which are shown this once.

    They come of the secret, so that the same form sent twice (a double press) shows the same. Raises Invalid, or
    SecondFactorThere.
    """
    secret = _opened(core, me, sealed)
    step = totp.step_of(secret, _digits(code), tx.now)
    if step is None:
        raise Invalid({"code": [N_("Is not the code that the app shows now.")]})
    own = core.keys.derive("recovery codes")
    codes = [_spelled(hmac.digest(own, secret + bytes([place]), "sha256")[:10]) for place in range(RECOVERY_CODES)]
    known = await queries.factor(tx.conn, tx.institute_id, me.user_id)
    if known is not None:
        if known.last_step == step and hmac.compare_digest(_secret_of(core, me.user_id, known), secret):
            return codes
        raise SecondFactorThere
    kept = seal(core.keys.derive("second factor"), secret, me.user_id.bytes)
    hashes = [_hashes(core, me.user_id, each)[0] for each in codes]
    try:
        await queries.insert_factor(tx.conn, tx.institute_id, me.user_id, kept, step, hashes, tx.now)
    except Conflict as error:
        raise SecondFactorThere from error
    await audit.record(tx, "second_factor.added", me.user_id)
    await sessions.refresh_sign_ins(tx, me.user_id, "web")
    return codes


async def check_password(core: Core, me: Principal, password: str) -> None:
    """Makes sure that it is still the person who sits there. Raises Invalid or TooMany."""
    async with core.db.read(me.institute_id) as conn:
        await take(conn, _TRIES, str(me.user_id), core.db.clock())
    account = await sessions.account(core.db, me.institute_id, me.user_id)
    if not await verify_password(password, account.password_hash):
        raise Invalid({"password": [N_("This is not your password.")]})


async def disable(tx: Write, me: Principal) -> None:
    """Ends one's second factor. Raises NotFound."""
    if not await queries.delete_factor(tx.conn, tx.institute_id, me.user_id, tx.now):
        raise NotFound
    await audit.record(tx, "second_factor.removed", me.user_id)
    await sessions.refresh_sign_ins(tx, me.user_id, "web")


async def prove_second(core: Core, ticket: str, code: str) -> Account:
    """Checks the second proof of a sign-in and answers the account, now strong enough to open it.

    Raises BadToken, SpentToken, WrongSignIn, TooMany or WrongSecondFactor.
    """
    account = await accounts.half_proven(core, ticket)
    now = core.db.clock()
    async with core.db.read(account.institute_id) as conn:
        await take(conn, _TRIES, str(account.id), now)
        found = await queries.factor(conn, account.institute_id, account.id)
    if found is None:  # it was ended since: the first proof is enough
        return account
    secret = _secret_of(core, account.id, found)
    step = totp.step_of(secret, _digits(code), now)
    async with core.db.write(account.institute_id, Actor(account.id)) as tx:
        if step is not None:
            good = await queries.use_step(tx.conn, tx.institute_id, account.id, step)
        else:
            hashes = _hashes(core, account.id, code)
            good = await queries.use_recovery_code(tx.conn, tx.institute_id, account.id, hashes, now)
            if good:
                await audit.record(tx, "second_factor.recovered", account.id)
    if not good:
        raise WrongSecondFactor
    return accounts.strong(account)


def _secret_of(core: Core, user_id: UUID, factor: Factor) -> bytes:
    return open_sealed(core.keys.ring("second factor"), factor.secret, user_id.bytes)


def _opened(core: Core, me: Principal, sealed: str) -> bytes:
    try:
        return base64.b64decode(open_sealed_text(core.keys, _purpose(me.user_id), sealed, str))
    except SealBroken as error:
        raise Invalid({"code": [N_("Please scan the code again: it had become too old.")]}) from error


def _purpose(user_id: UUID) -> str:
    return f"second factor {user_id}"


def _digits(code: str) -> str:
    return "".join(char for char in code if char in "0123456789")


def _spelled(secret: bytes) -> str:
    """Sixteen letters and digits in groups of four."""
    text = base64.b32encode(secret).decode().lower()
    return "-".join(text[place : place + 4] for place in range(0, 16, 4))


def _hashes(core: Core, user_id: UUID, code: str) -> list[bytes]:
    """What is kept of a recovery code, by each key that may have made it."""
    plain = user_id.bytes + "".join(char for char in code.lower() if char.isalnum()).encode()
    return [hmac.new(key, plain, hashlib.sha256).digest() for key in core.keys.ring("recovery code")]
