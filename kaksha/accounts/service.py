"""Signing in and out, tokens and their rotation, the profile."""

from datetime import datetime, timedelta
from typing import cast

import phonenumbers

from kaksha.accounts import queries
from kaksha.accounts.models import (
    Device,
    Person,
    ProfileChange,
    ProfileChoice,
    ProfileOption,
    SessionRow,
    SignedIn,
    SignIn,
    SignOut,
    User,
    UserRow,
)  # fmt: skip
from kaksha.core import audit, html
from kaksha.core.db import Actor, Conn, Database, Write
from kaksha.core.errors import Forbidden, Invalid, NotFound, NotSignedIn
from kaksha.core.gate import ACCESS, SessionChange
from kaksha.core.http import Core, Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.limits import Limit, take
from kaksha.core.live import tell
from kaksha.core.passwords import verify_password
from kaksha.core.tokens import BadToken, Opaque, Tokens

ACCESS_LIFE = timedelta(minutes=10)
SIGN_IN_LIFE = timedelta(days=60)
"""An unused sign-in ends after this; each refresh or visit starts it anew."""
WEB_LIFE = timedelta(days=30)
GRACE = timedelta(seconds=20)
"""A token used again within this was refreshed twice at once (or its answer got lost), not stolen."""
REMEMBERED = timedelta(minutes=10)
"""A page session is read again after this, which also moves its last-seen time."""
TICKET_LIFE = timedelta(minutes=5)
ROLE_ORDER = ("admin", "teacher", "parent", "student")

_SIGN_INS = Limit("sign-in", 10, timedelta(seconds=30))
"""Per account and address: ten tries at once, then one each half minute. A stranger elsewhere locks nobody out."""


class WrongSignIn(NotSignedIn):
    """Unknown person or wrong password: one answer for both."""

    code, text = "INVALID_CREDENTIALS", N_("The e-mail, phone or password is not right.")


class WaitingForApproval(Forbidden):
    code, text = "ACCOUNT_PENDING", N_("Your institute has not approved your account yet.")


class SignInOver(NotSignedIn):
    code, text = "SESSION_EXPIRED", N_("Session expired. Please login again.")


class TokenReused(NotSignedIn):
    """A used refresh token came back: the whole sign-in is ended."""

    code, text = "REFRESH_TOKEN_REUSED", N_("Session expired. Please login again.")


def normal_email(text: str) -> str:
    """An e-mail address as it is kept. Raises ValueError when it cannot be one."""
    email = text.strip().lower()
    name, _, host = email.rpartition("@")
    if not name or "." not in host or any(char.isspace() for char in email) or len(email) > 254:
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


async def prove(core: Core, body: SignIn, address: str) -> UserRow | ProfileChoice:
    """Checks a password (or the ticket of an earlier check) and answers who it is, or who it could be.

    Raises Invalid, TooMany, WrongSignIn, WaitingForApproval or BadToken.
    """
    if body.profile_ticket is not None:
        return await _chosen(core, body)
    email, phone = _identity(body)
    now = core.db.clock()
    async with core.db.read(None) as conn:
        await take(conn, _SIGN_INS, f"{email or phone}/{address}", now)
        candidates = await queries.find_sign_ins(conn, email, phone)
    proven = [row for row in candidates if await verify_password(cast(str, body.password), row["password_hash"])]
    if not candidates:
        await verify_password(cast(str, body.password), None)
    if not proven:
        raise WrongSignIn
    users = [await _user(core.db, row["institute_id"], row["user_id"]) for row in proven]
    if len(users) == 1:
        return _admitted(users[0])
    pairs = [[str(user.institute_id), str(user.id)] for user in users]
    ticket = Tokens(core.keys).sign("profiles", {"of": pairs}, now, TICKET_LIFE)
    return ProfileChoice([_option(user) for user in users], ticket)


async def open_api(core: Core, user: UserRow, device: Device, actor: Actor) -> SignedIn:
    """Opens a sign-in of an app and answers its tokens."""
    tokens = Tokens(core.keys)
    refresh = tokens.opaque("rt", user.institute_id)
    async with core.db.write(user.institute_id, actor) as tx:
        session_id = await _open(tx, user, "api", None, device, SIGN_IN_LIFE)
        await queries.insert_refresh_token(
            tx.conn, tx.institute_id, refresh.hash, session_id, tx.now, tx.now + SIGN_IN_LIFE
        )
        answer = _signed_in(tokens, user, session_id, refresh, tx.now)
    return answer


