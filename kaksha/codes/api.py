"""JSON routes of /auth that prove by a code or a link."""

from litestar import Router, post
from litestar.params import JSONBody
from litestar.response import Response

from kaksha.accounts import service as accounts
from kaksha.accounts.models import ProfileChoice, SecondStep, SignedIn
from kaksha.codes import service
from kaksha.codes.models import ChangePassword, CodeSent, EnterCode, Forgot, RequestCode, ResetPassword, VerifyEmail
from kaksha.core.db import Actor
from kaksha.core.http import Ok, Request, allow, public
from kaksha.core.i18n import N_, gettext
from kaksha.sessions import service as sessions

SENT = N_("If we know this e-mail or phone, a message is on its way.")
_PROOF = "the code or link is the proof"


@post("/auth/forgot-password", status_code=200, guards=public("one has forgotten the password"))
async def forgot_password(request: Request, data: JSONBody[Forgot]) -> Ok[None]:
    """Ask for a link to set a new password. The answer does not tell whether the e-mail or phone is known."""
    email, phone = accounts.identity(data.email, data.phone)
    await service.forgot(request.core, email, phone, request.address, request.lang)
    return Ok(data=None, message=gettext(request.lang, SENT))


@post("/auth/reset-password", status_code=200, guards=public(_PROOF))
async def reset_password(request: Request, data: JSONBody[ResetPassword]) -> Ok[None]:
    """Set a new password with the token of the link; all sign-ins of that person end."""
    await service.reset_password(request.core, data.token, data.password, Actor(None, request.request_id))
    return Ok(data=None)


@post("/auth/change-password", status_code=200, guards=allow())
async def change_password(request: Request, data: JSONBody[ChangePassword]) -> Response[Ok[None]]:
    """Replace one's own password; one's other sign-ins end."""
    await request.replay()  # the old password is no longer right when the answer got lost
    password_hash = await service.new_hash(request.core, request.me, data)
    async with request.write() as tx:
        await service.change_password(tx, request.me, password_hash)
        return await tx.answer(Ok(data=None))


@post("/auth/verify-email", status_code=200, guards=public(_PROOF))
async def verify_email(request: Request, data: JSONBody[VerifyEmail]) -> Ok[None]:
    """Verify an e-mail with the token of the link."""
    await service.verify_email(request.core, data.token, Actor(None, request.request_id))
    return Ok(data=None)


@post("/auth/verify-email/resend", status_code=200, guards=allow())
async def resend_verification(request: Request) -> Response[Ok[None]]:
    """Send the link that verifies one's e-mail again."""
    person = await sessions.account(request.core.db, request.me.institute_id, request.me.user_id)
    async with request.write() as tx:
        await service.resend_verification(tx, request.me, person)
        return await tx.answer(Ok(data=None))


@post("/auth/otp/request", status_code=200, guards=public("this is how one signs in"))
async def request_code(request: Request, data: JSONBody[RequestCode]) -> Ok[CodeSent]:
    """Ask for a one-time code by SMS. The answer does not tell whether the phone is known."""
    _, phone = accounts.identity(None, data.phone)
    sent = await service.request_code(request.core, phone or "", request.place, request.lang)
    return Ok(data=sent)


@post("/auth/otp/verify", status_code=200, guards=public(_PROOF))
async def verify_code(request: Request, data: JSONBody[EnterCode]) -> Ok[SignedIn | ProfileChoice | SecondStep]:
    """Sign in with the code. Several people may share the phone: then choose a profile at /auth/login."""
    proven = await service.prove_code(request.core, data, request.place)
    if isinstance(proven, ProfileChoice):
        return Ok(data=proven)
    actor = Actor(proven.id, request.request_id)
    return Ok(data=await sessions.open_api(request.core, proven, sessions.device_of(request.headers), actor))


routes = Router(
    "/v1",
    route_handlers=[
        forgot_password, reset_password, change_password, verify_email, resend_verification, request_code, verify_code,
    ],
    tags=["accounts"],
)  # fmt: skip
