"""The limit: the same answers from a bare ASGI application, as one would write it with nothing but these in mind.

The same uvicorn, driver, role, row-level security and statements as Kaksha (its queries are imported), the same proof
checked on each request, the same bytes in the body (what an answer holds is imported too: it is the API's). No
framework: no routing table, policies, request ids, logs, metrics, ETags, flood gates or failure envelopes.
"""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import jwt
import msgspec
import uvicorn

from kaksha.accounts import queries
from kaksha.accounts.models import Device, Person, Refresh, SignIn
from kaksha.attendance import service as attendance
from kaksha.attendance.models import MarkBody
from kaksha.core import audit, limits
from kaksha.core.clock import Clock, local_date, system_clock
from kaksha.core.db import Actor, Write
from kaksha.core.gate import ACCESS
from kaksha.core.http import Ok, Pagination, Principal, paged, raw
from kaksha.core.ids import UUID, new_id
from kaksha.core.passwords import verify_password
from kaksha.core.seal import Keys
from kaksha.core.settings import Settings, load
from kaksha.core.tokens import Opaque, Tokens
from kaksha.home import queries as home
from kaksha.notifications import queries as notices
from kaksha.notifications.service import cursor
from kaksha.registers import queries as registers
from kaksha.sessions import queries as sessions, service
from kaksha.sessions.service import SIGN_IN_LIFE

_SIGN_INS = limits.Limit("sign-in", 10, timedelta(seconds=30))
_NO_TIMES: Any = {"verify_exp": False, "verify_iat": False}
"""The end of a token is compared on each request, not only when it is first seen."""
_decode_refresh = msgspec.json.Decoder(Refresh).decode
_decode_sign_in = msgspec.json.Decoder(SignIn).decode
_decode_marks = msgspec.json.Decoder(MarkBody).decode


