"""The protocol: pieces, resuming, checksums, ending, expiring; and what is left in the store at each end."""

import asyncio
import socket
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from kaksha.files.jobs import sweep, tidy
from kaksha.gateways import storage
from kaksha.main import build_process
from kaksha.tus import jobs as tus_jobs
from kaksha.tus.service import PIECE
from tests.files.hands import MP3, PDF, packed, picture, sent
from tests.tus.hands import TUS, begun, checksum, offset, piece, start
from tests.world import World

LARGE = MP3 + bytes(range(256)) * (9 << 12)  # 9 MiB and a bit: more than two pieces


async def objects(world: World) -> list[str]:
    store = storage.configure(world.settings.storage_url, world.settings.home)
    return sorted([info.name async for info in storage.listed(store, world.institute("rohan"))])


async def pieces(world: World) -> set[str]:
    return {name for name in await objects(world) if name.startswith("uploads/")}


async def until_cleared(world: World, before: set[str]) -> None:
    """Waits for the job that removes the pieces."""
    async with asyncio.timeout(10):
        while await pieces(world) - before:
            await asyncio.sleep(0.05)


async def test_it_says_what_it_can(world: World) -> None:
    answer = await world.anyone.options("/v1/files/tus")
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-extension"] == "creation,expiration,checksum,termination"
    assert int(answer.headers["tus-max-size"]) == 1 << 30


async def test_pieces_become_a_file(world: World) -> None:
    before = await pieces(world)
    address = await start(world, "rohan", len(LARGE))
    cut = 5 << 20
    first = await piece(world, address, 0, LARGE[:cut], **checksum(LARGE[:cut]))
    assert (first.status_code, first.headers["upload-offset"]) == (204, str(cut)), first.text
    assert await offset(world, address) == cut
    last = await piece(world, address, cut, LARGE[cut:], **checksum(LARGE[cut:], "sha256"))
    assert (last.status_code, last.headers["upload-offset"]) == (204, str(len(LARGE))), last.text
    file_id = last.headers["file-id"]
    again = await world.anyone.head(address, headers=TUS)
    assert (again.headers["file-id"], again.headers["upload-offset"]) == (file_id, str(len(LARGE)))
    api = await world.api("rohan")
    got = await api.get(f"/v1/files/{file_id}/download")
    assert got.content == LARGE
    assert (await api.get(f"/v1/files/{file_id}")).json()["data"]["name"] == "a.mp3"
    assert (await (await world.api("meher")).get(f"/v1/files/{file_id}")).status_code == 404
    await until_cleared(world, before)


async def test_a_picture_in_pieces_is_encoded_anew(world: World) -> None:
    content = picture("JPEG", 900)
    address = await start(world, "rohan", len(content), "submission", name="a.jpg", kind="image/jpeg")
    done = await piece(world, address, 0, content)
    got = await (await world.api("rohan")).get(f"/v1/files/{done.headers['file-id']}/download")
    assert b"Kaksha Camera" not in got.content
    assert got.headers["content-type"] == "image/jpeg"


async def test_what_came_before_the_sender_vanished_is_kept(world: World) -> None:
    address = await start(world, "rohan", len(LARGE))
    where = urlsplit(world.url)
    sent_bytes = PIECE + (1 << 20)

    def vanish() -> None:
        with socket.create_connection((where.hostname, where.port)) as wire:
            head = f"PATCH {address} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
            head += f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(LARGE)}\r\n\r\n"
            wire.sendall(head.encode() + LARGE[:sent_bytes])

    await asyncio.to_thread(vanish)
    async with asyncio.timeout(10):
        while (at := await offset(world, address)) < sent_bytes:
            await asyncio.sleep(0.02)
    assert at == sent_bytes
    done = await piece(world, address, at, LARGE[at:])
    assert done.status_code == 204, done.text
    got = await (await world.api("rohan")).get(f"/v1/files/{done.headers['file-id']}/download")
    assert got.content == LARGE


async def test_a_damaged_piece_counts_nothing(world: World) -> None:
    before = await pieces(world)
    address = await start(world, "rohan", len(LARGE))
    damaged = await piece(world, address, 0, LARGE[: 5 << 20], **checksum(b"something else"))
    assert (damaged.status_code, damaged.json()["code"]) == (460, "CHECKSUM_MISMATCH")
    assert await offset(world, address) == 0
    assert await pieces(world) == before
    assert (await piece(world, address, 0, LARGE, **checksum(LARGE))).status_code == 204
    assert (await piece(world, address, 0, b"x", **{"Upload-Checksum": "crc32 AAAA"})).status_code == 400


async def test_two_senders_do_not_mix(world: World) -> None:
    one, other = LARGE, LARGE[:100] + LARGE[100:][::-1]
    address = await start(world, "rohan", len(LARGE))
    answers = await asyncio.gather(piece(world, address, 0, one), piece(world, address, 0, other))
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    won = next(answer for answer in answers if answer.status_code == 204)
    got = await (await world.api("rohan")).get(f"/v1/files/{won.headers['file-id']}/download")
    assert got.content in (one, other)


