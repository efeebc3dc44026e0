"""JSON routes: /auth and one's own profile."""

from litestar import Router, get, patch, post, put
from litestar.params import JSONBody
from litestar.response import Response

from kaksha.accounts import service
from kaksha.accounts.models import (
    Profile,
    ProfileChange,
    ProfileChoice,
    Refresh,
    SecondStep,
    SignedIn,
    SignIn,
    SignOut,
)  # fmt: skip
from kaksha.core.db import Actor
from kaksha.core.http import Ok, Request, allow, public, raw
from kaksha.sessions import service as sessions


@post("/auth/login", status_code=200, guards=public("this is how one signs in"))
async def login(request: Request, data: JSONBody[SignIn]) -> Ok[SignedIn | ProfileChoice | SecondStep]:
    """Sign in with e-mail or phone and password. Several people may share a phone: then choose a profile."""
    proven = await service.prove(request.core, data, request.place)
    if isinstance(proven, ProfileChoice):
        return Ok(data=proven)
    actor = Actor(proven.id, request.request_id)
    return Ok(data=await sessions.open_api(request.core, proven, sessions.device_of(request.headers), actor))


@post("/auth/refresh", status_code=200, guards=public("the refresh token is the proof"))
async def refresh(request: Request, data: JSONBody[Refresh]) -> Ok[SignedIn]:
    """New tokens for a refresh token, which is used up by it."""
    actor = Actor(None, request.request_id)
    return Ok(data=await sessions.refresh(request.core, data.refresh_token, actor))


@post("/auth/logout", status_code=200, guards=allow())
async def logout(request: Request, data: JSONBody[SignOut | None] = None) -> Ok[None]:
    """End this sign-in, that of a refresh token, or all of one's own."""
    actor = Actor(request.me.user_id, request.request_id)
    await sessions.sign_out(request.core, request.me, data or SignOut(), actor)
    return Ok(data=None)


@get("/users/profile", guards=allow())
async def profile(request: Request) -> Ok[Profile]:
    """One's own record."""
    async with request.read() as conn:
        return Ok(data=raw(Profile, await service.profile_json(conn, request.me)))


async def _change(request: Request, body: ProfileChange) -> Response[Ok[Profile]]:
    async with request.write() as tx:
        await service.change_profile(tx, request.me, body)
        answer = await tx.answer(Ok(data=raw(Profile, await service.profile_json(tx.conn, request.me))))
    await request.core.ears.settled()
    return answer


@patch("/users/profile", guards=allow())
async def patch_profile(request: Request, data: JSONBody[ProfileChange]) -> Response[Ok[Profile]]:
    """Change one's own name, language or theme; what is absent stays."""
    return await _change(request, data)


@put("/users/profile", guards=allow())
async def put_profile(request: Request, data: JSONBody[ProfileChange]) -> Response[Ok[Profile]]:
    """The same as PATCH."""
    return await _change(request, data)


routes = Router("/v1", route_handlers=[login, refresh, logout, profile, patch_profile, put_profile], tags=["accounts"])