class _Connection(asyncpg.Connection):
    """Remembers the institute it is set to."""

    __slots__ = ("tenant",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant: UUID | None = None


class Limit:
    """The application."""

    def __init__(self, settings: Settings, clock: Clock = system_clock) -> None:
        self._settings = settings
        self._clock = clock
        self._keys = Keys(settings.secret_key)
        self._tokens = Tokens(self._keys)
        self._jwt_key = self._keys.derive(f"jwt:{ACCESS}")
        self._known: dict[str, dict[str, Any]] = {}
        """Verified tokens; more than there are people in a bench, so nothing is ever dropped."""
        self._pool: asyncpg.Pool[Any]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        headers = dict(scope["headers"])
        path: str = scope["path"]
        if path == "/v1/auth/refresh":
            body = await self._refresh(await _body(receive))
        elif path == "/v1/auth/login":
            body = await self._sign_in(await _body(receive), headers[b"x-forwarded-for"].decode())
        elif path == "/v1/notifications":
            body = await self._notices(headers)
        elif path.endswith("/attendance/mark"):
            body = await self._mark(path, headers, await _body(receive))
        elif path.endswith("/attendance"):
            body = await self._attendance(path, headers)
        else:
            body = await self._dashboard(path, headers)
        status = 200 if body is not None else 401
        body = body or b"{}"
        length = str(len(body)).encode()
        sent = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": body})

    async def _dashboard(self, path: str, headers: dict[bytes, bytes]) -> bytes | None:
        claims = self._claims(headers[b"authorization"][7:].decode())
        now = self._clock()
        if claims["exp"] <= now.timestamp() or "student" not in claims["rol"]:
            return None
        user_id, institute_id = claims["ids"]
        student_id = UUID(path[13:49])
        today = local_date(now, claims["zon"])
        async with self._connection(institute_id) as conn:
            found = await home.student_dashboard(conn, institute_id, student_id, user_id, False, today, now)
        return None if found is None else b'{"success":true,"data":' + found.encode() + b"}"

    async def _notices(self, headers: dict[bytes, bytes]) -> bytes | None:
        claims = self._claims(headers[b"authorization"][7:].decode())
        now = self._clock()
        if claims["exp"] <= now.timestamp():
            return None
        user_id, institute_id = claims["ids"]
        async with self._connection(institute_id) as conn:
            found = await notices.page(conn, institute_id, user_id, now, claims["lng"], False, None, 1, 20)
        further = cursor(found["last_at"], found["last_id"]) if found["more"] else None
        return msgspec.json.encode(paged(raw(list[Any], found["items"]), 1, 20, found["total"], further))

    async def _attendance(self, path: str, headers: dict[bytes, bytes]) -> bytes | None:
        claims = self._claims(headers[b"authorization"][7:].decode())
        now = self._clock()
        if claims["exp"] <= now.timestamp():
            return None
        user_id, institute_id = claims["ids"]
        async with self._connection(institute_id) as conn:
            row = await registers.student(
                conn, institute_id, UUID(path[13:49]), user_id, False, False, local_date(now, claims["zon"]), now, None,
                None, None, None, 1, 20,
            )  # fmt: skip
        if row is None:
            return None
        further = cursor(row["last_at"], row["last_id"]) if row["more"] else None
        pagination = Pagination(1, 20, row["total"], -(-row["total"] // 20), further)
        return b'{"success":true,"data":%b,"pagination":%b}' % (row["data"].encode(), msgspec.json.encode(pagination))

    async def _mark(self, path: str, headers: dict[bytes, bytes], body: bytes) -> bytes | None:
        claims = self._claims(headers[b"authorization"][7:].decode())
        now = self._clock()
        if claims["exp"] <= now.timestamp() or "teacher" not in claims["rol"]:
            return None
        user_id, institute_id = claims["ids"]
        me = Principal(user_id, institute_id, user_id, frozenset(claims["rol"]), frozenset(), "en", claims["exp"])
        async with self._connection(institute_id) as conn, conn.transaction():
            tx = Write(conn, institute_id, Actor(user_id), now, self._keys)
            result = await attendance.mark(tx, me, UUID(path[12:48]), _decode_marks(body))
        return msgspec.json.encode(Ok(data=result))

    def _claims(self, token: str) -> dict[str, Any]:
        known = self._known.get(token)
        if known is None:
            known = jwt.decode(
                token, self._jwt_key, algorithms=["HS256"], audience=ACCESS, issuer="kaksha", options=_NO_TIMES
            )
            known["ids"] = UUID(known["sub"]), UUID(known["iid"])
            self._known[token] = known
        return known

    async def _refresh(self, body: bytes) -> bytes | None:
        now = self._clock()
        token = self._tokens.parse("rt", _decode_refresh(body).refresh_token)
        successor = self._tokens.successor("rt", token)
        async with self._connection(token.institute_id) as conn:
            row = await sessions.rotate(conn, token.institute_id, token.hash, successor.hash, now, now + SIGN_IN_LIFE)
        return None if row is None else self._signed_in(row.person, row.session_id, row.changed_at, successor, now)

    async def _sign_in(self, body: bytes, address: str) -> bytes | None:
        now = self._clock()
        given = _decode_sign_in(body)
        async with self._connection(None) as conn:
            await limits.take(conn, _SIGN_INS, f"{given.email}/{address}", now)
            candidates = await queries.find_sign_ins(conn, given.email, None)
        if not candidates or not await verify_password(given.password or "", candidates[0]["password_hash"]):
            return None
        institute_id: UUID = candidates[0]["institute_id"]
        user_id: UUID = candidates[0]["user_id"]
        refresh = self._tokens.opaque("rt", institute_id)
        session_id, until = new_id(), now + SIGN_IN_LIFE
        async with self._connection(institute_id) as conn:
            await sessions.account(conn, institute_id, user_id)
            async with conn.transaction():
                await sessions.hold_user(conn, institute_id, user_id)
                person = await sessions.account(conn, institute_id, user_id)
                if person is None:
                    return None
                await sessions.insert_session(
                    conn, institute_id, session_id, user_id, "api", None, "student", Device(), now, until
                )
                tx = Write(conn, institute_id, Actor(user_id), now, self._keys)
                await audit.record(tx, "session.opened", session_id, after={"kind": "api", "platform": None})
                await sessions.insert_refresh_token(conn, institute_id, refresh.hash, session_id, now, until)
        return self._signed_in(person, session_id, None, refresh, now)

    def _signed_in(
        self, person: Person, session_id: UUID, changed_at: datetime | None, refresh: Opaque, now: datetime
    ) -> bytes:
        answer = service._signed_in(self._tokens, person, session_id, changed_at, refresh, now)
        return msgspec.json.encode(Ok(data=answer))

    @contextlib.asynccontextmanager
    async def _connection(self, institute_id: UUID | None) -> AsyncIterator[Any]:
        """A connection that is set to the institute."""
        async with self._pool.acquire() as proxy:
            conn: _Connection = proxy._con
            if conn.tenant != institute_id:
                value = "" if institute_id is None else str(institute_id)
                await conn.fetchval("select set_config('app.institute_id', $1, false)", value)
                conn.tenant = institute_id
            yield conn

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        self._pool = await asyncpg.create_pool(
            self._settings.database_url,
            min_size=0,
            max_size=self._settings.database_pool_size,
            connection_class=_Connection,
            statement_cache_size=512,
            max_cached_statement_lifetime=0,
            reset=_keep,
            server_settings={"application_name": "bench-limit", "jit": "off"},
        )
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _keep(_: Any) -> None:
    """No reset between uses, as in Kaksha."""


async def _body(receive: Any) -> bytes:
    message = await receive()
    body: bytes = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    return body


def main() -> None:
    """Serves with the settings that Kaksha gets, on the same uvicorn (`kaksha.worker.serve_on`)."""
    settings = load()
    config = uvicorn.Config(
        Limit(settings), host=settings.host, port=settings.port, loop="uvloop", http="httptools",
        ws="websockets-sansio", access_log=False, proxy_headers=False, log_level="warning", server_header=False,
        date_header=True,
    )  # fmt: skip
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
