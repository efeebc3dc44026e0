"""A server behind one proxy of ours, so that callers have addresses."""

from collections.abc import AsyncIterator

import pytest

from tests.world import World, serving


@pytest.fixture(scope="module")
async def world(database: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    owner_url, app_url = database
    home = tmp_path_factory.mktemp("home")
    hashes = {"TRUSTED_PROXIES": "1", "ANDROID_KEY_HASHES": "A" * 43}
    async with serving(home, app_url, owner_url, **hashes) as running:
        yield running
