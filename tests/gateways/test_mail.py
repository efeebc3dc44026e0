"""Mail over real SMTP: what arrives, what is tried again, what never is."""

import datetime as dt
import socket
import ssl
import time as system_time
from email import message_from_bytes, policy
from email.header import decode_header
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import example, given, settings, strategies as st
from kaksha_client.resilience import State
from structlog.testing import capture_logs

from kaksha.gateways import mail
from kaksha.gateways.mail import (
    Mail,
    MailConfig,
    MailDeferred,
    MailMisconfigured,
    MailRefused,
    MailUnavailable,
    configure,
    send,
)
from kaksha.gateways.mail_content import address, compose
from kaksha.gateways.resilience import line
from kaksha.sandbox.emulators import Emulators
from kaksha.sandbox.inbox import Faults, Inbox
from kaksha.sandbox.smtp import receiving_mail

AT = dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC)
SENDER = "no-reply@aarambh.example"


def letter(key: str = "verify:1", **changes: Any) -> Mail:
    written: dict[str, Any] = {
        "to": "sunita@aarambh.example",
        "to_name": "सुनीता, कुलकर्णी",
        "from_name": "आरंभ Classes",
        "subject": "आरंभ में आपका स्वागत है: अपना ई-मेल पता पक्का करें और अपने बच्चों की कक्षाएँ देखें",
        "text": "नमस्ते,\n.बिंदु से शुरू\nhttps://app.example.in/verify?token=abc",
        "at": AT,
    }
    return Mail(key=key, **{**written, **changes})


def patient(url: str, time: Any = None, **limits: Any) -> MailConfig:
    """A gateway that does not really wait between its tries."""
    clock = {"clock": time, "sleep": time.sleep} if time else {}
    return configure(url, SENDER, line("mail", MailUnavailable, **clock, **limits))


async def test_a_hindi_mail_arrives_as_it_was_written(sandbox: Emulators) -> None:
    config = configure(sandbox.smtp_url, SENDER)
    link = "https://app.example.in/u/" + "t" * 300
    html = "<p>नमस्ते</p>"
    headers = {"List-Id": "<notices.aarambh.example>"}
    made_id = await send(
        config, letter(html=html, unsubscribe_url=link, headers=headers, reply_to="desk@aarambh.example")
    )
    [message] = sandbox.inbox.messages()
    assert message.subject == letter().subject
    assert message.text.rstrip("\n") == letter().text
    assert (message.html or "").rstrip("\n") == html
    assert message.to == "sunita@aarambh.example"
    assert message.key == made_id == await send(config, letter())
    assert message.headers["To"] == "सुनीता, कुलकर्णी <sunita@aarambh.example>"
    assert message.headers["From"] == f"आरंभ Classes <{SENDER}>"
    assert message.headers["List-Unsubscribe"] == f"<{link}>"
    assert message.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message.headers["List-Id"] == "<notices.aarambh.example>"
    assert message.headers["Reply-To"] == "desk@aarambh.example"
    assert message.headers["Date"] == "Sun, 22 Nov 2026 10:00:00 +0000"
    assert message.headers["Auto-Submitted"] == "auto-generated"


async def test_a_passing_trouble_is_tried_again_and_arrives_once(sandbox: Emulators, time: Any) -> None:
    sandbox.faults.plan("mail", "tempfail", times=2)
    await send(patient(sandbox.smtp_url, time), letter())
    assert len(time.slept) == 2
    assert [message.copies for message in sandbox.inbox.messages()] == [1]


async def test_a_lost_answer_makes_a_copy_that_can_be_told(sandbox: Emulators, time: Any) -> None:
    """Nobody can know whether it was taken, so it goes again, under the same Message-ID."""
    sandbox.faults.plan("mail", "lost", seconds=30)
    made_id = await send(patient(sandbox.smtp_url, time, per_try=0.3), letter())
    assert [(message.key, message.copies) for message in sandbox.inbox.messages()] == [(made_id, 2)]


async def test_a_refused_recipient_is_not_tried_again(sandbox: Emulators, time: Any) -> None:
    sandbox.faults.plan("mail", "refuse", times=3)
    config = patient(sandbox.smtp_url, time)
    with pytest.raises(MailRefused) as refused:
        await send(config, letter())
    assert refused.value.bad_address
    assert refused.value.reason == "550 5.1.1"
    assert refused.value.status == 422
    planned = sandbox.faults.planned("mail")
    assert planned is not None
    assert planned.times == 2, "asked more than once"
    assert time.slept == []


async def test_refused_content_says_nothing_against_the_address(sandbox: Emulators) -> None:
    sandbox.faults.plan("mail", "reject")
    with pytest.raises(MailRefused) as refused:
        await send(configure(sandbox.smtp_url, SENDER), letter())
    assert not refused.value.bad_address


