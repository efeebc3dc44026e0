"""The world of joining: each test starts with fresh limits, and with admins who may do one thing only."""

import pytest

from tests.institutes.staff import hire
from tests.world import World


@pytest.fixture(autouse=True)
async def fresh(world: World) -> None:
    """Everybody comes from one address here, and the clock stands still: what one test took, the next would lack."""
    async with world.owner() as owner:
        await owner.execute("delete from rate_limits")
    if "dean" not in world.people:
        await hire(world, "dean", "Devika Patil", "academics")
        await hire(world, "desk", "Dinesh More", "desk")
        await hire(world, "till", "Tara Bhat", "money")
