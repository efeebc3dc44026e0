"""The sandbox's SMS receivers: our own contract and MSG91's flow API, as strict as the providers are."""

import re
import secrets
from typing import Any, cast

import msgspec
from litestar import Request, post
from litestar.datastructures import State
from litestar.response import Response

from kaksha.gateways.segments import cost
from kaksha.sandbox.inbox import Fault, Faults, Inbox, Message

__all__ = ["generic", "msg91"]

_Request = Request[Any, Any, State]
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class _Sms(msgspec.Struct, rename="camel"):
    """The body of our contract (docs/operating/sms.md)."""

    to: str
    text: str
    reference: str
    kind: str = "notice"
    template_id: str | None = None
    values: dict[str, str] = {}
    encoding: str = ""
    segments: int = 0


@post("/sms", include_in_schema=False)
async def generic(request: _Request) -> Response[dict[str, Any]]:
    """Takes an SMS of our contract: 201 with an `id`, the same one for the same reference."""
    faults: Faults = request.app.state.faults
    if not request.headers.get("authorization", "").startswith("Bearer "):
        return _answer(401, code="unauthorized")
    fault = faults.take("sms")
    if fault is not None and fault.mode in _GENERIC:
        status, code = _GENERIC[fault.mode]
        return await _fail(faults, fault, _answer(status, code=code))
    try:
        sms = msgspec.json.decode(await request.body(), type=_Sms)
    except msgspec.MsgspecError as error:
        return _answer(400, code="malformed", message=str(error))
    price = cost(sms.text)
    if not _E164.fullmatch(sms.to) or (sms.encoding, sms.segments) != (price.encoding, price.segments):
        return _answer(422, code="bad_number" if not _E164.fullmatch(sms.to) else "encoding or segments")
    kept = _keep(request, sms.to, sms.text, sms.reference, {"kind": sms.kind, "template": sms.template_id or ""})
    return await _fail(faults, fault, _answer(201, id=f"sandbox-{kept.id}", segments=price.segments))


_GENERIC = {
    "signin": (401, "unauthorized"), "credit": (402, "out_of_credit"), "refuse": (422, "bad_number"),
    "reject": (422, "reject"), "tempfail": (503, "trouble"), "limit": (429, "too_many"), "hang": (503, "too_slow"),
}  # fmt: skip


@post(["/api/v5/flow", "/api/v5/flow/"], include_in_schema=False)
async def msg91(request: _Request) -> Response[dict[str, Any]]:
    """Takes what MSG91's flow API takes. Its templates are the provider's: the inbox shows the variables."""
    faults: Faults = request.app.state.faults
    fault = faults.take("sms")
    if not request.headers.get("authkey") or (fault is not None and fault.mode == "signin"):
        unauthorized = {"status": "fail", "hasError": True, "errors": "Unauthorized", "code": "207", "apiError": "207"}
        return Response(unauthorized, status_code=401)
    if fault is not None and fault.mode in _MSG91:
        status, code = _MSG91[fault.mode]
        return await _fail(faults, fault, _answer(status, type="error", message="from the sandbox", code=code))
    try:
        template, recipients = _flow(await request.body())
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError):
        return _answer(200, type="error", message="template_id or recipients missing", code="101")
    numbers = [recipient.pop("mobiles") for recipient in recipients]
    if not recipients or not all(re.fullmatch(r"[1-9][0-9]{9,14}", number) for number in numbers):
        return _answer(200, type="error", message="invalid mobile number", code="202")
    for number, values in zip(numbers, recipients, strict=True):
        text = "\n".join(f"{name}: {value}" for name, value in values.items())
        _keep(request, f"+{number}", text, "", {"template": template, **values})
    return await _fail(faults, fault, _answer(200, type="success", message=secrets.token_hex(12)))


_MSG91 = {
    "refuse": (200, "202"), "credit": (200, "301"), "reject": (200, "310"), "tempfail": (500, "601"),
    "limit": (429, ""), "hang": (503, ""),
}  # fmt: skip


def _flow(body: bytes) -> tuple[str, list[dict[str, str]]]:
    flow = cast("dict[str, Any]", msgspec.json.decode(body))
    return str(flow["template_id"]), [
        {"mobiles": str(recipient["mobiles"]), **{name: str(value) for name, value in recipient.items()}}
        for recipient in cast("list[dict[str, Any]]", flow["recipients"])
    ]


def _keep(request: _Request, to: str, text: str, reference: str, facts: dict[str, str]) -> Message:
    inbox: Inbox = request.app.state.inbox
    message = Message(
        at=inbox.clock(), channel="sms", to=to, sender="", subject="", text=text, key=reference,
        facts={name: value for name, value in facts.items() if value}, segments=cost(text).segments,
    )  # fmt: skip
    return inbox.add(message)


async def _fail(faults: Faults, fault: Fault | None, answer: Response[dict[str, Any]]) -> Response[dict[str, Any]]:
    """The answer, as late and with the Retry-After that the fault says."""
    if fault is not None and fault.mode == "limit":
        answer.headers["Retry-After"] = str(round(fault.seconds))
    elif fault is not None and fault.mode in ("slow", "hang", "lost"):
        await faults.pass_time(fault)
    return answer


def _answer(status: int, **body: Any) -> Response[dict[str, Any]]:
    return Response(body, status_code=status)