async def test_full_mailboxes_do_not_stop_mail_to_others(sandbox: Emulators, time: Any) -> None:
    sandbox.faults.plan("mail", "defer", times=9)
    config = patient(sandbox.smtp_url, time)
    for number in range(3):
        with pytest.raises(MailDeferred) as deferred:
            await send(config, letter(f"defer:{number}"))
        assert deferred.value.retryable
    await send(config, letter())


async def test_a_relay_that_hangs_is_given_up_within_the_deadline(sandbox: Emulators) -> None:
    sandbox.faults.plan("mail", "hang", times=9, seconds=60)
    config = patient(sandbox.smtp_url, per_try=0.3, deadline=0.5)
    began = system_time.monotonic()
    with pytest.raises(MailUnavailable, match="no answer in time"):
        await send(config, letter())
    assert system_time.monotonic() - began < 1.5
    assert sandbox.inbox.messages() == []


async def test_a_failing_relay_is_left_alone_and_found_again(sandbox: Emulators, time: Any) -> None:
    sandbox.faults.plan("mail", "tempfail", times=100)
    config = patient(sandbox.smtp_url, time)
    for number in range(2):
        with pytest.raises(MailUnavailable):
            await send(config, letter(f"open:{number}"))
    assert config.line.breaker.state is State.OPEN
    asked = sandbox.faults.played["mail"]
    with pytest.raises(MailUnavailable, match="not tried") as stopped:
        await send(config, letter("open:3"))
    assert sandbox.faults.played["mail"] == asked, "the relay was asked all the same"
    assert stopped.value.retry_after == pytest.approx(60, abs=25)

    time.at += 60
    sandbox.faults.plan("mail", "none")
    for number in range(3):
        await send(config, letter(f"closed:{number}"))
    assert config.line.breaker.state is State.CLOSED
    assert len(sandbox.inbox.messages()) == 3


async def test_a_relay_that_is_not_there(time: Any) -> None:
    with socket.socket() as taken:  # bound and not listening: nobody else gets the port, nobody answers
        taken.bind(("127.0.0.1", 0))
        config = patient(f"smtp://127.0.0.1:{taken.getsockname()[1]}", time)
        with pytest.raises(MailUnavailable):
            await send(config, letter())
    assert len(time.slept) == 2


async def test_a_wrong_password_is_the_operators_business(sandbox: Emulators, time: Any) -> None:
    url = sandbox.smtp_url.replace("smtp://", "smtp://us%40er:pass%2Fword@")
    config = patient(url, time)
    assert config.relay is not None
    assert (config.relay.username, config.relay.password) == ("us@er", "pass/word")
    await mail.probe(config)
    sandbox.faults.plan("mail", "signin")
    with pytest.raises(MailMisconfigured, match="535"):
        await send(config, letter())
    assert time.slept == []


async def test_nothing_leaves_without_a_relay() -> None:
    with capture_logs() as logs:
        made_id = await send(configure(None, SENDER), letter())
    assert [(entry["event"], entry["message_id"]) for entry in logs] == [("mail.not_sent", made_id)]


@pytest.mark.parametrize("fault", ["refuse", "defer", "reject", "tempfail", "hang"])
async def test_no_log_and_no_error_names_a_person(sandbox: Emulators, time: Any, fault: str) -> None:
    sandbox.faults.plan("mail", fault, times=9, seconds=9)
    with (
        capture_logs() as logs,
        pytest.raises(mail.MailUnavailable if fault in ("tempfail", "hang") else Exception) as failed,
    ):
        await send(patient(sandbox.smtp_url, time, per_try=0.2, deadline=1), letter())
    said = f"{logs} {failed.value!r} {failed.value} {failed.value.__cause__}"
    assert failed.value.__suppress_context__
    assert "gateway.failed" in said
    assert "sunita" not in said
    assert "सुनीता" not in said


# --- TLS ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """(a server's context, the authority to trust) for `localhost`, and not for its number."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    authority, private = folder / "ca.pem", folder / "key.pem"
    authority.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, private)
    return context, authority


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
async def test_tls_is_verified(certificate: tuple[ssl.SSLContext, Path], scheme: str, time: Any) -> None:
    context, authority = certificate
    inbox, faults = Inbox(), Faults()
    own: dict[str, Any] = {"tls" if scheme == "smtps" else "starttls": context}
    async with receiving_mail(inbox, faults, "127.0.0.1", 0, **own) as port:
        more = "" if scheme == "smtps" else "starttls=on&"
        trusted = f"{scheme}://localhost:{port}?{more}ca={authority}"
        await send(patient(trusted, time), letter())
        assert len(inbox.messages()) == 1
        for url in (trusted.partition("ca=")[0].rstrip("?&"), trusted.replace("localhost", "127.0.0.1")):
            with pytest.raises(MailMisconfigured, match="TLS"):
                await send(patient(url, time), letter("never"))
    assert len(inbox.messages()) == 1
    assert time.slept == []


