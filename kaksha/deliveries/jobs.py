"""Sending what is due: claimed, sent, marked.

What is guaranteed, when a worker dies between sending and marking, or an answer gets lost:

- push: sent again under the same Topic and tag (FCM: collapse key and tag), so that a device shows one;
- mail: sent again under the same Message-ID, which receiving servers and programs show once;
- SMS by our contract: sent again under the same reference, which the provider takes once;
- SMS by MSG91, which knows no reference: not sent again. It counts as failed, with the reason `uncertain`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

import msgspec
import structlog

from kaksha.core.clock import zone
from kaksha.core.db import Write
from kaksha.core.errors import TooMany
from kaksha.core.http import Core
from kaksha.core.i18n import N_, gettext, ngettext
from kaksha.core.ids import UUID, new_id
from kaksha.core.jobs import Jobs, Payload, enqueue
from kaksha.core.limits import Limit, take
from kaksha.deliveries import queries, service
from kaksha.deliveries.models import Due, Unsubscribed
from kaksha.deliveries.service import Outside
from kaksha.gateways import mail, push, sms
from kaksha.gateways.mail_content import Mail
from kaksha.gateways.push_content import Browser, Push
from kaksha.gateways.resilience import GatewayError
from kaksha.gateways.sms_content import Sms
from kaksha.notifications.models import kinds

HELD = timedelta(minutes=5)
"""How long a worker has a sending for itself: longer than every gateway takes, with all its tries."""
TRIES = 8
_WAITS = (0.5, 2, 10, 30, 120, 360, 720)
"""Minutes before the second, third … attempt."""
_AT_ONCE = 50
_BESIDE = 10
EACH_A_DAY = 3
"""SMS of notices that one person gets in a day."""
_LONGEST_SMS = 300

_log = structlog.get_logger("kaksha.deliveries")


class Ending(msgspec.Struct, frozen=True):
    """How a sending ended: `waiting` means that it is tried again at `due_at`."""

    state: str
    provider_id: str | None = None
    why: str | None = None
    due_at: datetime | None = None


def register(jobs: Jobs, core: Core, outside: Outside) -> None:
    """Tells the worker what this feature does in the background."""
    jobs.on("deliveries.route", partial(route, core, outside))
    jobs.on("deliveries.send", partial(_send, core, outside))
    jobs.every("deliveries.tick", "* * * * *", partial(tick, core, outside))


async def route(core: Core, outside: Outside, job: Payload) -> None:
    assert job.institute_id is not None
    async with core.db.write(job.institute_id) as tx:
        routed = await service.route(tx, outside, UUID(job.ids["notice"]))
    if routed:
        await send_due(core, outside, job.institute_id)


async def _send(core: Core, outside: Outside, job: Payload) -> None:
    assert job.institute_id is not None
    await send_due(core, outside, job.institute_id)


async def tick(core: Core, outside: Outside) -> None:
    """Each minute: what waited for its moment, and what a worker that died left behind, in every institute."""
    async with core.db.read(None) as conn:
        institutes = await queries.institutes(conn)
    for institute_id in institutes:
        async with core.db.read(institute_id) as conn:
            late = await queries.unrouted(conn, institute_id, core.db.clock() - timedelta(minutes=1))
        for notice_id in late:
            async with core.db.write(institute_id) as tx:
                await service.route(tx, outside, notice_id)
        await send_due(core, outside, institute_id)


async def send_due(core: Core, outside: Outside, institute_id: UUID) -> None:
    """Sends all of an institute that is due, and sees to it that somebody comes back for what is tried again soon."""
    while True:
        claim_id, now = new_id(), core.db.clock()
        async with core.db.read(institute_id) as conn:
            claimed = await queries.claim(conn, institute_id, now, now + HELD, claim_id, _AT_ONCE)
        beside = asyncio.Semaphore(_BESIDE)
        await asyncio.gather(*(_one(core, outside, institute_id, claim_id, due, beside) for due in claimed))
        if len(claimed) < _AT_ONCE:
            break
    while await _one_digest(core, outside, institute_id):
        pass
    async with core.db.write(institute_id) as tx:
        now = core.db.clock()
        due_at = await queries.next_due(tx.conn, institute_id, now)
        if due_at is not None and due_at - now < timedelta(minutes=1):  # later ones are the tick's
            await enqueue(
                tx.conn,
                "deliveries.send",
                institute_id,
                delay=due_at - now,
                dedupe=due_at.isoformat(timespec="minutes"),
            )


async def _one(
    core: Core, outside: Outside, institute_id: UUID, claim_id: UUID, due: Due, beside: asyncio.Semaphore
) -> None:
    async with beside:
        way = {"push": push_one, "email": mail_one, "sms": sms_one}[due.channel]
        ending = await _ended(core, institute_id, due, partial(way, core, outside, institute_id, due))
    await _mark(core, institute_id, claim_id, [due.id], ending)


async def _one_digest(core: Core, outside: Outside, institute_id: UUID) -> bool:
    """One person's digest; answers whether there may be more."""
    claim_id, now = new_id(), core.db.clock()
    async with core.db.read(institute_id) as conn:
        user_id = await queries.digest_reader(conn, institute_id, now)
        if user_id is None:
            return False
        claimed = await queries.claim_digest(conn, institute_id, user_id, now, now + HELD, claim_id)
    for batch in dict.fromkeys(due.batch for due in claimed):
        items = [due for due in claimed if due.batch == batch]
        call = partial(_send_mail, core, outside, institute_id, items[0], _digest_mail(core, institute_id, items))
        ending = await _ended(core, institute_id, items[0], call)
        await _mark(core, institute_id, claim_id, [due.id for due in items], ending)
    return True


