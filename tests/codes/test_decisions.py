"""Who waited for approval is told what the institute decided: by mail or SMS, in their language."""

import asyncio

from kaksha.sandbox.emulators import Emulators
from kaksha.sandbox.inbox import Message
from tests.world import World


async def _registered(world: World, **who: str) -> str:
    body = {"name": "Ila Rao", "password": "a long walk home", "role": "parent", "instituteCode": "aarambh", **who}
    answer = await world.anyone.post("/v1/auth/register", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]["user"]["id"]


async def _told(sandbox: Emulators, to: str, said: str) -> Message:
    def found() -> list[Message]:
        return [message for message in sandbox.inbox.messages(to=to) if said in message.text]

    async with asyncio.timeout(15):
        await sandbox.inbox.wait(lambda _: bool(found()), 15)
    (message,) = found()
    return message


async def test_who_is_approved_is_told(world: World, sandbox: Emulators) -> None:
    api = await world.api("asha")
    ila = await _registered(world, email="ila@elsewhere.example", language="hi")
    assert (await api.post(f"/v1/people/{ila}/approve")).status_code == 200
    letter = await _told(sandbox, "ila@elsewhere.example", "मंज़ूर")
    assert f"{world.url}/sign-in" in letter.text
    jay = await _registered(world, phone="98230 44444", language="en")
    assert (await api.post(f"/v1/people/{jay}/enable")).status_code == 200  # the other way to let them in
    await _told(sandbox, "+919823044444", "your account is approved")


async def test_who_is_refused_is_told_without_the_reason(world: World, sandbox: Emulators) -> None:
    api = await world.api("asha")
    ila = await _registered(world, email="ila2@elsewhere.example", language="en")
    assert (await api.post(f"/v1/people/{ila}/decline", json={"reason": "owes money"})).status_code == 200
    letter = await _told(sandbox, "ila2@elsewhere.example", "did not approve")
    assert "owes money" not in letter.text


async def test_who_did_not_wait_is_told_nothing(world: World, sandbox: Emulators) -> None:
    api = await world.api("asha")
    for verb in ("disable", "enable"):
        assert (await api.post(f"/v1/people/{world.id('nandini')}/{verb}")).status_code == 200
    ila = await _registered(world, email="ila3@elsewhere.example", language="en")
    assert (await api.post(f"/v1/people/{ila}/approve")).status_code == 200
    await _told(sandbox, "ila3@elsewhere.example", "has approved")  # the jobs before it are done by now
    nandini = sandbox.inbox.messages(to=world.people["nandini"].email or "")
    assert not [message for message in nandini if "approve" in message.text]
