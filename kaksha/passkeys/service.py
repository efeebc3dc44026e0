"""Making, using, naming and ending passkeys.

A challenge is kept nowhere: it carries its own end and a signature over what it was made for, and a limit of one use.
The user handle that a device keeps names the institute, so that nothing is looked up across institutes.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
import struct
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from kaksha.accounts import service as accounts
from kaksha.accounts.models import Account
from kaksha.core import audit
from kaksha.core.db import Actor, Conn, Write
from kaksha.core.errors import Conflict, NotFound, NotSignedIn, TooMany
from kaksha.core.http import Core, Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.limits import Limit, take
from kaksha.core.settings import Settings
from kaksha.passkeys import queries
from kaksha.passkeys.models import PasskeyAdded, PasskeyRow
from kaksha.sessions import service as sessions

if TYPE_CHECKING:  # 12 MiB that most processes never need: the functions at the end import it, in a thread
    from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
    from webauthn.registration.verify_registration_response import VerifiedRegistration

CHALLENGE_LIFE = timedelta(minutes=5)
ASKS = Limit("passkey", 30, timedelta(seconds=10))
"""Challenges, per address that signs in or person who adds one: thirty at once, then one each ten seconds."""
LABEL = N_("Passkey")
"""The name of one that was given none."""
_ONCE = Limit("passkey-challenge", 1, 2 * CHALLENGE_LIFE)
_HEAD, _MARK = 24, 24
"""Bytes of a challenge: 16 at random and its end (Unix seconds), then the signature."""


class BadPasskey(NotSignedIn):
    """Unknown key, bad signature, foreign or old challenge: one answer for all."""

    code, text = "PASSKEY_REFUSED", N_("This passkey was not accepted. Please sign in another way.")


class NotAdded(Conflict):
    code, text = "PASSKEY_NOT_ADDED", N_("The passkey could not be added. Please try again.")


class KnownPasskey(Conflict):
    code, text = "PASSKEY_KNOWN", N_("This device already has a passkey for your account.")


async def creation_options(core: Core, me: Principal) -> dict[str, Any]:
    """What a device needs to make a passkey for the caller. Raises TooMany."""
    async with core.db.read(me.institute_id) as conn:
        await take(conn, ASKS, str(me.user_id), core.db.clock())
        known = await queries.credential_ids(conn, me.institute_id, me.user_id)
    account = await sessions.account(core.db, me.institute_id, me.user_id)
    challenge = _challenge(core, _creating(me))
    handle = _handles(core, me.institute_id, me.user_id)[0]
    return await asyncio.to_thread(_creation_options, core, account, handle, challenge, known)


async def store(tx: Write, core: Core, me: Principal, credential: dict[str, Any], label: str) -> PasskeyAdded:
    """Checks what the device made and keeps its public key. Raises NotAdded or KnownPasskey."""
    try:
        challenge = _answered(core, credential, _creating(me))
        made = await asyncio.to_thread(_made, core, credential, challenge)
        await _use_up(tx.conn, challenge, tx.now)
    except BadPasskey as error:
        raise NotAdded from error
    added = PasskeyAdded(new_id(), label)
    if not await queries.insert(
        tx.conn, tx.institute_id, added.id, me.user_id, made.credential_id, made.credential_public_key,
        made.sign_count, made.credential_backed_up, label, tx.now,
    ):  # fmt: skip
        raise KnownPasskey
    await audit.record(tx, "passkey.added", added.id, after={"label": label, "backedUp": made.credential_backed_up})
    return added


async def request_options(core: Core, address: str) -> dict[str, Any]:
    """What a device needs to sign in with whichever passkey it has for us. Raises TooMany."""
    async with core.db.read(None) as conn:
        await take(conn, ASKS, address, core.db.clock())
    return await asyncio.to_thread(_request_options, core, _challenge(core, b"get"))


async def prove(core: Core, credential: dict[str, Any], request_id: str) -> Account:
    """Checks a signature and answers whose it is. Raises BadPasskey or WaitingForApproval."""
    challenge = _answered(core, credential, b"get")
    try:
        handle = _bytes(credential["response"]["userHandle"])
        credential_id = _bytes(credential["rawId"])
        institute_id = UUID(bytes=handle[:16])
    except (KeyError, ValueError, TypeError) as error:
        raise BadPasskey from error
    async with core.db.read(institute_id) as conn:
        await _use_up(conn, challenge, core.db.clock())
        known = await queries.by_credential(conn, institute_id, credential_id)
    if known is None or not _among(handle, _handles(core, institute_id, known.user_id)):
        raise BadPasskey
    proven = await asyncio.to_thread(_proven, core, credential, challenge, known)
    try:
        account = accounts.admitted(await sessions.account(core.db, institute_id, known.user_id))
    except sessions.WrongSignIn as error:
        raise BadPasskey from error
    async with core.db.write(institute_id, Actor(known.user_id, request_id)) as tx:
        onward = await queries.use(tx.conn, institute_id, known.id, proven.new_sign_count, tx.now)
        if onward is False:  # a copy of the key was used meanwhile, or this is one
            await audit.record(tx, "passkey.copied", known.id, after={"count": proven.new_sign_count})
    if not onward:
        raise BadPasskey
    return accounts.strong(account)  # the device asked for finger, face or its code: two steps in one


async def rename(tx: Write, me: Principal, passkey_id: UUID, label: str) -> None:
    """Gives one's passkey another name. Raises NotFound."""
    before = await queries.rename(tx.conn, tx.institute_id, me.user_id, passkey_id, label)
    if before is None:
        raise NotFound
    await audit.record(tx, "passkey.renamed", passkey_id, before={"label": before}, after={"label": label})


