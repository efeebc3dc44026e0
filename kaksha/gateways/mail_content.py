"""What a mail says, and its bytes. Nothing that a person wrote can become a header of its own.

EmailMessage writes the body only. Its headers are not safe: it reads a name such as `=??Q?=0A…` as an encoded word and
writes the line break that it finds in it; and it folds a long link into pieces that mail programs do not put together.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

import msgspec

__all__ = ["Mail", "address", "compose", "message_id"]

# 7 bits, so that no relay on the way needs 8BITMIME.
_POLICY = policy.SMTP.clone(cte_type="7bit")
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_HEADER = re.compile(r"(?:List|X)-[A-Za-z0-9-]{1,60}|In-Reply-To|References|Precedence|Feedback-ID")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ]{0,59}")
"""Needs no encoding, as a subject or as a name: not a letter of it means anything in a header."""
_WORD = 39
"""UTF-8 bytes of one encoded word: 64 letters, so that a line stays below 76."""
_VALUE = re.compile(r"[\x20-\x7e]{1,900}")
_URL = re.compile(r"https?://[!-;=?-~]{1,900}")


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail to one person. `key` names the intent (`verify:{token id}`): the same key is the same mail."""

    to: str
    subject: str
    text: str
    key: str
    at: datetime
    """When it was asked for, with a zone: the Date of every try."""
    to_name: str = ""
    from_name: str = ""
    """Whom it comes from in words, such as the institute's name."""
    html: str | None = None
    reply_to: str | None = None
    unsubscribe_url: str | None = None
    """Becomes List-Unsubscribe with one click (RFC 8058), so it must take a POST."""
    headers: Mapping[str, str] = {}
    """More headers: our own constants in ASCII, nothing that a person wrote."""


def message_id(sender: str, key: str) -> str:
    """The Message-ID of the mail with this key; a hash, so that it tells nobody our ids."""
    digest = hashlib.sha256(f"mail:{key}".encode()).hexdigest()[:40]
    return f"<{digest}@{sender.rpartition('@')[2]}>"


def compose(mail: Mail, sender: str, to: Address) -> bytes:
    """The message, as it goes over the wire. Raises ValueError for a header, link or reply_to that may not be."""
    lines = [
        f"From: {_person(mail.from_name, address(sender))}",
        f"To: {_person(mail.to_name, to)}",
        f"Subject: {_words(mail.subject)}",
        f"Date: {format_datetime(mail.at)}",
        f"Message-ID: {message_id(sender, mail.key)}",
        "Auto-Submitted: auto-generated",
    ]
    if mail.reply_to is not None:
        lines.append(f"Reply-To: {address(mail.reply_to).addr_spec}")
    lines += [f"{name}: {value}" for name, value in _more_headers(mail)]
    body = EmailMessage(policy=_POLICY)
    body.set_content(_writable(mail.text))
    if mail.html is not None:
        body.add_alternative(_writable(mail.html), subtype="html")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii") + body.as_bytes()


def _more_headers(mail: Mail) -> Iterator[tuple[str, str]]:
    more = dict(mail.headers)
    if mail.unsubscribe_url is not None:
        if not _URL.fullmatch(mail.unsubscribe_url):
            raise ValueError("unsubscribe_url is no address")
        more |= {
            "List-Unsubscribe": f"<{mail.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    for name, value in more.items():
        if not _HEADER.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError(f"a mail may not carry the header {name!r}, or not with that value")
        yield name, value


def _person(name: str, spec: Address) -> str:
    words = _words(name)
    return f"{words}\r\n <{spec.addr_spec}>" if words else spec.addr_spec


def _words(text: str) -> str:
    """The text as RFC 2047 encoded words, of whole letters each, one a line; plain words as they are."""
    text = _one_line(text)
    if not text or _PLAIN.fullmatch(text):
        return text
    chunks = [b""]
    for letter in text:
        encoded = letter.encode()
        if len(chunks[-1]) + len(encoded) > _WORD:
            chunks.append(b"")
        chunks[-1] += encoded
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(chunk).decode()}?=" for chunk in chunks)


def address(spec: str) -> Address:
    """Raises ValueError. A domain gets its ASCII form; the mailbox must be ASCII already."""
    mailbox, _, domain = spec.strip().rpartition("@")
    try:
        return Address(addr_spec=f"{mailbox}@{domain.encode('idna').decode('ascii')}")
    except (MessageError, ValueError, IndexError) as error:
        raise ValueError("must be an address such as no-reply@example.in") from error


def _one_line(text: str) -> str:
    """What would begin a new line (and with it a header) becomes a space."""
    return _BREAKS.sub(" ", text).strip()


def _writable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
