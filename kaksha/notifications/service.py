"""Telling people, taking it back, reading, and what each wants to hear of.

A notice is written once, with its texts in every language, and gives each receiver a row; a fixed number of statements
however many they are. What leaves the application by other channels is the business of `deliveries`, which the job
`deliveries.route` begins when the notice is due.
"""

import base64
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from babel.dates import format_date

from kaksha.core import i18n
from kaksha.core.db import Conn, Write
from kaksha.core.errors import Invalid, NotFound
from kaksha.core.http import Principal
from kaksha.core.i18n import LANGUAGES, N_, gettext
from kaksha.core.ids import UUID, new_id
from kaksha.core.jobs import enqueue
from kaksha.core.live import tell_many
from kaksha.devices import service as devices
from kaksha.devices.models import Preferences as AccountPreferences, PreferencesChange as AccountChange
from kaksha.notifications import queries
from kaksha.notifications.models import (
    CHANNELS,
    GROUPS,
    ChannelChoice,
    Choices,
    Facts,
    GroupChoice,
    Kind,
    Money,
    Preferences,
    PreferencesChange,
    kinds,
)  # fmt: skip

__all__ = ["kinds", "notify", "tell_readers", "withdraw"]


# --- telling and taking back -----------------------------------------------------------------------------------------


async def notify(
    tx: Write,
    kind: Kind,
    *,
    to: Iterable[UUID],
    about: UUID | None = None,
    facts: Facts | None = None,
    data: Mapping[str, Any] | None = None,
    after: timedelta | None = None,
    dedupe: str | None = None,
) -> None:
    """Tells people (active ones of the institute) in the caller's transaction.

    `facts` fill the kind's texts: days, moments and Money are said in each reader's language. `data` goes to clients as
    it is, and fills the kind's path. With `after` nobody sees it before then, and `withdraw` undoes it. Who was told
    before under the same kind and `dedupe` is not told again.
    """
    receivers = list(dict.fromkeys(to))
    if not receivers:
        return
    notice_id, at = new_id(), tx.now + (after or timedelta())
    texts = await _texts(tx, kind, facts or {})
    given = {**(data or {}), **({"about": about} if about else {})}
    given["path"] = kind.path.format_map(given)
    told = await queries.insert_notice(
        tx.conn, tx.institute_id, notice_id, kind.name, about, _json(texts), _json(given), tx.now, at,
        [new_id() for _ in receivers], receivers, dedupe,
    )  # fmt: skip
    if not told:
        return
    if after is None:
        await tell_readers(tx, [(row["user_id"], row["id"]) for row in told])
    await enqueue(tx.conn, "deliveries.route", tx.institute_id, delay=after or timedelta(), notice=notice_id)


async def withdraw(tx: Write, kind: Kind, *, about: UUID, to: Iterable[UUID] | None = None) -> set[UUID]:
    """Takes a notice back from everybody (or only `to`) who has not read it and to whom nothing was sent.

    Answers from whom: the others know already, and may have to be told of the change.
    """
    gone = await queries.take_back(tx.conn, tx.institute_id, kind.name, about, None if to is None else list(to))
    await tell_readers(tx, [(row["user_id"], None) for row in gone])
    return {row["user_id"] for row in gone}


async def tell_readers(tx: Write, readers: list[tuple[UUID, UUID | None]]) -> None:
    """Tells every process, on commit, whose list changed; with the id of a notice that is new to them."""
    await tell_many(
        tx.conn, "notification",
        [{"institute_id": tx.institute_id, "user_id": user_id, "id": new} for user_id, new in readers],
    )  # fmt: skip


async def _texts(tx: Write, kind: Kind, facts: Facts) -> dict[str, dict[str, str]]:
    """The kind's texts in every language. Only a moment needs the institute's zone, and so one statement more."""
    moments = any(isinstance(value, datetime) for value in facts.values())
    zone = await queries.zone(tx.conn, tx.institute_id) if moments else ""
    found: dict[str, dict[str, str]] = {}
    for lang in LANGUAGES:
        said = {name: _said(value, lang, zone) for name, value in facts.items()}
        found[lang] = {
            "title": gettext(lang, kind.title).format_map(said),
            "body": gettext(lang, kind.body).format_map(said),
        }
    return found


