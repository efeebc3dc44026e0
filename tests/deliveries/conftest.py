"""A world whose jobs nobody runs but the test, with the sandbox's receivers."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest

from kaksha.core.ids import new_id
from kaksha.core.jobs import Payload
from kaksha.deliveries import jobs
from kaksha.deliveries.service import Outside
from kaksha.gateways import mail, push, sms
from kaksha.gateways.resilience import GatewayError, Line, line
from kaksha.main import Process, build_process
from kaksha.notifications import service
from kaksha.notifications.models import Kind, kinds
from kaksha.sandbox.emulators import Emulators, emulators
from kaksha.sandbox.push import subscription
from tests.world import NOW, Clock, World, serving

KINDS = {
    "all": kinds.register(
        "test.all", group="grades", title="All {n}", body="By every way", path="/home",
        channels=("push", "email", "sms"),
    ),
    "urgent": kinds.register(
        "test.urgent", group="attendance", title="Now {n}", body="At once", path="/home", channels=("push",),
        urgent=True,
    ),
    "mail": kinds.register(
        "test.mail", group="fees", title="Letter {n}", body="By mail", path="/home", channels=("email",)
    ),
    "sms": kinds.register("test.sms", group="fees", title="SMS {n}", body="Paid", path="/home", channels=("sms",)),
    "push": kinds.register("test.push", group="classes", title="Push {n}", body="Rings", path="/home"),
}  # fmt: skip


class Post:
    """The world with a worker in the test's hand."""

    def __init__(self, world: World, process: Process, sandbox: Emulators) -> None:
        self.world, self.process, self.sandbox = world, process, sandbox
        self.institute_id = world.institute("asha")
        self._count = 0

    async def tell(self, kind: Kind, *keys: str, **wanted: Any) -> UUID:
        """Writes a notice, without sending anything; answers its id in the database."""
        self._count += 1
        async with self.world.db.write(self.institute_id) as tx:
            to = [self.world.id(key) for key in keys]
            await service.notify(tx, kind, to=to, about=new_id(), facts={"n": self._count}, **wanted)
            return await tx.conn.fetchval("select id from notices order by id desc limit 1")

    async def route(self, notice_id: UUID) -> None:
        """The job that a notice brought with it."""
        await jobs.route(
            self.process.core, self.process.outside, Payload(self.institute_id, {"notice": str(notice_id)})
        )

    async def deliver(self, kind: Kind, *keys: str, **wanted: Any) -> UUID:
        notice_id = await self.tell(kind, *keys, **wanted)
        await self.route(notice_id)
        return notice_id

    async def send(self) -> None:
        """What is due now."""
        await jobs.send_due(self.process.core, self.process.outside, self.institute_id)

    async def subscribe(self, key: str, name: str | None = None) -> None:
        """A browser of this person takes push, by the API."""
        body = {"service": "web", **subscription(self.sandbox.push_url, name or key)}
        answer = await (await self.world.api(key)).post("/v1/notifications/push", json=body)
        assert answer.status_code == 201, answer.text

    async def prefer(self, key: str, **change: Any) -> None:
        answer = await (await self.world.api(key)).put("/v1/notifications/preferences", json=change)
        assert answer.status_code == 200, answer.text

    async def rows(self, what: str = "state", notice_id: UUID | None = None) -> list[Any]:
        """A column (or more) of the sendings, in order."""
        async with self.world.db.read(self.institute_id) as conn:
            found = await conn.fetch(
                f"select {what} from deliveries d join notifications n on n.id = d.notification_id"
                " where $1::uuid is null or n.notice_id = $1 order by d.id",
                notice_id,
            )
        return [tuple(row) if len(row) > 1 else row[0] for row in found]

    def got(self, channel: str) -> list[str]:
        """What arrived, the oldest first."""
        return [message.subject or message.text for message in reversed(self.sandbox.inbox.messages(channel=channel))]


def _patient(outside: Outside, clock: Clock) -> Outside:
    """The same gateways, living by the test's clock: they do not really wait between their tries."""

    async def wait(_: float) -> None: ...

    def own(name: str, unavailable: type[GatewayError]) -> Line:
        return line(name, unavailable, clock=lambda: clock().timestamp(), sleep=wait)

    changed = msgspec.structs.replace
    web, app = own("web_push", push.PushUnavailable), own("fcm", push.PushUnavailable)
    return changed(
        outside,
        mail=changed(outside.mail, line=own("mail", mail.MailUnavailable)),
        sms=changed(outside.sms, line=own("sms", sms.SmsUnavailable)),
        push=changed(outside.push, web_line=web, app_line=app),
    )


@pytest.fixture(scope="session")
async def receivers() -> AsyncIterator[Emulators]:
    async with emulators() as running:
        yield running


@pytest.fixture(scope="module")
async def own_world(
    database: tuple[str, str], receivers: Emulators, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    home = tmp_path_factory.mktemp("home")
    async with serving(home, database[1], database[0], WORKER="external", **receivers.settings) as running:
        yield running


@pytest.fixture
async def post(own_world: World, receivers: Emulators) -> AsyncIterator[Post]:
    """Nothing was told, nobody takes push, no faults; breakers are closed."""
    async with own_world.owner() as owner:
        await owner.execute(
            "truncate notices, notifications, deliveries, push_targets, notification_choices, dead_addresses,"
            " message_costs cascade; truncate rate_limits;"
            " update users set digest = 'none', quiet_from = null, quiet_to = null"
        )
    own_world.clock.at = NOW
    own_world.forget_clients()
    receivers.inbox.clear()
    for channel in ("mail", "sms", "push"):
        receivers.faults.plan(channel, "none")
    process = build_process(own_world.settings, own_world.app_url, own_world.clock)
    process = msgspec.structs.replace(process, outside=_patient(process.outside, own_world.clock))
    await process.core.db.open()
    yield Post(own_world, process, receivers)
    await sms.close(process.out.sms)
    await push.close(process.outside.push)
    await process.core.db.close()
