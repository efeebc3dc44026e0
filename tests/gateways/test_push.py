"""Push over real HTTP: the bytes of RFC 8291, what each answer means, and nothing called but push services."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kaksha.core.clock import system_clock
from kaksha.gateways import push
from kaksha.gateways.push_content import Browser, Push, decrypt, encrypt, payload, unb64, vapid
from kaksha.sandbox.emulators import Emulators
from kaksha.sandbox.push import subscription

MESSAGE = Push(title="शारीरिक शिक्षा", body="Your class is cancelled", url="/home", key="one", urgent=True)


def _key(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unb64(text), "big"), ec.SECP256R1())


def test_the_example_of_rfc_8291() -> None:
    """Appendix A, to the byte."""
    client = Browser(
        "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
        unb64("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        unb64("BTBZMqHH6r4Tts7J_aSIgg"),
    )
    made = encrypt(
        client, b"When I grow up, I want to be a watermelon", salt=unb64("DGv6ra1nlYgDCS1FRnbzlw"),
        own=_key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
    )  # fmt: skip
    assert base64.urlsafe_b64encode(made).rstrip(b"=").decode() == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
        "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    plain = decrypt(_key("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), client.client_secret, made)
    assert plain == b"When I grow up, I want to be a watermelon"


def test_a_long_text_is_cut() -> None:
    assert len(payload(Push(title="x" * 900, body="लंबा पाठ " * 2000, url="/", key="k"))) <= 3000


@pytest.fixture
async def gateway(sandbox: Emulators) -> push.PushConfig:
    place = sandbox.settings["PUSH_HOSTS"]
    own = vapid(b"k" * 32, "mailto:no-reply@example.in")
    return push.configure(own, system_clock, (place,), sandbox.fcm_credentials, sandbox.inbox_url, seconds=2)


def _browser(sandbox: Emulators) -> Browser:
    said = subscription(sandbox.push_url, "phone")
    return Browser(said["endpoint"], unb64(said["keys"]["p256dh"]), unb64(said["keys"]["auth"]))


async def test_a_browser_gets_it_and_a_repetition_replaces_it(sandbox: Emulators, gateway: push.PushConfig) -> None:
    for _ in range(2):
        assert await push.send_browser(gateway, _browser(sandbox), MESSAGE)
    await push.close(gateway)
    [message] = sandbox.inbox.messages(channel="push")
    assert (message.subject, message.facts["urgency"], message.copies) == (MESSAGE.title, "high", 2)


@pytest.mark.parametrize(
    ("fault", "raises"),
    [("refuse", push.PushGone), ("reject", push.PushRefused), ("signin", push.PushMisconfigured)],
)
async def test_what_an_answer_means(
    sandbox: Emulators, gateway: push.PushConfig, fault: str, raises: type[Exception]
) -> None:
    for way in (push.send_browser(gateway, _browser(sandbox), MESSAGE), push.send_app(gateway, "token", MESSAGE)):
        sandbox.faults.plan("push", fault)
        with pytest.raises(raises):
            await way
    await push.close(gateway)


@pytest.mark.parametrize(
    ("endpoint", "known"),
    [
        ("https://fcm.googleapis.com/fcm/send/x", True),
        ("https://updates.push.services.mozilla.com/wpush/v2/x", True),
        ("https://web.push.apple.com/x", True),
        ("https://wns2-par02p.notify.windows.com/w/?token=x", True),
        ("http://fcm.googleapis.com/x", False),
        ("https://fcm.googleapis.com.evil.example/x", False),
        ("https://evil.example/fcm.googleapis.com", False),
        ("https://fcm.googleapis.com@evil.example/x", False),
        ("https://fcm.googleapis.com:8080/x", False),
        ("https://[::1]/x", False),
        ("https://[", False),
    ],
)
async def test_only_push_services_are_called(gateway: push.PushConfig, endpoint: str, known: bool) -> None:
    assert push.known_host(gateway, endpoint) is known
    await push.close(gateway)
