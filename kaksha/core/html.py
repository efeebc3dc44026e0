"""Pages: what every template knows about its reader, how one is rendered, and which tabs each role has.

A page is `kaksha/<feature>/pages/<name>.html`, called `<feature>/<name>.html`. It extends `core/layout.html`
(signed in) or `core/plain.html` (signed out), fills `title` and `main`, and writes texts as `_("…")`. The
parts that pages are made of (fields, rows, icons …) are macros of `core/parts.html`, there for every page as
`ui`.

There is one Jinja environment a language, so that `_` and the macros need to be told nothing. Templates are
compiled once a process and not watched: restart to see a change.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound, pass_context
from jinja2.loaders import split_template_path
from jinja2.runtime import Context
from markupsafe import Markup

from kaksha.core import i18n
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID

__all__ = ["ROLES", "TABS", "Me", "Profile", "Tab", "View", "asset", "part", "render", "tabs", "templates"]

_PACKAGE = Path(__file__).parents[1]
_STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Another person who signs in with the same phone or e-mail; the reader may switch to them."""

    id: UUID
    name: str
    institute_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """The signed-in reader, as the frame of a page shows them."""

    id: UUID
    name: str
    institute_name: str
    role: str
    """The one they act in now; `roles` are all that they hold."""
    roles: tuple[str, ...]
    permissions: tuple[str, ...] = ()
    second_step: bool = True
    """Whether their sign-in asks for one; owners without it are reminded."""
    avatar: str | None = None
    """The version of their picture."""
    unread: int | None = None
    """Unread notices; 100 stands for more. None shows no bell."""
    profiles: tuple[Profile, ...] = ()

    @property
    def picture(self) -> str | None:
        """The address of their picture."""
        return f"/avatars/{self.id}?v={self.avatar}" if self.avatar else None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What every template knows: who reads, in which language and zone, and when."""

    lang: str
    path: str
    now: datetime
    zone: str = "Asia/Kolkata"
    theme: str = "system"
    me: Me | None = None
    notice: str | None = None
    """A text, already in the reader's language, that says what their last press did."""
    demo: bool = False
    query: str = ""
    """The address's query as it came, so that a link to another page or language keeps the filters."""

    def link(self, **changes: str | int | None) -> str:
        """This address with some of its query changed; None leaves a name out."""
        kept = [(name, value) for name, value in parse_qsl(self.query) if name not in changes]
        query = urlencode([*kept, *((name, value) for name, value in changes.items() if value is not None)])
        return f"{self.path}?{query}" if query else self.path


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    href: str
    icon: str


ROLES = {"student": N_("Student"), "teacher": N_("Teacher"), "parent": N_("Parent"), "admin": N_("Admin")}

_BATCHES = Tab(N_("Batches"), "/batches", "layers")
_CLASSES = Tab(N_("Classes"), "/classes", "calendar")
_ME = Tab(N_("Me"), "/me", "person")
# At most five each; only tabs whose pages exist.
TABS: dict[str, tuple[Tab, ...]] = {
    "student": (Tab(N_("Home"), "/home", "home"), _CLASSES, _BATCHES, _ME),
    "teacher": (Tab(N_("Today"), "/home", "home"), _CLASSES, _BATCHES, _ME),
    "parent": (Tab(N_("Home"), "/home", "home"), _CLASSES, Tab(N_("Children"), "/children", "people"), _ME),
    "admin": (
        Tab(N_("Home"), "/home", "home"),
        Tab(N_("People"), "/people", "people"),
        _CLASSES,
        _BATCHES,
        Tab(N_("Institute"), "/institute", "building"),
    ),
}


_STANDS_FOR = (("/invites", "/people"), ("/joining", "/people"), ("/batches", "/children"))
"""Where pages belong that no tab of the reader's begins: a parent comes to a batch by their child."""


def tabs(me: Me) -> tuple[Tab, ...]:
    return TABS[me.role]


def render(template: str, view: View, **context: Any) -> bytes:
    """A whole page."""
    return _environment(view.lang).get_template(template).render(view=view, **context).encode()


def part(template: str, block: str, view: View, **context: Any) -> bytes:
    """One block of a page, for htmx to put in place. What the page sets outside its blocks is not there."""
    page = _environment(view.lang).get_template(template)
    return "".join(page.blocks[block](page.new_context({"view": view, **context}))).encode()


def asset(name: str) -> str:
    """The address of a built file: `app.css` is `/static/app.3f9c….css`."""
    return f"/static/{_built()[name]}"


def templates() -> list[str]:
    """The names of all templates, for the guards."""
    return _Pages().list_templates()


