"""What depends on whether somebody exists, and the sending: reset and verification links, one-time codes, notices.

Each job may run twice: links and codes are derived from the asking, and a mail's or SMS's key names it, so the second
run sends the very same, which the provider knows.
"""

from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

import msgspec
import structlog

from kaksha.accounts import service as accounts
from kaksha.accounts.models import Account
from kaksha.codes import service
from kaksha.codes.models import Letter
from kaksha.core import i18n
from kaksha.core.errors import TooMany
from kaksha.core.http import Core
from kaksha.core.i18n import N_, gettext
from kaksha.core.ids import UUID
from kaksha.core.jobs import Jobs, Payload, enqueue
from kaksha.core.limits import Limit, take
from kaksha.gateways import mail, sms
from kaksha.gateways.mail_content import Mail
from kaksha.gateways.sms_content import Sms, SmsRefused
from kaksha.sessions import service as sessions

_log = structlog.get_logger("kaksha.codes")


class Outgoing(msgspec.Struct, frozen=True):
    """The gateways of this process, and how many SMS may leave in a day."""

    mail: mail.MailConfig
    sms: sms.SmsConfig
    sms_a_day: int


def register(jobs: Jobs, core: Core, out: Outgoing) -> None:
    """Tells the worker what this feature does in the background."""
    jobs.on("codes.forgot", partial(_forgot, core, out))
    jobs.on("codes.verify", partial(_verify, core, out))
    jobs.on("codes.otp", partial(_otp, core, out))
    jobs.on("codes.decided", partial(_decided, core, out))
    jobs.on("accounts.new_device", partial(_new_device, core, out))


async def _forgot(core: Core, out: Outgoing, job: Payload) -> None:
    asked = service.opened(core, "asked", job.ids["asked"])
    if asked is None or _too_late(core, asked.at, service.RESET_LIFE):
        return
    for person in await accounts.people_with(core.db, asked.email, asked.phone):
        if person.status != "active":
            continue
        async with core.db.write(person.institute_id) as tx:
            to = asked.email or asked.phone or ""
            token = await service.make_link(tx, person, "reset_password", asked.id, to)
        link = f"{core.settings.api_base_url}/reset-password?token={token}"
        await _send(core, out, person, to, _reset_letter(person, link), f"reset:{asked.id}:{person.id}", asked.at)


async def _verify(core: Core, out: Outgoing, job: Payload) -> None:
    assert job.institute_id is not None
    person = await sessions.account(core.db, job.institute_id, UUID(job.ids["user"]))
    if person.email is None:
        return
    async with core.db.write(person.institute_id) as tx:
        token = await service.make_link(tx, person, "verify_email", UUID(job.ids["asked"]), person.email)
    link = f"{core.settings.api_base_url}/verify-email?token={token}"
    letter = _verify_letter(person, link)
    await _send(core, out, person, person.email, letter, f"verify:{job.ids['asked']}", core.db.clock().timestamp())


async def _otp(core: Core, out: Outgoing, job: Payload) -> None:
    asked = service.opened(core, "challenge", job.ids["challenge"])
    if asked is None or asked.phone is None or _too_late(core, asked.at, service.CODE_LIFE):
        return
    people = await accounts.people_with(core.db, None, asked.phone)
    if not people or not await _affordable(core, out):
        return
    person = people[0]
    text = _code_sms(person.language, service.code_of(core, asked), core.settings.api_base_url)
    await sms.send(out.sms, Sms(to=asked.phone, text=text, key=f"otp:{asked.id}", kind="otp"))


async def _decided(core: Core, out: Outgoing, job: Payload) -> None:
    assert job.institute_id is not None
    person = await sessions.account(core.db, job.institute_id, UUID(job.ids["user"]))
    admitted = job.ids["admitted"] == "yes"
    to = person.email or person.phone
    if to is None or (person.status == "active") != admitted:  # it was decided otherwise since
        return
    letter = _admitted_letter(person, core.settings.api_base_url) if admitted else _declined_letter(person)
    await _send(core, out, person, to, letter, f"decided:{job.ids['asked']}", core.db.clock().timestamp())


async def _new_device(core: Core, out: Outgoing, job: Payload) -> None:
    assert job.institute_id is not None
    async with core.db.write(job.institute_id) as tx:  # in the list too; the mail is one that nobody can switch off
        await enqueue(
            tx.conn, "notifications.new_device", job.institute_id, user=job.ids["user"], session=job.ids["session"],
            platform=job.ids["platform"], at=job.ids["at"],
        )  # fmt: skip
    person = await sessions.account(core.db, job.institute_id, UUID(job.ids["user"]))
    if person.email is None:
        return
    at = datetime.fromtimestamp(float(job.ids["at"]), UTC)
    letter = _device_letter(person, job.ids["platform"], at)
    await _send(core, out, person, person.email, letter, f"device:{job.ids['session']}", at.timestamp())


