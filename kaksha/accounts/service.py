"""Signing in by password, the choice of a profile, one's own record."""

import asyncio
from datetime import datetime, timedelta
from typing import cast

import msgspec
import phonenumbers

from kaksha.accounts import queries
from kaksha.accounts.models import (
    Account,
    ProfileChange,
    ProfileChoice,
    ProfileOption,
    SignIn,
)  # fmt: skip
from kaksha.core import audit, guesses
from kaksha.core.db import Conn, Database, Write
from kaksha.core.errors import Forbidden, Invalid, NotFound
from kaksha.core.http import Core, Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID
from kaksha.core.limits import Limit
from kaksha.core.passwords import verify_password
from kaksha.core.tokens import Tokens
from kaksha.sessions import service as sessions
from kaksha.sessions.service import account, mark

_COMPARED = 3
"""A refused sign-in compared at least this many passwords, so that its time does not tell whether nobody, one person or
a family has this phone or e-mail."""
SIGN_INS = guesses.Kind(
    "sign-in",
    here=Limit("sign-in", 10, timedelta(seconds=30)),
    login=Limit("sign-in-login", 50, timedelta(seconds=36)),
    address=Limit("sign-in-address", 60, timedelta(seconds=20)),
)
"""Wrong passwords: for one login from one place ten at once, then one each half minute; from all strange places
fifty; for all logins from one address sixty (a whole institute sits behind one)."""


class WaitingForApproval(Forbidden):
    code, text = "ACCOUNT_PENDING", N_("Your institute has not approved your account yet.")


def normal_email(text: str) -> str:
    """An e-mail address as it is kept. Raises ValueError when it cannot be one."""
    email = text.strip().lower()
    name, _, host = email.rpartition("@")
    unfit = " " in email or not email.isprintable()
    if not name or "." not in host or unfit or len(email) > 254:
        raise ValueError(N_("Is not an e-mail address."))
    return email


def normal_phone(text: str) -> str:
    """A mobile number in E.164, read as Indian when it names no country. Raises ValueError when it is none."""
    try:
        number = phonenumbers.parse(text, "IN")
    except phonenumbers.NumberParseException:
        raise ValueError(N_("Is not a mobile number.")) from None
    mobile = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in mobile:
        raise ValueError(N_("Is not a mobile number."))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


async def prove(core: Core, body: SignIn, place: guesses.Place) -> Account | ProfileChoice:
    """Checks a password (or the ticket of an earlier check) and answers who it is, or who it could be.

    Raises Invalid, TooMany, WrongSignIn, WaitingForApproval or BadToken.
    """
    if body.profile_ticket is not None:
        return await _chosen(core, body)
    email, phone = _given(body)
    now = core.db.clock()
    async with core.db.read(None) as conn:
        guess = await guesses.begin(conn, core.keys, SIGN_INS, email or phone or "", place, now)
        candidates = await queries.find_sign_ins(conn, email, phone)
    password = cast(str, body.password)
    proven = [row for row in candidates if await verify_password(password, row["password_hash"])]
    if not proven:
        for _ in range(_COMPARED - len(candidates)):
            await verify_password(password, None)
        raise sessions.WrongSignIn
    found = asyncio.gather(
        *(_proven(core.db, row["institute_id"], row["user_id"], mark(row["password_hash"])) for row in proven)
    )
    accounts, _ = await asyncio.gather(found, _right(core, guess, now))  # a sign-in waits its turn for each statement
    return offer(core, accounts)


async def _right(core: Core, guess: guesses.Guess, now: datetime) -> None:
    async with core.db.read(None) as conn:
        await guesses.right(conn, guess, now)


async def profile_json(conn: Conn, me: Principal) -> str:
    """One's own record as JSON."""
    found = await queries.profile(conn, me.institute_id, me.user_id)
    if found is None:
        raise NotFound
    return found


async def change_profile(tx: Write, me: Principal, body: ProfileChange) -> None:
    """Changes one's own name, language or theme."""
    name, language, theme = (value or None for value in (body.name, body.language, body.theme))
    before = await queries.change_profile(tx.conn, tx.institute_id, me.user_id, name, language, theme, tx.now)
    if before is None:
        raise NotFound
    await audit.record(
        tx, "profile.changed", me.user_id,
        before={"language": before["language"], "theme": before["theme"]},
        after={"language": language, "theme": theme},
        person_id=me.user_id, personal={"name": [before["name"], name]} if name else None,
    )  # fmt: skip
    # Access tokens stay good: what they hold of this is the language, and the next refresh brings the new one.
    await sessions.refresh_sign_ins(tx, me.user_id, "web")


