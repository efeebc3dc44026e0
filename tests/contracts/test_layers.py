"""Imports point down only, and features meet at `service` and `models` only."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import grimp

from tests.contracts.committed import settle
from tests.contracts.source import ROOT, features

_MEET = frozenset({"service", "models"})
_WITHIN: dict[str, frozenset[str]] = {
    "__init__": frozenset(),
    "models": frozenset(),
    "queries": frozenset({"models"}),
    "service": frozenset({"queries", "models"}),
    "api": frozenset({"service", "queries", "models"}),
    "web": frozenset({"service", "queries", "models"}),
    "webhook": frozenset({"service", "queries", "models"}),
    "jobs": frozenset({"service", "queries", "models"}),
    "live": frozenset({"service", "queries", "models"}),
}
"""What a feature's file may import of its own feature (DESIGN, the table of files)."""
_ASSEMBLED = frozenset({"service", "models", "api", "web", "webhook", "jobs", "live"})
"""What `main` and `cli` may take of a feature."""


@cache
def _imports() -> list[tuple[str, str]]:
    graph = grimp.build_graph("kaksha", cache_dir=None)
    return [
        (module, other) for module in sorted(graph.modules) for other in graph.find_modules_directly_imported_by(module)
    ]


def _place(module: str) -> tuple[str, str]:
    """(feature, file) of a module; outside of features the file is empty."""
    parts = module.split(".")
    if len(parts) > 1 and parts[1] in features():
        return parts[1], parts[2] if len(parts) > 2 else "__init__"
    return (parts[1] if len(parts) > 1 else ""), ""


def test_imports_point_down_only() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120"},
    )  # fmt: skip
    assert done.returncode == 0, f"a lower layer imports a higher one (see .importlinter):\n{done.stdout}{done.stderr}"
    assert "2 kept, 0 broken" in done.stdout, done.stdout


def test_features_meet_at_service_and_models_only() -> None:
    seen = 0
    wrong: list[str] = []
    for module, other in _imports():
        (feature, file), (theirs, part) = _place(module), _place(other)
        if not part or feature == theirs:
            continue
        seen += 1
        allowed = _ASSEMBLED if module in ("kaksha.main", "kaksha.worker", "kaksha.cli") else _MEET
        if file in ("models", "queries"):
            allowed = frozenset({"models"})  # rules are a service's business
        if part not in allowed:
            wrong.append(f"{module} imports {other}")
    assert seen >= 3, "saw no feature import another: is the graph empty?"
    assert not wrong, "features meet at service and models only; ask for what you need there:\n" + "\n".join(wrong)


def test_owed_order_within_a_feature() -> None:
    seen = 0
    wrong: list[str] = []
    for module, other in _imports():
        (feature, file), (theirs, part) = _place(module), _place(other)
        if not (file and part and feature == theirs):
            continue
        seen += 1
        if part not in _WITHIN.get(file, _WITHIN["service"]) and part != "__init__":
            wrong.append(f"{module} imports {other}")
    assert seen >= 8, "saw hardly any import within a feature: is the graph empty?"
    settle("imports", wrong, "a feature's files import downwards: api, web, jobs > service > queries > models")


def test_gateways_are_called_by_verbs_only() -> None:
    callers = {_place(module) for module, other in _imports() if other.startswith("kaksha.gateways.")}
    wrong = {f"{feature}.{file}" for feature, file in callers if file not in ("", "service", "jobs", "webhook")}
    assert not wrong, f"only service, jobs and webhook call the outside: {sorted(wrong)}"
