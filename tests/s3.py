"""S3 as moto serves it, in a process of its own."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import httpx2

_SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def running_s3() -> Iterator[str]:
    """The endpoint of a running S3 with the bucket `kaksha-test`."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        endpoint = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        assert httpx2.put(f"{endpoint}/kaksha-test").status_code == 200
        yield endpoint
        server.stdin.close()
