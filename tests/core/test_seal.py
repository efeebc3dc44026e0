"""Sealed values: whole, ours, and for one purpose only."""

import pytest
from hypothesis import given, strategies as st

from kaksha.core.seal import Keys, SealBroken, open_sealed_text, seal_text

_KEYS = Keys("k" * 48)


@given(st.text())
def test_what_was_sealed_opens_again(value: str) -> None:
    text = seal_text(_KEYS, "a", value)
    assert open_sealed_text(_KEYS, "a", text, str) == value


@given(st.integers(0, 39), st.sampled_from("Az0_"))
def test_a_changed_text_does_not_open(place: int, letter: str) -> None:
    text = seal_text(_KEYS, "a", "a code for nobody else")
    changed = text[:place] + letter + text[place + 1 :]
    if changed != text:
        with pytest.raises(SealBroken):
            open_sealed_text(_KEYS, "a", changed, str)


@pytest.mark.parametrize("text", ["", "x", "é", "=" * 40, "A" * 400])
def test_what_is_not_ours_does_not_open(text: str) -> None:
    with pytest.raises(SealBroken):
        open_sealed_text(_KEYS, "a", text, str)


def test_another_purpose_key_or_kind_does_not_open() -> None:
    text = seal_text(_KEYS, "a", "value")
    for keys, purpose, kind in ((_KEYS, "b", str), (Keys("l" * 48), "a", str), (_KEYS, "a", int)):
        with pytest.raises(SealBroken):
            open_sealed_text(keys, purpose, text, kind)
