"""Forgotten and changed passwords, verified e-mails, one-time codes.

What would tell a stranger whether somebody exists (looking them up, sending) happens in jobs. Their payload carries the
e-mail or phone sealed, so that the queue holds no personal data in the clear.
"""

import hashlib
import hmac
from datetime import timedelta

import msgspec

from kaksha.accounts import service as accounts
from kaksha.accounts.models import Account, ProfileChoice
from kaksha.codes import queries
from kaksha.codes.models import ChangePassword, CodeSent, EnterCode
from kaksha.core import audit, guesses
from kaksha.core.db import Actor, Write
from kaksha.core.errors import Gone, Invalid, NotSignedIn, TooMany
from kaksha.core.http import Core, Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.jobs import enqueue
from kaksha.core.limits import Limit, give_back, take
from kaksha.core.passwords import hash_password, password_problems, verify_password
from kaksha.core.seal import SealBroken, open_sealed_text, seal_text
from kaksha.core.tokens import BadToken, Opaque, Tokens
from kaksha.sessions import service as sessions

RESET_LIFE = timedelta(hours=1)
VERIFY_LIFE = timedelta(days=3)
CODE_LIFE = timedelta(minutes=5)
RESEND_AFTER = timedelta(seconds=30)
CODE_TRIES = 5

_ASKS = Limit("recover", 3, timedelta(minutes=10))
"""Per e-mail or phone, whether anybody has it or not."""
_ASKS_ADDRESS = Limit("recover-address", 30, timedelta(minutes=1))
"""Per address: a whole institute sits behind one."""
_RESEND = Limit("otp-phone-resend", 1, RESEND_AFTER)
_CODES = Limit("otp-phone", 5, timedelta(minutes=10))
_CODES_DEVICE = Limit("otp-device", 10, timedelta(minutes=10))
_CODES_ADDRESS = Limit("otp-address", 60, timedelta(seconds=30))
_CHANGES = Limit("change-password", 10, timedelta(seconds=30))
_GUESSES = guesses.Kind(
    "otp",
    here=Limit("otp-guess", 15, timedelta(minutes=5)),
    login=Limit("otp-guess-phone", 20, timedelta(minutes=30)),
    address=Limit("otp-guess-address", 30, timedelta(minutes=5)),
)
"""Wrong codes over all challenges: from strange places 68 a day for one phone, so a code is met in 40 years."""
_TRIES = Limit("otp-tries", CODE_TRIES, timedelta(days=1))
_ONCE = Limit("otp-once", 1, timedelta(days=1))


class LinkOver(Gone):
    """Unknown, used or too old: one answer for all."""

    code, text = "LINK_EXPIRED", N_("This link was used or is too old. Please ask for a new one.")


class WrongCode(NotSignedIn):
    code, text = "WRONG_CODE", N_("That is not the code, or it is too old.")


class TooManyTries(TooMany):
    code, text = "TOO_MANY_TRIES", N_("Too many wrong codes. Please ask for a new one.")


class Asked(msgspec.Struct, frozen=True):
    """What somebody asked for: who they say they are, and the id of the asking."""

    id: UUID
    email: str | None
    phone: str | None
    at: float
    """Unix seconds."""
    language: str


async def forgot(core: Core, email: str | None, phone: str | None, address: str, language: str) -> None:
    """Asks for a link to set a new password; it goes to everybody with this e-mail or phone."""
    now = core.db.clock()
    async with core.db.read(None) as conn:
        await take(conn, _ASKS_ADDRESS, address, now)
        await take(conn, _ASKS, email or phone or "", now)
        asked = Asked(new_id(), email, phone, now.timestamp(), language)
        await enqueue(conn, "codes.forgot", None, asked=seal_text(core.keys, "asked", asked))


