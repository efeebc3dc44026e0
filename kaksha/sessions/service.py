"""Opening and ending sign-ins, tokens and their rotation, and what processes remember of them."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from kaksha.core import audit, html
from kaksha.core.agents import browser_name
from kaksha.core.db import Actor, Database, Write
from kaksha.core.errors import AppError, NotFound, NotSignedIn
from kaksha.core.gate import ACCESS, SessionChange
from kaksha.core.http import Core, Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.jobs import enqueue
from kaksha.core.live import tell
from kaksha.core.tokens import BadToken, Opaque, Tokens
from kaksha.sessions import queries
from kaksha.sessions.models import Account, Device, Person, SessionRow, SignedIn, SignOut, User

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


class WrongSignIn(NotSignedIn):
    """Unknown person or wrong password: one answer for both."""

    code, text = "INVALID_CREDENTIALS", N_("The e-mail, phone or password is not right.")


class SecondFactorNeeded(AppError):
    """The first proof was good; `facts["ticket"]` says so for the second step, which `devices` answers."""

    status, code, text = 401, "SECOND_FACTOR_NEEDED", N_("Enter the code that your authenticator app shows.")


class SignInOver(NotSignedIn):
    code, text = "SESSION_EXPIRED", N_("Session expired. Please login again.")


class TokenReused(NotSignedIn):
    """A used refresh token came back: the whole sign-in is ended."""

    code, text = "REFRESH_TOKEN_REUSED", N_("Session expired. Please login again.")


async def open_api(core: Core, account: Account, device: Device, actor: Actor) -> SignedIn:
    """Opens a sign-in of an app and answers its tokens."""
    tokens = Tokens(core.keys)
    refresh = tokens.opaque("rt", account.institute_id)
    async with core.db.write(account.institute_id, actor) as tx:
        session_id, person = await _open(tx, account, "api", None, device, SIGN_IN_LIFE)
        await queries.insert_refresh_token(
            tx.conn, tx.institute_id, refresh.hash, session_id, tx.now, tx.now + SIGN_IN_LIFE
        )
        answer = _signed_in(tokens, person, session_id, None, refresh, tx.now)
    return answer


async def open_web(core: Core, account: Account, device: Device, actor: Actor) -> Opaque:
    """Opens a sign-in of a browser and answers the token for its cookie."""
    secret = Tokens(core.keys).opaque("ws", account.institute_id)
    async with core.db.write(account.institute_id, actor) as tx:
        await _open(tx, account, "web", secret.hash, device, WEB_LIFE)
    return secret


async def refresh(core: Core, text: str, actor: Actor) -> SignedIn:
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
            return _signed_in(tokens, row.person, row.session_id, row.changed_at, successor, now)
        row = await queries.refresh_token(conn, token.institute_id, token.hash)
        for made in tokens.successors("rt", token)[1:]:  # it was refreshed just before the keys changed
            if await queries.refresh_token(conn, token.institute_id, made.hash) is not None:
                successor = made
    if row is None:
        raise BadToken
    if row.revoked_at or row.person.status != "active" or row.expires_at <= now or not row.used_at:
        raise SignInOver
    if row.used_at + GRACE < now:
        async with core.db.write(token.institute_id, actor) as tx:
            await end_sessions(tx, row.person.id, row.session_id, "refresh token reused")
        raise TokenReused
    return _signed_in(tokens, row.person, row.session_id, row.changed_at, successor, now)


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
    await core.ears.settled()


async def end_sessions(tx: Write, user_id: UUID, session_id: UUID | None, why: str, *, but: UUID | None = None) -> None:
    """Ends one sign-in of a person, or all (`but` one); every process hears of it when the transaction commits."""
    for ended in await queries.end_sessions(tx.conn, tx.institute_id, user_id, session_id, but, why, tx.now):
        await audit.record(tx, "session.ended", ended, after={"why": why})
        await tell(tx.conn, "session", {"session_id": ended, "at": tx.now.timestamp(), "ended": True})


async def refresh_sign_ins(tx: Write, user_id: UUID, kind: Literal["web", "api"] | None = None) -> None:
    """Makes every process read a person's sign-ins anew when the transaction commits: their roles or name changed.

    Call it after the person's row was written: a sign-in that opens meanwhile waits for that row.
    """
    for session_id, at in await queries.touch_sessions(tx.conn, tx.institute_id, user_id, kind, tx.now):
        await tell(tx.conn, "session", {"session_id": session_id, "at": at.timestamp()})


async def page_session(core: Core, cookie: str, now: datetime) -> tuple[Principal, float] | None:
    """The person behind a page cookie, read from the database, and as of when; None when the session is over."""
    secret = Tokens(core.keys).parse("ws", cookie)
    async with core.db.read(secret.institute_id) as conn:
        session = await queries.web_session(conn, secret.institute_id, secret.hash, now)
    return (_page_principal(session, now), _as_of(session.changed_at)) if session else None


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


def device_of(headers: Mapping[str, str]) -> Device:
    """What a caller says of its device in the headers of SPEC 1."""
    said = [headers.get(name, "")[:80] or None for name in ("x-device-id", "x-platform", "x-app-version")]
    return Device(said[0], said[1] or browser_name(headers.get("user-agent", "")), said[2])


async def account(db: Database, institute_id: UUID, user_id: UUID) -> Account:
    """A person who may sign in. Raises NotFound."""
    async with db.read(institute_id) as conn:
        found = await queries.account(conn, institute_id, user_id)
    if found is None:
        raise NotFound
    return found


def avatar_url(person: Person) -> str | None:
    """Where apps find somebody's picture."""
    return f"/v1/users/{person.id}/avatar?v={person.avatar}" if person.avatar else None


