"""The reference pages under docs/ that are made from the code: error codes, settings, the API."""

import ast
import inspect
import itertools
import re
from typing import Any

from kaksha.core.errors import AppError, every_error
from kaksha.core.settings import Settings
from tests.contracts.app import routes
from tests.contracts.source import PACKAGE, tree

_MADE = "<!-- Made by `python -m tests.contracts.update`: change the code, not this page. -->"
_ADVICE = {
    400: "Correct the request: it is no JSON, or no form, that can be read.",
    401: "Sign in (again); a client refreshes its token once and repeats the call.",
    403: "Nothing to repeat: the caller may not do this. Use an account that may.",
    404: "Check the id. What the caller may not know of is answered the same.",
    405: "Use a verb that this path takes (`/openapi.json`).",
    409: "Read the present state again, then decide whether the change still makes sense.",
    410: "Nothing to repeat: ask for a new one.",
    412: "Speak the version that `Tus-Version` names.",
    413: "Send less, or in parts.",
    415: "Send `application/json`, or `multipart/form-data` where files are taken.",
    416: "Ask for a range inside the size that `Content-Range` names.",
    422: "Correct the fields that `errors` names, then send again.",
    460: "Send the same piece again.",
    429: "Wait for the seconds that `Retry-After` says.",
    500: "Tell the operator the `requestId`; the log has the rest.",
    502: "Try again later: a provider failed.",
    503: "Try again after `Retry-After` seconds.",
    504: "Try again later: a provider did not answer in time.",
}
_OWN_ADVICE = {
    "IDEMPOTENCY_KEY_REUSED": "Give every new request a key of its own; repeat an old one with the same body.",
    "IDEMPOTENCY_KEY_IN_FLIGHT": "Wait a moment, then repeat with the same key.",
    "CROSS_SITE_REQUEST": "Send forms from pages of this server only.",
    "ACCOUNT_PENDING": "Wait until an admin of the institute has approved the account.",
    "INVALID_CREDENTIALS": "Try again, or set a new password.",
    "REFRESH_TOKEN_REUSED": "Sign in again; keep only the newest refresh token.",
    "SESSION_EXPIRED": "Sign in again.",
}


def errors_page() -> str:
    """docs/errors.md: every code with its status, text and what to do."""
    rows: dict[tuple[int, str], tuple[str, str]] = {}
    for error in sorted(our_errors(), key=lambda error: (error.status, error.code, error.__qualname__)):
        rows.setdefault((error.status, error.code), (error.text, _why(error)))
    lines = [
        f"| `{code}` | {status} | {_cell(text)} | {_cell(f'{why} {_OWN_ADVICE.get(code, _ADVICE[status])}'.strip())} |"
        for (status, code), (text, why) in rows.items()
    ]
    head = [
        "# Error codes", "", _MADE, "",
        "A failure is `{success: false, message, code, errors?, requestId}` with the status below; `code` is stable,"
        " `message` is for people and comes in their language.", "",
        "| code | status | text | what to do |", "|---|---|---|---|",
    ]  # fmt: skip
    return "\n".join([*head, *lines]) + "\n"


def our_errors() -> list[type[AppError]]:
    """Every error of the application (tests define their own)."""
    routes()  # imports all of it
    return [error for error in every_error() if error.__module__.startswith("kaksha.")]


def _why(error: type[AppError]) -> str:
    """What the class itself says; not what it inherits."""
    said = error.__dict__.get("__doc__") or ""
    return "" if error is AppError else " ".join(inspect.cleandoc(said).split("\n\n")[0].split())


def settings_page() -> str:
    """docs/operating/settings.md: every variable, its default and what it does."""
    defaults = _defaults()
    lines = [
        f"| `{variable}` | {_cell(defaults[variable])} | {_cell(said)} |"
        for variable, said in sorted(settings().items())
    ]
    head = [
        "# Settings", "", _MADE, "",
        "From the environment, else from `.env` in the working folder; an empty value counts as unset. The start is"
        " refused with every problem named at once.", "",
        "| variable | when unset | meaning |", "|---|---|---|",
    ]  # fmt: skip
    return "\n".join([*head, *lines]) + "\n"


def settings() -> dict[str, str]:
    """Variable -> meaning, from the docstrings of the fields; each ends with its variable's name in capitals."""
    found: dict[str, str] = {}
    owner = next(node for node in tree(PACKAGE / "core" / "settings.py").body if _named(node, "Settings"))
    body = owner.body  # type: ignore[attr-defined]
    for field, said in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant):
            text = " ".join(str(said.value.value).split())
            names = re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\b(?=[.,]|$)", text)
            variable = next((name for name in names if name.lower().removeprefix("kaksha_") == field.target.id), "")  # type: ignore[union-attr]
            found[variable] = re.sub(rf"\s*\b{variable}\b\.?$", "", text) if variable else text
    return found


def undocumented_settings() -> list[str]:
    """Fields without a docstring that names their variable."""
    return [name for name in Settings.__struct_fields__ if not any(_field(known) == name for known in settings())]


def _field(variable: str) -> str:
    return variable.lower().removeprefix("kaksha_")


def _named(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.ClassDef) and node.name == name


def _defaults() -> dict[str, str]:
    """Variable -> the default as the source of `load` says it."""
    found: dict[str, str] = {}
    for node in ast.walk(tree(PACKAGE / "core" / "settings.py")):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "take":
            name, default = node.args[0], node.args[2]
            said = ast.unparse(default)
            shown = {"None": "-", "''": "-", "()": "-", "Path('var')": "`./var`", "1 << 20": "`1048576`"}.get(said)
            if isinstance(default, ast.JoinedStr):
                shown = f"`{said[2:-1]}`".replace("{port}", "$PORT")
            found[name.value] = shown or f"`{said.strip(chr(39))}`"  # type: ignore[attr-defined]
    return found


def api_page(document: dict[str, Any], methods: dict[str, str]) -> str:
    """docs/api/operations.md: every operation with who may call it and its method in the client."""
    who = {f"{route.method} {openapi_path(route.path)}": str(route.policy) for route in routes()}
    lines: list[str] = []
    groups: dict[str, list[str]] = {}
    for path, item in sorted(document["paths"].items()):
        for verb, operation in item.items():
            name = f"{verb.upper()} {path}"
            said = operation.get("description") or operation.get("summary") or ""
            caller = who[name].partition(":")[0]
            method = methods.get(name)
            row = f"| `{name}` | {caller} | {_cell(said)} | {f'`client.{method}()`' if method else '-'} |"
            groups.setdefault((operation.get("tags") or ["other"])[0], []).append(row)
    for tag, rows in sorted(groups.items()):
        lines += [f"## {tag}", "", "| operation | who | what | client |", "|---|---|---|---|", *rows, ""]
    head = [
        "# Operations", "", _MADE, "",
        "The whole description, with bodies and answers, is `/openapi.json`; `/docs` shows it.", "",
    ]  # fmt: skip
    return "\n".join([*head, *lines]).rstrip() + "\n"


def openapi_path(path: str) -> str:
    """`/v1/batches/{batch_id:uuid}` as the description writes it."""
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