def _said(value: str | int | float | date | datetime | Money, lang: str, zone: str) -> str:
    """A fact in words. A day by its name, never as today or tomorrow: people read notices later."""
    match value:
        case Money():
            return i18n.inr(value.paise)
        case datetime():
            return f"{_day(i18n.local(value, zone).date(), lang)}, {i18n.clock(value, lang, zone)}"
        case date():
            return _day(value, lang)
        case _:
            return str(value)


def _day(value: date, lang: str) -> str:
    return format_date(value, "EEE d MMM", locale=lang)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


# --- one's own list --------------------------------------------------------------------------------------------------


async def read(tx: Write, me: Principal, notification_id: UUID) -> None:
    """Marks one of one's own notices as read; again changes nothing. Raises NotFound."""
    fresh = await queries.mark_read(tx.conn, tx.institute_id, me.user_id, notification_id, tx.now)
    if fresh is None:
        raise NotFound
    if fresh:
        await tell_readers(tx, [(me.user_id, None)])


async def read_all(tx: Write, me: Principal) -> int:
    """Marks all that one sees as read; answers how many were not."""
    marked = await queries.mark_all_read(tx.conn, tx.institute_id, me.user_id, tx.now)
    if marked:
        await tell_readers(tx, [(me.user_id, None)])
    return marked


async def delete(tx: Write, me: Principal, notification_id: UUID) -> None:
    """Removes one of one's own notices. Raises NotFound."""
    if not await queries.delete(tx.conn, tx.institute_id, me.user_id, notification_id, tx.now):
        raise NotFound
    await tell_readers(tx, [(me.user_id, None)])


def cursor(at: datetime, notification_id: UUID) -> str:
    """Where a page of the list ended, as text."""
    return base64.urlsafe_b64encode(f"{at.isoformat()} {notification_id}".encode()).rstrip(b"=").decode()


def after_cursor(text: str | None) -> tuple[datetime, UUID] | None:
    """The place that a cursor names. Raises Invalid."""
    if text is None:
        return None
    try:
        at, found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError
        return moment, UUID(found)
    except ValueError as error:
        raise Invalid({"cursor": [N_("Is not a cursor of this list.")]}) from error


# --- what one wants --------------------------------------------------------------------------------------------------


async def preferences(conn: Conn, me: Principal) -> Preferences:
    """What somebody wants to hear of, and how. Two statements."""
    account = msgspec.json.decode(await devices.preferences_json(conn, me), type=AccountPreferences)
    rows = await queries.choices(conn, me.institute_id, me.user_id)
    chosen = {(row["topic"], row["channel"]): row["wanted"] for row in rows}
    groups: list[GroupChoice] = []
    for group in kinds.groups():
        usual = kinds.defaults(group)
        push, email, sms = (chosen.get((group, channel), channel in usual) for channel in CHANNELS)
        groups.append(GroupChoice(group, gettext(me.lang, GROUPS[group]), ChannelChoice(True, push, email, sms)))
    return Preferences(groups, account.quiet_hours, account.digest)


async def change_preferences(tx: Write, me: Principal, body: PreferencesChange) -> None:
    """Changes what is given. Raises Invalid."""
    problems: dict[str, list[str]] = {}
    chosen: dict[tuple[str, str], bool] = {}
    for place, choice in enumerate(body.groups):
        if choice.group not in kinds.groups():
            problems[f"groups.{place}.group"] = [N_("Is not a group of notices.")]
        for channel in CHANNELS:
            wanted = getattr(choice.channels, channel)
            if isinstance(wanted, bool):
                chosen[choice.group, channel] = wanted
    if problems:
        raise Invalid(problems)
    await devices.change_preferences(tx, me, AccountChange(quiet_hours=body.quiet_hours, digest=body.digest))
    await choose(tx, me.user_id, chosen)


async def choose(tx: Write, user_id: UUID, chosen: Mapping[tuple[str, str], bool]) -> None:
    """Keeps what somebody wants of each (group, channel)."""
    if chosen:
        new = Choices([topic for topic, _ in chosen], [channel for _, channel in chosen], list(chosen.values()))
        await queries.save_choices(tx.conn, tx.institute_id, user_id, new)
