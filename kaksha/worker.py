"""Background jobs in a process of their own, for `WORKER=external`."""

from kaksha.core.settings import Settings
from kaksha.main import build_core, running

__all__ = ["work"]


async def work(settings: Settings, app_url: str) -> None:
    """Runs the jobs until cancelled."""
    core, jobs = build_core(settings, app_url)
    async with running(core, None):
        await jobs.run()