async def _send(core: Core, out: Outgoing, person: Account, to: str, letter: Letter, key: str, at: float) -> None:
    """By mail, or by SMS when that is where it was asked for. A refusal is final and only noted."""
    try:
        if "@" in to:
            message = Mail(
                to=to, to_name=person.name, from_name=person.institute_name, subject=letter.subject,
                text=letter.text, key=key, at=datetime.fromtimestamp(at, UTC),
            )  # fmt: skip
            await mail.send(out.mail, message)
            return
        if not await _affordable(core, out):
            return
        await sms.send(out.sms, Sms(to=to, text=letter.short, key=key, kind="notice"))
    except (mail.MailRefused, SmsRefused) as error:
        _log.warning("codes.refused", key=key, why=str(error))


async def _affordable(core: Core, out: Outgoing) -> bool:
    """Whether today's SMS budget has room: pumped codes must not empty the account."""
    limit = Limit("sms-a-day", out.sms_a_day, timedelta(days=1) / out.sms_a_day)
    try:
        async with core.db.read(None) as conn:
            await take(conn, limit, "all", core.db.clock())
    except TooMany:
        _log.error("codes.sms_budget_spent", a_day=out.sms_a_day)
        return False
    return True


def _too_late(core: Core, at: float, life: timedelta) -> bool:
    return at + life.total_seconds() <= core.db.clock().timestamp()


def _reset_letter(person: Account, link: str) -> Letter:
    def said(text: str) -> str:
        return gettext(person.language, text).format(name=person.name, institute=person.institute_name, link=link)

    return Letter(
        said(N_("Set a new password for {institute}")),
        said(
            N_(
                "Hello {name},\n\nsomebody asked for a new password for your account at {institute}. To set one, open"
                " this link within an hour:\n\n{link}\n\nIf it was not you, do nothing: your password stays."
            )
        ),
        said(N_("{institute}: {name}, set a new password within an hour: {link}")),
    )


def _verify_letter(person: Account, link: str) -> Letter:
    def said(text: str) -> str:
        return gettext(person.language, text).format(name=person.name, institute=person.institute_name, link=link)

    return Letter(
        said(N_("Confirm your e-mail for {institute}")),
        said(
            N_(
                "Hello {name},\n\nthis e-mail address was given for your account at {institute}. To confirm that it is"
                " yours, open this link within three days:\n\n{link}\n\nIf you do not know of this, please ignore it."
            )
        ),
        "",
    )


def _device_letter(person: Account, platform: str, at: datetime) -> Letter:
    def said(text: str) -> str:
        when = i18n.when(at, person.language, person.zone, at)
        device = platform or gettext(person.language, N_("an unknown device"))
        return gettext(person.language, text).format(
            name=person.name, institute=person.institute_name, device=device, when=when
        )

    return Letter(
        said(N_("New sign-in at {institute}")),
        said(
            N_(
                "Hello {name},\n\nyour account at {institute} was opened on a device that we have not seen before:"
                " {device}, {when}.\n\nIf it was you, all is well. If not, change your password and end that sign-in"
                " under Me, Devices."
            )
        ),
        "",
    )


def _admitted_letter(person: Account, origin: str) -> Letter:
    def said(text: str) -> str:
        link = f"{origin}/sign-in"
        return gettext(person.language, text).format(name=person.name, institute=person.institute_name, link=link)

    return Letter(
        said(N_("You can sign in at {institute}")),
        said(
            N_(
                "Hello {name},\n\n{institute} has approved your account. Sign in with the password that you chose:"
                "\n\n{link}"
            )
        ),
        said(N_("{institute}: {name}, your account is approved. Sign in: {link}")),
    )


def _declined_letter(person: Account) -> Letter:
    def said(text: str) -> str:
        return gettext(person.language, text).format(name=person.name, institute=person.institute_name)

    return Letter(
        said(N_("Your registration at {institute}")),
        said(
            N_(
                "Hello {name},\n\n{institute} did not approve the account that you registered. If you think that"
                " this is a mistake, please ask its office."
            )
        ),
        said(N_("{institute}: {name}, your account was not approved. Please ask the office.")),
    )


def _code_sms(language: str, code: str, origin: str) -> str:
    """The code first, so that it shows in the notice; the last line lets browsers fill it in (WebOTP)."""
    host = urlsplit(origin).hostname
    said = gettext(language, N_("{code} is your Kaksha code, good for 5 minutes. Tell it to nobody.")).format(code=code)
    return f"{said}\n\n@{host} #{code}"
