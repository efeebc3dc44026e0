"""Make `kaksha_client/_sync` of `kaksha_client/_async`; `--check` only exits 1 on a difference.

The async code is written by hand; the sync code is the same with the words below replaced, line by line, so
that the two cannot drift. Formatting is ruff's, since lines get shorter.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "kaksha_client"
HEADER = "# Made by scripts/unasync.py of _async/{name}: change that one.\n"

# Whole words, in this order.
WORDS = {
    "async def": "def",
    "async with": "with",
    "async for": "for",
    "await ": "",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "aclose": "close",
    "AsyncIterator": "Iterator",
    "many tasks of one event loop": "many threads",
    r"(\w+)_async": r"\1",
    r"Async([A-Z]\w+)": r"\1",
}
RULES = [(re.compile(rf"\b{word}"), replacement) for word, replacement in WORDS.items()]
DOCSTRING = '"""The client with blocking calls, made by `scripts/unasync.py` of `_async`."""\n'


def unasync(source: str) -> str:
    for word, replacement in RULES:
        source = word.sub(replacement, source)
    return source


def tidy(source: str, path: Path) -> str:
    """Sorted imports and ruff's format, with the settings that hold at *path*."""
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format", "--quiet"]):
        done = subprocess.run(
            [*ruff, *command, "--stdin-filename", str(path), "-"],
            input=source,
            capture_output=True,
            text=True,
            check=True,
        )
        source = done.stdout
    return source


def main() -> int:
    check = "--check" in sys.argv[1:]
    wanted: dict[Path, str] = {}
    for written in sorted((PACKAGE / "_async").glob("*.py")):
        made = PACKAGE / "_sync" / written.name
        text = DOCSTRING if written.name == "__init__.py" else unasync(written.read_text(encoding="utf-8"))
        wanted[made] = tidy(HEADER.format(name=written.name) + text, made)

    present = set((PACKAGE / "_sync").glob("*.py"))
    wrong = sorted(present - wanted.keys())
    wrong += [path for path, text in wanted.items() if path not in present or path.read_text("utf-8") != text]
    for path in wrong:
        print(f"{'differs' if check else 'written'}: {path.relative_to(PACKAGE.parent)}")
        if not check:
            path.unlink(missing_ok=True)
            if path in wanted:
                path.parent.mkdir(exist_ok=True)
                path.write_text(wanted[path], encoding="utf-8")
    return 1 if check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
