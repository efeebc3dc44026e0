"""What an SMS costs, against the tables of 3GPP TS 23.038 and properties that hold for every text."""

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from kaksha.gateways.segments import Cost, cost, pieces

_GSM = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCXYZÄÖÑÜ§¿abcxyzäöñüà"
_PAIRS = "^{}\\[~]|€\f"
gsm = st.text(st.sampled_from(_GSM + _PAIRS * 3), max_size=700)
ucs2 = st.builds(lambda a, b: a + "अ" + b, st.text(max_size=200), st.text(st.sampled_from("आपका😀🏫x"), max_size=200))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Cost("gsm7", 0, 1)),
        ("a" * 160, Cost("gsm7", 160, 1)),
        ("a" * 161, Cost("gsm7", 161, 2)),
        ("a" * 306, Cost("gsm7", 306, 2)),
        ("a" * 307, Cost("gsm7", 307, 3)),
        ("€" * 80, Cost("gsm7", 160, 1)),
        ("€" * 81, Cost("gsm7", 162, 2)),
        ("€" * 153, Cost("gsm7", 306, 3)),  # 76 pairs fill 152 of 153 septets: the last stays empty
        ("क" * 70, Cost("ucs2", 70, 1)),
        ("क" * 71, Cost("ucs2", 71, 2)),
        ("क" * 134, Cost("ucs2", 134, 2)),
        ("क" * 135, Cost("ucs2", 135, 3)),
        ("😀" * 35, Cost("ucs2", 70, 1)),
        ("😀" * 67, Cost("ucs2", 134, 3)),  # 33 pairs fill 66 of 67 units
        ("₹" + "a" * 69, Cost("ucs2", 70, 1)),
        ("it’s", Cost("ucs2", 4, 1)),
        ("`", Cost("ucs2", 1, 1)),  # not in GSM-7, though it looks like it
    ],
)
def test_known_costs(text: str, expected: Cost) -> None:
    assert cost(text) == expected


def units(text: str, encoding: str) -> int:
    return len(text.encode("utf-16-le")) // 2 if encoding == "ucs2" else len(text) + sum(map(text.count, _PAIRS))


@given(gsm | ucs2)
def test_every_text_is_cut_as_late_as_it_may_be(text: str) -> None:
    found = cost(text)
    parts = pieces(text)
    alone, together = (160, 153) if found.encoding == "gsm7" else (70, 67)
    assert "".join(parts) == text
    assert len(parts) == found.segments
    assert found.units == units(text, found.encoding)
    assert (found.segments == 1) == (found.units <= alone)
    if found.segments > 1:
        assert all(part and units(part, found.encoding) <= together for part in parts)
        assert all(units(part + after[0], found.encoding) > together for part, after in pairwise(parts))


@given(gsm)
def test_the_alphabet_is_known(text: str) -> None:
    assert cost(text).encoding == "gsm7"


@given(ucs2)
def test_one_other_letter_costs_the_whole_text(text: str) -> None:
    assert cost(text).encoding == "ucs2"
