"""The source tree as the guards see it: features, modules, syntax trees."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "kaksha"

FEATURE_FILES = frozenset({"__init__", "models", "queries", "service", "api", "web", "webhook", "jobs", "live"})
"""The only names that a feature's modules may have (DESIGN, The tree)."""

OWN_LISTS: dict[str, frozenset[str]] = {
    "core": frozenset([
        "__init__", "agents", "answers", "audit", "clock", "cookies", "db", "edge", "errors", "failures",
        "filenames", "gate", "health", "html", "http", "i18n", "ids", "jobs", "limits", "live", "logs", "migrate", "multipart", "openapi",
        "passwords", "pictures", "pool", "postgres", "postgres_files", "ranges", "repeats", "seal", "settings",
        "sniffing", "statics", "tokens", "totp", "validation",
    ]),
    "gateways": frozenset([
        "__init__", "mail", "mail_content", "places", "resilience", "scanner", "segments", "sms", "sms_content", "sms_providers",
        "storage", "stores",
    ]),
    "sandbox": frozenset([
        "__init__", "cast", "demo", "doctor", "emulators", "inbox", "inbox_page", "names", "operating", "planting",
        "queries", "rolling", "seeding", "sms", "smtp",
    ]),
    "timetable": FEATURE_FILES | {"solver"},
}  # fmt: skip
"""Packages with names of their own, each listed: a new one is a decision, not an accident."""


def packages() -> list[str]:
    """All packages directly under `kaksha`."""
    return sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))


def features() -> list[str]:
    """The packages with business in them."""
    return [name for name in packages() if name not in ("core", "gateways", "sandbox")]


def modules(*parts: str) -> list[Path]:
    """All Python files of the package, or of a part of it."""
    return sorted(PACKAGE.joinpath(*parts).rglob("*.py"))


def dotted(path: Path) -> str:
    """`kaksha/fees/queries.py` is `kaksha.fees.queries`, a package's `__init__.py` the package."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def docstrings(module: ast.Module) -> set[int]:
    """The ids of the nodes that are docstrings, also those under a field or a constant."""
    return {
        id(node.value)
        for owner in ast.walk(module)
        if isinstance(owner, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for node in owner.body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def strings(module: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, text) of every string that is not a docstring, the fixed parts of f-strings among them."""
    skipped = docstrings(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value
