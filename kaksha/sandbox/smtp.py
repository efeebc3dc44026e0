"""The sandbox's mail receiver: a real SMTP server on loopback that delivers into the inbox."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncGenerator
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from kaksha.sandbox.inbox import Faults, Inbox, Message

__all__ = ["receiving_mail"]

# It warns of its own deprecated attributes at every sign-in.
logging.getLogger("mail.log").setLevel(logging.ERROR)
_LARGEST = 10 << 20
"""Bytes of one mail."""


@contextlib.asynccontextmanager
async def receiving_mail(
    inbox: Inbox,
    faults: Faults,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncGenerator[int]:
    """Receives for as long as the block lasts; yields the port. Raises OSError if the port is taken.

    `starttls` offers STARTTLS, `tls` speaks TLS from the first byte. Any user and password will do.
    """
    loop = asyncio.get_running_loop()
    receiver = _Receiver(inbox, faults)
    open_transports: set[asyncio.BaseTransport] = set()

    def protocol() -> SMTP:
        return _Conversation(
            receiver,
            open_transports,
            loop=loop,
            hostname="sandbox.kaksha.example",
            ident="Kaksha sandbox",
            data_size_limit=_LARGEST,
            enable_SMTPUTF8=True,
            tls_context=starttls,
            auth_require_tls=False,
            authenticator=receiver.sign_in,
            auth_exclude_mechanism=["LOGIN"],  # one way only, so that one refusal is the end
            timeout=60,
        )

    server = await loop.create_server(protocol, host, port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for transport in list(open_transports):
            transport.close()
        await server.wait_closed()


class _Conversation(SMTP):
    """One connection; known to the receiver, so that none outlives it."""

    def __init__(self, receiver: "_Receiver", open_transports: set[asyncio.BaseTransport], **options: Any) -> None:
        super().__init__(receiver, **options)
        self._open = open_transports
        self._own: set[asyncio.BaseTransport] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._own.add(transport)  # a second one when STARTTLS begins
        self._open.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._open -= self._own
        super().connection_lost(error)


class _Receiver:
    """aiosmtpd calls these by name, with its own objects."""

    def __init__(self, inbox: Inbox, faults: Faults) -> None:
        self._inbox = inbox
        self._faults = faults

    def sign_in(self, *_: Any) -> AuthResult:
        """Anybody may, unless the fault `signin` is played."""
        refused = self._faults.take("mail", "signin") is not None
        return AuthResult(success=not refused, handled=not refused)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        fault = self._faults.take("mail", "refuse", "defer")
        if fault is not None:
            refused = f"550 5.1.1 <{address}>: no such mailbox"
            return refused if fault.mode == "refuse" else f"450 4.2.1 <{address}>: takes nothing right now"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        fault = self._faults.take("mail")
        match fault.mode if fault else "":
            case "tempfail":
                return "451 4.3.0 a passing trouble, try again"
            case "reject":
                return "554 5.7.1 the content is refused"
            case "limit":
                return "452 4.5.3 too many, try again"
            case "hang" if fault:
                await self._faults.pass_time(fault)
                return "451 4.4.2 that took too long"
            case _:
                for message in self._read(envelope):
                    self._inbox.add(message)
        if fault is not None and fault.mode in ("slow", "lost"):
            await self._faults.pass_time(fault)
        return "250 2.0.0 taken"

    def _read(self, envelope: Envelope) -> list[Message]:
        content = envelope.original_content or b""
        mail = message_from_bytes(content, policy=policy.default)
        headers = {name: _decoded(value) for name, value in mail.raw_items()}
        return [
            Message(
                at=self._inbox.clock(),
                channel="mail",
                to=recipient,
                sender=headers.get("From", ""),
                subject=headers.get("Subject", ""),
                text=_body(mail, "plain") or "",
                html=_body(mail, "html"),
                key=headers.get("Message-ID", ""),
                headers=headers,
            )
            for recipient in envelope.rcpt_tos
        ]


def _decoded(raw: Any) -> str:
    """As mail programs read it; EmailMessage's own reading puts spaces into long names."""
    words = decode_header("".join(str(raw).splitlines()))
    return str(make_header(words)).strip()


def _body(mail: EmailMessage, kind: str) -> str | None:
    part = mail.get_body((kind,))
    return None if part is None else str(part.get_content()).replace("\r\n", "\n")
