"""Signed and opaque tokens: good for one purpose, of one make, in one spelling, until their time."""

import base64
import contextlib
import json
from datetime import timedelta
from uuid import UUID

import jwt
import pytest
from hypothesis import given, strategies as st

from kaksha.core.seal import Keys
from kaksha.core.tokens import BadToken, SpentToken, Tokens
from tests.world import NOW

_KEYS = Keys("k" * 48)
_TOKENS = Tokens(_KEYS)
_HOUR = timedelta(hours=1)
_HERE = UUID("01970000-0000-7000-8000-00000000a000")


def _b64(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _signed(header: dict[str, object], claims: dict[str, object], key: bytes) -> str:
    """As PyJWT signs, with any header."""
    return jwt.encode(claims, key, algorithm="HS256", headers=header)


_CLAIMS = {"iss": "kaksha", "aud": "access", "iat": NOW.timestamp(), "exp": NOW.timestamp() + 60, "sub": "x"}


def test_a_token_is_read_for_its_purpose_only() -> None:
    token = _TOKENS.sign("access", {"sub": "x"}, NOW, _HOUR)
    assert _TOKENS.read("access", token, NOW)["sub"] == "x"
    with pytest.raises(BadToken):
        _TOKENS.read("profiles", token, NOW)
    # Also when somebody forgot that each purpose has its own key, or its own audience.
    for key, claims in (("jwt:profiles", _CLAIMS), ("jwt:access", {**_CLAIMS, "aud": "profiles"})):
        with pytest.raises(BadToken):
            _TOKENS.read("access", jwt.encode(claims, _KEYS.derive(key), algorithm="HS256"), NOW)


def test_a_token_of_another_server_is_none() -> None:
    with pytest.raises(BadToken):
        _TOKENS.read("access", Tokens(Keys("x" * 48)).sign("access", {}, NOW, _HOUR), NOW)


def test_a_token_ends_at_its_time() -> None:
    token = _TOKENS.sign("access", {}, NOW, _HOUR)
    _TOKENS.read("access", token, NOW + _HOUR - timedelta(microseconds=1000))
    for late in (_HOUR, _HOUR * 2, timedelta(days=4000)):
        with pytest.raises(SpentToken):
            _TOKENS.read("access", token, NOW + late)


@pytest.mark.parametrize("missing", ["exp", "iat", "iss", "aud"])
def test_a_token_without_its_claims_is_none(missing: str) -> None:
    claims = {name: value for name, value in _CLAIMS.items() if name != missing}
    with pytest.raises(BadToken):
        _TOKENS.read("access", jwt.encode(claims, _KEYS.derive("jwt:access"), algorithm="HS256"), NOW)


_KEY = _KEYS.derive("jwt:access")
_GOOD = _signed({}, dict(_CLAIMS), _KEY)
_HEAD, _BODY, _SIGNATURE = _GOOD.split(".")


@pytest.mark.parametrize(
    "token",
    [
        f"{_b64({'alg': 'none', 'typ': 'JWT'})}.{_BODY}.",
        f"{_b64({'alg': 'None', 'typ': 'JWT'})}.{_BODY}.",
        f"{_b64({'alg': 'none', 'typ': 'JWT'})}.{_BODY}.{_SIGNATURE}",
        f"{_b64({'alg': '', 'typ': 'JWT'})}.{_BODY}.{_SIGNATURE}",
        f"{_b64({'typ': 'JWT'})}.{_BODY}.{_SIGNATURE}",
        f"{_b64({'alg': ['HS256']})}.{_BODY}.{_SIGNATURE}",
        f"{_b64({'alg': {}})}.{_BODY}.{_SIGNATURE}",
        f"{_b64({'alg': 'HS256', 'kid': 7})}.{_BODY}.{_SIGNATURE}",
        f"{_b64({'alg': 'HS256', 'crit': ['b64'], 'b64': False})}.{_BODY}.{_SIGNATURE}",
        f"{_b64({'alg': 'RS256'})}.{_BODY}.{_SIGNATURE}",
        jwt.encode(_CLAIMS, _KEY * 2, algorithm="HS512"),
        f"{_HEAD}.{_b64({**_CLAIMS, 'sub': 'y'})}.{_SIGNATURE}",
        f"{_HEAD}.{_BODY}.{_SIGNATURE[:-2]}AA",
        f"{_HEAD}.{_BODY}.",
        f"{_HEAD}.{_BODY}",
        f"{_HEAD}.{_BODY}.{_SIGNATURE}.{_SIGNATURE}",
        f"{_b64([])}.{_BODY}.{_SIGNATURE}",
        f"{_b64(b'[' * 20_000)}.{_BODY}.{_SIGNATURE}",
        f"{_b64(b'{' + b'9' * 9000)}.{_BODY}.{_SIGNATURE}",
        f"{_b64(bytes(range(128, 255)))}.{_BODY}.{_SIGNATURE}",
        "", ".", "..", "...", "a.b.c", "é.é.é", "\ud800.\ud800.\ud800", "\x00", "0" * 50_000,
    ],
)  # fmt: skip
def test_no_other_token_is_read(token: str) -> None:
    with pytest.raises(BadToken):
        _TOKENS.read("access", token, NOW)


@given(st.integers(0, len(_GOOD) - 1), st.characters(codec="ascii"))
def test_a_changed_token_is_none_or_the_same(place: int, char: str) -> None:
    changed = _GOOD[:place] + char + _GOOD[place + 1 :]
    if changed == _GOOD:
        return
    try:
        assert _TOKENS.read("access", changed, NOW) == _CLAIMS  # base64 leaves two spare bits at the very end
        assert place == len(_GOOD) - 1
    except BadToken:
        pass


def test_an_opaque_token_names_its_institute_and_is_kept_as_a_hash() -> None:
    token = _TOKENS.opaque("rt", _HERE)
    again = _TOKENS.parse("rt", token.text)
    assert again == token
    assert again.institute_id == _HERE
    assert len(token.text) <= 200
    assert token.hash not in base64.urlsafe_b64decode(token.text.removeprefix("rt_"))
    assert token.text != _TOKENS.opaque("rt", _HERE).text
    with pytest.raises(BadToken):
        _TOKENS.parse("ws", token.text)


def test_only_we_know_the_successor() -> None:
    token = _TOKENS.opaque("rt", _HERE)
    successor = _TOKENS.successor("rt", token)
    assert successor == _TOKENS.successor("rt", _TOKENS.parse("rt", token.text))
    assert successor.institute_id == _HERE
    assert successor.hash != token.hash
    assert Tokens(Keys("x" * 48)).successor("rt", token) != successor
    assert _TOKENS.successor("rt", successor) != token


@given(st.text(max_size=80) | st.binary(max_size=80).map(lambda raw: "rt_" + base64.urlsafe_b64encode(raw).decode()))
def test_garbage_is_no_opaque_token(text: str) -> None:
    with contextlib.suppress(BadToken):
        assert _TOKENS.parse("rt", text).text == text


@given(st.integers(0, 66), st.characters(codec="utf-8"), st.booleans())
def test_an_opaque_token_has_one_spelling(place: int, char: str, replace: bool) -> None:
    """One that is read leniently could be remembered, limited and told apart under many names."""
    token = _TOKENS.opaque("rt", _HERE)
    other = token.text[:place] + char + token.text[place + replace :]
    if other == token.text:
        return
    with contextlib.suppress(BadToken):
        assert _TOKENS.parse("rt", other).hash != token.hash or _TOKENS.parse("rt", other).institute_id != _HERE
