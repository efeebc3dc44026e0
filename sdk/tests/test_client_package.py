from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import kaksha_client

SDK = Path(__file__).resolve().parent.parent


def test_all_is_what_is_visible() -> None:
    visible = {
        name
        for name, value in vars(kaksha_client).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert set(kaksha_client.__all__) == visible | {"__version__"}
    assert kaksha_client.__all__ == sorted(kaksha_client.__all__)


def test_the_sync_client_is_made_of_the_async_one() -> None:
    done = subprocess.run(
        [sys.executable, SDK / "scripts" / "unasync.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_two_clients_have_the_same_methods() -> None:
    def methods(client: object) -> set[str]:
        names = {f"{name}.{method}" for name, part in vars(client).items() for method in dir(part)}
        return {name for name in names if "._" not in name and not name.startswith("_")}

    blocking = kaksha_client.KakshaClient(base_url="http://kaksha.example")
    awaiting = kaksha_client.AsyncKakshaClient(base_url="http://kaksha.example")
    assert methods(blocking) == methods(awaiting)
    assert {"auth.login", "batches.iterate", "students.dashboard"} <= methods(blocking)
    blocking.close()


def test_the_import_brings_nothing_heavy() -> None:
    code = (
        "import sys, httpx2, msgspec; before = set(sys.modules); import kaksha_client;"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "print(*sorted(new - sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["kaksha_client"]


def test_it_is_typed() -> None:
    assert (Path(kaksha_client.__file__).parent / "py.typed").exists()
