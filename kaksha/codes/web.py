"""Pages: sign in by code, forgotten and new passwords, a verified e-mail, change of password."""

from typing import Any

from litestar import Router, get, post
from litestar.response import Response

from kaksha.accounts import service as accounts
from kaksha.accounts.models import Account, ProfileChoice
from kaksha.codes import service
from kaksha.codes.models import ChangePassword, EnterCode, Forgot, RequestCode, ResetPassword, VerifyEmail
from kaksha.core.cookies import next_page
from kaksha.core.db import Actor
from kaksha.core.errors import AppError, Invalid, NotSignedIn, TooMany
from kaksha.core.failures import reasons, text
from kaksha.core.http import NOTICES, Request, allow, form, let_in, public, see_other
from kaksha.core.i18n import N_
from kaksha.core.ids import new_id
from kaksha.institutes.models import spoken
from kaksha.sessions import service as sessions

NOTICES.update(
    {
        "password-set": N_("Your new password is set. Please sign in with it."),
        "password-changed": N_("Your password is changed, and your other sign-ins have ended."),
        "email-verified": N_("Your e-mail is confirmed."),
        "verification-sent": N_("A message with a link is on its way to your e-mail."),
    }
)
_PROOF = "the code or link is the proof"
_SIGN_IN = "this is how one signs in"


@get("/forgot-password", guards=public("one has forgotten the password"))
async def forgot_page(request: Request) -> Response[bytes]:
    return request.page("codes/forgot.html", login="", errors={}, failure=None, sent=False)


@post("/forgot-password", guards=public("one has forgotten the password"))
async def forgot(request: Request) -> Response[bytes]:
    login = str((await request.form()).get("login", "")).strip()
    given = Forgot(email=login) if "@" in login else Forgot(phone=login)
    try:
        email, phone = accounts.identity(given.email, given.phone)
        await service.forgot(request.core, email, phone, request.address, request.lang)
    except (Invalid, TooMany) as error:
        errors = _errors(request, error, login="login")
        return _shown(request, "codes/forgot.html", error, errors, login=login, sent=False)
    return request.page("codes/forgot.html", login=login, errors={}, failure=None, sent=True)


@get("/reset-password", guards=public(_PROOF))
async def reset_page(request: Request) -> Response[bytes]:
    return request.page("codes/reset.html", token=request.query_params.get("token", ""), errors={}, failure=None)


@post("/reset-password", guards=public(_PROOF))
async def reset(request: Request) -> Response[bytes]:
    token = str((await request.form()).get("token", ""))
    try:
        body = await form(request, ResetPassword)
        await service.reset_password(request.core, body.token, body.password, Actor(None, request.request_id))
    except (Invalid, service.LinkOver) as error:
        return _shown(request, "codes/reset.html", error, _errors(request, error), token=token)
    return see_other("/sign-in", "password-set")


@get("/verify-email", guards=public(_PROOF))
async def verify_page(request: Request) -> Response[bytes]:
    """Asks for a press: mail scanners open links, and must not use them up."""
    return request.page("codes/verify.html", token=request.query_params.get("token", ""), errors={}, failure=None)


@post("/verify-email", guards=public(_PROOF))
async def verify(request: Request) -> Response[bytes]:
    try:
        body = await form(request, VerifyEmail)
        await service.verify_email(request.core, body.token, Actor(None, request.request_id))
    except (Invalid, service.LinkOver) as error:
        return _shown(request, "codes/verify.html", error, {}, token="")
    return see_other("/me" if request.maybe_me else "/sign-in", "email-verified")


@post("/me/verify-email", guards=allow())
async def resend(request: Request) -> Response[bytes]:
    person = await sessions.account(request.core.db, request.me.institute_id, request.me.user_id)
    async with request.write() as tx:
        await service.resend_verification(tx, request.me, person)
        return await tx.see_other("/me", "verification-sent")


@get("/me/password", guards=allow())
async def password_page(request: Request) -> Response[bytes]:
    return request.page("codes/password.html", errors={}, failure=None, idem=new_id())


@post("/me/password", guards=allow())
async def change_password(request: Request) -> Response[bytes]:
    try:
        body = await form(request, ChangePassword)
        await request.replay()
        password_hash = await service.new_hash(request.core, request.me, body)
    except (Invalid, TooMany) as error:
        return _shown(request, "codes/password.html", error, _errors(request, error), idem=new_id())
    async with request.write() as tx:
        await service.change_password(tx, request.me, password_hash)
        return await tx.see_other("/me", "password-changed")


@get("/sign-in/code", guards=public(_SIGN_IN))
async def phone_page(request: Request) -> Response[bytes]:
    return request.page("codes/phone.html", phone="", errors={}, failure=None)


@post("/sign-in/code", guards=public(_SIGN_IN))
async def send_code(request: Request) -> Response[bytes]:
    given = str((await request.form()).get("phone", "")).strip()
    try:
        body = await form(request, RequestCode)
        _, phone = accounts.identity(None, body.phone)
        sent = await service.request_code(request.core, phone or "", request.place, request.lang)
    except (Invalid, TooMany) as error:
        return _shown(request, "codes/phone.html", error, _errors(request, error), phone=given)
    return request.page("codes/code.html", phone=spoken(phone), challenge=sent.challenge, errors={}, failure=None)


@post("/sign-in/code/enter", guards=public(_PROOF))
async def enter_code(request: Request) -> Response[bytes]:
    given = await request.form()
    try:
        body = await form(request, EnterCode)
        proven = await service.prove_code(request.core, body, request.place)
        if isinstance(proven, ProfileChoice):
            return request.page("accounts/choose.html", choice=proven, next=next_page(request.query_params.get("next")))
        return await _enter(request, proven)
    except (Invalid, NotSignedIn, TooMany, accounts.WaitingForApproval) as error:
        return _shown(
            request, "codes/code.html", error, _errors(request, error),
            phone=str(given.get("phone", "")), challenge=str(given.get("challenge", "")),
        )  # fmt: skip


async def _enter(request: Request, account: Account) -> Response[bytes]:
    actor = Actor(account.id, request.request_id)
    secret = await sessions.open_web(request.core, account, sessions.device_of(request.headers), actor)
    return let_in(request, secret.text, sessions.WEB_LIFE, next_page(request.query_params.get("next")))


def _errors(request: Request, error: AppError, **names: str) -> dict[str, list[str]]:
    """Each bad field's reasons, under the name that the page's form has for it."""
    if not isinstance(error, Invalid):
        return {}
    known = {"email": names.get("login", "email"), "phone": names.get("login", "phone")}
    return {known.get(field, field): whys for field, whys in reasons(request.lang, error.problems).items()}


def _shown(
    request: Request, template: str, error: AppError, errors: dict[str, list[str]], **context: Any
) -> Response[bytes]:
    """The page again, with what was wrong."""
    failure = None if errors else text(request.lang, error)
    response = request.page(template, status=error.status, errors=errors, failure=failure, **context)
    response.headers.update(error.headers)
    return response


routes = Router(
    "/",
    route_handlers=[
        forgot_page, forgot, reset_page, reset, verify_page, verify, resend, password_page, change_password, phone_page,
        send_code, enter_code,
    ],
    include_in_schema=False,
)  # fmt: skip
