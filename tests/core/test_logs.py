"""What stands in the log: routes, ids and numbers; no secret, and nobody's name, address or number.

The server runs in a process of its own, with the logging that an operator has.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from kaksha.core.logs import redact
from kaksha.sandbox.cast import PASSWORD

_SERVER = """
import sys, uvicorn
from pathlib import Path
from kaksha.core import logs
from kaksha.core.settings import load
from kaksha.main import build
settings = load(env_file=Path("none"))
logs.configure(settings.log_format, "debug")
uvicorn.run(build(settings, sys.argv[1]), host="127.0.0.1", port=settings.port, log_level="info", access_log=False,
            ws="none", log_config=None)
"""
_GUESS = "guessed-Password-1"
_NAME = "Rohan Somebody-Else"


class _Served:
    """What a server wrote, and what must not be in it."""

    def __init__(self, fmt: str) -> None:
        self.fmt = fmt
        self.lines: list[str] = []
        self.secrets = {
            PASSWORD, _GUESS, _NAME, "Deshpande", "rohan@aarambh.example", "ROHAN@", "9822010006", "98220 10006",
            "203.0.113.7", "somebody@elsewhere.example",
        }  # fmt: skip

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@contextlib.asynccontextmanager
async def _running(app_url: str, served: _Served, home: Path) -> AsyncIterator[httpx2.AsyncClient]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {
        "PATH": os.environ["PATH"], "PORT": str(port), "KAKSHA_HOME": str(home), "KAKSHA_SECRET_KEY": "k" * 48,
        "LOG_FORMAT": served.fmt, "TRUSTED_PROXIES": "1", "PYTHONPATH": str(Path(__file__).parents[2]),
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SERVER, app_url, env=environ, stderr=asyncio.subprocess.PIPE, cwd=home, limit=1 << 20
    )

    async def read(pipe: asyncio.StreamReader) -> None:
        async for line in pipe:
            served.lines.append(line.decode().rstrip("\n"))

    assert process.stderr is not None
    reading = asyncio.create_task(read(process.stderr))
    headers = {"X-Forwarded-For": "203.0.113.7", "Accept-Language": "en", "Sec-Fetch-Site": "same-origin"}
    try:
        async with httpx2.AsyncClient(base_url=f"http://localhost:{port}", headers=headers, timeout=20) as client:
            async with asyncio.timeout(30):
                while True:
                    with contextlib.suppress(httpx2.TransportError):
                        if (await client.get("/readyz")).status_code == 200:
                            break
                    assert process.returncode is None, served.text
                    await asyncio.sleep(0.05)
            yield client
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()
        await reading


async def _sent(client: httpx2.AsyncClient, path: str, **options: Any) -> Any:
    """A request with what comes back as JSON, or the status of anything else."""
    answer = await client.post(path, **options)
    return answer.json()["data"] if answer.status_code == 200 else answer.status_code


async def _live_a_little(client: httpx2.AsyncClient, owner: asyncpg.Connection) -> set[str]:
    """People sign in, mistype, rename themselves - and a table is gone. Answers the secrets that went over the wire."""
    right, form = {"email": "rohan@aarambh.example", "password": PASSWORD}, {"login": "ROHAN@aarambh.example"}
    data = await _sent(client, "/v1/auth/login", json=right)
    for wrong in (
        {**right, "password": _GUESS}, {"phone": "98220 10006", "password": _GUESS},
        {"email": "somebody@elsewhere.example", "password": _GUESS}, {**right, "password": 5},
    ):  # fmt: skip
        assert await _sent(client, "/v1/auth/login", json=wrong) in (401, 422)
    cut, kind = json.dumps(right)[:-1], {"Content-Type": "application/json"}
    assert await _sent(client, "/v1/auth/login", content=cut, headers=kind) == 400
    family = await _sent(client, "/v1/auth/login", json={"phone": "98220 10006", "password": PASSWORD})
    assert await _sent(client, "/sign-in?next=/me", data={**form, "password": _GUESS}) == 401
    assert await _sent(client, "/sign-in", data={**form, "password": PASSWORD}) == 303
    cookie = client.cookies["kaksha_session"]
    bearer = {"Authorization": f"Bearer {data['accessToken']}"}
    assert (await client.patch("/v1/users/profile", json={"name": _NAME}, headers=bearer)).status_code == 200
    renewed = await _sent(client, "/v1/auth/refresh", json={"refreshToken": data["refreshToken"]})
    await owner.execute("alter table sessions rename to sessions_gone")
    try:
        assert await _sent(client, "/v1/auth/login", json=right) == 500
        assert await _sent(client, "/sign-in", data={**form, "password": PASSWORD}, headers={"Cookie": ""}) == 500
        assert await _sent(client, "/v1/auth/refresh", json={"refreshToken": renewed["refreshToken"]}) == 500
        assert (await client.patch("/v1/users/profile", json={"name": f"{_NAME}x"}, headers=bearer)).status_code == 500
    finally:
        await owner.execute("alter table sessions_gone rename to sessions")
        await owner.execute("update users set name = 'Rohan Deshpande' where name = $1", _NAME)
        await owner.execute("delete from rate_limits")
    return {cookie, family["profileTicket"]} | {
        tokens[kind] for tokens in (data, renewed) for kind in ("accessToken", "refreshToken")
    }


@pytest.fixture(scope="module")
async def logs(database: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, _Served]:
    """The logs of two servers, one in each format."""
    owner_url, app_url = database
    found = {fmt: _Served(fmt) for fmt in ("text", "json")}
    turn = asyncio.Lock()

    async def serve(served: _Served) -> None:
        async with _running(app_url, served, tmp_path_factory.mktemp(served.fmt)) as client, turn:
            owner = await asyncpg.connect(owner_url)
            try:
                served.secrets |= await _live_a_little(client, owner)
            finally:
                await owner.close()

    await asyncio.gather(*map(serve, found.values()))
    return found


@pytest.fixture(params=["text", "json"])
def served(logs: dict[str, _Served], request: pytest.FixtureRequest) -> _Served:
    return logs[request.param]


def test_requests_and_failures_are_in_the_log(served: _Served) -> None:
    assert served.text.count("/v1/auth/login") >= 6
    assert served.text.count("request.failed") >= 4
    assert "UndefinedTableError" in served.text


def test_no_secret_and_no_person_is_in_the_log(served: _Served) -> None:
    for secret in served.secrets:
        assert secret not in served.text, secret
        assert secret[:24] not in served.text or len(secret) < 40, secret


def test_every_line_for_machines_can_be_read(logs: dict[str, _Served]) -> None:
    events = [json.loads(line) for line in logs["json"].lines if line.startswith("{")]
    requests = [event for event in events if event["event"] == "request"]
    assert len(requests) > 10
    for event in requests:
        assert event.keys() == {"event", "level", "method", "ms", "request_id", "route", "status", "timestamp"}


@pytest.mark.parametrize(
    "key",
    ["password", "new_password", "accessToken", "refresh_token", "Authorization", "cookie", "set-cookie", "otp",
     "api_key", "razorpay_signature", "webhook_secret", "name", "phone", "email", "address", "body", "question"],
)  # fmt: skip
def test_values_under_private_names_are_replaced(key: str) -> None:
    assert redact(None, "info", {"event": "x", key: "value"})[key] == "[redacted]"


def test_what_operators_need_stays() -> None:
    event = {"event": "request", "route": "/v1/auth/login", "status": 200, "ms": 1.5, "request_id": "r", "rows": 3}
    assert redact(None, "info", dict(event)) == event
