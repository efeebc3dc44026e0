"""The virus scanner: clamd, spoken to by INSTREAM over TCP or a socket of this machine. Without CLAMD_URL nothing is scanned.

A scanner that should answer and does not is a failure: what could not be looked at is not kept.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterable
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import msgspec
from kaksha_client.resilience import Outcome

from kaksha.core.i18n import N_
from kaksha.gateways.resilience import GatewayError

__all__ = ["FileInfected", "Scanner", "ScannerUnavailable", "configure", "scan"]

_SECONDS = 60.0
"""Of silence, after which the scanner counts as away."""
_PIECE = 1 << 18


class ScannerUnavailable(GatewayError):
    """The virus scanner does not answer, or not as one."""

    status, code = 503, "SCANNER_UNAVAILABLE"
    text = N_("Files cannot be checked for viruses right now. Please try again later.")
    retryable = True


class FileInfected(GatewayError):
    """The virus scanner found something."""

    status, code, text = 422, "FILE_INFECTED", N_("This file carries a virus and was not accepted.")
    outcome = Outcome.SUCCESS


class Scanner(msgspec.Struct, frozen=True):
    """Where clamd listens: a host and port, or the path of a socket."""

    host: str | None
    port: int
    path: str | None


def configure(clamd_url: str | None) -> Scanner | None:
    """From CLAMD_URL: `tcp://host:3310` or `unix:///run/clamav/clamd.ctl`. Raises ValueError in an operator's words."""
    if clamd_url is None:
        return None
    parts = urlsplit(clamd_url)
    if parts.scheme == "tcp" and parts.hostname:
        return Scanner(parts.hostname, parts.port or 3310, None)
    if parts.scheme == "unix" and PurePosixPath(unquote(parts.path)).is_absolute():
        return Scanner(None, 0, unquote(parts.path))
    raise ValueError("must look like tcp://host:3310 or unix:///run/clamav/clamd.ctl")


async def scan(scanner: Scanner, source: AsyncIterable[bytes]) -> None:
    """Lets the scanner look at the bytes of `source`. Raises FileInfected, ScannerUnavailable, and what `source` raises."""
    try:
        async with asyncio.timeout(10):
            reader, writer = await _connect(scanner)
    except (OSError, TimeoutError):
        raise ScannerUnavailable("not reached") from None
    try:
        answer = await _asked(reader, writer, source)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    if answer == b"stream: OK":
        return
    if answer.endswith(b" FOUND"):
        raise FileInfected
    raise ScannerUnavailable("answered something else")  # its own size limit, for instance: nothing was looked at


async def _connect(scanner: Scanner) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if scanner.path is not None:
        return await asyncio.open_unix_connection(scanner.path)
    return await asyncio.open_connection(scanner.host, scanner.port)


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, source: AsyncIterable[bytes]) -> bytes:
    try:
        writer.write(b"zINSTREAM\0")
        async for chunk in source:
            for start in range(0, len(chunk), _PIECE):
                piece = chunk[start : start + _PIECE]
                writer.write(len(piece).to_bytes(4, "big") + piece)
                async with asyncio.timeout(_SECONDS):
                    await writer.drain()
        writer.write(bytes(4))
        async with asyncio.timeout(_SECONDS):
            return (await reader.readuntil(b"\0")).rstrip(b"\0")
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
        raise ScannerUnavailable("stopped in the middle") from None