async def make_link(tx: Write, person: Account, purpose: str, asked_id: UUID, sent_to: str) -> str:
    """The token of a link for a person: the same for the same asking, so that a job may run twice."""
    tokens = Tokens(tx.keys)
    token_id = _id_for(tx, asked_id, person.id, purpose)
    token = tokens.derived("ot", tx.institute_id, token_id)
    life = RESET_LIFE if purpose == "reset_password" else VERIFY_LIFE
    await queries.insert_token(
        tx.conn, tx.institute_id, token_id, person.id, purpose, sent_to, token.hash, tx.now, tx.now + life
    )
    return token.text


async def reset_password(core: Core, text: str, password: str, actor: Actor) -> None:
    """Sets a new password by a link, and ends every sign-in of that person. Raises LinkOver or Invalid."""
    token = _parsed(core, text)
    async with core.db.read(token.institute_id) as conn:
        found = await queries.peek_token(conn, token.institute_id, "reset_password", token.hash, core.db.clock())
    if found is None:
        raise LinkOver
    person = await sessions.account(core.db, token.institute_id, found["user_id"])
    password_hash = await _checked_hash(password, person, "password")
    async with core.db.write(token.institute_id, Actor(person.id, actor.request_id)) as tx:
        used = await queries.use_token(tx.conn, tx.institute_id, "reset_password", token.hash, tx.now)
        if used is None:
            raise LinkOver
        await accounts.set_password(tx, person.id, password_hash)
        await queries.mark_verified(tx.conn, tx.institute_id, person.id, used["sent_to"], tx.now)
        await sessions.end_sessions(tx, person.id, None, "password reset")
        await audit.record(tx, "password.reset", person.id)


async def new_hash(core: Core, me: Principal, body: ChangePassword) -> str:
    """The hash of one's own new password, if one knows the old one. Raises Invalid or TooMany."""
    person = await sessions.account(core.db, me.institute_id, me.user_id)
    async with core.db.read(None) as conn:
        await take(conn, _CHANGES, str(me.user_id), core.db.clock())
    if not await verify_password(body.current_password, person.password_hash):
        raise Invalid({"currentPassword": [N_("Is not your password.")]})
    async with core.db.read(None) as conn:
        await give_back(conn, _CHANGES, str(me.user_id))
    return await _checked_hash(body.new_password, person, "newPassword")


async def change_password(tx: Write, me: Principal, password_hash: str) -> None:
    """Replaces one's own password and ends one's other sign-ins."""
    await accounts.set_password(tx, me.user_id, password_hash)
    await sessions.end_sessions(tx, me.user_id, None, "password changed", but=me.session_id)
    await audit.record(tx, "password.changed", me.user_id)


async def ask_verification(tx: Write, person: Account) -> None:
    """Sends a person the link that verifies their e-mail, when the transaction commits."""
    if person.email is not None:
        await enqueue(tx.conn, "codes.verify", tx.institute_id, user=person.id, asked=new_id())


async def tell_decision(tx: Write, user_id: UUID, *, admitted: bool) -> None:
    """Tells somebody who waited for approval what the institute decided, when the transaction commits."""
    said = "yes" if admitted else "no"
    await enqueue(tx.conn, "codes.decided", tx.institute_id, user=user_id, admitted=said, asked=new_id())


async def resend_verification(tx: Write, me: Principal, person: Account) -> None:
    """The same on one's own wish. Raises TooMany."""
    await take(tx.conn, _ASKS, f"verify/{me.user_id}", tx.now)
    await ask_verification(tx, person)
    await audit.record(tx, "email.asked", me.user_id)


async def verify_email(core: Core, text: str, actor: Actor) -> None:
    """Marks an e-mail as verified by a link. Raises LinkOver."""
    token = _parsed(core, text)
    async with core.db.write(token.institute_id, actor) as tx:
        used = await queries.use_token(tx.conn, tx.institute_id, "verify_email", token.hash, tx.now)
        if used is None:
            raise LinkOver
        if not await queries.mark_verified(tx.conn, tx.institute_id, used["user_id"], used["sent_to"], tx.now):
            raise LinkOver
        await audit.record(tx, "email.verified", used["user_id"])


