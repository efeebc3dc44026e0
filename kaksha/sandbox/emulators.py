"""Everything that stands in for providers, on loopback, for as long as a block lasts.

    async with emulators() as running:
        settings = running.settings

Port 0 takes a free one. Real sockets and real protocols: what works here has only its address to change.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Generator

import msgspec
import uvicorn

from kaksha.core.clock import Clock, system_clock
from kaksha.core.settings import Settings
from kaksha.sandbox.inbox import Faults, Inbox
from kaksha.sandbox.inbox_page import inbox_app
from kaksha.sandbox.push import credentials
from kaksha.sandbox.smtp import receiving_mail

__all__ = ["HTTP_PORT", "SMTP_PORT", "Emulators", "emulators"]

SMTP_PORT = 8025
HTTP_PORT = 8026
"""Where `kaksha demo` and `kaksha sandbox` put them, unless told otherwise."""


class Emulators(msgspec.Struct, frozen=True):
    """The running receivers."""

    smtp_url: str
    """For SMTP_URL."""
    sms_url: str
    """For SMS_URL: our own contract."""
    msg91_url: str
    """For SMS_URL: MSG91's shape."""
    push_url: str
    """Where subscriptions of Web Push begin."""
    fcm_credentials: str
    """For FCM_CREDENTIALS."""
    inbox_url: str
    """The page; `/inbox.json` and `/faults` below it."""
    inbox: Inbox
    faults: Faults

    @property
    def settings(self) -> dict[str, str]:
        """What makes a server send everything here."""
        return {
            "SMTP_URL": self.smtp_url, "SMS_URL": self.sms_url, "PUSH_HOSTS": self.inbox_url.partition("://")[2],
            "FCM_URL": self.inbox_url, "FCM_CREDENTIALS": self.fcm_credentials,
        }  # fmt: skip

    def received_by(self, settings: Settings) -> Settings:
        """The settings with everything that they send nowhere yet sent here."""
        return msgspec.structs.replace(
            settings,
            smtp_url=settings.smtp_url or self.smtp_url,
            sms_url=settings.sms_url or self.sms_url,
            push_hosts=(*settings.push_hosts, self.settings["PUSH_HOSTS"]),
            fcm_credentials=settings.fcm_credentials or self.fcm_credentials,
            fcm_url=settings.fcm_url if settings.fcm_credentials else self.inbox_url,
        )


@contextlib.asynccontextmanager
async def emulators(
    host: str = "127.0.0.1", smtp_port: int = 0, http_port: int = 0, *, clock: Clock = system_clock
) -> AsyncGenerator[Emulators]:
    """Receives mail, SMS and push. Raises OSError if a port is taken."""
    inbox, faults = Inbox(clock), Faults()
    async with (
        _serving(inbox, faults, host, http_port) as http_at,
        receiving_mail(inbox, faults, host, smtp_port) as mail_at,
    ):
        name = f"[{host}]" if ":" in host else host
        try:
            yield Emulators(
                smtp_url=f"smtp://{name}:{mail_at}",
                sms_url=f"http://sandbox@{name}:{http_at}/sms",
                msg91_url=f"msg91://sandbox@{name}:{http_at}?template=sandbox-flow",
                push_url=f"http://{name}:{http_at}/push",
                fcm_credentials=credentials(f"http://{name}:{http_at}"),
                inbox_url=f"http://{name}:{http_at}",
                inbox=inbox,
                faults=faults,
            )
        finally:
            faults.end()


class _Server(uvicorn.Server):
    """Says when it listens, and leaves Ctrl-C to the program that it is a part of."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@contextlib.asynccontextmanager
async def _serving(inbox: Inbox, faults: Faults, host: str, port: int) -> AsyncGenerator[int]:
    sock = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    config = uvicorn.Config(
        inbox_app(inbox, faults, host), http="httptools", ws="none", lifespan="off", access_log=False,
        proxy_headers=False, server_header=False, log_config=None, timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[sock]), name="sandbox")
    listening = asyncio.create_task(server.listens.wait())
    try:
        await asyncio.wait({serving, listening}, return_when=asyncio.FIRST_COMPLETED)
        yield sock.getsockname()[1]
    finally:
        listening.cancel()
        server.should_exit = True
        await serving
        sock.close()
