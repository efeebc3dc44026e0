"""What goes over the wire, and what comes back."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from caller import Caller
from fault_server import FaultServer, Reply, Seen, failure, success

from kaksha_client import (
    AsyncKakshaClient,
    AuthenticationError,
    MemoryTokenStore,
    PermissionDenied,
    Profile,
    ProfileChoice,
    ServerError,
    SignIn,
    Tokens,
    ValidationError,
)

ASHA = {
    "id": "0193-asha",
    "name": "Asha",
    "email": "asha@aarambh.example",
    "phone": None,
    "roles": ["admin"],
    "instituteId": "0193-aarambh",
    "avatarUrl": None,
    "language": "hi",
    "addedByANewerServer": True,
}
SIGN_IN = {
    "user": ASHA,
    "accessToken": "access-2",
    "refreshToken": "refresh-2",
    "tokenType": "Bearer",
    "expiresIn": 600,
}


def test_every_call_has_the_headers(call: Caller, server: FaultServer, store: MemoryTokenStore) -> None:
    own = {**ASHA, "theme": "dark", "createdAt": "2026-04-01T04:30:00Z"}
    server.on("GET", "/v1/users/profile", success(own))
    user = call(lambda client: client.users.profile(), language="hi")
    assert user == Profile(
        id="0193-asha",
        name="Asha",
        email="asha@aarambh.example",
        roles=["admin"],
        institute_id="0193-aarambh",
        language="hi",
        theme="dark",
        created_at=datetime(2026, 4, 1, 4, 30, tzinfo=UTC),
    )
    [seen] = server.seen
    assert seen.headers["authorization"] == "Bearer access-1"
    assert seen.headers["accept-language"] == "hi"
    assert seen.headers["x-platform"] == "python"
    assert seen.headers["x-app-version"]
    assert seen.headers["x-device-id"] == store.device_id()
    assert uuid.UUID(seen.headers["x-request-id"]).version == 4
    assert "idempotency-key" not in seen.headers
    assert "content-type" not in seen.headers


def test_the_caller_may_name_device_version_and_platform(call: Caller, server: FaultServer) -> None:
    server.on("GET", "/v1/users/profile", success(ASHA))
    call(lambda client: client.users.profile(), device_id="desk-1", app_version="3.1", platform="kiosk")
    headers = server.seen[0].headers
    assert (headers["x-device-id"], headers["x-app-version"], headers["x-platform"]) == (
        "desk-1",
        "3.1",
        "kiosk",
    )


def test_sign_in(call: Caller, server: FaultServer, store: MemoryTokenStore) -> None:
    server.on("POST", "/v1/auth/login", success(SIGN_IN))
    answer = call(lambda client: client.auth.login(email="asha@aarambh.example", password="kaksha-demo"))
    assert isinstance(answer, SignIn)
    assert answer.user.id == "0193-asha"
    assert answer.expires_in == 600
    assert "access-2" not in repr(answer)
    assert store.load() == Tokens("access-2", "refresh-2", "0193-asha")
    [seen] = server.seen
    assert seen.body == {"email": "asha@aarambh.example", "password": "kaksha-demo"}
    assert seen.token is None
    assert "idempotency-key" not in seen.headers


def test_sign_in_with_a_shared_phone(call: Caller, server: FaultServer, store: MemoryTokenStore) -> None:
    profile = {"userId": "u-1", "name": "Rohan", "roles": ["student"], "instituteName": "Aarambh Classes"}
    choice = {
        "profiles": [profile, {**profile, "userId": "u-2", "name": "Meher"}],
        "profileTicket": "ticket-9",
    }
    server.on("POST", "/v1/auth/login", success(choice), success(SIGN_IN))
    answer = call(lambda client: client.auth.login(phone="+919800000001", password="kaksha-demo"))
    assert isinstance(answer, ProfileChoice)
    assert [found.name for found in answer.profiles] == ["Rohan", "Meher"]
    assert "ticket-9" not in repr(answer)
    assert store.load() == Tokens("access-1", "refresh-1", "0193-asha")
    call(lambda client: client.auth.login(profile_ticket=answer.profile_ticket, user_id="u-2"))
    assert server.seen[1].body == {"profileTicket": "ticket-9", "userId": "u-2"}
    assert store.load() == Tokens("access-2", "refresh-2", "0193-asha")


@pytest.mark.parametrize("everywhere", [False, True])
def test_sign_out(call: Caller, server: FaultServer, store: MemoryTokenStore, everywhere: bool) -> None:
    server.on("POST", "/v1/auth/logout", success(None))
    call(lambda client: client.auth.logout(everywhere=everywhere))
    assert server.seen[0].body == {"refreshToken": "refresh-1", "everywhere": everywhere}
    assert store.load() is None
    call(lambda client: client.auth.logout())  # once is enough
    assert len(server.seen) == 1


def test_sign_out_happens_here_even_if_the_server_is_down(
    call: Caller, server: FaultServer, store: MemoryTokenStore
) -> None:
    server.on("POST", "/v1/auth/logout", failure(500, "INTERNAL"))
    with pytest.raises(ServerError):
        call(lambda client: client.auth.logout())
    assert store.load() is None


def test_sign_out_of_a_sign_in_that_is_over(
    call: Caller, server: FaultServer, store: MemoryTokenStore
) -> None:
    server.on("POST", "/v1/auth/logout", failure(401, "TOKEN_REVOKED"))
    server.on("POST", "/v1/auth/refresh", failure(401, "TOKEN_REVOKED"))
    call(lambda client: client.auth.logout())
    assert store.load() is None
    store.save(Tokens("access-1", "refresh-1", "0193-asha"))
    with pytest.raises(AuthenticationError):  # here it matters: the others were not ended
        call(lambda client: client.auth.logout(everywhere=True))
    assert store.load() is None


def test_profile_is_changed_in_part(call: Caller, server: FaultServer) -> None:
    server.on("PATCH", "/v1/users/profile", success(ASHA))
    call(lambda client: client.users.update_profile(language="hi", theme="dark"))
    assert server.seen[0].body == {"language": "hi", "theme": "dark"}


SINGLE_THINGS: list[tuple[str, Callable[[Any], Any]]] = [
    ("/v1/users/dashboard/admin", lambda client: client.users.dashboard("admin")),
    ("/v1/students/s-1/dashboard", lambda client: client.students.dashboard("s-1")),
    ("/v1/teachers/t-1/dashboard", lambda client: client.teachers.dashboard("t-1")),
    ("/v1/parents/p-1/dashboard", lambda client: client.parents.dashboard("p-1")),
    ("/v1/batches/b-1", lambda client: client.batches.get("b-1")),
    ("/v1/institutes", lambda client: client.institutes.get()),
]


@pytest.mark.parametrize(("path", "method"), SINGLE_THINGS)
def test_single_things(call: Caller, server: FaultServer, path: str, method: Callable[[Any], Any]) -> None:
    server.on("GET", path, success({"id": "x"}))
    assert call(method) == {"id": "x"}


def test_lists(call: Caller, server: FaultServer) -> None:
    pagination = {"page": 2, "limit": 1, "total": 3, "totalPages": 3}
    server.on("GET", "/v1/batches", success([{"id": "b-2"}], pagination=pagination))
    server.on("GET", "/v1/subjects", success([{"id": "maths"}]))
    server.on("GET", "/v1/parents/p-1/children", success([{"id": "s-1"}]))
    page = call(lambda client: client.batches.list(page=2, limit=1))
    assert page.items == [{"id": "b-2"}]
    assert (page.pagination.page, page.pagination.total_pages) == (2, 3)
    assert server.seen[0].query == {"page": ["2"], "limit": ["1"]}
    assert call(lambda client: client.subjects.list()).items == [{"id": "maths"}]
    assert call(lambda client: client.parents.children("p-1")) == [{"id": "s-1"}]


def test_pages_are_read_as_they_are_needed(call: Caller, server: FaultServer) -> None:
    def page(seen: Seen) -> Reply:
        number = int(seen.query["page"][0])
        pagination = {"page": number, "limit": 2, "total": 5, "totalPages": 3}
        names = ["a", "b", "c", "d", "e"][2 * number - 2 : 2 * number]
        return success([{"id": name} for name in names], pagination=pagination)

    server.on("GET", "/v1/batches", page)
    if call.face == "sync":
        found = call(lambda client: [batch["id"] for batch in client.batches.iterate(limit=2)])
    else:

        async def collect(client: AsyncKakshaClient) -> list[str]:
            return [batch["id"] async for batch in client.batches.iterate(limit=2)]

        found = call(collect)
    assert found == ["a", "b", "c", "d", "e"]
    assert len(server.seen) == 3


def test_any_call(call: Caller, server: FaultServer) -> None:
    server.on("POST", "/v1/doubts", success({"id": "d-1"}, message="Kept"))
    answer = call(
        lambda client: client.request(
            "post", "/doubts", json={"id": uuid.UUID(int=1)}, params={"q": "a b", "none": None}
        )
    )
    assert (answer.data, answer.message) == ({"id": "d-1"}, "Kept")
    [seen] = server.seen
    assert seen.body == {"id": "00000000-0000-0000-0000-000000000001"}
    assert seen.query == {"q": ["a b"]}
    assert uuid.UUID(seen.headers["idempotency-key"])


def test_an_empty_answer_is_a_success(call: Caller, server: FaultServer) -> None:
    server.on("DELETE", "/v1/notifications/n-1", Reply(204))
    assert call(lambda client: client.request("DELETE", "/notifications/n-1")).data is None


@pytest.mark.parametrize("bad", ["", ".", ".."])
def test_an_id_cannot_lead_elsewhere(call: Caller, server: FaultServer, bad: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        call(lambda client: client.students.dashboard(bad))
    with pytest.raises(ValueError, match="slash"):
        call(lambda client: client.request("GET", "users/profile"))
    assert server.seen == []


def test_an_id_is_quoted(call: Caller, server: FaultServer) -> None:
    server.on("GET", "/v1/students/..%2Fadmin%3Fx/dashboard", success({}))
    assert call(lambda client: client.students.dashboard("../admin?x")) == {}


def test_errors_carry_what_the_server_said(call: Caller, server: FaultServer) -> None:
    fields = {"name": ["Name is missing"]}
    server.on("PATCH", "/v1/users/profile", failure(422, "INVALID_FIELDS", errors=fields))
    with pytest.raises(ValidationError) as caught:
        call(lambda client: client.users.update_profile(name=""))
    assert caught.value.details == fields
    assert caught.value.request_id == "req-1"
    server.on("GET", "/v1/users/dashboard/admin", failure(403, "ROLE_NOT_HELD"))
    with pytest.raises(PermissionDenied) as refused:
        call(lambda client: client.users.dashboard("admin"), language="hi")
    assert refused.value.code == "ROLE_NOT_HELD"
    assert refused.value.user_message == "आपको यह काम करने की अनुमति नहीं है।"


def test_an_answer_of_another_shape(call: Caller, server: FaultServer) -> None:
    server.on("GET", "/v1/users/profile", success({"id": 7}))
    with pytest.raises(ServerError) as caught:
        call(lambda client: client.users.profile())
    assert caught.value.code == "UNEXPECTED_ANSWER"
    assert len(server.seen) == 1


def test_the_log_holds_nothing_private(
    call: Caller, server: FaultServer, store: MemoryTokenStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "kaksha_client")
    server.on("POST", "/v1/auth/login", success(SIGN_IN))
    server.on("GET", "/v1/users/profile", success(ASHA))
    call(lambda client: client.auth.login(email="asha@aarambh.example", password="kaksha-demo"))
    call(
        lambda client: client.request(
            "GET", "/users/profile?phone=+919800000001", params={"email": "asha@aarambh.example"}
        )
    )
    lines = [record.getMessage() for record in caplog.records if record.name == "kaksha_client"]
    assert len(lines) == 2
    request_id = server.seen[1].headers["x-request-id"]
    assert lines[1].startswith("GET /users/profile 200 ")
    assert lines[1].endswith(f" ms {request_id}")
    for secret in ("access-", "refresh-", "kaksha-demo", "asha@", "9800000001"):
        assert secret not in lines[0] + lines[1]
