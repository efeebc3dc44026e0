"""A real server process that is killed (kill -9) in the middle of an upload, a client that is, and the memory of both
ways in with a large file. FILES_TEST_MB makes the file larger: 64 by default, 1024 by `make bench-files`."""

import asyncio
import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from kaksha.sandbox.cast import PASSWORD
from kaksha.tus.service import PIECE
from tests.tus.hands import TUS, begun

SIZE = int(os.environ.get("FILES_TEST_MB", "64")) << 20
_SERVER = """
import sys, uvicorn
from pathlib import Path
from kaksha.core.settings import load
from kaksha.main import build
uvicorn.run(build(load(env_file=Path("/nonexistent")), sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]),
            log_level="error", access_log=False, ws="none")
"""
_CLIENT = """
import sys, time, httpx2
address, offset = sys.argv[1], int(sys.argv[2])
def slowly():
    yield b"%PDF-1.7" + bytes(9 << 20)
    print("sent", flush=True)
    time.sleep(60)
httpx2.patch(address, content=slowly(), headers={"Tus-Resumable": "1.0.0", "Upload-Offset": str(offset),
             "Content-Type": "application/offset+octet-stream"}, timeout=60)
"""


class Server:
    """One server process on a port of its own; `kill` is -9."""

    def __init__(self, app_url: str, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._app_url, self._home = app_url, home
        self.process: subprocess.Popen[bytes]

    async def start(self) -> None:
        given = {"PORT": str(self.port), "KAKSHA_HOME": str(self._home), "KAKSHA_SECRET_KEY": "k" * 48}
        self.process = subprocess.Popen(  # noqa: ASYNC220 - a process to kill, not one to talk to
            [sys.executable, "-c", _SERVER, self._app_url, str(self.port)], env={**os.environ, **given}
        )
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(httpx2.HTTPError):
                    async with httpx2.AsyncClient(base_url=self.url) as client:
                        if (await client.get("/readyz")).status_code == 200:
                            return
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def memory(self) -> int:
        """Bytes that the process holds of its own, now."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) << 10


@pytest.fixture
async def server(database: tuple[str, str], tmp_path: Path) -> AsyncIterator[Server]:
    running = Server(database[1], tmp_path)
    await running.start()
    yield running
    running.kill()


async def signed_in(server: Server) -> httpx2.AsyncClient:
    client = httpx2.AsyncClient(base_url=server.url, timeout=120)
    body = {"email": "vikram@aarambh.example", "password": PASSWORD}
    token = (await client.post("/v1/auth/login", json=body)).json()["data"]["accessToken"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def content(size: int) -> Iterator[bytes]:
    """A film of this size, as far as its first bytes say."""
    block = bytes(range(256)) * 1024
    yield b"\x00\x00\x00\x18ftypmp42" + block[12:]
    for start in range(len(block), size, len(block)):
        yield block[: size - start]


async def in_pieces(size: int) -> AsyncIterator[bytes]:
    for block in content(size):
        yield block


class Peak:
    """The most that the server's memory grows over what it was, looked at all the time."""

    def __init__(self, server: Server) -> None:
        self._server, self._first = server, server.memory()
        self.grown = 0
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            self.grown = max(self.grown, self._server.memory() - self._first)
            await asyncio.sleep(0.01)

    def end(self) -> int:
        self._task.cancel()
        return max(self.grown, self._server.memory() - self._first)


async def test_memory_stays_flat_at_any_size(server: Server) -> None:
    client = await signed_in(server)
    digest = hashlib.sha256()
    for block in content(SIZE):
        digest.update(block)

    async def multipart(size: int) -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nnote\r\n'
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="film.mp4"\r\n'
        yield b"Content-Type: video/mp4\r\n\r\n"
        async for block in in_pieces(size):
            yield block
        yield b"\r\n--b--\r\n"

    async def whole(size: int) -> str:
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        answer = await client.post("/v1/files/upload", content=multipart(size), headers=kind)
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]["id"]

    async def by_tus(size: int) -> str:
        headers = begun(size, "note", "film.mp4", "video/mp4")
        address = (await client.post("/v1/files/tus", headers=headers)).headers["location"]
        kind = TUS | {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
        answer = await client.patch(address, content=in_pieces(size), headers=kind)
        assert answer.status_code == 204, answer.text
        return answer.headers["file-id"]

    async def read(file_id: str) -> str:
        got = hashlib.sha256()
        async with client.stream("GET", f"/v1/files/{file_id}/download") as answer:
            async for block in answer.aiter_bytes():
                got.update(block)
        return got.hexdigest()

    for send in (whole, by_tus):
        await read(await send(24 << 20))  # what is made once a process is there: some pieces and windows
    for send in (whole, by_tus):
        peak, began = Peak(server), time.perf_counter()
        file_id = await send(SIZE)
        sent, seconds = peak.end(), time.perf_counter() - began
        peak = Peak(server)
        assert await read(file_id) == digest.hexdigest()
        fetched = peak.end()
        print(f"{send.__name__}: {SIZE >> 20} MiB in {seconds:.1f} s, +{sent >> 20} MiB in, +{fetched >> 20} MiB out")  # noqa: T201
        assert max(sent, fetched) < 20 << 20, f"{send.__name__}: {sent >> 20} and {fetched >> 20} MiB"
    await client.aclose()


async def offset_of(client: httpx2.AsyncClient, address: str) -> int:
    return int((await client.head(address, headers=TUS)).headers["upload-offset"])


async def finish(client: httpx2.AsyncClient, address: str, at: int, whole: bytes) -> None:
    kind = TUS | {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(at)}
    done = await client.patch(address, content=whole[at:], headers=kind)
    assert done.status_code == 204, done.text
    assert (await client.get(f"/v1/files/{done.headers['file-id']}/download")).content == whole


async def test_a_killed_server_goes_on_where_it_was(server: Server) -> None:
    client = await signed_in(server)
    whole = b"".join(content(20 << 20))
    address = (await client.post("/v1/files/tus", headers=begun(len(whole), "note"))).headers["location"]
    came = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield whole[: 9 << 20]
        async with asyncio.timeout(20):
            while await offset_of(client, address) < 2 * PIECE:
                await asyncio.sleep(0.02)
        came.set()
        await asyncio.sleep(60)

    kind = TUS | {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    sending = asyncio.create_task(client.patch(address, content=slowly(), headers=kind))
    await came.wait()
    server.kill()
    with pytest.raises((httpx2.HTTPError, asyncio.CancelledError)):
        sending.cancel()
        await sending
    await server.start()
    at = await offset_of(client, address)
    assert at >= 2 * PIECE
    await finish(client, address, at, whole)
    await client.aclose()


async def test_a_killed_client_goes_on_where_it_was(server: Server) -> None:
    client = await signed_in(server)
    whole = b"%PDF-1.7" + bytes(20 << 20)
    address = (await client.post("/v1/files/tus", headers=begun(len(whole), "note"))).headers["location"]
    phone = subprocess.Popen(  # noqa: ASYNC220 - a process to kill, not one to talk to
        [sys.executable, "-c", _CLIENT, f"{server.url}{address}", "0"], stdout=subprocess.PIPE
    )
    assert phone.stdout is not None
    assert await asyncio.to_thread(phone.stdout.readline) == b"sent\n"
    phone.kill()
    phone.wait()
    phone.stdout.close()
    sent = 8 + (9 << 20)
    async with asyncio.timeout(20):
        while (at := await offset_of(client, address)) < sent:
            await asyncio.sleep(0.02)
    assert at == sent  # every byte that left the phone
    await finish(client, address, at, whole)
    await client.aclose()
