"""A world whose mails and SMS arrive in the sandbox's inbox."""

from collections.abc import AsyncIterator

import pytest

from kaksha.sandbox.emulators import Emulators, emulators
from tests.world import World, serving


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Emulators]:
    async with emulators() as running:
        yield running


@pytest.fixture(scope="module")
async def world(
    database: tuple[str, str], sandbox: Emulators, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    owner_url, app_url = database
    home = tmp_path_factory.mktemp("home")
    gateways = {"SMTP_URL": sandbox.smtp_url, "SMS_URL": sandbox.sms_url, "TRUSTED_PROXIES": "1"}
    async with serving(home, app_url, owner_url, **gateways) as running:
        yield running
