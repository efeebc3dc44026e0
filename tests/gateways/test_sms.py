"""SMS over real HTTP: both shapes, what is tried again, and what must not be."""

import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
from kaksha_client.resilience import State
from structlog.testing import capture_logs

from kaksha.gateways import sms
from kaksha.gateways.resilience import GatewayError, line
from kaksha.gateways.sms import (
    Cost,
    Sms,
    SmsConfig,
    SmsMisconfigured,
    SmsOutOfCredit,
    SmsRefused,
    SmsUnavailable,
    SmsUncertain,
    configure,
    send,
)
from kaksha.sandbox.emulators import Emulators

SHAPES = ["generic", "msg91"]
Gateway = Callable[..., SmsConfig]


def code_for(key: str = "otp:1", **changes: Any) -> Sms:
    text = "482913 आपका Kaksha कोड है। इसे किसी को न बताएँ।"
    return Sms(
        **{"to": "+919811000001", "text": text, "kind": "otp", "values": {"otp": "482913"}, "key": key, **changes}
    )


@pytest.fixture
async def gateway(sandbox: Emulators, time: Any) -> AsyncIterator[Gateway]:
    """Makes gateways to the sandbox that do not really wait between their tries."""
    made: list[SmsConfig] = []

    def make(shape: str = "generic", url: str | None = None, seconds: float = 5) -> SmsConfig:
        where = url or (sandbox.sms_url if shape == "generic" else sandbox.msg91_url)
        own = line("sms", SmsUnavailable, per_try=None, deadline=60, clock=time, sleep=time.sleep)
        made.append(configure(where, own, seconds=seconds))
        return made[-1]

    yield make
    for config in made:
        await sms.close(config)


async def test_our_contract(sandbox: Emulators, gateway: Gateway) -> None:
    sent = await send(gateway(), code_for(template="1107160000000000001"))
    [message] = sandbox.inbox.messages()
    assert sent.provider_id == f"sandbox-{message.id}"
    assert sent.cost == Cost("ucs2", len(code_for().text), 1)
    assert (message.to, message.text) == ("+919811000001", code_for().text)
    assert message.facts == {"kind": "otp", "template": "1107160000000000001"}


async def test_msg91s_shape(sandbox: Emulators, gateway: Gateway) -> None:
    sent = await send(gateway("msg91"), code_for())
    [message] = sandbox.inbox.messages()
    assert sent.provider_id
    assert (message.to, message.text) == ("+919811000001", "otp: 482913")
    assert message.facts == {"template": "sandbox-flow", "otp": "482913"}


async def test_msg91_takes_the_kinds_template(sandbox: Emulators, gateway: Gateway) -> None:
    place = sandbox.msg91_url.partition("?")[0]
    config = gateway(url=f"{place}?template.otp=for-codes&template.fees=for-fees&sender=KAKSHA")
    await send(config, code_for())
    await send(config, code_for(template="the-institutes-own"))
    assert [message.facts["template"] for message in sandbox.inbox.messages()] == ["the-institutes-own", "for-codes"]
    with pytest.raises(SmsMisconfigured, match="no template for notice"):
        await send(config, code_for(kind="notice"))


async def test_msg91_gets_no_value_longer_than_dlt_allows(sandbox: Emulators, gateway: Gateway) -> None:
    with pytest.raises(SmsRefused) as refused:
        await send(gateway("msg91"), code_for(values={"name": "x" * 41}))
    assert not refused.value.bad_number
    assert sandbox.inbox.messages() == []


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("refuse", SmsRefused),
        ("reject", SmsRefused),
        ("credit", SmsOutOfCredit),
        ("signin", SmsMisconfigured),
    ],
)
async def test_what_stays_wrong_is_not_tried_again(
    sandbox: Emulators, gateway: Gateway, time: Any, shape: str, fault: str, kind: type[GatewayError]
) -> None:
    sandbox.faults.plan("sms", fault, times=3)
    with pytest.raises(kind) as failed:
        await send(gateway(shape), code_for())
    assert getattr(failed.value, "bad_number", False) == (fault == "refuse")
    assert time.slept == []
    assert sandbox.inbox.messages() == []


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_passing_trouble_is_tried_again_and_arrives_once(
    sandbox: Emulators, gateway: Gateway, time: Any, shape: str
) -> None:
    sandbox.faults.plan("sms", "tempfail", times=2)
    await send(gateway(shape), code_for())
    assert len(time.slept) == 2
    assert [message.copies for message in sandbox.inbox.messages()] == [1]


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_wish_to_wait_is_granted(sandbox: Emulators, gateway: Gateway, time: Any, shape: str) -> None:
    sandbox.faults.plan("sms", "limit", seconds=7)
    await send(gateway(shape), code_for())
    assert 7 <= time.slept[0] < 9

    sandbox.faults.plan("sms", "limit", seconds=3600)
    with pytest.raises(SmsUnavailable) as later:
        await send(gateway(shape), code_for("otp:2"))
    assert (later.value.retry_after, later.value.headers["Retry-After"]) == (3600, "3600")


