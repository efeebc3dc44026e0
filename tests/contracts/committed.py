"""Committed outputs and lists of debts: the guards compare them, `python -m tests.contracts.update` writes them."""

import difflib
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.contracts.source import ROOT

HERE = Path(__file__).parent
UPDATING = os.environ.get("KAKSHA_CONTRACTS") == "update"
AGAIN = "run `python -m tests.contracts.update`, look at the difference, and commit it"


def compare(path: Path, made: str) -> None:
    """Fails with the difference when the committed file is not what is made now."""
    __tracebackhide__ = True
    kept = path.read_text("utf-8") if path.is_file() else ""
    if made == kept:
        return
    if UPDATING:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made, "utf-8")
        return
    name = path.relative_to(ROOT).as_posix()
    lines = list(difflib.unified_diff(kept.splitlines(), made.splitlines(), f"{name} (committed)", "now", lineterm=""))
    shown = "\n".join(lines[:60])
    raise AssertionError(f"{name} is not what the code makes now: {AGAIN}.\n{shown}")


def owed(name: str) -> set[str]:
    """The lines of `pending/<name>.txt`."""
    path = HERE / "pending" / f"{name}.txt"
    if not path.is_file():
        return set()
    return {line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")}


def settle(name: str, missing: Iterable[str], what: str, *, grows: bool = False) -> None:
    """Holds a list of debts against what really is missing: nothing beyond it, nothing paid, never longer than before.

    `what` says how a missing line is made good. A list that `grows` may become longer: what it waits for is made last.
    """
    __tracebackhide__ = True
    missing = set(missing)
    path = HERE / "pending" / f"{name}.txt"
    where = path.relative_to(ROOT).as_posix()
    if UPDATING:
        lines = sorted(owed(name) & missing if path.is_file() and not grows else missing)
        path.write_text("".join(f"{line}\n" for line in [f"# at most {len(lines)}; may only shrink", *lines]), "utf-8")
    kept = owed(name)
    assert not missing - kept, f"missing: {sorted(missing - kept)}\n{what}"
    assert not kept - missing, f"{where} names what is there now: {sorted(kept - missing)}\n{AGAIN}"
    text = path.read_text("utf-8") if path.is_file() else ""
    most = re.match(r"# at most (\d+);", text)
    assert most, f"{where} must begin with `# at most N; may only shrink`: {AGAIN}"
    assert int(most[1]) == len(kept), f"{where} says at most {most[1]} and holds {len(kept)}: correct the number"
    least = min(_ever(where), default=len(kept))
    assert grows or len(kept) <= least, f"{where} once held {least} and may only shrink; it holds {len(kept)}"


def _ever(where: str) -> list[int]:
    """How many the list held in each commit that changed it; nothing where there is no history."""
    try:
        log = subprocess.run(
            ["git", "log", "--format=", "-p", "--", where], cwd=ROOT, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return []
    return [int(number) for number in re.findall(r"^\+# at most (\d+);", log.stdout, re.MULTILINE)]