async def _mark(core: Core, institute_id: UUID, claim_id: UUID, ids: list[UUID], ending: Ending) -> None:
    now = core.db.clock()
    async with core.db.read(institute_id) as conn:
        await queries.mark(
            conn, institute_id, ids, claim_id, ending.state, ending.due_at or now, now, ending.provider_id, ending.why
        )


async def _ended(core: Core, institute_id: UUID, due: Due, call: Callable[[], Awaitable[Ending]]) -> Ending:
    """Makes the call; what it raises, as an ending."""
    now = core.db.clock()
    try:
        return await call()
    except (push.PushGone, mail.MailRefused, sms.SmsRefused) as error:
        return await _refused(core, institute_id, due, error)
    except (sms.SmsUncertain, push.PushRefused) as error:
        return Ending("failed", why="uncertain" if isinstance(error, sms.SmsUncertain) else error.code)
    except TooMany:
        return Ending("waiting", why="all SMS of the day are spent", due_at=now + timedelta(hours=1))
    except Exception as error:  # one that cannot be sent must not keep the others from it
        known = error if isinstance(error, GatewayError) else None
        if known is None:
            _log.error("delivery.broken", channel=due.channel, kind=due.kind, error=repr(error))
        return _again(due, known.code if known else type(error).__name__, known.retry_after if known else None, now)


async def _refused(core: Core, institute_id: UUID, due: Due, error: GatewayError) -> Ending:
    """For good: a device that is gone is forgotten, an address that is none is noted."""
    async with core.db.write(institute_id) as tx:
        match error:
            case push.PushGone():
                await queries.drop_target(tx.conn, tx.institute_id, due.user_id, due.target_id)
            case mail.MailRefused(bad_address=True) if due.email:
                await queries.bury(tx.conn, tx.institute_id, due.user_id, "email", due.email, tx.now)
            case sms.SmsRefused(bad_number=True) if due.phone:
                await queries.bury(tx.conn, tx.institute_id, due.user_id, "sms", due.phone, tx.now)
            case _:
                pass
    return Ending("failed", why=error.code)


def _again(due: Due, why: str, retry_after: float | None, now: datetime) -> Ending:
    wait = timedelta(minutes=_WAITS[min(due.attempts, len(_WAITS)) - 1])
    due_at = now + max(wait, timedelta(seconds=retry_after or 0))
    if due.attempts >= TRIES or (due_at >= due.lapses_at and not due.again):
        return Ending("failed", why=why)
    return Ending("waiting", why=why, due_at=due_at)


# --- the ways --------------------------------------------------------------------------------------------------------


async def push_one(core: Core, outside: Outside, institute_id: UUID, due: Due) -> Ending:
    if due.address is None:
        return Ending("dropped", why="signed out")
    kind = kinds.get(due.kind)
    message = Push(
        title=due.texts["title"], body=due.texts["body"], url=due.path, key=str(due.notification_id),
        lang=due.language, urgent=bool(kind and kind.urgent),
        seconds=max(60, int((due.lapses_at - core.db.clock()).total_seconds())),
    )  # fmt: skip
    if due.service == "fcm":
        return Ending("sent", await push.send_app(outside.push, due.address, message))
    assert due.client_key is not None
    assert due.client_secret is not None
    browser = Browser(due.address, due.client_key, due.client_secret)
    return Ending("sent", await push.send_browser(outside.push, browser, message))