async def request_code(core: Core, phone: str, place: guesses.Place, language: str) -> CodeSent:
    """Asks for a code by SMS; the answer is the same whether the phone is anybody's or not. Raises TooMany."""
    now = core.db.clock()
    asked = Asked(new_id(), None, phone, now.timestamp(), language)
    challenge = seal_text(core.keys, "challenge", asked)
    async with core.db.read(None) as conn:
        await take(conn, _CODES_ADDRESS, place.address, now)
        if place.device:
            await take(conn, _CODES_DEVICE, place.device, now)
        # Who signed in from here before is not kept waiting by strangers who ask for codes of the same phone.
        known = await guesses.knows(conn, core.keys, phone, place)
        whose = f"{phone}/{known}" if known else phone
        await take(conn, _CODES, whose, now)
        await take(conn, _RESEND, whose, now)
        await enqueue(conn, "codes.otp", None, challenge=challenge)
    return CodeSent(challenge, int(CODE_LIFE.total_seconds()), int(RESEND_AFTER.total_seconds()))


def code_of(core: Core, asked: Asked) -> str:
    """The six digits of a challenge. They are kept nowhere: only the server's key makes them."""
    return _codes_of(core, asked)[0]


def _codes_of(core: Core, asked: Asked) -> list[str]:
    whose = asked.id.bytes + (asked.phone or "").encode()
    made = [hmac.new(key, whose, hashlib.sha256).digest() for key in core.keys.ring("otp")]
    return [f"{int.from_bytes(digest[:8]) % 1_000_000:06}" for digest in made]


async def prove_code(core: Core, body: EnterCode, place: guesses.Place) -> Account | ProfileChoice:
    """Checks a code and answers who it is, or who it could be. Raises WrongCode or TooManyTries."""
    now = core.db.clock()
    asked = opened(core, "challenge", body.challenge)
    if asked is None or asked.at + CODE_LIFE.total_seconds() <= now.timestamp():
        raise WrongCode
    async with core.db.read(None) as conn:
        try:
            await take(conn, _TRIES, str(asked.id), now)
        except TooMany as error:
            raise TooManyTries(CODE_LIFE.total_seconds()) from error
        guess = await guesses.begin(conn, core.keys, _GUESSES, asked.phone or "", place, now)
        digits = "".join(char for char in body.code if char.isdigit())
        if not any(hmac.compare_digest(digits.encode(), code.encode()) for code in _codes_of(core, asked)):
            raise WrongCode
        try:
            await take(conn, _ONCE, str(asked.id), now)
        except TooMany as error:
            raise WrongCode from error
        await guesses.right(conn, guess, now)
    people = await accounts.people_with(core.db, None, asked.phone)
    if not people:
        raise WrongCode
    for person in people:
        async with core.db.write(person.institute_id, Actor(person.id)) as tx:
            await queries.mark_verified(tx.conn, tx.institute_id, person.id, asked.phone or "", tx.now)
    return accounts.offer(core, people)


def opened(core: Core, purpose: str, text: str) -> Asked | None:
    """What was sealed as `purpose`; None when it is not ours."""
    try:
        return open_sealed_text(core.keys, purpose, text, Asked)
    except (SealBroken, msgspec.ValidationError):
        return None


def _parsed(core: Core, text: str) -> Opaque:
    try:
        return Tokens(core.keys).parse("ot", text)
    except BadToken as error:
        raise LinkOver from error


async def _checked_hash(password: str, person: Account, field: str) -> str:
    problems = password_problems(password, person.name, person.email, person.phone)
    if problems:
        raise Invalid({field: problems})
    return await hash_password(password)


def _id_for(tx: Write, asked_id: UUID, user_id: UUID, purpose: str) -> UUID:
    """A link's id that is the same each time its job runs."""
    body = hmac.new(tx.keys.derive("link"), asked_id.bytes + user_id.bytes + purpose.encode(), hashlib.sha256).digest()
    return UUID(bytes=body[:16], version=4)
