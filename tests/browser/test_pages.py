"""Every page of every role, and their states: light enough, narrow enough, readable for everyone, silent."""

from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from bench.browser import JS_LIMIT, ROLES, TRANSFER_LIMIT, Walker, overflow, walk
from tests.browser.conftest import Phones

_AXE = Path(str(resources.files("axe_playwright_python"))) / "axe.min.js"
_RUN = """async rules => {
  const only = rules ? { runOnly: { type: "rule", values: rules } } : {};
  const { violations } = await axe.run(document, { ...only, resultTypes: ["violations"] });
  const said = one => one.nodes.map(node => `${node.html.slice(0, 120)} ${node.any[0]?.message ?? ""}`).join(" | ");
  return violations.map(one => `${one.id} (${one.impact}): ${said(one)}`);
}"""
_LEAST = {"nobody": 5, "student": 5, "teacher": 6, "parent": 6, "admin": 25}
"""Pages of each role that must at least be found: a walk that finds nothing proves nothing."""


async def axe(page: Page, *rules: str) -> list[str]:
    """What axe has against the page; of all rules, or of these alone."""
    found: Any = await page.evaluate(_RUN, list(rules) or None)
    return found


@pytest.mark.parametrize("role", ROLES)
async def test_every_page(phones: Phones, role: str) -> None:
    first = await phones.open(ROLES[role], color_scheme="light")
    await first.context.add_init_script(path=_AXE)
    walker = await Walker.open(first.context, phones.world.url)
    page, seen, wrong = walker.page, 0, list[str]()
    await page.set_viewport_size({"width": 360, "height": 740})
    async for visit in walk(walker, role):
        seen += 1
        faults = list(visit.complaints)
        if visit.transferred > TRANSFER_LIMIT or visit.script > JS_LIMIT:
            faults.append(f"weighs {visit.transferred} bytes, {visit.script} of them scripts")
        faults += await axe(page)
        await page.emulate_media(color_scheme="dark")
        faults += [f"dark: {one}" for one in await axe(page, "color-contrast")]
        await page.emulate_media(color_scheme="light")
        for width in (360, 320):
            await page.set_viewport_size({"width": width, "height": 740})
            if pixels := await overflow(page):
                faults.append(f"{pixels} px too wide at {width}")
        await page.set_viewport_size({"width": 360, "height": 740})
        wrong += [f"{visit.name}: {fault}" for fault in faults]
    assert not wrong, "\n".join(wrong)
    assert seen >= _LEAST[role]
