"""What a text costs as SMS: how many segments it is sent and paid in (3GPP TS 23.038 and 23.040).

A text of GSM-7 letters goes in septets, 160 in one segment, 153 in each of several; a single letter outside of it, any
Hindi one or the rupee sign, makes the whole text UCS-2: 70, then 67 units. What belongs together (an escape and its
letter, a surrogate pair) is never torn apart, so several segments may hold less than they could.
"""

from typing import Literal

import msgspec

__all__ = ["Cost", "cost", "pieces"]

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED = frozenset("\f^{}\\[~]|€")
"""Two septets each: an escape and a letter."""


class Cost(msgspec.Struct, frozen=True):
    """What a ledger writes down: `units` are septets (GSM-7) or UTF-16 units (UCS-2), `segments` is what is paid."""

    encoding: Literal["gsm7", "ucs2"]
    units: int
    segments: int


def cost(text: str) -> Cost:
    """What sending `text` costs; an empty text still takes one segment."""
    encoding = _encoding(text)
    return Cost(encoding, sum(_units(letter, encoding) for letter in text), len(pieces(text)))


def pieces(text: str) -> list[str]:
    """The text as its segments hold it."""
    encoding = _encoding(text)
    alone, together = (160, 153) if encoding == "gsm7" else (70, 67)
    if sum(_units(letter, encoding) for letter in text) <= alone:
        return [text]
    found: list[str] = []
    start = filled = 0
    for place, letter in enumerate(text):
        units = _units(letter, encoding)
        if filled + units > together:
            found.append(text[start:place])
            start, filled = place, 0
        filled += units
    return [*found, text[start:]]


def _encoding(text: str) -> Literal["gsm7", "ucs2"]:
    return "gsm7" if _BASIC.union(_ESCAPED).issuperset(text) else "ucs2"


def _units(letter: str, encoding: str) -> int:
    if encoding == "gsm7":
        return 2 if letter in _ESCAPED else 1
    return 2 if ord(letter) > 0xFFFF else 1