def identity(email: str | None, phone: str | None) -> tuple[str | None, str | None]:
    """The one e-mail or phone that somebody signs in with, as it is kept. Raises Invalid with every bad field."""
    problems: dict[str, list[str]] = {}
    if (email is None) == (phone is None):
        problems["email"] = [N_("Give either an e-mail or a phone number.")]
    kept: dict[str, str | None] = {}
    for field, given, normal in (("email", email, normal_email), ("phone", phone, normal_phone)):
        try:
            kept[field] = None if given is None else normal(given)
        except ValueError as why:
            problems[field] = [str(why)]
    if problems:
        raise Invalid(problems)
    return kept["email"], kept["phone"]


async def people_with(db: Database, email: str | None, phone: str | None) -> list[Account]:
    """Everybody who signs in with this e-mail or phone, in any institute. Says nothing of whether they may."""
    async with db.read(None) as conn:
        found = await queries.find_sign_ins(conn, email, phone)
    return [await account(db, row["institute_id"], row["user_id"]) for row in found]


async def set_password(tx: Write, user_id: UUID, password_hash: str) -> None:
    """Replaces a person's password; the caller ends their sign-ins and says so in the audit."""
    await queries.set_password(tx.conn, tx.institute_id, user_id, password_hash, tx.now)


async def half_proven(core: Core, ticket: str) -> Account:
    """The person of a SecondFactorNeeded. Raises BadToken, SpentToken or WrongSignIn."""
    claims = Tokens(core.keys).read("second-factor", ticket, core.db.clock())
    return admitted(await _proven(core.db, UUID(claims["iid"]), UUID(claims["sub"]), claims["mark"]))


def strong(account: Account) -> Account:
    """The account, proven beyond a password: no second step is asked for."""
    return msgspec.structs.replace(account, strong=True)


async def institute_of_code(db: Database, code: str) -> UUID | None:
    """The institute with this code."""
    async with db.read(None) as conn:
        return await queries.find_institute(conn, code)


def offer(core: Core, accounts: list[Account]) -> Account | ProfileChoice:
    """The one person who was proven, or the choice between several. Raises WaitingForApproval or WrongSignIn."""
    if len(accounts) == 1:
        return admitted(accounts[0])
    of = [[str(each.institute_id), str(each.id), mark(each.password_hash)] for each in accounts]
    ticket = Tokens(core.keys).sign("profiles", {"of": of}, core.db.clock(), sessions.TICKET_LIFE)
    return ProfileChoice([_option(each) for each in accounts], ticket)


def admitted(account: Account) -> Account:
    """The account, if its status lets it in."""
    if account.status == "pending":
        raise WaitingForApproval
    if account.status != "active":
        raise sessions.WrongSignIn
    return account


def _given(body: SignIn) -> tuple[str | None, str | None]:
    missing = {} if body.password else {"password": [N_("This is required.")]}
    try:
        given = identity(body.email, body.phone)
    except Invalid as error:
        raise Invalid(error.problems | missing) from error
    if missing:
        raise Invalid(missing)
    return given


async def _chosen(core: Core, body: SignIn) -> Account:
    """The profile that was picked, out of those that the ticket proves."""
    claims = Tokens(core.keys).read("profiles", cast(str, body.profile_ticket), core.db.clock())
    for institute_id, user_id, marked in claims["of"]:
        if user_id == str(body.user_id):
            return admitted(await _proven(core.db, UUID(institute_id), UUID(user_id), marked))
    raise Invalid({"userId": [N_("Is not one of the choices.")]})


async def _proven(db: Database, institute_id: UUID, user_id: UUID, marked: str) -> Account:
    """The account whose password was proven. Raises WrongSignIn when it has another one by now."""
    try:
        found = await account(db, institute_id, user_id)
    except NotFound:
        raise sessions.WrongSignIn from None
    if mark(found.password_hash) != marked:
        raise sessions.WrongSignIn
    return found


def _option(account: Account) -> ProfileOption:
    return ProfileOption(account.id, account.name, account.roles, account.institute_name)
