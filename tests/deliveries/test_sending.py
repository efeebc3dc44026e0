"""A notice leaves by the ways that its receiver wants, once by each."""

from datetime import timedelta

import pytest

from kaksha.deliveries import jobs
from kaksha.notifications import service
from kaksha.sandbox.push import subscription
from tests.deliveries.conftest import KINDS, Post
from tests.world import NOW


async def test_every_way(post: Post) -> None:
    await post.subscribe("rohan", "phone")
    await post.subscribe("rohan", "laptop")
    notice = await post.deliver(KINDS["all"], "rohan")
    assert sorted(message.to for message in post.sandbox.inbox.messages(channel="push")) == ["laptop", "phone"]
    [letter] = post.sandbox.inbox.messages(channel="mail")
    assert letter.subject.startswith("All ")
    assert letter.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    [sms] = post.sandbox.inbox.messages(channel="sms")
    assert "By every way" in sms.text
    assert await post.rows("state", notice) == ["sent"] * 4
    assert all(await post.rows("provider_id", notice))
    await post.route(notice)  # a job may come twice
    await post.send()
    assert [message.copies for message in post.sandbox.inbox.messages()] == [1] * 4


async def test_an_app_takes_push(post: Post) -> None:
    body = {"service": "fcm", "token": "an-app-token-of-rohan"}
    rohan = await post.world.api("rohan")
    assert (await rohan.post("/v1/notifications/push", json=body)).status_code == 201
    await post.deliver(KINDS["urgent"], "rohan")
    [message] = post.sandbox.inbox.messages(channel="push")
    assert (message.to, message.facts["urgency"]) == ("an-app-token-of-rohan", "HIGH")


async def test_what_is_chosen_is_kept_to(post: Post) -> None:
    await post.subscribe("rohan")
    await post.prefer("rohan", groups=[{"group": "grades", "channels": {"push": False, "sms": False}}])
    await post.deliver(KINDS["all"], "rohan")
    assert (post.got("push"), post.got("sms"), len(post.got("mail"))) == ([], [], 1)


async def test_a_device_that_signed_out_rings_no_more(post: Post) -> None:
    await post.subscribe("meher")
    notice = await post.tell(KINDS["push"], "meher")
    assert (await (await post.world.api("meher")).post("/v1/auth/logout")).status_code == 200
    post.world.forget_clients()
    await post.route(notice)
    assert post.got("push") == []
    assert (await (await post.world.api("meher")).get("/v1/notifications/push")).json()["data"]["targets"] == []


async def test_a_gone_subscription_is_forgotten(post: Post) -> None:
    await post.subscribe("rohan")
    post.sandbox.faults.plan("push", "refuse")
    notice = await post.deliver(KINDS["push"], "rohan")
    assert await post.rows("state, why", notice) == [("failed", "PUSH_GONE")]
    assert (await (await post.world.api("rohan")).get("/v1/notifications/push")).json()["data"]["targets"] == []


@pytest.mark.parametrize(("kind", "channel", "fault"), [("mail", "mail", "refuse"), ("sms", "sms", "refuse")])
async def test_an_address_refused_for_good_is_not_tried_again(post: Post, kind: str, channel: str, fault: str) -> None:
    post.sandbox.faults.plan(channel, fault)  # pyright: ignore[reportArgumentType]
    await post.deliver(KINDS[kind], "rohan")
    assert (await post.rows("state")) == ["failed"]
    second = await post.deliver(KINDS[kind], "rohan")
    assert await post.rows("state", second) == []


async def test_trouble_passes(post: Post) -> None:
    await post.subscribe("rohan")
    post.sandbox.faults.plan("push", "limit", times=1, seconds=90)
    notice = await post.deliver(KINDS["push"], "rohan")
    assert await post.rows("state, attempts", notice) == [("waiting", 1)]
    await post.send()
    assert post.got("push") == []
    post.world.clock.forward(seconds=91)
    await post.send()
    assert len(post.got("push")) == 1
    assert await post.rows("state", notice) == ["sent"]


