"""Each notice leaves once by each way, whatever happens to providers and workers.

`KAKSHA_HISTORIES=2000` plays as many histories; by default there are few.
"""

import asyncio
import contextlib
import os
import random
import signal
import sys
from pathlib import Path

import msgspec

from kaksha.deliveries import jobs, queries, service
from kaksha.gateways import sms
from kaksha.gateways.resilience import GatewayError
from tests.deliveries.conftest import KINDS, Post
from tests.world import until

HISTORIES = int(os.environ.get("KAKSHA_HISTORIES", "25"))
_FAULTS = {
    "push": ("tempfail", "limit", "lost", "hang"),
    "mail": ("tempfail", "defer"),
    "sms": ("tempfail", "limit", "lost"),
}


async def test_random_histories(post: Post) -> None:
    """Notices are told, jobs come twice and beside each other, providers fail, workers die after they claimed."""
    people = ("rohan", "meher", "vikram")
    for key in people:
        await post.subscribe(key)
    for history in range(HISTORIES):
        draw = random.Random(history)
        post.sandbox.inbox.clear()
        async with post.world.owner() as owner:
            await owner.execute("truncate notices, notifications, deliveries, message_costs cascade")
        wanted: dict[str, int] = {"push": 0, "mail": 0, "sms": 0}
        for _ in range(draw.randint(1, 3)):
            if draw.random() < 0.4:
                channel = draw.choice(["push", "mail", "sms"])
                mode = draw.choice(_FAULTS[channel])
                post.sandbox.faults.plan(channel, mode, 1, 0.01)  # pyright: ignore[reportArgumentType]
            kind, way = draw.choice([("push", "push"), ("urgent", "push"), ("mail", "mail"), ("sms", "sms")])
            to = draw.sample(people, draw.randint(1, 3))
            notice = await post.tell(KINDS[kind], *to)
            wanted[way] += len(to)
            await asyncio.gather(*(post.route(notice) for _ in range(draw.randint(1, 2))))
            if draw.random() < 0.3:
                await _die_after_claiming(post, told=draw.random() < 0.5)
            post.world.clock.forward(minutes=draw.randint(0, 8))
        for _ in range(6):  # until every retry and every lease is over
            post.world.clock.forward(minutes=31)
            await asyncio.gather(post.send(), post.send())
        for channel, count in wanted.items():
            messages = post.sandbox.inbox.messages(channel=channel)
            assert len(messages) == count, f"history {history}: {channel}"
        assert set(await post.rows()) <= {"sent"}, f"history {history}"
        assert len(await post.rows("provider_id")) == sum(wanted.values())


async def _die_after_claiming(post: Post, *, told: bool) -> None:
    """What a worker leaves that dies: rows in its hands, and perhaps the provider told."""
    now = post.world.clock()
    claim_id = post.world.id("asha")
    async with post.world.db.read(post.institute_id) as conn:
        claimed = await queries.claim(conn, post.institute_id, now, now + jobs.HELD, claim_id, 2)
    if told:
        ways = {"push": jobs.push_one, "email": jobs.mail_one, "sms": jobs.sms_one}
        for due in claimed:
            with contextlib.suppress(GatewayError):
                await ways[due.channel](post.process.core, post.process.outside, post.institute_id, due)


async def test_msg91_is_not_told_twice(post: Post) -> None:
    """It takes no references, so what may have been sent counts as failed, with the reason."""
    outside = post.process.outside
    told = msgspec.structs.replace(outside, sms=sms.configure(post.sandbox.msg91_url))
    notice = await post.tell(KINDS["sms"], "rohan")
    async with post.world.db.write(post.institute_id) as tx:
        await service.route(tx, told, notice)
    await _die_after_claiming(post, told=False)
    post.world.clock.forward(minutes=6)
    await jobs.send_due(post.process.core, told, post.institute_id)
    await sms.close(told.sms)
    assert post.got("sms") == []
    assert await post.rows("state, why") == [("failed", "uncertain")]


_WORKER = """
import asyncio, sys
from datetime import datetime
from pathlib import Path
from uuid import UUID
from kaksha.core.settings import load
from kaksha.deliveries import jobs
from kaksha.main import build_process

async def main():
    at = datetime.fromisoformat(sys.argv[3])
    process = build_process(load(env_file=Path("/nonexistent")), sys.argv[1], lambda: at)
    await process.core.db.open()
    print("sending", flush=True)
    await jobs.send_due(process.core, process.outside, UUID(sys.argv[2]))

asyncio.run(main())
"""


async def test_a_killed_worker(post: Post) -> None:
    """kill -9 while the provider has the message and we have no answer: it goes out again, and is shown once."""
    await post.subscribe("rohan")
    notice = await post.tell(KINDS["push"], "rohan")
    async with post.world.db.write(post.institute_id) as tx:
        await service.route(tx, post.process.outside, notice)
    post.sandbox.faults.plan("push", "lost", 1, 20)
    environment = {
        **os.environ, "KAKSHA_SECRET_KEY": post.world.settings.secret_key, "KAKSHA_HOME": str(post.world.settings.home),
        **post.sandbox.settings,
    }  # fmt: skip
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WORKER, post.world.app_url, str(post.institute_id), post.world.clock().isoformat(),
        env=environment, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    await until(lambda: len(post.got("push")) == 1, 30)
    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    assert await post.rows() == ["sending"]
    await post.send()
    assert await post.rows() == ["sending"], "it is the dead worker's until its time is over"
    post.world.clock.forward(minutes=6)
    await post.send()
    assert await post.rows("state, attempts") == [("sent", 2)]
    [message] = post.sandbox.inbox.messages(channel="push")
    assert message.copies == 2
