"""Pages: the frame, the parts, and what no template may get wrong."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from jinja2 import TemplateNotFound, TemplateRuntimeError, UndefinedError

from kaksha.core import html, i18n

NOW = datetime(2026, 11, 22, 10, 25, tzinfo=UTC)


def me(**changes: Any) -> html.Me:
    rohan: dict[str, Any] = {
        "name": "Rohan Kulkarni",
        "institute_name": "Aarambh Classes",
        "role": "student",
        "roles": ("student",),
    }
    return html.Me(**{"id": UUID(int=1), **rohan, **changes})


ROHAN = me()


def view(**changes: Any) -> html.View:
    return html.View(**{"lang": "en", "path": "/home", "now": NOW, **changes})


def error_page(shown: html.View, **context: Any) -> str:
    facts = {"title": "Nothing here", "message": "We could not find that.", **context}
    return html.render("core/error.html", shown, **facts).decode()


def say(source: str, **context: Any) -> str:
    """A snippet of a page, as its environment renders it."""
    shown = context.pop("shown", view())
    return html._environment(shown.lang).from_string(source).render(view=shown, **context)


class Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


# --- the guards over all templates ------------------------------------------------------------------------


@pytest.mark.parametrize("name", html.templates())
@pytest.mark.parametrize("lang", i18n.LANGUAGES)
def test_every_template_compiles(name: str, lang: str) -> None:
    html._environment(lang).get_template(name)


def source_of(name: str) -> str:
    environment = html._environment("en")
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


@pytest.mark.parametrize("name", html.templates())
def test_every_page_has_a_title(name: str) -> None:
    source = source_of(name)
    frames = {"core/document.html", "core/layout.html", "core/plain.html"}
    if name not in frames and "{% extends" in source:
        assert "{% block title %}" in source


@pytest.mark.parametrize("name", html.templates())
def test_no_template_holds_what_the_csp_refuses(name: str) -> None:
    """Style and script attributes, inline scripts, and htmx's own expressions, which need eval."""
    source = re.sub(r"\{#.*?#\}", "", source_of(name), flags=re.DOTALL)
    assert not re.search(r"""<style|\sstyle=|\son[a-z]+=|\shx-on|javascript:|["']js:""", source)
    assert not re.search(r"<script(?![^>]*\ssrc=)", source)


# --- the frame --------------------------------------------------------------------------------------------


def test_a_signed_in_page_has_its_frame() -> None:
    page = error_page(view(me=ROHAN))
    assert "<title>Nothing here · Aarambh Classes</title>" in page
    assert '<html lang="en">' in page
    found = Elements(page)
    assert [link["href"] for link in found.all("a") if link.get("class") == "skip"] == ["#main"]
    assert [main["id"] for main in found.all("main")] == ["main"]
    assert '<a href="/home" aria-current="page">' in page


def test_a_signed_out_page_offers_the_other_language() -> None:
    page = error_page(view(path="/join", query="code=7KQ2&lang=en"))
    assert "<title>Nothing here · Kaksha</title>" in page
    assert '<a href="/join?code=7KQ2&amp;lang=hi" lang="hi" hreflang="hi">हिन्दी</a>' in page
    assert 'class="tabs"' not in page


def test_a_page_is_in_the_readers_language() -> None:
    page = error_page(view(lang="hi", me=ROHAN))
    assert '<html lang="hi">' in page
    assert "प्रोफ़ाइल" in page


@pytest.mark.parametrize(
    ("theme", "mark"),
    [("light", ' data-theme="light">'), ("dark", ' data-theme="dark">'), ("system", '"en">')],
)
def test_the_theme_is_on_the_page(theme: str, mark: str) -> None:
    first_line = error_page(view(theme=theme)).strip().splitlines()[1]
    assert first_line.endswith(mark)


