from __future__ import annotations

import os
import stat
import uuid
from pathlib import Path

import pytest

from kaksha_client import FileTokenStore, MemoryTokenStore, Tokens

TOKENS = Tokens("access-secret", "refresh-secret", "u-1")


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_a_store_keeps_one_sign_in_and_one_device(kind: str, tmp_path: Path) -> None:
    store = MemoryTokenStore() if kind == "memory" else FileTokenStore(tmp_path / "kaksha" / "tokens.json")
    device = store.device_id()
    assert str(uuid.UUID(device)) == device
    assert store.load() is None
    store.save(TOKENS)
    assert store.load() == TOKENS
    store.save(None)
    assert store.load() is None
    assert store.device_id() == device


def test_two_devices_differ() -> None:
    assert MemoryTokenStore().device_id() != MemoryTokenStore().device_id()


def test_the_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "kaksha" / "tokens.json"
    before = os.umask(0)
    try:
        FileTokenStore(path).save(TOKENS)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_wider_file_becomes_private_again(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    FileTokenStore(path).save(TOKENS)
    path.chmod(0o644)
    FileTokenStore(path).save(TOKENS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_programs_share_the_file(tmp_path: Path) -> None:
    one, other = FileTokenStore(tmp_path / "t"), FileTokenStore(tmp_path / "t")
    one.save(TOKENS)
    assert other.load() == TOKENS
    assert other.device_id() == one.device_id()


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    FileTokenStore(path).save(TOKENS)
    with pytest.raises(UnicodeEncodeError):
        FileTokenStore(path).save(Tokens("\ud800", "not to be encoded", "u-1"))
    assert FileTokenStore(path).load() == TOKENS
    assert os.listdir(tmp_path) == ["tokens.json"]


@pytest.mark.parametrize("content", [b"", b"{}", b"notes of mine", b'{"device_id": "\xff"}'])
def test_a_file_of_somebody_else_is_not_overwritten(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a token file"):
        FileTokenStore(path).save(TOKENS)
    assert path.read_bytes() == content


def test_a_path_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    FileTokenStore("~/tokens.json").save(TOKENS)
    assert (tmp_path / "tokens.json").exists()


def test_a_repr_shows_no_token() -> None:
    assert "secret" not in repr(TOKENS)
