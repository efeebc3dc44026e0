"""When and how a notice leaves for each receiver; devices that take push; unsubscribing.

1. `route` (a job, once the notice is due) writes a row for each sending that the receiver wants.
2. A row waits for its moment: at once, the end of quiet hours, or the next digest.
3. `kaksha.deliveries.jobs` claims, sends and marks.
"""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from kaksha.core.db import Write
from kaksha.core.errors import Invalid, NotFound
from kaksha.core.http import Principal
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.seal import Keys, SealBroken, open_sealed_text, seal_text
from kaksha.deliveries import queries
from kaksha.deliveries.models import AppTarget, NewTarget, Planned, Receiver, Unsubscribed
from kaksha.devices import service as devices
from kaksha.gateways import push
from kaksha.gateways.mail import MailConfig
from kaksha.gateways.push import PushConfig
from kaksha.gateways.push_content import b64, unb64
from kaksha.gateways.sms import SmsConfig
from kaksha.notifications import service as notifications
from kaksha.notifications.models import GROUPS, Channel, Kind, kinds

DIGEST_AT = time(18, 0)
"""When digests leave, in the institute's zone; weekly ones on Sundays."""
DIGEST = "digest"
"""What an unsubscribe link of a digest names instead of a group."""


class Outside(msgspec.Struct, frozen=True):
    """The gateways of this process and what may be spent."""

    mail: MailConfig
    sms: SmsConfig
    push: PushConfig
    sms_a_day: int
    """Over all institutes, codes among them."""
    notices_a_day: int
    """SMS of one institute."""
    segment_paise: int

    @property
    def channels(self) -> set[Channel]:
        """What can be sent by at all; push services need no account with anybody."""
        found: set[Channel] = {"push"}
        if self.mail.relay is not None:
            found.add("email")
        if self.sms.provider is not None:
            found.add("sms")
        return found

    @property
    def push_key(self) -> str:
        """What browsers subscribe with, base64url."""
        return b64(self.push.vapid.public)


# --- when ------------------------------------------------------------------------------------------------------------


def quiet_until(now: datetime, zone: str, begins: time | None, ends: time | None) -> datetime:
    """`now`, or the end of the quiet hours that it lies in: by the clocks of the zone, also over midnight.

    On the days when clocks change, hours that come twice are quiet twice, and an end that does not come is when the
    clocks would have shown it.
    """
    if begins is None or ends is None or not _within(now, zone, begins, ends):
        return now
    there = ZoneInfo(zone)
    today = now.astimezone(there).date()
    candidates = [
        datetime.combine(today + timedelta(days), ends, there).replace(fold=fold).astimezone(UTC)
        for days in (0, 1, 2)
        for fold in (0, 1)
    ]
    return min(at for at in candidates if at > now and not _within(at, zone, begins, ends))


def _within(now: datetime, zone: str, begins: time, ends: time) -> bool:
    clock = now.astimezone(ZoneInfo(zone)).time()
    return begins <= clock < ends if begins < ends else clock >= begins or clock < ends


def digest_at(now: datetime, zone: str, digest: str) -> datetime:
    """When the next digest leaves."""
    there = ZoneInfo(zone)
    today = now.astimezone(there).date()
    for days in range(9):
        day = today + timedelta(days)
        at = datetime.combine(day, DIGEST_AT, there).astimezone(UTC)
        if at > now and (digest != "weekly" or day.weekday() == 6):
            return at
    raise AssertionError("a week has a Sunday")


def plan(kind: Kind, who: Receiver, channels: set[Channel], now: datetime) -> list[Planned]:
    """The sendings of one notice to one person. What cannot wait leaves now; mail is gathered for a digest."""
    rings_at = now if kind.urgent else quiet_until(now, who.zone, who.quiet_from, who.quiet_to)
    planned: list[Planned] = []

    def add(channel: Channel, target_id: UUID, due_at: datetime = rings_at, digest: bool = False) -> None:
        lapses_at = due_at + timedelta(days=2) if digest else now + kind.lasts
        planned.append(Planned(who.notification_id, who.user_id, channel, target_id, digest, due_at, lapses_at))

    usual: set[Channel] = set(kind.channels)
    wanted = {channel for channel in channels if who.chosen.get(channel, channel in usual)}
    if "push" in wanted:
        for target_id in who.targets:
            add("push", target_id)
    gathered = who.digest != "none" and not kind.urgent
    if "email" in channels and who.email and (gathered or "email" in wanted) and who.chosen.get("email", True):
        if gathered:
            add("email", who.user_id, digest_at(now, who.zone, who.digest), digest=True)
        else:
            add("email", who.user_id)
    if "sms" in wanted and who.sms:
        add("sms", who.user_id)
    return planned