async def open_web(core: Core, user: UserRow, device: Device, actor: Actor) -> Opaque:
    """Opens a sign-in of a browser and answers the token for its cookie."""
    secret = Tokens(core.keys).opaque("ws", user.institute_id)
    async with core.db.write(user.institute_id, actor) as tx:
        await _open(tx, user, "web", secret.hash, device, WEB_LIFE)
    return secret


async def refresh(core: Core, text: str) -> SignedIn:
    """New tokens for a refresh token.

    1. An unused token is marked used and its one successor added, in one statement.
    2. A token used within the grace gets the same successor again: a phone that refreshed twice at once, or whose
       answer got lost, goes on with it.
    3. A token used longer ago is in two hands: its whole sign-in ends.

    Raises BadToken, SignInOver or TokenReused.
    """
    tokens = Tokens(core.keys)
    token = tokens.parse("rt", text)
    successor = tokens.successor("rt", token)
    now = core.db.clock()
    async with core.db.read(token.institute_id) as conn:
        row = await queries.rotate(conn, token.institute_id, token.hash, successor.hash, now, now + SIGN_IN_LIFE)
        if row is not None:
            return _signed_in(tokens, row.person, row.session_id, successor, now)
        row = await queries.refresh_token(conn, token.institute_id, token.hash)
    if row is None:
        raise BadToken
    if row.revoked_at or row.person.status != "active" or row.expires_at <= now or not row.used_at:
        raise SignInOver
    if row.used_at + GRACE < now:
        async with core.db.write(token.institute_id) as tx:
            await end_sessions(tx, row.person.id, row.session_id, "refresh token reused")
        raise TokenReused
    return _signed_in(tokens, row.person, row.session_id, successor, now)


async def sign_out(core: Core, me: Principal, body: SignOut, actor: Actor) -> None:
    """Ends this sign-in, the one of a refresh token of this person, or all of them."""
    async with core.db.write(me.institute_id, actor) as tx:
        session_id: UUID | None = None if body.everywhere else me.session_id
        if body.refresh_token is not None and not body.everywhere:
            token = Tokens(core.keys).parse("rt", body.refresh_token)
            row = await queries.refresh_token(tx.conn, tx.institute_id, token.hash)
            if row is None or row.person.id != me.user_id:
                raise BadToken
            session_id = row.session_id
        await end_sessions(tx, me.user_id, session_id, "signed out")


async def end_sessions(tx: Write, user_id: UUID, session_id: UUID | None, why: str) -> None:
    """Ends one sign-in of a person, or all; every process hears of it when the transaction commits."""
    for ended in await queries.end_sessions(tx.conn, tx.institute_id, user_id, session_id, why, tx.now):
        await audit.record(tx, "session.ended", ended, after={"why": why})
        await tell(tx.conn, "session", {"session_id": ended, "at": tx.now.timestamp(), "ended": True})


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
    for session in await queries.touch_sessions(tx.conn, tx.institute_id, me.user_id, tx.now):
        await tell(tx.conn, "session", {"session_id": session, "at": tx.now.timestamp()})


async def page_session(core: Core, cookie: str, now: datetime) -> Principal | None:
    """The person behind a page cookie, read from the database; None when the session is over."""
    secret = Tokens(core.keys).parse("ws", cookie)
    async with core.db.read(secret.institute_id) as conn:
        session = await queries.web_session(conn, secret.institute_id, secret.hash, now)
    return _page_principal(session, now) if session else None


async def session_changes(db: Database, principal: Principal | None) -> list[SessionChange]:
    """Changes of one sign-in, or of all in the last day."""
    if principal is None:
        async with db.read(None) as conn:
            rows = await queries.changed_sessions(conn, db.clock() - timedelta(days=1))
        return [SessionChange(row["session_id"], row["changed_at"].timestamp(), row["ended"]) for row in rows]
    async with db.read(principal.institute_id) as conn:
        row = await queries.session_change(conn, principal.institute_id, principal.session_id)
    if row is None:
        return [SessionChange(principal.session_id, 0.0, ended=True)]
    return [SessionChange(row["id"], row["changed_at"].timestamp(), row["ended"])] if row["changed_at"] else []


