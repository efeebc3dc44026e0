"""An admin of Aarambh who may change its academics, `dean`, and one who may not, `desk`."""

import pytest

from tests.institutes.staff import hire
from tests.world import World


@pytest.fixture(scope="module", autouse=True)
async def admins(world: World) -> None:
    await hire(world, "dean", "Diya Menon", "academics")
    await hire(world, "desk", "Pooja Gaikwad", "desk")