async def revoke(tx: Write, me: Principal, passkey_id: UUID) -> None:
    """Ends one's passkey. Raises NotFound."""
    if not await queries.revoke(tx.conn, tx.institute_id, me.user_id, passkey_id, tx.now):
        raise NotFound
    await audit.record(tx, "passkey.removed", passkey_id)


# --- challenges and handles -------------------------------------------------------------------------------------


def _creating(me: Principal) -> bytes:
    """The purpose of a challenge for a new passkey: of this very sign-in."""
    return b"create" + me.session_id.bytes


def _challenge(core: Core, purpose: bytes) -> bytes:
    until = int((core.db.clock() + CHALLENGE_LIFE).timestamp())
    head = secrets.token_bytes(16) + struct.pack(">Q", until)
    return head + _marks(core, purpose, head)[0]


def _marks(core: Core, purpose: bytes, head: bytes) -> list[bytes]:
    ring = core.keys.ring("passkey challenge")
    return [hmac.new(key, purpose + head, hashlib.sha256).digest()[:_MARK] for key in ring]


def _answered(core: Core, credential: dict[str, Any], purpose: bytes) -> bytes:
    """The challenge that a device answered, if it is ours, young and for this purpose. Raises BadPasskey."""
    try:
        client = msgspec.json.decode(_bytes(credential["response"]["clientDataJSON"]))
        challenge = _bytes(client["challenge"])
        head, mark = challenge[:_HEAD], challenge[_HEAD:]
        (until,) = struct.unpack(">Q", head[16:])
    except (KeyError, ValueError, TypeError, struct.error, msgspec.DecodeError) as error:
        raise BadPasskey from error
    if not _among(mark, _marks(core, purpose, head)) or until <= core.db.clock().timestamp():
        raise BadPasskey
    return challenge


async def _use_up(conn: Conn, challenge: bytes, now: object) -> None:
    """Raises BadPasskey when the challenge was answered before."""
    try:
        await take(conn, _ONCE, challenge.hex(), now)
    except TooMany as error:
        raise BadPasskey from error


def _handles(core: Core, institute_id: UUID, user_id: UUID) -> list[bytes]:
    """What a device keeps of the person, by each key: the institute, and nothing that says who it is."""
    ring, whose = core.keys.ring("passkey user handle"), institute_id.bytes + user_id.bytes
    return [institute_id.bytes + hmac.new(key, whose, hashlib.sha256).digest()[:16] for key in ring]


def _among(given: bytes, good: list[bytes]) -> bool:
    return any(hmac.compare_digest(given, each) for each in good)


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# --- what the library does, each in a thread: its import takes long, and its work is the processor's -----------------


def _site(core: Core) -> tuple[str, list[str]]:
    """The relying party, and where answers may come from: our pages, and our Android apps by their certificate."""
    apps = [f"android:apk-key-hash:{key}" for key in core.settings.android_key_hashes]
    return urlsplit(core.settings.api_base_url).hostname or "localhost", [core.settings.api_base_url, *apps]


def android_links(settings: Settings) -> list[dict[str, Any]]:
    """The statements of Digital Asset Links; none while ANDROID_PACKAGE or ANDROID_KEY_HASHES is unset."""
    if not (settings.android_package and settings.android_key_hashes):
        return []
    prints = [_bytes(each).hex(":").upper() for each in settings.android_key_hashes]
    target = {
        "namespace": "android_app", "package_name": settings.android_package, "sha256_cert_fingerprints": prints,
    }  # fmt: skip
    grants = ["delegate_permission/common.get_login_creds", "delegate_permission/common.handle_all_urls"]
    return [{"relation": grants, "target": target}]


def _creation_options(
    core: Core, account: Account, handle: bytes, challenge: bytes, known: list[bytes]
) -> dict[str, Any]:
    import webauthn  # noqa: PLC0415
    from webauthn.helpers import structs  # noqa: PLC0415

    options = webauthn.generate_registration_options(
        rp_id=_site(core)[0],
        rp_name="Kaksha",
        user_id=handle,
        user_name=account.email or account.phone or account.name,
        user_display_name=account.name,
        challenge=challenge,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=each) for each in known],
    )
    return msgspec.json.decode(webauthn.options_to_json(options))


def _request_options(core: Core, challenge: bytes) -> dict[str, Any]:
    import webauthn  # noqa: PLC0415
    from webauthn.helpers import structs  # noqa: PLC0415

    options = webauthn.generate_authentication_options(
        rp_id=_site(core)[0],
        challenge=challenge,
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return msgspec.json.decode(webauthn.options_to_json(options))


def _made(core: Core, credential: dict[str, Any], challenge: bytes) -> "VerifiedRegistration":
    import webauthn  # noqa: PLC0415

    host, origins = _site(core)
    try:
        return webauthn.verify_registration_response(
            credential=credential, expected_challenge=challenge, expected_rp_id=host, expected_origin=origins,
            require_user_verification=True,
        )  # fmt: skip
    except Exception as error:  # whatever the parsers of a stranger's bytes stumble over
        raise BadPasskey from error


def _proven(core: Core, credential: dict[str, Any], challenge: bytes, known: PasskeyRow) -> "VerifiedAuthentication":
    import webauthn  # noqa: PLC0415

    host, origins = _site(core)
    try:
        return webauthn.verify_authentication_response(
            credential=credential, expected_challenge=challenge, expected_rp_id=host, expected_origin=origins,
            credential_public_key=known.public_key, require_user_verification=True,
            credential_current_sign_count=0,  # `queries.use` compares, in the statement that notes the new one
        )  # fmt: skip
    except Exception as error:
        raise BadPasskey from error
