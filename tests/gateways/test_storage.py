"""Files on both stores: this machine's disk, and S3 as moto serves it, in a process of its own."""

import os
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import msgspec
import obstore
import pytest
from hypothesis import given, settings, strategies as st
from kaksha_client.resilience import State

from kaksha.core.errors import BodyTooLarge
from kaksha.gateways import storage
from kaksha.gateways.resilience import line
from kaksha.gateways.storage import (
    PART,
    WINDOW,
    BadRange,
    FileMissing,
    Storage,
    StorageMisconfigured,
    StorageUnavailable,
    configure,
    put,
)
from tests.s3 import running_s3

OURS, THEIRS = UUID(int=1), UUID(int=2)
TYPE = "audio/webm"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The endpoint of a running S3 with the bucket `kaksha-test`."""
    with running_s3() as endpoint:
        yield endpoint


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "disk":
        return configure(None, tmp_path)
    endpoint = request.getfixturevalue("s3")
    folder = f"{tmp_path.parent.name}-{tmp_path.name}"
    return configure(f"s3://key:sec%2Fret@kaksha-test/{folder}?region=ap-south-1&endpoint={endpoint}", tmp_path)


async def pieces(size: int, chunk: int = 1 << 16) -> AsyncIterator[bytes]:
    """`size` bytes that differ from place to place."""
    for start in range(0, size, chunk):
        yield (start // chunk).to_bytes(8, "big") * (min(chunk, size - start) // 8)


async def whole(content: storage.Content) -> bytes:
    return b"".join([chunk async for chunk in content.chunks])


async def read(store: Storage, name: str, *bounds: int) -> bytes:
    return await whole(await storage.get(store, OURS, name, *bounds))


async def names(store: Storage, institute: UUID = OURS, prefix: str = "") -> list[str]:
    return sorted([info.name async for info in storage.listed(store, institute, prefix)])


@pytest.mark.parametrize("content", [b"", b"x", b"\x00\xff" * 5000])
async def test_what_is_written_is_read(store: Storage, content: bytes) -> None:
    written = await put(store, OURS, "doubts/1", content, content_type=TYPE)
    assert written == storage.Stored(len(content), sha256(content).hexdigest())
    assert await read(store, "doubts/1") == content
    info = await storage.head(store, OURS, "doubts/1")
    assert (info.name, info.size) == ("doubts/1", len(content))
    assert info.etag
    assert info.modified.tzinfo


async def test_s3_knows_the_type(s3: str, tmp_path: Path) -> None:
    store = configure(f"s3://key:secret@kaksha-test?region=ap-south-1&endpoint={s3}", tmp_path)
    await put(store, OURS, "small", b"x", content_type=TYPE)
    await put(store, OURS, "large", pieces(PART + 8), content_type=TYPE)
    for name in ("small", "large"):
        found = await obstore.get_async(store.once, f"{OURS}/{name}")
        assert found.attributes["Content-Type"] == TYPE


async def test_a_name_that_is_written_again_is_replaced(store: Storage) -> None:
    await put(store, OURS, "a", b"old", content_type=TYPE)
    await put(store, OURS, "a", b"new", content_type=TYPE)
    assert await read(store, "a") == b"new"


@pytest.mark.parametrize("size", [PART - 8, PART, PART + 8, 2 * PART + 800])
async def test_what_arrives_in_pieces_is_read_whole(store: Storage, size: int) -> None:
    expected = b"".join([chunk async for chunk in pieces(size)])
    written = await put(store, OURS, "large", pieces(size), content_type=TYPE)
    assert written == storage.Stored(size, sha256(expected).hexdigest())
    assert await read(store, "large") == expected


@pytest.mark.parametrize(("start", "end"), [(0, 1), (5, 25), (WINDOW - 1, WINDOW + 1), (WINDOW, None), (3, 10**9)])
async def test_a_part_of_a_file(store: Storage, start: int, end: int | None) -> None:
    expected = b"".join([chunk async for chunk in pieces(WINDOW + 800)])
    await put(store, OURS, "f", expected, content_type=TYPE)
    content = await storage.get(store, OURS, "f", start, end)
    assert await whole(content) == expected[start:end]
    assert (content.start, content.end) == (start, min(end or 10**9, len(expected)))


@pytest.mark.parametrize(("start", "end"), [(10, None), (11, 12), (5, 5), (6, 5), (-1, 5)])
async def test_a_part_that_is_not_there(store: Storage, start: int, end: int | None) -> None:
    await put(store, OURS, "f", b"0123456789", content_type=TYPE)
    with pytest.raises(BadRange) as bad:
        await storage.get(store, OURS, "f", start, end)
    assert bad.value.headers["Content-Range"] == "bytes */10"


async def test_what_is_not_there(store: Storage) -> None:
    for ask in (storage.head(store, OURS, "no"), storage.get(store, OURS, "no")):
        with pytest.raises(FileMissing):
            await ask
    await storage.delete(store, OURS, "no")
    assert await names(store) == []


async def test_what_is_deleted_is_gone(store: Storage) -> None:
    await put(store, OURS, "a/b", b"x", content_type=TYPE)
    await storage.delete(store, OURS, "a/b")
    await storage.delete(store, OURS, "a/b")
    with pytest.raises(FileMissing):
        await storage.head(store, OURS, "a/b")


async def test_lists_hold_whole_folders_of_one_institute(store: Storage) -> None:
    for name in ("doubts/1", "doubts/2/a", "doubtful/3", "b"):
        await put(store, OURS, name, b"x", content_type=TYPE)
    await put(store, THEIRS, "doubts/9", b"x", content_type=TYPE)
    assert await names(store) == ["b", "doubtful/3", "doubts/1", "doubts/2/a"]
    assert await names(store, prefix="doubts") == ["doubts/1", "doubts/2/a"]
    assert await names(store, prefix="doub") == []
    assert await names(store, THEIRS) == ["doubts/9"]
    with pytest.raises(FileMissing):
        await storage.head(store, THEIRS, "b")


async def test_lists_may_be_long(store: Storage) -> None:
    expected = [f"n/{number:03}" for number in range(120)]
    for name in expected:
        await put(store, OURS, name, b"", content_type=TYPE)
    assert await names(store, prefix="n") == expected


# --- names that lead elsewhere ------------------------------------------------------------------------------

BAD = [
    "", "/", ".", "..", "../x", "a/../b", "a/..", "/etc/passwd", "a//b", "a/", "./a", "a/./b", "a\\b", "a b", "a\x00b",
    "a\n", "%2e%2e/x", "a/%2e%2e/b", "~/x", "C:x", ".hidden", "a/.ssh", "नाम", "a" * 129, "/".join("a" * 10), "a?b",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    store = configure(None, tmp_path)
    for ask in (
        put(store, OURS, name, b"x", content_type=TYPE),
        storage.head(store, OURS, name),
        storage.get(store, OURS, name),
        storage.delete(store, OURS, name),
    ):
        with pytest.raises(ValueError, match="not a name"):
            await ask
    if name:
        with pytest.raises(ValueError, match="not a name"):
            await names(store, prefix=name)
    assert list((tmp_path / "files").iterdir()) == []


@settings(max_examples=300)
@given(st.text(st.sampled_from("./\\a_-%~0:\n\x00é"), max_size=12))
def test_no_key_leaves_its_institute(name: str) -> None:
    try:
        key = storage._key(OURS, name)
    except ValueError:
        return
    folder = Path("/files", str(OURS))
    resolved = Path(os.path.normpath(Path("/files", key)))
    assert folder in resolved.parents
    assert str(resolved.relative_to(folder)) == name


# --- what is written half, is too large, or fails -----------------------------------------------------------


class Broken(Exception):
    """The sender went away."""


@pytest.mark.parametrize("after", [100, PART + 100, 3 * PART])
async def test_a_sender_who_goes_away_leaves_nothing(store: Storage, s3: str, after: int) -> None:
    async def source() -> AsyncIterator[bytes]:
        async for chunk in pieces(after // 8 * 8):
            yield chunk
        raise Broken

    await put(store, OURS, "before", b"x", content_type=TYPE)
    with pytest.raises(Broken):
        await put(store, OURS, "f", source(), content_type=TYPE)
    assert await names(store) == ["before"]
    if store.folder is not None:
        assert [path.name for path in store.folder.rglob("*") if path.is_file()] == ["before"]
    assert "<Upload>" not in httpx2.get(f"{s3}/kaksha-test?uploads").text
    assert store.line.breaker.idle, "the sender's fault was counted against the store"


@pytest.mark.parametrize("size", [1000, PART + 8])
async def test_too_large_is_noticed_on_the_way(store: Storage, size: int) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1000
            yield b"x" * 1000

    with pytest.raises(BodyTooLarge):
        await put(store, OURS, "f", endless(), content_type=TYPE, most=size)
    assert taken < size + PART + 2000
    assert await names(store) == []
    assert (await put(store, OURS, "f", b"x" * 1000, content_type=TYPE, most=1000)).size == 1000


async def test_a_file_that_is_replaced_while_it_is_read_is_not_mixed(store: Storage, time: Any) -> None:
    own = line("storage", StorageUnavailable, clock=time, sleep=time.sleep)
    store = msgspec.structs.replace(store, line=own)
    await put(store, OURS, "f", pieces(2 * WINDOW), content_type=TYPE)
    content = await storage.get(store, OURS, "f")
    await anext(content.chunks)
    await put(store, OURS, "f", b"y" * 2 * WINDOW, content_type=TYPE)
    with pytest.raises(StorageUnavailable, match="replaced"):
        await whole(content)


async def test_a_store_that_is_gone_is_left_alone_and_found_again(s3: str, tmp_path: Path, time: Any) -> None:
    own = line("storage", StorageUnavailable, clock=time, sleep=time.sleep)
    gone = configure("s3://k:s@kaksha-test?region=ap-south-1&endpoint=http://127.0.0.1:9", tmp_path, own)
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            await storage.head(gone, OURS, "f")
    assert own.breaker.state is State.OPEN
    with pytest.raises(StorageUnavailable, match="not tried"):
        await put(gone, OURS, "f", pieces(PART + 8), content_type=TYPE)
    with pytest.raises(StorageUnavailable):
        await storage.check(gone)

    time.at += 60
    back = configure(f"s3://k:s@kaksha-test?region=ap-south-1&endpoint={s3}", tmp_path, own)
    for _ in range(3):
        with pytest.raises(FileMissing):
            await storage.head(back, OURS, "nothing-here")
    assert own.breaker.state is State.CLOSED


async def test_ready_means_that_files_can_be_kept(store: Storage, s3: str, tmp_path: Path) -> None:
    await storage.check(store)
    if store.folder is not None:
        store.folder.rmdir()
        with pytest.raises(StorageMisconfigured):
            await storage.check(store)
    else:
        nowhere = configure(f"s3://k:s@kaksha-nowhere?region=ap-south-1&endpoint={s3}", tmp_path)
        with pytest.raises(StorageMisconfigured):
            await storage.check(nowhere)
        with pytest.raises(StorageMisconfigured):
            await put(nowhere, OURS, "f", b"x", content_type=TYPE)


def test_only_the_operator_may_look_into_the_folder(tmp_path: Path) -> None:
    store = configure(None, tmp_path / "home")
    assert store.folder == tmp_path / "home" / "files"
    assert store.folder.stat().st_mode & 0o077 == 0
    assert configure(f"file://{tmp_path}/my%20files", tmp_path).folder == tmp_path / "my files"


@pytest.mark.parametrize("url", ["ftp://x", "s3://", "/files", "file://host/x", "s3://b?regoin=x", "gs://b"])
def test_a_wrong_address_is_said_in_words(url: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must look like|takes region"):
        configure(url, tmp_path)


# --- memory -------------------------------------------------------------------------------------------------


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is measured on Linux")
async def test_64_mib_pass_with_flat_memory(store: Storage) -> None:
    size = 64 << 20
    await put(store, OURS, "warm", pieces(2 * PART), content_type=TYPE)
    before, most = resident(), 0

    async def watched() -> AsyncIterator[bytes]:
        nonlocal most
        async for chunk in pieces(size):
            most = max(most, resident())
            yield chunk

    written = await put(store, OURS, "large", watched(), content_type=TYPE)
    assert written.size == size
    digest, got = sha256(), 0
    async for chunk in (await storage.get(store, OURS, "large")).chunks:
        digest.update(chunk)
        got += len(chunk)
        most = max(most, resident())
    assert (got, digest.hexdigest()) == (size, written.sha256)
    assert most - before < 32 << 20, f"grew by {(most - before) >> 20} MiB"
