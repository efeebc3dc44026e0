"""Two more admins of Aarambh: `desk` and `dean`, named after what they may do."""

import pytest

from tests.institutes.staff import hire
from tests.world import World


@pytest.fixture(scope="module", autouse=True)
async def admins(world: World) -> None:
    await hire(world, "desk", "Dev Joshi", "desk")
    await hire(world, "dean", "Diya Menon", "academics")