def test_a_page_without_a_title_is_an_error() -> None:
    source = '{% extends "core/plain.html" %}{% block main %}{% endblock %}'
    with pytest.raises(TemplateRuntimeError, match="title"):
        say(source)


def test_unknown_names_are_errors() -> None:
    with pytest.raises(UndefinedError):
        say("{{ nobody }}")
    with pytest.raises(UndefinedError):
        say('{{ ui.icon("nothing") }}')
    with pytest.raises(TemplateNotFound):
        html.render("core/../html.py", view())
    with pytest.raises(KeyError):
        html.asset("nothing.css")


def test_the_notice_of_the_last_press_is_shown() -> None:
    assert "Saved &amp; sent" in error_page(view(me=ROHAN, notice="Saved & sent"))


def test_the_bell_waits_for_its_page() -> None:
    assert "/notifications" not in error_page(view(me=ROHAN))
    page = error_page(view(me=me(unread=120)))
    assert 'aria-label="Notices, 120 unread"' in page
    assert "99+" in page


def test_the_role_is_named_to_those_who_have_two() -> None:
    assert "<small>Teacher</small>" in error_page(view(me=me(role="teacher", roles=("teacher", "admin"))))
    assert "<small>Student</small>" not in error_page(view(me=ROHAN))


@pytest.mark.parametrize("role", sorted(html.ROLES))
def test_tabs_are_few_and_drawn(role: str) -> None:
    asha = me(role=role, roles=(role,))
    assert 0 < len(html.tabs(asha)) <= 5
    for tab in html.tabs(asha):
        assert f'<a href="{tab.href}"' in error_page(view(me=asha))


@pytest.mark.parametrize(
    ("path", "tab"), [("/batches", "page"), ("/batches/7", "true"), ("/batches-old", None), ("/fees", None)]
)
def test_the_tab_of_a_page_is_marked(path: str, tab: str | None) -> None:
    links = Elements(error_page(view(me=ROHAN, path=path))).all("a")
    marked = {link["href"]: link["aria-current"] for link in links if "aria-current" in link}
    assert marked == ({} if tab is None else {"/batches": tab})


def test_one_block_is_rendered_alone() -> None:
    shown = html.part("core/error.html", "alert", view(), title="x", message="<b>no</b>").decode()
    assert "&lt;b&gt;no&lt;/b&gt;" in shown
    assert "<html" not in shown


def test_assets_have_hashed_addresses() -> None:
    assert re.fullmatch(r"/static/app\.[0-9a-f]{10}\.css", html.asset("app.css"))


# --- escaping ---------------------------------------------------------------------------------------------

ATTACK = "<script>alert(1)</script>\"'&{{ 7 * 7 }}"


def test_what_people_write_is_escaped_everywhere() -> None:
    attacked = view(me=me(name=ATTACK, institute_name=ATTACK), notice=ATTACK, path=ATTACK)
    page = error_page(attacked, title=ATTACK, message=ATTACK, request_id=ATTACK)
    assert "<script>" not in page
    assert "{{ 7 * 7 }}" in page
    assert [script for script in Elements(page).all("script") if "src" not in script] == []


@given(st.text(min_size=1))
def test_any_value_of_a_text_is_escaped(value: str) -> None:
    shown = say('{{ _("Reference {id}", id=value) }}', value=value)
    assert shown.count("<") == 0


@given(st.text())
def test_a_field_gives_back_what_was_typed(value: str) -> None:
    typed = value.replace("\r", "").replace("\0", "")
    page = Elements(say('{{ ui.field("q", "Search", value=value) }}', value=typed))
    assert page.all("input")[0].get("value", "") == typed


# --- parts ------------------------------------------------------------------------------------------------