async def test_a_lost_answer_is_safe_where_the_provider_knows_the_reference(
    sandbox: Emulators, gateway: Gateway
) -> None:
    sandbox.faults.plan("sms", "lost", seconds=30)
    sent = await send(gateway(seconds=0.3), code_for())
    [message] = sandbox.inbox.messages()
    assert message.copies == 2, "the sandbox keeps one of the two, as the contract asks"
    assert sent.provider_id == f"sandbox-{message.id}"


@pytest.mark.parametrize("fault", ["lost", "hang"])
async def test_msg91_is_never_asked_twice_for_what_may_have_been_sent(
    sandbox: Emulators, gateway: Gateway, time: Any, fault: str
) -> None:
    sandbox.faults.plan("sms", fault, times=3, seconds=30)
    with pytest.raises(SmsUncertain) as unknown:
        await send(gateway("msg91", seconds=0.3), code_for())
    assert not unknown.value.retryable
    assert time.slept == []
    assert len(sandbox.inbox.messages()) == (fault == "lost")


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_provider_that_is_not_there(gateway: Gateway, time: Any, shape: str) -> None:
    """Nothing can have been sent, so even MSG91 is asked again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        url = f"http://x@127.0.0.1:{port}/sms" if shape == "generic" else f"msg91://x@127.0.0.1:{port}?template=x"
        with pytest.raises(SmsUnavailable, match="not reached"):
            await send(gateway(url=url), code_for())
    assert len(time.slept) == 2


async def test_a_failing_provider_is_left_alone_and_found_again(
    sandbox: Emulators, gateway: Gateway, time: Any
) -> None:
    config = gateway()
    sandbox.faults.plan("sms", "tempfail", times=100)
    for number in range(2):
        with pytest.raises(SmsUnavailable):
            await send(config, code_for(f"open:{number}"))
    asked = sandbox.faults.played["sms"]
    with pytest.raises(SmsUnavailable, match="not tried"):
        await send(config, code_for("open:3"))
    assert sandbox.faults.played["sms"] == asked

    time.at += 60
    sandbox.faults.plan("sms", "none")
    for number in range(3):
        await send(config, code_for(f"closed:{number}"))
    assert config.line.breaker.state is State.CLOSED


async def test_bad_numbers_do_not_stop_sms_to_others(sandbox: Emulators, gateway: Gateway) -> None:
    config = gateway()
    sandbox.faults.plan("sms", "refuse", times=10)
    for number in range(10):
        with pytest.raises(SmsRefused):
            await send(config, code_for(f"bad:{number}"))
    await send(config, code_for())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fault", ["refuse", "credit", "signin", "tempfail", "hang"])
async def test_no_log_and_no_error_names_a_person(sandbox: Emulators, gateway: Gateway, shape: str, fault: str) -> None:
    sandbox.faults.plan("sms", fault, times=9, seconds=9)
    with capture_logs() as logs, pytest.raises(GatewayError) as failed:
        await send(gateway(shape, seconds=0.2), code_for())
    said = f"{logs} {failed.value!r} {failed.value} {failed.value.__cause__}"
    assert "gateway.failed" in said
    assert failed.value.__cause__ is None
    assert "9811000001" not in said
    assert "482913" not in said


async def test_nothing_leaves_without_a_provider() -> None:
    config = configure(None)
    with capture_logs() as logs:
        sent = await send(config, code_for())
    await sms.close(config)
    assert sent.provider_id is None
    assert [entry["event"] for entry in logs] == ["sms.not_sent"]


@pytest.mark.parametrize("to", ["9811000001", "+0981", "+91 98110 00001", "+919811000001\n", "+९१९८११०००००१", ""])
def test_a_number_is_e164(to: str) -> None:
    with pytest.raises(ValueError, match=r"E\.164"):
        code_for(to=to)


@pytest.mark.parametrize(
    "url",
    [
        "http://provider.in/sms",
        "ftp://x",
        "https://",
        "msg91://control.msg91.com?template=x",
        "msg91://k@c.in",
        "msg91://k@c.in?tmpl=x",
    ],
)
def test_a_wrong_address_is_said_in_words(url: str) -> None:
    with pytest.raises(ValueError, match="must"):
        configure(url)


async def test_the_sandbox_refuses_what_a_provider_would(sandbox: Emulators) -> None:
    place = httpx2.URL(sandbox.inbox_url)
    async with httpx2.AsyncClient(base_url=place) as client:
        assert (await client.post("/sms", json={})).status_code == 401
        assert (await client.post("/sms", json={}, headers={"Authorization": "Bearer x"})).status_code == 400
        assert (await client.post("/api/v5/flow", json={})).status_code == 401
        refused = await client.post("/api/v5/flow", json={"recipients": []}, headers={"authkey": "x"})
        assert (refused.status_code, refused.json()["type"]) == (200, "error")
    assert sandbox.inbox.messages() == []
