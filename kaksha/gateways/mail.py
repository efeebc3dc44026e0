"""Mail by SMTP. A mail that is tried again is the same mail: its Message-ID comes from the caller's key.

SMTP cannot tell whether a mail was taken when the connection dies after its last byte, so a repetition may hand it over
twice; one Message-ID lets the receiving side see that, and is what makes repeating safe. TLS is verified, and asked for
unless the relay is on this machine.
"""

import contextlib
import re
import ssl
from collections.abc import AsyncGenerator
from functools import partial
from ipaddress import ip_address
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

import aiosmtplib
import msgspec
import structlog
from kaksha_client.resilience import Outcome

from kaksha.core.i18n import N_
from kaksha.gateways.mail_content import Mail, address, compose, message_id
from kaksha.gateways.resilience import GatewayError, Line, line, over

__all__ = [
    "Mail", "MailConfig", "MailDeferred", "MailMisconfigured", "MailRefused", "MailUnavailable",
    "configure", "probe", "send",
]  # fmt: skip

_log = structlog.get_logger("kaksha.mail")
_COMMAND_SECONDS = 20.0
"""How long one SMTP command may take; a whole try is limited by the line (30 s)."""


class MailUnavailable(GatewayError):
    """The relay cannot be reached, or is in trouble; nothing is known against the address."""

    status, code, text = 503, "MAIL_UNAVAILABLE", N_("Mail cannot be sent right now. Please try again later.")
    retryable = True


class MailDeferred(GatewayError):
    """This mailbox does not take mail now (full, greylisted); the relay itself is well."""

    status, code, text = 503, "MAIL_DEFERRED", N_("That mailbox takes no mail right now. Please try again later.")
    retryable = True
    outcome = Outcome.SUCCESS


class MailRefused(GatewayError):
    """For good: the same mail will be refused again. `bad_address`: so will any other to this address."""

    status, code, text = 422, "MAIL_REFUSED", N_("Mail to this address was refused. Please check the address.")
    outcome = Outcome.SUCCESS

    def __init__(self, reason: str = "", *, bad_address: bool = False) -> None:
        super().__init__(reason)
        self.bad_address = bad_address


class MailMisconfigured(GatewayError):
    """The operator must act: sign-in, certificate, sender, STARTTLS. Counts as a failure, so that we stop knocking."""

    status, code, text = 503, "MAIL_MISCONFIGURED", MailUnavailable.text


class Relay(msgspec.Struct, frozen=True):
    """Where mail is handed over."""

    host: str
    port: int
    security: Literal["tls", "starttls", "none"]
    username: str | None
    password: str | None


class MailConfig(msgspec.Struct, frozen=True):
    """Made once a process by `configure`; the line remembers how the relay did."""

    relay: Relay | None
    """None: no mail leaves (no SMTP_URL)."""
    sender: str
    """The address of From and of the envelope."""
    context: ssl.SSLContext
    line: Line
    command_seconds: float = _COMMAND_SECONDS


def configure(smtp_url: str | None, sender: str, mail_line: Line | None = None) -> MailConfig:
    """From SMTP_URL and MAIL_FROM (a bare address). Raises ValueError in an operator's words.

    `smtps://` is TLS from the first byte (port 465), `smtp://` asks for STARTTLS and sends nothing without it (port
    587). Without TLS only to this machine, or with `?starttls=off`. `?ca=/path.pem` trusts that authority only.
    """
    sender = address(sender).addr_spec
    relay, ca = (None, None) if smtp_url is None else _relay(smtp_url)
    return MailConfig(relay, sender, ssl.create_default_context(cafile=ca), mail_line or line("mail", MailUnavailable))