async def route(tx: Write, outside: Outside, notice_id: UUID) -> bool:
    """Writes what is to be sent of a notice that is due; answers whether this was the first time."""
    row = await queries.notice(tx.conn, tx.institute_id, notice_id, tx.now)
    if row is None:
        return False
    kind = kinds.get(row.kind)
    planned: list[Planned] = []
    if kind is not None:
        people = await queries.receivers(tx.conn, tx.institute_id, notice_id, kind.group)
        planned = [one for who in people for one in plan(kind, who, outside.channels, tx.now)]
        if row.made_at < tx.now - timedelta(seconds=5):
            # It was kept back: it shows from now on, and nobody has been told of that yet.
            await notifications.tell_readers(tx, [(who.user_id, who.notification_id) for who in people])
    ids = [new_id() for _ in planned]
    await queries.insert_planned(tx.conn, tx.institute_id, notice_id, ids, planned, tx.now)
    return True


# --- devices that take push ------------------------------------------------------------------------------------------


async def add_target(tx: Write, outside: Outside, me: Principal, body: NewTarget | AppTarget) -> UUID:
    """Registers a device for the caller's sign-in. Raises Invalid for what cannot be a subscription."""
    client_key = client_secret = None
    if isinstance(body, NewTarget):
        if not push.known_host(outside.push, body.endpoint):
            raise Invalid({"endpoint": [N_("Is not an address of a push service.")]})
        try:
            client_key, client_secret = unb64(body.keys.p256dh), unb64(body.keys.auth)
            if len(client_key) != 65 or len(client_secret) != 16:
                raise ValueError
            push.checked_key(client_key)
        except ValueError:
            raise Invalid({"keys": [N_("Are not the keys of a push subscription.")]}) from None
        address, kept = body.endpoint, "web"
    else:
        address, kept = body.token, "fcm"
    return await queries.save_target(
        tx.conn, tx.institute_id, new_id(), me.user_id, me.session_id, kept, address, client_key, client_secret, tx.now
    )  # fmt: skip


async def remove_target(tx: Write, me: Principal, target_id: UUID) -> None:
    """Forgets one of one's own devices. Raises NotFound."""
    if not await queries.drop_target(tx.conn, tx.institute_id, me.user_id, target_id):
        raise NotFound


# --- unsubscribing ---------------------------------------------------------------------------------------------------


def unsubscribe_token(keys: Keys, what: Unsubscribed) -> str:
    """For the link in a mail. It names its institute, never ends and can do nothing but this."""
    return seal_text(keys, "unsubscribe", [str(what.institute_id), str(what.user_id), what.topic])


def unsubscribed(keys: Keys, token: str) -> Unsubscribed:
    """What a link is for. Raises NotFound."""
    try:
        institute_id, user_id, topic = open_sealed_text(keys, "unsubscribe", token, list[str])
        if topic != DIGEST and topic not in GROUPS:
            raise NotFound
        return Unsubscribed(UUID(institute_id), UUID(user_id), topic)
    except (SealBroken, ValueError) as error:
        raise NotFound from error


async def set_subscribed(tx: Write, what: Unsubscribed, wanted: bool) -> None:
    """Ends, or takes up again, a group's mails or the digest; what waits to be sent of it is dropped."""
    if what.topic == DIGEST:
        await devices.set_digest(tx, what.user_id, "daily" if wanted else "none")
    else:
        await notifications.choose(tx, what.user_id, {(what.topic, "email"): wanted})
    if not wanted:
        names = [kind.name for kind in kinds.of(what.topic)]
        await queries.drop_mails(tx.conn, tx.institute_id, what.user_id, what.topic == DIGEST, names, tx.now)