def test_a_field_is_tied_to_its_label_hint_and_reasons() -> None:
    page = say(
        '{{ ui.field("phone", "Mobile", type="tel", hint="10 digits", errors=errors, autocomplete="tel") }}',
        errors={"phone": ["Is not a mobile number."], "name": ["This is required."]},
    )
    found = Elements(page)
    field = found.all("input")[0]
    assert found.all("label")[0]["for"] == field["id"]
    assert field["aria-describedby"] == "f-phone-hint f-phone-why"
    assert field["aria-invalid"] == "true"
    assert field["autocomplete"] == "tel"
    assert "required" in field
    assert {element["id"] for _, element in found.found if "id" in element} >= {"f-phone-hint", "f-phone-why"}
    assert "Is not a mobile number." in page
    assert "This is required." not in page


def test_a_good_field_claims_no_fault() -> None:
    field = Elements(say('{{ ui.field("q", "Search", required=false) }}')).all("input")[0]
    assert not {"aria-invalid", "aria-describedby", "required", "value"} & field.keys()


def test_the_summary_names_every_fault_and_leads_to_its_field() -> None:
    page = say(
        "{{ ui.errors_summary(errors, labels) }}",
        errors={"phone": ["Is not a mobile number."], "": ["Too late."]},
        labels={"phone": "Mobile"},
    )
    assert "2 things need a change" in page
    assert '<a href="#f-phone">Mobile: Is not a mobile number.</a>' in page
    assert "Too late." in page
    assert say("{{ ui.errors_summary({}) }}").strip() == ""


def test_what_needs_scripts_is_hidden_until_they_run() -> None:
    for source in ('{{ ui.field("p", "Password", type="password") }}', '{{ ui.copyable("7KQ2") }}'):
        assert all("hidden" in button for button in Elements(say(source)).all("button"))


def test_a_select_keeps_the_choice() -> None:
    page = Elements(say('{{ ui.select("n", "Count", [(1, "One"), (2, "Two")], value="2") }}'))
    assert [option["value"] for option in page.all("option") if "selected" in option] == ["2"]


def test_rows_of_all_kinds() -> None:
    page = say(
        '{{ ui.row("Sheet 7", "Mathematics", href="/w", tile="MA", chip_of=("Today", "bad")) }}'
        '{{ ui.row("Plain") }}{% call ui.row("With a form", person="Rohan Kulkarni") %}<i>x</i>{% endcall %}'
    )
    assert '<span class="chip bad">Today</span>' in page
    assert '<span class="end"><i>x</i></span>' in page
    assert len(Elements(page).all("li")) == 3


def test_the_pager_keeps_the_filters() -> None:
    pages = SimpleNamespace(page=2, total_pages=3)
    shown = view(path="/people", query="role=teacher&page=2")
    links = Elements(say("{{ ui.pager(view, pages) }}", pages=pages, shown=shown)).all("a")
    assert [link["href"] for link in links] == ["/people?role=teacher&page=1", "/people?role=teacher&page=3"]
    assert say("{{ ui.pager(view, pages) }}", pages=SimpleNamespace(page=1, total_pages=1)).strip() == ""


def test_dates_and_money_read_the_view() -> None:
    shown = view(lang="hi")
    assert say("{{ at | when }}, {{ 12345000 | inr }}", at=NOW, shown=shown) == "आज, दोपहर 3:55 बजे, ₹1,23,450"
    assert say("{{ at | when }}", at=NOW, shown=view(zone="Europe/London")) == "Today, 10:25 am"


@given(st.lists(st.none() | st.floats(0, 100), max_size=30))
def test_a_chart_stays_in_its_frame(values: list[float | None]) -> None:
    points = html._spark_points(values)
    assert len(points) == sum(value is not None for value in values)
    assert all(0 <= x <= 120 and 0 <= y <= 36 for x, y in points)


def test_a_chart_says_its_numbers() -> None:
    page = say('{{ ui.spark([61, none, 79], "Physics: 61, 79 percent") }}')
    assert Elements(page).all("svg")[0]["aria-label"] == "Physics: 61, 79 percent"
    assert say('{{ ui.spark([], "Nothing yet") }}').strip() == ""