async def test_wrong_requests(world: World) -> None:
    api = await world.api("rohan")
    address = await start(world, "rohan", len(LARGE))
    at_two = await piece(world, address, 2, LARGE[2:])
    assert (at_two.status_code, at_two.json()["code"]) == (409, "UPLOAD_OFFSET_WRONG")
    over = await piece(world, address, 0, LARGE + b"x")
    assert (over.status_code, over.json()["code"]) == (413, "UPLOAD_OVERRUN")
    at = await offset(world, address)
    assert at < len(LARGE)
    assert (await piece(world, address, at, b"x", **{"Content-Type": "text/plain"})).status_code == 415
    refused = await world.anyone.head(address, headers={"Tus-Resumable": "0.2.2"})
    assert (refused.status_code, refused.headers["tus-version"]) == (412, "1.0.0")
    assert (await world.anyone.post("/v1/files/tus", headers=begun(5))).status_code == 401
    forged = address[:-4] + ("AAAA" if address[-4:] != "AAAA" else "BBBB")
    assert (await world.anyone.head(forged, headers=TUS)).status_code == 404
    for headers, code in (
        (begun(26 << 20), "FILE_TOO_LARGE"), (begun(0), "FILE_EMPTY"), (begun(9, "note"), "PURPOSE_NOT_ALLOWED"),
        (begun(9, "avatar"), "VALIDATION_ERROR"), ({**begun(9), "Upload-Length": "-1"}, "MALFORMED_REQUEST"),
        ({**begun(9), "Upload-Metadata": "filename %%"}, "MALFORMED_REQUEST"),
    ):  # fmt: skip
        answer = await api.post("/v1/files/tus", headers=headers)
        assert answer.json()["code"] == code


async def test_what_is_under_way_counts_for_the_quota(world: World) -> None:
    api = await world.api("nandini")
    made = [await start(world, "nandini", 25 << 20, name="a.pdf", kind="application/pdf") for _ in range(2)]
    full = await api.post("/v1/files/tus", headers=begun(25 << 20))
    assert (full.status_code, full.json()["code"]) == (413, "PERSON_QUOTA_EXCEEDED")
    for address in made:
        assert (await world.anyone.delete(address, headers=TUS)).status_code == 204
        assert (await world.anyone.head(address, headers=TUS)).status_code == 404
    assert (await api.post("/v1/files/tus", headers=begun(25 << 20))).status_code == 201


@pytest.mark.parametrize(
    ("content", "code"), [(b"MZ" + bytes(300), "FILE_KIND_REFUSED"), (packed("a.txt"), "FILE_KIND_REFUSED")]
)
async def test_a_refused_file_is_gone(world: World, content: bytes, code: str) -> None:
    before = await objects(world)
    address = await start(world, "rohan", len(content))
    refused = await piece(world, address, 0, content)
    assert (refused.status_code, refused.json()["code"]) == (415, code)
    assert (await world.anyone.head(address, headers=TUS)).status_code == 404
    await until_cleared(world, {name for name in before if name.startswith("uploads/")})
    assert await objects(world) == before


async def test_the_first_bytes_are_enough_to_refuse(world: World) -> None:
    address = await start(world, "meher", 20 << 20)
    refused = await piece(world, address, 0, b"MZ" + bytes(300))
    assert refused.status_code == 415


async def test_a_disabled_person_sends_no_more(world: World) -> None:
    address = await start(world, "vikram", len(LARGE))
    async with world.owner() as owner:
        await owner.execute("update users set status = 'disabled' where id = $1", world.id("vikram"))
        assert (await piece(world, address, 0, LARGE)).status_code == 404
        await owner.execute("update users set status = 'active' where id = $1", world.id("vikram"))
    assert (await piece(world, address, 0, LARGE)).status_code == 204


async def test_what_nobody_needs_goes_away(world: World) -> None:
    """Abandoned uploads, files that hang on nothing, and objects of a crash: after a day, and not before."""
    address = await start(world, "rohan", len(LARGE))
    await piece(world, address, 0, LARGE[: 1 << 20])
    file = await sent(world, "rohan")
    process = build_process(world.settings, world.app_url, world.clock)
    await process.core.db.open()
    lost = f"files/{UUID(int=7)}"
    await storage.put(process.shelf.storage, world.institute("rohan"), lost, PDF, content_type="application/pdf")
    piece_left = f"uploads/{UUID(int=8)}/0-aa"
    await storage.put(process.shelf.storage, world.institute("rohan"), piece_left, PDF, content_type="x/y")

    async def all_jobs() -> None:
        for job in (tidy, sweep, tus_jobs.tidy, tus_jobs.sweep):
            await job(process.core, process.shelf)

    at = world.clock.at
    try:
        await all_jobs()
        there = await objects(world)
        assert {f"files/{file['id']}", lost, piece_left} <= set(there)
        assert await offset(world, address) == 1 << 20
        world.clock.forward(days=3)
        await all_jobs()
        assert await objects(world) == []
        async with world.owner() as owner:
            assert await owner.fetchval("select count(*) from files") == 0
            assert await owner.fetchval("select count(*) from uploads") == 0
            assert await owner.fetchval("select sum(bytes) from file_usage") == 0
    finally:
        world.clock.at = at
        await process.core.db.close()