async def mail_one(core: Core, outside: Outside, institute_id: UUID, due: Due) -> Ending:
    kind = kinds.get(due.kind)
    link = f"{core.settings.api_base_url}{due.path}"
    lines = [due.texts["body"], link, _farewell(core, institute_id, due, kind.group if kind else service.DIGEST)]
    letter = _letter(core, institute_id, due, due.texts["title"], "\n\n".join(lines), kind.group if kind else "")
    return await _send_mail(core, outside, institute_id, due, letter)


async def _send_mail(core: Core, outside: Outside, institute_id: UUID, due: Due, letter: Mail | None) -> Ending:
    if letter is None or due.email is None:
        return Ending("dropped", why="no address")
    return Ending("sent", await mail.send(outside.mail, letter))


def _letter(core: Core, institute_id: UUID, due: Due, subject: str, text: str, topic: str) -> Mail | None:
    if due.email is None:
        return None
    return Mail(
        to=due.email, to_name=due.name, from_name=due.institute, subject=subject, text=text,
        key=f"notice:{due.batch}", at=due.made_at, unsubscribe_url=_unsubscribe(core, institute_id, due, topic),
    )  # fmt: skip


def _digest_mail(core: Core, institute_id: UUID, items: list[Due]) -> Mail | None:
    """All of a person's batch in one mail; its text depends on the rows alone, so that a repetition is the same."""
    first = items[0]
    subject = ngettext(first.language, "{institute}: {n} notice", "{institute}: {n} notices", len(items)).format(
        institute=first.institute, n=len(items)
    )
    parts = [f"{due.texts['title']}\n{due.texts['body']}\n{core.settings.api_base_url}{due.path}" for due in items]
    parts.append(_farewell(core, institute_id, first, service.DIGEST))
    return _letter(core, institute_id, first, subject, "\n\n".join(parts), service.DIGEST)


def _unsubscribe(core: Core, institute_id: UUID, due: Due, topic: str) -> str:
    what = Unsubscribed(institute_id, due.user_id, topic or service.DIGEST)
    return f"{core.settings.api_base_url}/unsubscribe?token={service.unsubscribe_token(core.keys, what)}"


def _farewell(core: Core, institute_id: UUID, due: Due, topic: str) -> str:
    text = gettext(due.language, N_("To get no more mails of this kind, open {link}"))
    return text.format(link=_unsubscribe(core, institute_id, due, topic))


async def sms_one(core: Core, outside: Outside, institute_id: UUID, due: Due) -> Ending:
    """Reserves its cost, then sends: a crash between may charge for one that was not sent, never the reverse."""
    if due.phone is None:
        return Ending("dropped", why="no number")
    if due.again and not sms.takes_references(outside.sms):
        return Ending("failed", why="uncertain")
    text = f"{due.institute}: {due.texts['title']}. {due.texts['body']}"
    text = text if len(text) <= _LONGEST_SMS else f"{text[: _LONGEST_SMS - 1]}…"
    price = sms.cost(text)
    async with core.db.write(institute_id) as tx:
        if not await _reserved(tx, outside, due, price.segments):
            return Ending("dropped", why="cap")
    async with core.db.read(None) as conn:
        a_day = Limit("sms-a-day", outside.sms_a_day, timedelta(days=1) / outside.sms_a_day)
        await take(conn, a_day, "all", core.db.clock())
    sent = await sms.send(outside.sms, Sms(to=due.phone, text=text, key=f"notice:{due.id}", kind="notice"))
    return Ending("sent", sent.provider_id)


async def _reserved(tx: Write, outside: Outside, due: Due, segments: int) -> bool:
    await queries.hold_ledger(tx.conn, tx.institute_id)
    day = tx.now.astimezone(zone(due.zone)).date()
    return await queries.reserve(
        tx.conn, tx.institute_id, due.id, due.user_id, day, segments, segments * outside.segment_paise,
        outside.notices_a_day, EACH_A_DAY, tx.now,
    )  # fmt: skip
