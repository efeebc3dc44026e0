"""Every test of a call runs with both clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal

from fault_server import FaultServer
from virtual_clock import Clock

from kaksha_client import AsyncKakshaClient, KakshaClient, MemoryTokenStore

Face = Literal["sync", "async"]


class Caller:
    """Makes one call with a client of its face; the options are those of the client."""

    def __init__(self, face: Face, server: FaultServer, store: MemoryTokenStore, clock: Clock) -> None:
        self.face = face
        self.options: dict[str, Any] = {
            "base_url": server.url,
            "token_store": store,
            "retry": clock.policy(),
        }

    def __call__(self, call: Callable[[Any], Any], **options: Any) -> Any:
        settings = {**self.options, **options}
        if self.face == "sync":
            with KakshaClient(**settings) as client:
                return call(client)

        async def run() -> Any:
            async with AsyncKakshaClient(**settings) as client:
                return await call(client)

        return asyncio.run(run())
