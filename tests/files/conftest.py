"""The feature's tests run on both stores: this machine's disk, and S3 as moto serves it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.s3 import running_s3
from tests.world import World, serving


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    with running_s3() as endpoint:
        yield endpoint


@pytest.fixture(scope="module", params=["disk", "s3"])
async def world(
    request: pytest.FixtureRequest, database: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A running server with the cast, whose files lie here or there."""
    owner_url, app_url = database
    settings: dict[str, str] = {"FILES_PERSON_MB": "64"}
    if request.param == "s3":
        folder = f"w{abs(hash(request.node.nodeid)) % 10**9}"
        endpoint = request.getfixturevalue("s3")
        settings["STORAGE_URL"] = f"s3://key:secret@kaksha-test/{folder}?region=ap-south-1&endpoint={endpoint}"
    async with serving(tmp_path_factory.mktemp("home"), app_url, owner_url, **settings) as running:
        yield running
        async with running.owner() as owner:  # the other store's turn comes with the same database
            await owner.execute("truncate file_grants, files, uploads, file_usage")
