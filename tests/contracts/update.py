"""Writes anew what the guards compare: `python -m tests.contracts.update`, then look at `git diff`. Never in CI.

The guards that make a file write it instead of comparing; lists of debts lose what was paid and never gain a line.
"""

import os
import subprocess
import sys

from tests.contracts.source import ROOT


def main() -> int:
    if os.environ.get("CI"):
        sys.stderr.write("CI compares; it never writes.\n")
        return 2
    environment = {**os.environ, "KAKSHA_CONTRACTS": "update"}
    command = [sys.executable, "-m", "pytest", "tests/contracts", "-p", "no:cacheprovider", "-k", "committed or owed"]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    subprocess.run(["git", "status", "--short"], cwd=ROOT, check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
