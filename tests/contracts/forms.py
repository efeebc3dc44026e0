"""The forms of the pages, as a browser finds and fills them."""

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import httpx2
import msgspec

from tests.contracts.given import SAMPLES, ask
from tests.world import World


class Form(msgspec.Struct):
    """A form as a page shows it: where it goes, and what a browser would send without a key being pressed."""

    method: str
    action: str
    fields: dict[str, list[str]]

    def filled(self) -> dict[str, Any]:
        """With something sensible in the fields that are empty."""
        samples = {key: str(value) for key, value in SAMPLES.items()}
        return {
            name: [samples.get(re.split(r"[.\[]", name)[-1], "")] if values == [""] else values
            for name, values in self.fields.items()
        }


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._form: Form | None = None
        self._select: tuple[str, list[str], list[str]] | None = None
        self._area: str | None = None
        self._radios: dict[str, str] = {}
        """The first choice of each group, for those where none is made."""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        name, value = said.get("name"), said.get("value")
        if tag == "a" and said.get("href"):
            self.links.append(said["href"] or "")
        if tag == "form":
            self._form = Form((said.get("method") or "get").lower(), said.get("action") or "", {})
            self.forms.append(self._form)
        if self._form is None:
            return
        if tag == "select" and name:
            self._select = (name, [], [])
        elif tag == "option" and self._select is not None:
            self._select[1].append(value or "")
            if "selected" in said:
                self._select[2].append(value or "")
        elif tag == "textarea" and name:
            self._area = name
            self._form.fields[name] = [""]
        elif tag == "input" and name and said.get("type") in ("checkbox", "radio"):
            if "checked" in said:
                self._form.fields.setdefault(name, []).append(value or "on")
            elif said.get("type") == "radio":
                self._radios.setdefault(name, value or "on")
        elif tag == "input" and name and said.get("type") not in ("submit", "button"):
            self._form.fields.setdefault(name, []).append(value or "")
        elif tag == "button" and name:
            self._form.fields.setdefault(name, [value or ""])

    def handle_data(self, data: str) -> None:
        if self._area and self._form is not None:
            self._form.fields[self._area] = [self._form.fields[self._area][0] + data]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._form is not None:
            for name, value in self._radios.items():
                self._form.fields.setdefault(name, [value])
            self._form, self._radios = None, {}
        elif tag == "textarea":
            self._area = None
        elif tag == "select" and self._select is not None and self._form is not None:
            name, options, selected = self._select
            chosen = selected or [option for option in options if option][:1] or [""]
            self._form.fields.setdefault(name, []).extend(chosen[:1])
            self._select = None


async def crawled(world: World, key: str, most: int = 200) -> tuple[dict[str, str], list[Form]]:
    """(page -> its text, forms) of everything that somebody reaches from their home by links."""
    who = await world.pages(key)
    waiting, seen, forms = ["/home", "/me"], {}, []
    while waiting and len(seen) < most:
        address = waiting.pop(0)
        if address in seen:
            continue
        answer = await ask(who, "GET", address)
        seen[address] = answer.text
        if answer.status_code != 200 or not answer.headers["content-type"].startswith("text/html"):
            continue
        page = _Page(answer.text)
        links = [httpx2.URL(world.url + address).join(link) for link in page.links]
        here = [link for link in links if str(link).startswith(world.url + "/")]
        waiting += [link.raw_path.decode() for link in here if not re.search(r"[?&](lang|page|sort|day)=", str(link))]
        for form in page.forms:
            form.action = httpx2.URL(world.url + address).join(form.action or address).raw_path.decode()
            forms.append(form)
            if form.method == "get" and "q" in form.fields and "q=" not in address:
                asked = {name: values[0] for name, values in form.fields.items()} | {"q": "Spare"}
                waiting.append(f"{form.action.partition('?')[0]}?{urlencode(asked)}")
    return seen, forms
