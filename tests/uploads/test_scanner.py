"""The virus scanner: a clamd that speaks the real protocol over TCP, infected files, and one that is away."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kaksha.gateways.scanner import ScannerUnavailable, configure, scan
from tests.files.hands import PDF, form
from tests.files.test_refusals import kept
from tests.tus.hands import piece, start
from tests.world import World, serving

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Clamd:
    """Answers INSTREAM as clamd does; `mood` makes it fail."""

    def __init__(self) -> None:
        self.mood = "well"
        self.port = 0
        self.looked_at: list[int] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
            seen = b""
            while length := int.from_bytes(await reader.readexactly(4), "big"):
                seen += await reader.readexactly(length)
                if self.mood == "hangs up":
                    return
            self.looked_at.append(len(seen))
            if self.mood == "too large":
                writer.write(b"INSTREAM size limit exceeded. ERROR\0")
            else:
                writer.write(b"stream: Eicar-Test-Signature FOUND\0" if EICAR in seen else b"stream: OK\0")
            await writer.drain()
        finally:
            writer.close()


@pytest.fixture(scope="module")
async def clamd() -> AsyncIterator[Clamd]:
    daemon = Clamd()
    async with await asyncio.start_server(daemon.serve, "127.0.0.1", 0) as server:
        daemon.port = server.sockets[0].getsockname()[1]
        yield daemon


@pytest.fixture(scope="module")
async def world(clamd: Clamd, database: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    owner_url, app_url = database
    home = tmp_path_factory.mktemp("home")
    async with serving(home, app_url, owner_url, CLAMD_URL=f"tcp://127.0.0.1:{clamd.port}") as running:
        yield running


async def test_clean_files_pass_and_infected_ones_do_not(world: World, clamd: Clamd) -> None:
    api = await world.api("rohan")
    assert (await api.post("/v1/files/upload", **form())).status_code == 201
    assert clamd.looked_at[-1] == len(PDF)
    before = await kept(world)
    answer = await api.post("/v1/files/upload", **form(PDF + EICAR))
    assert (answer.status_code, answer.json()["code"]) == (422, "FILE_INFECTED")
    assert await kept(world) == before
    address = await start(world, "rohan", len(PDF + EICAR))
    refused = await piece(world, address, 0, PDF + EICAR)
    assert (refused.status_code, refused.json()["code"]) == (422, "FILE_INFECTED")


async def test_without_the_scanner_nothing_is_kept(world: World, clamd: Clamd) -> None:
    api = await world.api("rohan")
    before = await kept(world)
    for mood in ("hangs up", "too large"):
        clamd.mood = mood
        answer = await api.post("/v1/files/upload", **form(PDF + bytes(1 << 20)))
        assert (answer.status_code, answer.json()["code"]) == (503, "SCANNER_UNAVAILABLE"), mood
        assert await kept(world) == before
    address = await start(world, "rohan", len(PDF))
    assert (await piece(world, address, 0, PDF)).status_code == 503
    clamd.mood = "well"
    done = await piece(world, address, 0, PDF)  # the same piece again: the upload went on where it was
    assert done.status_code == 204


async def test_where_it_listens() -> None:
    async def nothing() -> AsyncIterator[bytes]:
        yield b"x"

    assert configure(None) is None
    for address in ("tcp://127.0.0.1:1", "unix:///nowhere/clamd.ctl"):
        found = configure(address)
        assert found is not None
        with pytest.raises(ScannerUnavailable):
            await scan(found, nothing())
    for wrong in ("tcp://", "http://x", "unix:relative"):
        with pytest.raises(ValueError, match="must look like"):
            configure(wrong)
