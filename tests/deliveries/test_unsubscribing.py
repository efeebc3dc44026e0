"""A mail's link ends that mail, by one click or by a page, and can be undone."""

from typing import Any

from kaksha.core.ids import new_id
from kaksha.core.seal import Keys
from kaksha.deliveries.models import Unsubscribed
from kaksha.deliveries.service import unsubscribe_token
from tests.deliveries.conftest import KINDS, Post


async def _link(post: Post) -> str:
    [letter] = post.sandbox.inbox.messages(channel="mail")
    return letter.headers["List-Unsubscribe"].strip("<>")


async def _chosen(post: Post, group: str) -> Any:
    found = (await (await post.world.api("rohan")).get("/v1/notifications/preferences")).json()["data"]
    return next(one["channels"]["email"] for one in found["groups"] if one["group"] == group)


async def test_one_click(post: Post) -> None:
    await post.deliver(KINDS["mail"], "rohan")
    link = await _link(post)
    assert (await post.world.anyone.get(link)).status_code == 200
    assert await _chosen(post, "fees"), "a mail program that only looks changes nothing"
    answer = await post.world.anyone.post(link, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert not await _chosen(post, "fees")
    await post.deliver(KINDS["mail"], "rohan", "meher")
    assert len(post.got("mail")) == 2, "only Meher's came beside the first"


async def test_undo(post: Post) -> None:
    await post.deliver(KINDS["mail"], "rohan")
    token = (await _link(post)).partition("token=")[2]
    for path, wanted in (("/unsubscribe", False), ("/unsubscribe/undo", True)):
        assert (await post.world.anyone.post(path, data={"token": token})).status_code in (200, 303)
        assert await _chosen(post, "fees") is wanted


async def test_the_digest_ends_too(post: Post) -> None:
    await post.prefer("rohan", digest="weekly")
    await post.deliver(KINDS["push"], "rohan")
    what = Unsubscribed(post.institute_id, post.world.id("rohan"), "digest")
    token = unsubscribe_token(Keys(post.world.settings.secret_key), what)
    await post.world.anyone.post("/unsubscribe", data={"token": token})
    assert await post.rows("state, why") == [("dropped", "unsubscribed")]
    found = (await (await post.world.api("rohan")).get("/v1/notifications/preferences")).json()["data"]
    assert found["digest"] == "none"


async def test_a_made_up_link_is_not_there(post: Post) -> None:
    for token in ("", "x", unsubscribe_token(Keys("x" * 48), Unsubscribed(post.institute_id, new_id(), "fees"))):
        assert (await post.world.anyone.get("/unsubscribe", params={"token": token})).status_code == 404