async def test_without_starttls_nothing_is_said(sandbox: Emulators, time: Any) -> None:
    """Somebody in between who takes STARTTLS away gets neither the password nor the mail."""
    url = sandbox.smtp_url.replace("smtp://", "smtp://user:password@")
    with pytest.raises(MailMisconfigured):
        await send(patient(f"{url}?starttls=on", time), letter())
    assert sandbox.inbox.messages() == []


# --- settings and content -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "security", "port"),
    [
        ("smtps://u:p@mail.example.in", "tls", 465),
        ("smtp://u:p@mail.example.in", "starttls", 587),
        ("smtp://relay.internal:25?starttls=off", "none", 25),
        ("smtp://127.0.0.1:8025", "none", 8025),
        ("smtp://[::1]:8025", "none", 8025),
        ("smtp://localhost:8025?starttls=on", "starttls", 8025),
    ],
)
def test_tls_is_asked_for_unless_the_relay_is_here(url: str, security: str, port: int) -> None:
    relay = configure(url, SENDER).relay
    assert relay is not None
    assert (relay.security, relay.port) == (security, port)


@pytest.mark.parametrize(
    "url", ["http://x", "smtp://", "smtp:x", "smtp://x/path", "smtp://x?tls=no", "smtp://x?starttls=maybe"]
)
def test_a_wrong_address_is_said_in_words(url: str) -> None:
    with pytest.raises(ValueError, match=r"must look like|takes starttls"):
        configure(url, SENDER)


@pytest.mark.parametrize("sender", ["", "x", "A <a@b.in>", "a@b.in, c@d.in", "a@b.in\r\nBcc: c@d.in"])
def test_a_wrong_sender_is_said_in_words(sender: str) -> None:
    with pytest.raises(ValueError, match="must be an address"):
        configure(None, sender)


@pytest.mark.parametrize(
    "to", ["", "@", "a", "a b@c.in", "a@b.in,c@d.in", "<a@b.in>", "a@b.in\r\nRCPT TO:<c@d.in>", "रोहन@b.in"]
)
async def test_what_is_no_address_is_refused_before_a_call(to: str) -> None:
    with pytest.raises(MailRefused) as refused:
        await send(configure("smtp://127.0.0.1:1", SENDER), letter(to=to))
    assert refused.value.bad_address


def test_a_domain_of_another_script_gets_its_ascii_form() -> None:
    assert address("desk@आरंभ.भारत").addr_spec.isascii()


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": {"Bcc": "x@y.in"}},
        {"headers": {"Subject": "x"}},
        {"headers": {"X-Kind": "a\r\nBcc: x@y.in"}},
        {"headers": {"X-Kind\r\nBcc": "x"}},
        {"headers": {"X-Kind": "é"}},
        {"unsubscribe_url": "https://x.in/>\r\nBcc: x@y.in"},
        {"unsubscribe_url": "mailto:x@y.in"},
        {"reply_to": "a@b.in\r\nBcc: x@y.in"},
    ],
)
def test_our_own_headers_are_checked(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"header|address"):
        compose(letter(**changes), SENDER, address("a@b.in"))


anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=80) | st.sampled_from(
    [
        "x\r\nBcc: evil@example.in",
        "x\n\nbody",
        "=?utf-8?q?=0ABcc:?=",
        'a" <evil@example.in>, "b',
        "\x0b\x0c\x1c\x85\u2028Bcc: x",
    ]
)


HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"]


@settings(max_examples=100, deadline=None)
@given(subject=anything, name=anything, sender_name=anything, text=anything)
@example(subject="=??Q?=0ABcc: x@y.in", name="=??Q?=0A0", sender_name="=??Q?=0A0", text="")
def test_no_text_becomes_a_header(subject: str, name: str, sender_name: str, text: str) -> None:
    written = letter(subject=subject, to_name=name, from_name=sender_name, text=text)
    content = compose(written, SENDER, address("a@b.in"))
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 78
    found = message_from_bytes(content, policy=policy.default)
    assert [key for key in found if not key.startswith(("Content-", "MIME-"))] == HEADERS
    assert [one.addr_spec for one in found["To"].addresses] == ["a@b.in"]
    assert [one.addr_spec for one in found["From"].addresses] == [SENDER]


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), max_size=120).map(str.strip))
def test_a_text_is_read_as_it_was_written(text: str) -> None:
    content = compose(letter(subject=text, to_name=text), SENDER, address("a@b.in"))
    found = message_from_bytes(content, policy=policy.compat32)
    for header, end in (("Subject", ""), ("To", " <a@b.in>")):
        parts = decode_header(found[header].replace("\r\n ", " "))
        said = "".join(part.decode(code or "ascii") if isinstance(part, bytes) else part for part, code in parts)
        assert said.removesuffix("a@b.in" if not text else end) == text
