"""The notice of a sign-in on a device that was not seen before."""

import msgspec
import pytest

from tests.devices.conftest import CHROME, PHONE, caller_of
from tests.world import World, serving


async def _notices(world: World, key: str) -> list[dict[str, str]]:
    async with world.owner() as owner:
        rows = await owner.fetch(
            "select payload from jobs.pgqueuer where entrypoint = 'accounts.new_device' order by id"
        )
    ids = [msgspec.json.decode(row["payload"])["ids"] for row in rows]
    return [each for each in ids if each["user"] == str(world.id(key))]


async def test_a_new_device_is_told_of_and_a_known_one_is_not(
    database: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    owner_url, app_url = database
    # Its jobs wait, so that they can be looked at.
    async with serving(tmp_path_factory.mktemp("quiet"), app_url, owner_url, WORKER="external") as quiet:
        await caller_of(quiet, "sunita", PHONE)
        assert await _notices(quiet, "sunita") == [], "the first sign-in of all is no news"
        await caller_of(quiet, "sunita", {**PHONE, "X-App-Version": "4.3.0"})
        assert await _notices(quiet, "sunita") == []
        await caller_of(quiet, "sunita", {"User-Agent": CHROME})
        (notice,) = await _notices(quiet, "sunita")
        assert notice["platform"] == "Chrome on Android"
        assert float(notice["at"]) == quiet.clock().timestamp()
        await caller_of(quiet, "sunita", {"User-Agent": CHROME})
        assert len(await _notices(quiet, "sunita")) == 1
        await caller_of(quiet, "sunita", {**PHONE, "X-Device-ID": "d-2"})
        assert len(await _notices(quiet, "sunita")) == 2, "another phone of the same kind is another device"