@cache
def _built() -> dict[str, str]:
    try:
        return json.loads((_STATIC / "manifest.json").read_bytes())
    except FileNotFoundError:
        message = "The frontend is not built: run `python hatch_build.py` in the source tree."
        raise RuntimeError(message) from None


class _Pages(BaseLoader):
    """`fees/due.html` is `kaksha/fees/pages/due.html`."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        feature, *rest = split_template_path(template)
        path = _PACKAGE.joinpath(feature, "pages", *rest)
        if not rest or not path.is_file():
            raise TemplateNotFound(template)
        return path.read_text(encoding="utf-8"), str(path), lambda: True

    def list_templates(self) -> list[str]:
        found = _PACKAGE.glob("*/pages/**/*.html")
        return sorted(path.relative_to(_PACKAGE).as_posix().replace("/pages/", "/", 1) for path in found)


@cache
def _environment(lang: str) -> Environment:
    environment = Environment(
        loader=_Pages(),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def translated(text: str, /, **facts: Any) -> str:
        said = i18n.gettext(lang, text)
        # Markup.format escapes what it puts in; the text itself is ours, and escaped like any other.
        return Markup.escape(said).format(**facts) if facts else said

    def counted(one: str, many: str, n: int, /, **facts: Any) -> str:
        return Markup.escape(i18n.ngettext(lang, one, many, n)).format(n=n, **facts)

    # Jinja infers the types of these two from its own entries.
    values = cast("dict[str, Any]", environment.globals)
    filters = cast("dict[str, Any]", environment.filters)
    values |= {
        "_": translated, "ngettext": counted, "asset": asset, "tabs": tabs, "current_tab": _current_tab,
        "ROLES": ROLES, "LANGUAGES": i18n.LANGUAGE_NAMES,
        "WEEKDAYS": i18n.weekdays(lang), "WEEKDAYS_SHORT": i18n.weekdays(lang, "abbreviated"),
    }  # fmt: skip
    filters |= {
        "inr": i18n.inr, "initials": i18n.initials, "day": _day, "clock": _clock, "hours": _hours,
        "when": _when, "ago": _ago, "spark_points": _spark_points, "problems_of": _problems_of, "bytes": i18n.size,
    }  # fmt: skip
    values["ui"] = environment.get_template("core/parts.html").module
    return environment


def _current_tab(view: View) -> str | None:
    """The address of the tab that the page belongs to: the longest one that begins its path, or what stands for it."""
    if view.me is None:
        return None
    hrefs = [tab.href for tab in tabs(view.me)]
    paths = [view.path, *(stands for begin, stands in _STANDS_FOR if f"{view.path}/".startswith(f"{begin}/"))]
    matching = [href for path in paths for href in hrefs if f"{path}/".startswith(f"{href}/")]
    return max(matching, key=len, default=None)


def _spark_points(values: Sequence[float | None], width: int = 120, height: int = 36) -> list[tuple[float, float]]:
    """Where a small chart's points lie; what was not measured (None) leaves its place empty."""
    width, height = 120, 36
    known = [value for value in values if value is not None]
    low, high = min(known, default=0), max(known, default=0)
    step = width / max(1, len(values) - 1)

    def fall(value: float) -> float:
        share = (high - value) / (high - low) if high > low else 0.5
        return 4 + share * (height - 8)

    return [(round(place * step, 1), round(fall(value), 1)) for place, value in enumerate(values) if value is not None]


def _problems_of(errors: Mapping[str, Sequence[str]] | None, name: str) -> Sequence[str]:
    return (errors or {}).get(name, ())


def _view(context: Context) -> View:
    return context["view"]


def _moment(value: datetime | str) -> datetime:
    """A time, also as the API writes it: answers that PostgreSQL builds reach pages as they are."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


@pass_context
def _day(context: Context, value: date | datetime | str) -> str:
    view = _view(context)
    return i18n.day(_moment(value) if isinstance(value, str) else value, view.lang, view.zone, view.now)


@pass_context
def _clock(context: Context, value: datetime | str) -> str:
    view = _view(context)
    return i18n.clock(_moment(value), view.lang, view.zone)


@pass_context
def _hours(context: Context, start: datetime, end: datetime) -> str:
    view = _view(context)
    return i18n.hours(start, end, view.lang, view.zone)


@pass_context
def _when(context: Context, value: datetime | str) -> str:
    view = _view(context)
    return i18n.when(_moment(value), view.lang, view.zone, view.now)


@pass_context
def _ago(context: Context, value: datetime | str) -> str:
    view = _view(context)
    return i18n.ago(_moment(value), view.lang, view.zone, view.now)