async def test_what_lapsed_is_dropped(post: Post) -> None:
    await post.subscribe("rohan")
    await post.prefer("rohan", quietHours={"from": "00:00", "to": "23:59"})
    notice = await post.deliver(KINDS["push"], "rohan")
    assert await post.rows("state", notice) == ["waiting"]
    post.world.clock.forward(days=3)
    await jobs.tick(post.process.core, post.process.outside)
    assert await post.rows("state, why", notice) == [("dropped", "lapsed")]


async def test_withdrawn_before_it_was_sent(post: Post) -> None:
    await post.subscribe("rohan")
    notice = await post.tell(KINDS["push"], "rohan", after=timedelta(minutes=10))
    await post.route(notice)  # too early: nothing happens
    assert await post.rows() == []
    async with post.world.db.write(post.institute_id) as tx:
        about = await tx.conn.fetchval("select about from notices where id = $1", notice)
        assert await service.withdraw(tx, KINDS["push"], about=about) == {post.world.id("rohan")}
    post.world.clock.forward(minutes=11)
    await jobs.tick(post.process.core, post.process.outside)
    assert post.got("push") == []


async def test_a_sent_notice_is_not_taken_back(post: Post) -> None:
    await post.subscribe("rohan")
    notice = await post.deliver(KINDS["push"], "rohan", "meher")
    async with post.world.db.write(post.institute_id) as tx:
        about = await tx.conn.fetchval("select about from notices where id = $1", notice)
        assert await service.withdraw(tx, KINDS["push"], about=about) == {post.world.id("meher")}


async def test_the_digest_gathers_what_can_wait(post: Post) -> None:
    await post.prefer("rohan", digest="daily")
    await post.subscribe("rohan")
    for kind in ("mail", "push", "urgent"):
        await post.deliver(KINDS[kind], "rohan")
    assert post.got("mail") == []
    assert len(post.got("push")) == 2
    post.world.clock.at = NOW.replace(hour=12, minute=31)  # past six in India
    await post.send()
    [letter] = post.sandbox.inbox.messages(channel="mail")
    assert "2 notices" in letter.subject
    assert "Letter" in letter.text
    assert "Push" in letter.text
    await post.send()
    assert [one.copies for one in post.sandbox.inbox.messages(channel="mail")] == [1]


async def test_caps_hold_and_the_ledger_tells_the_cost(post: Post) -> None:
    for _ in range(jobs.EACH_A_DAY + 2):
        await post.deliver(KINDS["sms"], "rohan", "meher")
    assert len(post.got("sms")) == 2 * jobs.EACH_A_DAY
    assert sorted(await post.rows()) == ["dropped"] * 4 + ["sent"] * (2 * jobs.EACH_A_DAY)
    async with post.world.db.read(post.institute_id) as conn:
        row = await conn.fetchrow("select count(*), sum(segments) as segments, sum(paise) as paise from message_costs")
    assert row is not None
    assert row["count"] == 2 * jobs.EACH_A_DAY
    assert row["paise"] == row["segments"] * 20


async def test_only_push_services_are_called(post: Post) -> None:
    rohan = await post.world.api("rohan")
    good = subscription(post.sandbox.push_url, "x")
    for endpoint in ("http://169.254.169.254/latest", "https://evil.example/push", "https://fcm.googleapis.com.evil/x",
                     "https://user@fcm.googleapis.com/x", "https://fcm.googleapis.com:8443/x"):  # fmt: skip
        answer = await rohan.post("/v1/notifications/push", json={"service": "web", **good, "endpoint": endpoint})
        assert answer.status_code == 422, endpoint
    keys = {"p256dh": good["keys"]["auth"], "auth": good["keys"]["auth"]}
    assert (
        await rohan.post("/v1/notifications/push", json={"service": "web", **good, "keys": keys})
    ).status_code == 422
