"""Parts of a file, and what a reader has already."""

import pytest

from tests.files.hands import PDF, sent
from tests.world import World

SIZE = len(PDF)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-0", 0, 1), ("bytes=5-9", 5, 10), ("bytes=10-", 10, SIZE), ("bytes=-7", SIZE - 7, SIZE),
     ("bytes=3-99999", 3, SIZE), ("bytes=-99999", 0, SIZE)],
)  # fmt: skip
async def test_a_part(world: World, asked: str, start: int, end: int) -> None:
    file = await sent(world, "rohan")
    got = await (await world.api("rohan")).get(f"/v1/files/{file['id']}/download", headers={"Range": asked})
    assert (got.status_code, got.content) == (206, PDF[start:end])
    assert got.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert got.headers["accept-ranges"] == "bytes"


async def test_parts_that_are_not_there_and_what_is_known(world: World) -> None:
    file = await sent(world, "rohan")
    api = await world.api("rohan")
    path = f"/v1/files/{file['id']}/download"
    for asked in (f"bytes={SIZE}-", "bytes=999-1000", "bytes=-0"):
        got = await api.get(path, headers={"Range": asked})
        assert (got.status_code, got.json()["code"]) == (416, "RANGE_NOT_SATISFIABLE"), asked
        assert got.headers["content-range"] == f"bytes */{SIZE}"
    for asked in ("bytes=9-5", "bytes=0-1,3-4", "lines=1-2", "bytes=x", "bytes=-"):
        assert (await api.get(path, headers={"Range": asked})).status_code == 200, asked
    whole = await api.get(path)
    tag = whole.headers["etag"]
    for known in (tag, f'"x", W/{tag}', "*"):
        again = await api.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    part = {"Range": "bytes=0-3"}
    assert (await api.get(path, headers=part | {"If-Range": tag})).status_code == 206
    assert (await api.get(path, headers=part | {"If-Range": '"old"'})).status_code == 200
    head = await api.head(path)
    assert (head.headers["content-length"], head.content) == (str(SIZE), b"")