def _relay(smtp_url: str) -> tuple[Relay, str | None]:
    parts = urlsplit(smtp_url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/"):
        raise ValueError("must look like smtps://user:password@host or smtp://user:password@host:587")
    options = dict(parse_qsl(parts.query))
    unknown = sorted(set(options) - {"starttls", "ca"})
    if unknown or options.get("starttls", "on") not in ("on", "off"):
        raise ValueError("takes starttls=on|off and ca=/path.pem, nothing else")
    security: Literal["tls", "starttls", "none"] = "tls" if parts.scheme == "smtps" else "starttls"
    if security == "starttls":
        wanted = options.get("starttls", "off" if _on_this_machine(parts.hostname) else "on")
        security = "starttls" if wanted == "on" else "none"
    port = parts.port or (465 if security == "tls" else 587)
    user, password = (unquote(text) if text else None for text in (parts.username, parts.password))
    return Relay(parts.hostname, port, security, user, password), options.get("ca")


def _on_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def send(config: MailConfig, mail: Mail) -> str:
    """Hands the mail to the relay, at most 90 s and three tries. Answers its Message-ID.

    Raises MailRefused (never again), MailDeferred or MailUnavailable (a job comes back later), MailMisconfigured; and
    ValueError for headers that may not be.
    """
    try:
        to = address(mail.to)
    except ValueError:
        raise MailRefused("not an address", bad_address=True) from None
    made_id = message_id(config.sender, mail.key)
    content = compose(mail, config.sender, to)
    if config.relay is None:
        _log.warning("mail.not_sent", message_id=made_id, why="SMTP_URL is not set")
        return made_id
    await over(config.line, partial(_deliver, config, config.relay, to.addr_spec, content))
    return made_id


async def probe(config: MailConfig) -> None:
    """Connects, greets and signs in without sending: for `kaksha doctor`. Raises as `send` does."""
    if config.relay is not None:
        async with _session(config, config.relay):
            pass


async def _deliver(config: MailConfig, relay: Relay, recipient: str, content: bytes) -> None:
    async with _session(config, relay) as client:
        await client.mail(config.sender)
        await client.rcpt(recipient)
        await client.data(content)


@contextlib.asynccontextmanager
async def _session(config: MailConfig, relay: Relay) -> AsyncGenerator[aiosmtplib.SMTP]:
    """A signed-in conversation. Not aiosmtplib's own context, which would wait for QUIT when we are cancelled."""
    client = aiosmtplib.SMTP(
        hostname=relay.host, port=relay.port, username=relay.username, password=relay.password,
        use_tls=relay.security == "tls", start_tls=relay.security == "starttls", tls_context=config.context,
        timeout=config.command_seconds,
        local_hostname=config.sender.rpartition("@")[2],  # else the library asks DNS for this machine's name
    )  # fmt: skip
    try:
        await client.connect()
        yield client
        # The mail is taken; a relay that does not say goodbye must not make us send it again.
        with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            await client.quit(timeout=2)
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        # The cause stays out: servers like to quote the address in what they answer.
        raise _meaning(error) from None
    finally:
        client.close()


_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")


def _meaning(error: Exception) -> GatewayError:
    match error:
        case aiosmtplib.SMTPResponseException():
            return _meaning_of_answer(error)
        case _ if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
            return MailMisconfigured("TLS with the relay failed; see docs/operating/mail.md")
        case TimeoutError():
            return MailUnavailable("the relay did not answer in time")
        case OSError():
            return MailUnavailable("the relay could not be reached, or hung up")
        case _:  # the library's own findings, after EHLO
            return MailMisconfigured("the relay lacks STARTTLS, or a way to sign in")


def _meaning_of_answer(error: aiosmtplib.SMTPResponseException) -> GatewayError:
    """RFC 5321, 4.2.1: 4xx may pass, 5xx stays. Who is meant depends on the command that was answered."""
    found = _ENHANCED.match(error.message)
    enhanced = found[0] if found else ""
    reason = f"{error.code} {enhanced}".strip()
    for_good = error.code >= 500
    match error:
        case aiosmtplib.SMTPRecipientRefused() if for_good:
            named = enhanced.startswith("5.1.") or (not enhanced and error.code in (550, 551, 553))
            return MailRefused(reason, bad_address=named)
        case aiosmtplib.SMTPRecipientRefused() if error.code != 421:
            return MailDeferred(reason)
        case aiosmtplib.SMTPDataError() if for_good:
            return MailRefused(reason)
        case _ if for_good:  # greeting, sign-in, sender
            return MailMisconfigured(reason)
        case _:
            return MailUnavailable(reason)
