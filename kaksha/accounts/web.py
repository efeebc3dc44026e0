"""Pages: sign in, choose a profile, sign out, me."""

import msgspec
from litestar import Router, get, post
from litestar.response import Response

from kaksha.accounts import service
from kaksha.accounts.models import Account, Profile, ProfileChange, ProfileChoice, SignIn, SignOut
from kaksha.core.cookies import next_page, session_cookie
from kaksha.core.db import Actor
from kaksha.core.errors import AppError, Invalid, NotSignedIn, TooMany
from kaksha.core.failures import reasons, text
from kaksha.core.http import NOTICES, Request, allow, form, let_in, public, see_other
from kaksha.core.i18n import N_
from kaksha.core.ids import new_id
from kaksha.sessions import service as sessions

NOTICES.update({"profile-saved": N_("Saved."), "signed-out": N_("You are signed out.")})


@get("/sign-in", guards=public("this is how one signs in"))
async def sign_in_page(request: Request) -> Response[bytes]:
    if request.maybe_me is not None:
        return see_other(next_page(request.query_params.get("next")))
    return _sign_in_page(request, "", {}, None)


@post("/sign-in", guards=public("this is how one signs in"))
async def sign_in(request: Request) -> Response[bytes]:
    given = await request.form()
    login = str(given.get("login", "")).strip()
    email, phone = (login, None) if "@" in login else (None, login)
    body = SignIn(email=email, phone=phone, password=str(given.get("password", "")) or None)
    try:
        proven = await service.prove(request.core, body, request.place)
    except (Invalid, sessions.WrongSignIn, service.WaitingForApproval, TooMany) as error:
        return _again(request, login, error)
    if isinstance(proven, ProfileChoice):
        return request.page("accounts/choose.html", choice=proven, next=next_page(request.query_params.get("next")))
    return await _enter(request, proven)


@post("/sign-in/profile", guards=public("the ticket is the proof"))
async def choose(request: Request) -> Response[bytes]:
    body = await form(request, SignIn)
    if body.profile_ticket is None:
        return see_other("/sign-in")
    try:
        proven = await service.prove(request.core, body, request.place)
    except (Invalid, NotSignedIn, service.WaitingForApproval) as error:
        return _again(request, "", error)
    assert isinstance(proven, Account)
    return await _enter(request, proven)


@post("/sign-out", guards=allow())
async def sign_out(request: Request) -> Response[bytes]:
    actor = Actor(request.me.user_id, request.request_id)
    await sessions.sign_out(request.core, request.me, SignOut(), actor)
    response = see_other("/sign-in", "signed-out")
    response.set_cookie(session_cookie(request.core.settings, "", 0))
    return response


@get("/me", guards=allow())
async def me_page(request: Request) -> Response[bytes]:
    async with request.read() as conn:
        profile = msgspec.json.decode(await service.profile_json(conn, request.me), type=Profile)
    return request.page("accounts/me.html", profile=profile, errors={}, idem=new_id())


@post("/me", guards=allow())
async def change_me(request: Request) -> Response[bytes]:
    try:
        body = await form(request, ProfileChange)
    except Invalid as error:
        async with request.read() as conn:
            profile = msgspec.json.decode(await service.profile_json(conn, request.me), type=Profile)
        errors = reasons(request.lang, error.problems)
        return request.page("accounts/me.html", status=422, profile=profile, errors=errors, idem=new_id())
    async with request.write() as tx:
        await service.change_profile(tx, request.me, body)
        answer = await tx.see_other("/me", "profile-saved")
    await request.core.ears.settled()  # the page that follows shows the new name, language and look
    return answer


def _again(request: Request, login: str, error: AppError) -> Response[bytes]:
    """The sign-in page with what was wrong."""
    errors = reasons(request.lang, error.problems) if isinstance(error, Invalid) else {}
    if "email" in errors or "phone" in errors:
        errors["login"] = errors.pop("phone", None) or errors.pop("email")
    response = _sign_in_page(request, login, errors, None if errors else text(request.lang, error), error.status)
    response.headers.update(error.headers)
    return response


def _sign_in_page(
    request: Request, login: str, errors: dict[str, list[str]], failure: str | None, status: int = 200
) -> Response[bytes]:
    return request.page(
        "accounts/sign_in.html", status=status, login=login, errors=errors, failure=failure,
        demo_people=request.app.state.demo_people, inbox_url=request.app.state.inbox_url,
    )  # fmt: skip


async def _enter(request: Request, account: Account) -> Response[bytes]:
    actor = Actor(account.id, request.request_id)
    secret = await sessions.open_web(request.core, account, sessions.device_of(request.headers), actor)
    return let_in(request, secret.text, sessions.WEB_LIFE, next_page(request.query_params.get("next")))


routes = Router(
    "/", route_handlers=[sign_in_page, sign_in, choose, sign_out, me_page, change_me], include_in_schema=False
)
