"""`make shots`: every page as each role sees it, on three screens in two lights, and what each of them costs.

1. start `kaksha demo` on a home and a port of its own;
2. sign in as each role, and follow the links from page to page (bench.browser finds what no link leads to);
3. write shots/<role>/<page>-<width>-<light|dark>.png;
4. print the table; exit 1 when a page complains on the console, is wider than its screen or weighs too much.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.error import URLError

import msgspec
from playwright.async_api import Browser, Page, async_playwright

from bench.browser import JS_LIMIT, ROLES, TRANSFER_LIMIT, Visit, Walker, chromium, launch, overflow, sign_in, walk
from kaksha.sandbox.cast import the_cast

_ROOT = Path(__file__).resolve().parent.parent
_WIDTHS = {360: 740, 768: 1024, 1280: 800}
"""Screens: width and height."""
_NARROWEST = 320
_TALLEST = 6000
_START_SECONDS = 60


class Shot(msgspec.Struct):
    """A line of the table."""

    role: str
    visit: Visit
    overflows: dict[int, int]

    @property
    def faults(self) -> list[str]:
        """What is wrong with it, in words."""
        found = [f"says: {text}" for text in self.visit.complaints]
        found += [f"{pixels} px too wide at {width}" for width, pixels in self.overflows.items()]
        if self.visit.transferred > TRANSFER_LIMIT or self.visit.script > JS_LIMIT:
            found.append("too heavy")
        return found


@contextlib.contextmanager
def demo() -> Iterator[str]:
    """The address of a running `kaksha demo`; nothing of it is left afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="kaksha-shots-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # PostgreSQL's own account must get through
        log = home / "log"
        environment = {
            "PATH": os.defpath, "HOME": folder, "PYTHONPATH": str(_ROOT), "KAKSHA_HOME": str(home / "var"),
            "PORT": str(port), "LOG_LEVEL": "warning",
        }  # fmt: skip
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "kaksha.cli", "demo"], cwd=folder, env=environment, stdout=output, stderr=output
            )
        try:
            base = f"http://localhost:{port}"
            _until_ready(process, base, log)
            yield base
        finally:
            process.terminate()
            process.wait(30)


def _until_ready(process: subprocess.Popen[bytes], base: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(URLError, OSError), urllib.request.urlopen(f"{base}/readyz", timeout=5):
            return
        time.sleep(0.1)
    raise SystemExit(f"the demo did not start:\n{log.read_text(errors='replace')[-2000:]}")


async def _shoot(page: Page, file: Path, width: int, height: int, theme: str) -> None:
    """The whole page, as on a screen that is as tall as it: so that what sticks to the bottom lies at its end."""
    await page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    await page.set_viewport_size({"width": width, "height": height})
    tall = await page.evaluate("document.documentElement.scrollHeight")
    if tall > height:
        await page.set_viewport_size({"width": width, "height": min(tall, _TALLEST)})
    await page.screenshot(path=file, animations="disabled")


async def _role(browser: Browser, base: str, role: str, options: argparse.Namespace) -> list[Shot]:
    """All pages of one role, in one browser context."""
    folder = options.folder / (f"{role}-{options.language}" if options.language else role)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    context = await browser.new_context(service_workers="block", locale=options.language or "en")
    walker = await Walker.open(context, base)
    page = walker.page
    person = next((one for plan in the_cast(_today()) for one in plan.people if one.key == ROLES[role]), None)
    if person is not None:
        assert person.email
        await sign_in(page, base, person.email)
        if options.language:
            await page.goto(f"{base}/me")
            await page.locator(f"[name=language][value={options.language}]").check()
            await page.locator("form[action='/me'] button").click()
            await page.wait_for_load_state()
    shots: list[Shot] = []
    async for visit in walk(walker, role, options.only):
        wide: dict[int, int] = {}
        for theme in ("light", "dark"):
            for width, height in _WIDTHS.items():
                await _shoot(page, folder / f"{visit.name}-{width}-{theme}.png", width, height, theme)
                if theme == "light" and (pixels := await overflow(page)):
                    wide[width] = pixels
        await page.set_viewport_size({"width": _NARROWEST, "height": 640})
        if pixels := await overflow(page):
            wide[_NARROWEST] = pixels
        shots.append(Shot(role, visit, wide))
    await context.close()
    return shots


def _today() -> date:
    return datetime.now(UTC).date()


async def _all(base: str, options: argparse.Namespace) -> list[Shot]:
    """The roles side by side: each waits mostly for its own pictures."""
    async with async_playwright() as playwright:
        executable = chromium(playwright)
        if executable is None:
            raise SystemExit("Chromium is missing: on Debian `apt install chromium`, or `playwright install chromium`")
        browser = await launch(playwright, executable)
        roles = [role for role in ROLES if role in (options.role or ROLES)]
        found = await asyncio.gather(*(_role(browser, base, role, options) for role in roles))
        await browser.close()
    return [shot for of_role in found for shot in of_role]


def _table(shots: list[Shot]) -> str:
    rows = [["role", "page", "status", "KiB", "JS KiB", "found"]]
    for shot in shots:
        visit = shot.visit
        weights = [f"{size / 1024:.1f}" for size in (visit.transferred, visit.script)]
        rows.append([shot.role, visit.name, str(visit.status), *weights, "; ".join(shot.faults) or "-"])
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines: list[str] = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        cells += [cell.rjust(width) for cell, width in zip(row[2:5], widths[2:], strict=True)]
        lines.append("  ".join([*cells, row[5]]))
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.shots", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--role", action="append", choices=list(ROLES), help="only this role; may be given repeatedly")
    parser.add_argument("--only", default="", help="pages whose name fits this regular expression")
    parser.add_argument("--language", choices=["en", "hi"], help="for everybody, instead of each person's own")
    parser.add_argument("--folder", type=Path, default=_ROOT / "shots")
    return parser.parse_args()


def main() -> None:
    """Takes the shots and says what they found."""
    options = _options()
    began = time.monotonic()
    with demo() as base:
        shots = asyncio.run(_all(base, options))
    print(_table(shots))
    pictures = len(shots) * len(_WIDTHS) * 2
    print(f"\n{len(shots)} pages, {pictures} pictures in {options.folder}, {time.monotonic() - began:.0f} s")
    if faulty := [shot for shot in shots if shot.faults]:
        raise SystemExit(f"{len(faulty)} pages are not as they should be")


if __name__ == "__main__":
    main()