def mark(password_hash: str | None) -> str:
    """Tells one password hash from the next, and nothing about it."""
    return hashlib.blake2b((password_hash or "").encode(), digest_size=12).hexdigest()


async def _open(
    tx: Write, proven: Account, kind: str, secret_hash: bytes | None, device: Device, life: timedelta
) -> tuple[UUID, Person]:
    """A new session of the person as they are now. Raises WrongSignIn when what they proved no longer holds.

    The person is held: a change of roles or password, or an end of all sign-ins, comes either before this (and is seen
    here) or after it (and sees this session).
    """
    await queries.hold_user(tx.conn, tx.institute_id, proven.id)
    account = await queries.account(tx.conn, tx.institute_id, proven.id)
    if account is None or account.status != "active" or account.password_hash != proven.password_hash:
        raise WrongSignIn
    if account.second_factor and not proven.strong:
        claims = {"iid": str(tx.institute_id), "sub": str(account.id), "mark": mark(account.password_hash)}
        raise SecondFactorNeeded(ticket=Tokens(tx.keys).sign("second-factor", claims, tx.now, TICKET_LIFE))
    session_id = new_id()
    if await queries.knows_device(tx.conn, tx.institute_id, account.id, device) is False:
        await enqueue(
            tx.conn, "accounts.new_device", tx.institute_id, user=account.id, session=session_id,
            platform=device.platform or "", at=tx.now.timestamp(),
        )  # fmt: skip
    role = next(role for role in ROLE_ORDER if role in account.roles)
    await queries.insert_session(
        tx.conn, tx.institute_id, session_id, account.id, kind, secret_hash, role, device, tx.now, tx.now + life
    )
    mine = Write(tx.conn, tx.institute_id, Actor(account.id, tx.actor.request_id), tx.now, tx.keys)
    await audit.record(mine, "session.opened", session_id, after={"kind": kind, "platform": device.platform})
    return session_id, account


def _as_of(changed_at: datetime | None) -> float:
    """When what is read of a session was last changed (Unix seconds); 0 for never."""
    return changed_at.timestamp() if changed_at else 0.0


def _signed_in(
    tokens: Tokens, person: Person, session_id: UUID, changed_at: datetime | None, refresh: Opaque, now: datetime
) -> SignedIn:
    claims = {
        "sub": str(person.id), "iid": str(person.institute_id), "sid": str(session_id), "rol": person.roles,
        "prm": person.permissions, "lng": person.language, "zon": person.zone, "upd": _as_of(changed_at),
    }  # fmt: skip
    user = User(
        person.id,
        person.name,
        person.email,
        person.phone,
        person.roles,
        person.institute_id,
        avatar_url(person),
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
            permissions=tuple(user.permissions), avatar=user.avatar, unread=session.unread,
            second_step=user.second_factor,
        ),
    )  # fmt: skip
