"""Templates: compiled, titled and translated by tests/core; here what a page may hold (no inline code, plain forms)."""

import re

import pytest

from kaksha.core import html, i18n
from tests.contracts.committed import settle

_BRACES = re.compile(r"\{#.*?#\}|\{%.*?%\}", re.DOTALL)
_VALUE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_FRAMES = frozenset({"core/document.html", "core/layout.html", "core/plain.html"})
_PARTS = frozenset({"core/parts.html", "core/notices.html"})
_SIGNED_OUT = frozenset({
    "accounts/sign_in.html", "accounts/choose.html", "codes/forgot.html", "codes/reset.html", "codes/verify.html",
    "codes/phone.html", "codes/code.html", "joining/enter.html", "joining/join.html",
    "devices/second_step.html", "devices/second_factor_setup.html", "deliveries/unsubscribe.html",
})  # fmt: skip
"""Their forms change nothing of a person's; `request.write()`, which reads the key, needs one. The set-up of a second
step answers a repetition by itself: its answer holds secrets and must not be kept."""


def source_of(name: str) -> str:
    loader = html._environment("en").loader
    assert loader is not None
    return loader.get_source(html._environment("en"), name)[0]


def plain(name: str) -> str:
    """The template's markup: statements and comments gone, each value a `§`."""
    return _BRACES.sub("", _VALUE.sub("§", source_of(name)))


def tags(name: str, tag: str) -> list[str]:
    """The attributes of each such element, as written."""
    return re.findall(rf"<{tag}\b((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>", plain(name))


def test_there_are_templates() -> None:
    found = html.templates()
    assert len(found) >= 12
    pages = [name for name in found if name not in _PARTS and name not in _FRAMES]
    frameless = [
        name
        for name in pages
        if not re.search(r'\{% extends "core/(layout|plain|document)\.html" %\}', source_of(name))
    ]
    assert not [name for name in frameless if "<html" in plain(name)], (
        "a page extends core/layout.html or core/plain.html"
    )
    for name in pages:
        if "{% extends" in source_of(name):
            assert "{% block title %}" in source_of(name), f"{name} needs a title"


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
def test_every_template_compiles(lang: str) -> None:
    for name in html.templates():
        html._environment(lang).get_template(name)


def test_no_inline_code() -> None:
    """The Content-Security-Policy refuses it, silently, in the browser only."""
    wrong = []
    for name in html.templates():
        text = plain(name)
        if re.search(r"<style\b|\sstyle\s*=|\son[a-z]+\s*=|\shx-on|\bjavascript:", text, re.IGNORECASE):
            wrong.append(f"{name}: inline style, handler or javascript:")
        for inside in re.findall(r"<script\b[^>]*>(.*?)</script>", text, re.DOTALL | re.IGNORECASE):
            if inside.strip():
                wrong.append(f"{name}: an inline script")
        if any(
            "src=" not in attributes and 'type="application/json"' not in attributes
            for attributes in tags(name, "script")
        ):
            wrong.append(f"{name}: a script without src")
    assert not wrong, "\n".join(wrong)


def test_nothing_is_loaded_from_elsewhere() -> None:
    wrong = [
        f"{name}: {found}"
        for name in html.templates()
        for found in re.findall(
            r"\s(?:src|srcset|action|formaction|poster|hx-\w+)\s*=\s*[\"'](?:https?:)?//[^\"']*", plain(name)
        )
    ]
    wrong += [
        f"{name}: <link {attributes.strip()}>"
        for name in html.templates()
        for attributes in tags(name, "link")
        if re.search(r"href=[\"'](?:https?:)?//", attributes)
    ]
    assert not wrong, f"pages load and send to our own origin only: {wrong}"


def test_forms_are_get_or_post_to_us() -> None:
    seen, wrong = 0, []
    for name in html.templates():
        for attributes in tags(name, "form"):
            seen += 1
            method = re.search(r"method\s*=\s*[\"']?(\w+)", attributes, re.IGNORECASE)
            action = re.search(r"action\s*=\s*[\"']([^\"']*)", attributes)
            if method is None or method[1].lower() not in ("get", "post"):
                wrong.append(f"{name}: a form says method get or post: {attributes.strip()}")
            if action is not None and not action[1].startswith(("/", "§")):
                wrong.append(f"{name}: a form's action is a path of ours: {attributes.strip()}")
    assert seen >= 3, "saw hardly any form"
    assert not wrong, "\n".join(wrong)


def test_owed_forms_with_a_key() -> None:
    """Sent twice by a double press or a bad network, a form has one effect (SPEC 1): `_idem` beside its fields."""
    seen, wrong = 0, []
    for name in (name for name in html.templates() if not name.startswith("sandbox/")):
        for attributes, inside in re.findall(r"<form\b([^>]*)>(.*?)</form>", plain(name), re.DOTALL):
            if not re.search(r"method\s*=\s*[\"']?post", attributes, re.IGNORECASE):
                continue
            seen += 1
            if name not in _SIGNED_OUT and "_idem" not in inside and "/sign-out" not in attributes:
                action = re.search(r"action\s*=\s*[\"']([^\"']*)", attributes)
                wrong.append(f"{name} {action[1] if action else ''}".strip())
    assert seen >= 2, "saw hardly any POST form"
    settle("forms", wrong, "a form that changes something carries a hidden field `_idem` with a new value each time")
