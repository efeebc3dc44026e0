"""The sandbox's inbox: what a developer sees, what tests read, and who may not."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator

import httpx2
import pytest
from hypothesis import given, strategies as st

from kaksha.gateways import mail, sms
from kaksha.sandbox.emulators import Emulators, emulators
from kaksha.sandbox.inbox import Inbox, Message
from kaksha.sandbox.inbox_page import Part, said
from tests.world import until

AT = dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC)


@pytest.fixture
async def browser(sandbox: Emulators) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=sandbox.inbox_url, headers={"Accept-Language": "en"}) as client:
        yield client


async def write(sandbox: Emulators, key: str = "1", **changes: str) -> None:
    config = mail.configure(sandbox.smtp_url, "no-reply@aarambh.example")
    facts = {"to": "rohan@aarambh.example", "subject": "Your code", "text": "It is 482913.", **changes}
    await mail.send(config, mail.Mail(key=key, at=AT, **facts))


async def test_the_page_shows_what_arrived_newest_first(sandbox: Emulators, browser: httpx2.AsyncClient) -> None:
    await write(sandbox, text="482913 is your code\nhttps://app.example.in/verify?a=1&b=2.", html="<b>482913</b>")
    config = sms.configure(sandbox.sms_url)
    await sms.send(config, sms.Sms(to="+919811000001", text="आपका कोड 118204 है", key="1"))
    await sms.close(config)
    page = (await browser.get("/")).text
    assert page.index("118204") < page.index("482913")
    assert '<a href="https://app.example.in/verify?a=1&amp;b=2" rel="noreferrer">' in page
    assert 'data-copy="482913"' in page
    assert "<title>Inbox · Kaksha</title>" in page
    assert '<html lang="hi">' in (await browser.get("/?lang=hi")).text

    only = (await browser.get("/", params={"to": "rohan@aarambh.example"})).text
    assert "118204" not in only
    assert "482913" in only
    assert "482913" not in (await browser.get("/?channel=sms")).text


async def test_what_a_mail_says_stays_text(sandbox: Emulators, browser: httpx2.AsyncClient) -> None:
    evil = "<script>alert(1)</script>"
    await write(sandbox, subject=evil, text=f'{evil} javascript:alert(1) https://x.in/"onclick=alert(1)', html=evil)
    answer = await browser.get("/")
    assert evil not in answer.text
    assert "javascript:alert" not in answer.text.replace("javascript:alert(1) ", "")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    design = await browser.get("/messages/" + str(sandbox.inbox.messages()[0].id))
    assert design.text.strip() == evil
    assert design.headers["Content-Security-Policy"].startswith("sandbox")
    assert (await browser.get("/messages/999999")).status_code == 404


async def test_news_come_only_when_there_are_some(sandbox: Emulators, browser: httpx2.AsyncClient) -> None:
    seen = {"seen": str(sandbox.inbox.version)}
    assert (await browser.get("/", params=seen)).status_code == 204
    await write(sandbox)
    answer = await browser.get("/", params=seen)
    assert "482913" in answer.text
    assert f"?seen={sandbox.inbox.version}" in answer.text


async def test_programs_read_json_and_may_wait(sandbox: Emulators, browser: httpx2.AsyncClient) -> None:
    waiting = asyncio.create_task(browser.get("/inbox.json?to=meher@aarambh.example&wait=20"))
    await until(lambda: sandbox.inbox.waiters == 1)
    await write(sandbox, "1")
    await write(sandbox, "2", to="meher@aarambh.example")
    [message] = (await waiting).json()["messages"]
    assert (message["to"], message["channel"], message["copies"]) == ("meher@aarambh.example", "mail", 1)
    after = await browser.get("/inbox.json", params={"after": message["id"]})
    assert after.json()["messages"] == []
    assert after.json()["total"] == 2


async def test_clearing(sandbox: Emulators, browser: httpx2.AsyncClient) -> None:
    await write(sandbox)
    answer = await browser.post("/clear", headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert sandbox.inbox.messages() == []
    assert "Nothing has arrived yet" in (await browser.get("/")).text


async def test_another_site_can_neither_read_nor_press(sandbox: Emulators, browser: httpx2.AsyncClient) -> None:
    await write(sandbox)
    assert (await browser.get("/inbox.json", headers={"Host": "evil.example"})).status_code == 403
    for site in ("cross-site", "same-site"):
        assert (await browser.post("/clear", headers={"Sec-Fetch-Site": site})).status_code == 403
    assert len(sandbox.inbox.messages()) == 1


async def test_faults_are_planned_over_http(sandbox: Emulators, browser: httpx2.AsyncClient) -> None:
    answer = await browser.post("/faults", json={"mail": "refuse", "times": 2})
    assert answer.json() == {"mail": {"mode": "refuse", "times": 2, "seconds": 1.0}, "sms": None, "push": None}
    for number in range(2):
        with pytest.raises(mail.MailRefused):
            await write(sandbox, str(number))
    await write(sandbox, "3")
    assert len(sandbox.inbox.messages()) == 1
    for wrong in ({"mail": "nonsense"}, {"fax": "hang"}, {"times": "x"}):
        assert (await browser.post("/faults", json=wrong)).status_code == 422


async def test_the_look_is_served_and_nothing_else(browser: httpx2.AsyncClient) -> None:
    page = (await browser.get("/")).text
    sheet = page.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = await browser.get(sheet)
    assert answer.headers["Content-Type"].startswith("text/css")
    for path in ("/static/manifest.json", "/static/..%2fhtml.py", "/static/nothing.css"):
        assert (await browser.get(path)).status_code == 404


async def test_a_second_sandbox_takes_other_ports_and_ends_with_a_mail_under_way(sandbox: Emulators) -> None:
    async with asyncio.timeout(10):
        async with emulators() as other:
            assert other.smtp_url != sandbox.smtp_url
            other.faults.plan("mail", "hang", seconds=60)
            writing = asyncio.create_task(write(other))
            await until(lambda: other.faults.played["mail"] == 1)
        with pytest.raises(mail.MailUnavailable):
            await writing


def note(number: int, text: str = "x", key: str = "") -> Message:
    return Message(at=AT, channel="sms", to=f"+9198110{number:05}", sender="", subject="", text=text, key=key)


def test_the_inbox_is_bounded() -> None:
    inbox = Inbox()
    for number in range(600):
        inbox.add(note(number))
    assert len(inbox.messages()) == 500
    assert inbox.messages()[-1].to == note(100).to
    for number in range(3):
        inbox.add(note(number, "x" * (9 << 20)))
    assert len(inbox.messages()) == 1


def test_a_copy_is_told_by_receiver_and_key() -> None:
    inbox = Inbox()
    for message in (note(1, key="a"), note(1, key="a"), note(2, key="a"), note(1), note(1)):
        inbox.add(message)
    assert [message.copies for message in inbox.messages()] == [1, 1, 1, 2]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("482913 है", [Part("code", "482913"), Part("text", " है")]),
        ("कोड: 482913.", [Part("text", "कोड: "), Part("code", "482913"), Part("text", ".")]),
        ("₹482913, 4829134, +919811000001, 482913.50", None),
        ("(https://x.in/a).", [Part("text", "("), Part("link", "https://x.in/a"), Part("text", ").")]),
        ("https://x.in/482913", [Part("link", "https://x.in/482913")]),
        ("a\n\nb", [Part("text", "a"), Part("break", ""), Part("break", ""), Part("text", "b")]),
    ],
)
def test_links_and_codes_are_found(text: str, parts: list[Part] | None) -> None:
    assert said(text) == (parts if parts is not None else [Part("text", text)])


@given(st.text())
def test_nothing_of_a_text_is_lost(text: str) -> None:
    assert "".join("\n" if part.kind == "break" else part.text for part in said(text)) == text.strip()
