"""A Chromium as people have it, for what concerns the service worker, and a wire to the server that can be cut.

Playwright attaches a debugger to every worker. With it Chromium now and then passes a worker by, or leaves a page
waiting for one that was just replaced; without it, as here, it never did. So this speaks to the page alone.
"""

import asyncio
import contextlib
import json
import re
import tempfile
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import websockets

from tests.world import World

_SECONDS = 20
"""No wait takes this long, even on a busy machine."""
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0")


class Wire:
    """The way to the server, on a port of its own: `cut` it, and phones have no network until it is mended."""

    def __init__(self, port: int) -> None:
        self.url = ""
        self._to = port
        self._whole = True
        self._open: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        self._whole = False
        for end in self._open:
            end.transport.abort()

    def mend(self) -> None:
        self._whole = True

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.transport.abort()
            return
        beyond, onward = await asyncio.open_connection("127.0.0.1", self._to)
        self._open |= {writer, onward}
        await asyncio.gather(self._pass_on(reader, onward), self._pass_on(beyond, writer))
        self._open -= {writer, onward}

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def wired(world: World) -> AsyncIterator[Wire]:
    """A wire to the world's server."""
    wire = Wire(world.settings.port)
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    async with server:
        wire.url = f"http://localhost:{server.sockets[0].getsockname()[1]}"
        yield wire
        wire.cut()


class Tab:
    """The one tab of the browser."""

    def __init__(self, connection: websockets.ClientConnection, base: str) -> None:
        self.base = base
        self._connection = connection
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._loaded = asyncio.Event()

    async def listen(self) -> None:
        async for message in self._connection:
            said = json.loads(message)
            if "id" in said:
                self._calls.pop(said["id"]).set_result(said.get("result", {}))
            elif said["method"] == "Page.loadEventFired":
                self._loaded.set()

    async def call(self, method: str, **parameters: Any) -> Any:
        number = len(self._calls) + 1 + max(self._calls, default=0)
        self._calls[number] = asyncio.get_running_loop().create_future()
        await self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        async with asyncio.timeout(_SECONDS):
            return await self._calls[number]

    async def run(self, script: str) -> Any:
        """What the expression, or its promise, comes to; None where the page went away meanwhile."""
        found = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        return found.get("result", {}).get("value")

    async def until(self, script: str) -> None:
        """Until the expression holds."""
        async with asyncio.timeout(_SECONDS):
            while not await self.run(script):
                await asyncio.sleep(0.02)

    async def open(self, path: str) -> None:
        self._loaded.clear()
        await self.call("Page.navigate", url=self.base + path)
        await self._load(path)

    async def press(self, selector: str) -> None:
        """Clicks what leads to another page, and waits for it."""
        self._loaded.clear()
        await self.run(f"document.querySelector({json.dumps(selector)}).click()")
        await self._load(selector)

    async def title(self) -> str:
        """The page's heading."""
        return await self.run("document.querySelector('h1')?.innerText ?? ''")

    async def _load(self, what: str) -> None:
        try:
            await asyncio.wait_for(self._loaded.wait(), _SECONDS)
        except TimeoutError:
            raise AssertionError(f"{what} does not come") from None


@contextlib.asynccontextmanager
async def browsing(executable: str, base: str) -> AsyncIterator[Tab]:
    """A new browser with an empty profile."""
    with tempfile.TemporaryDirectory(prefix="kaksha-browser-", ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            executable, *_FLAGS, "--remote-allow-origins=*", f"--user-data-dir={profile}", "--lang=en", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        heard = b""
        async with asyncio.timeout(_SECONDS):
            while not (found := re.search(rb"ws://\S+", heard)):
                heard = await process.stderr.readline()
        silence = asyncio.create_task(process.stderr.read())
        try:
            async with websockets.connect(await _tab_of(found[0].decode()), max_size=None, proxy=None) as connection:
                tab = Tab(connection, base)
                listening = asyncio.create_task(tab.listen())
                await tab.call("Page.enable")
                yield tab
                listening.cancel()
        finally:
            process.terminate()
            await process.wait()
            await silence


async def _tab_of(browser: str) -> str:
    async with asyncio.timeout(_SECONDS), httpx2.AsyncClient(trust_env=False) as client:
        while True:
            targets = (await client.get(f"http://{urlsplit(browser).netloc}/json/list")).json()
            for target in targets:
                if target["type"] == "page":
                    return target["webSocketDebuggerUrl"]
            await asyncio.sleep(0.02)


async def sign_in(tab: Tab, world: World, who: str) -> None:
    """The session that `world.pages` has, given to the browser."""
    for cookie in (await world.pages(who)).cookies.jar:
        await tab.call("Network.setCookie", name=cookie.name, value=cookie.value or "", url=tab.base, httpOnly=True)