def _identity(body: SignIn) -> tuple[str | None, str | None]:
    """The e-mail or phone of a sign-in, as kept. Raises Invalid with every bad field."""
    problems: dict[str, list[str]] = {}
    email = phone = None
    if (body.email is None) == (body.phone is None):
        problems["email"] = [N_("Give either an e-mail or a phone number.")]
    if body.email is not None:
        try:
            email = normal_email(body.email)
        except ValueError as why:
            problems["email"] = [str(why)]
    if body.phone is not None:
        try:
            phone = normal_phone(body.phone)
        except ValueError as why:
            problems["phone"] = [str(why)]
    if not body.password:
        problems["password"] = [N_("This is required.")]
    if problems:
        raise Invalid(problems)
    return email, phone


async def _chosen(core: Core, body: SignIn) -> UserRow:
    """The profile that was picked, out of those that the ticket proves."""
    claims = Tokens(core.keys).read("profiles", cast(str, body.profile_ticket), core.db.clock())
    for institute_id, user_id in claims["of"]:
        if user_id == str(body.user_id):
            return _admitted(await _user(core.db, UUID(institute_id), UUID(user_id)))
    raise Invalid({"userId": [N_("Is not one of the choices.")]})


async def _user(db: Database, institute_id: UUID, user_id: UUID) -> UserRow:
    async with db.read(institute_id) as conn:
        user = await queries.user(conn, institute_id, user_id)
    if user is None:
        raise WrongSignIn
    return user


def _admitted(user: UserRow) -> UserRow:
    if user.status == "pending":
        raise WaitingForApproval
    if user.status != "active":
        raise WrongSignIn
    return user


async def _open(
    tx: Write, user: UserRow, kind: str, secret_hash: bytes | None, device: Device, life: timedelta
) -> UUID:
    session_id = new_id()
    role = next(role for role in ROLE_ORDER if role in user.roles)
    await queries.insert_session(
        tx.conn, tx.institute_id, session_id, user.id, kind, secret_hash, role, device, tx.now, tx.now + life
    )
    mine = Write(tx.conn, tx.institute_id, Actor(user.id, tx.actor.request_id), tx.now, tx.keys)
    await audit.record(mine, "session.opened", session_id, after={"kind": kind, "platform": device.platform})
    return session_id


def _signed_in(tokens: Tokens, person: Person, session_id: UUID, refresh: Opaque, now: datetime) -> SignedIn:
    claims = {
        "sub": str(person.id), "iid": str(person.institute_id), "sid": str(session_id), "rol": person.roles,
        "prm": person.permissions, "lng": person.language,
    }  # fmt: skip
    user = User(
        person.id,
        person.name,
        person.email,
        person.phone,
        person.roles,
        person.institute_id,
        None,
        person.language,
    )
    access = tokens.sign(ACCESS, claims, now, ACCESS_LIFE)
    return SignedIn(user, access, refresh.text, int(ACCESS_LIFE.total_seconds()))


def _page_principal(session: SessionRow, now: datetime) -> Principal:
    user = session.user
    role = session.role if session.role in user.roles else next(role for role in ROLE_ORDER if role in user.roles)
    until = min(session.expires_at, now + REMEMBERED)
    return Principal(
        user_id=user.id,
        institute_id=user.institute_id,
        session_id=session.id,
        roles=frozenset(user.roles),
        permissions=frozenset(user.permissions),
        lang=user.language,
        expires_at=until.timestamp(),
        zone=user.zone,
        theme=user.theme,
        me=html.Me(
            id=user.id, name=user.name, roles=tuple(user.roles), role=role, institute_name=user.institute_name,
            permissions=tuple(user.permissions),
        ),
    )  # fmt: skip


def _option(user: UserRow) -> ProfileOption:
    return ProfileOption(user.id, user.name, user.roles, user.institute_name)
