from __future__ import annotations

from collections.abc import Iterator

import pytest
from caller import Caller
from fault_server import FaultServer
from virtual_clock import Clock

from kaksha_client import MemoryTokenStore, Tokens


@pytest.fixture
def server() -> Iterator[FaultServer]:
    server = FaultServer()
    yield server
    server.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryTokenStore:
    """Someone is signed in."""
    return MemoryTokenStore(Tokens("access-1", "refresh-1", "0193-asha"))


@pytest.fixture(params=["sync", "async"])
def call(
    request: pytest.FixtureRequest, server: FaultServer, store: MemoryTokenStore, clock: Clock
) -> Caller:
    return Caller(request.param, server, store, clock)
