"""Languages: texts from the catalogues, and how days, times and money are said.

Texts are written in English in the code and templates, and in Hindi in `locales/hi/LC_MESSAGES/kaksha.po`,
in the same commit. Values stand in braces in both: `{name}`.

    python -m kaksha.core.i18n update    brings the catalogue up to the code; new texts wait for their Hindi
    python -m kaksha.core.i18n check     names every text without Hindi, stale or with other values (exit 1)

The .po is read when it is first needed, so no .mo is built, committed or out of date.
"""

import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

__all__ = [
    "LANGUAGES", "LANGUAGE_NAMES", "N_", "ago", "check", "clock", "day", "gettext", "hours", "initials",
    "inr", "local", "negotiate", "ngettext", "update", "when",
]  # fmt: skip

LANGUAGES = ("en", "hi")
LANGUAGE_NAMES = {"en": "English", "hi": "हिन्दी"}
"""Each in its own words: whoever looks for their language cannot read the others."""

_PACKAGE = Path(__file__).parents[1]


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """Marks a text that is translated later, once the reader is known: `gettext(lang, error.text)`."""
    return text


def gettext(lang: str, text: str) -> str:
    """The text in that language; the English itself where the catalogue has none."""
    return _catalogue(lang).gettext(text) if text else ""


def ngettext(lang: str, one: str, many: str, n: int) -> str:
    """The singular or plural that the language uses for `n`; the caller fills `{n}`."""
    return _catalogue(lang).ngettext(one, many, n)


def negotiate(preferred: str | None, accept_language: str = "") -> str:
    """The person's own choice if we speak it, else the best of `Accept-Language`, else English."""
    if preferred in LANGUAGES:
        return preferred
    best, best_weight = "en", 0.0
    for wish in accept_language.split(","):
        name, _, parameter = wish.partition(";")
        language = name.strip().lower().partition("-")[0]
        weight = _weight(parameter.strip())
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: str) -> float:
    if not parameter:
        return 1.0
    found = re.fullmatch(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", parameter)
    return float(found[1]) if found else 0.0


# --- days, times, money, names ------------------------------------------------------------------------------
#
# `zone` is the institute's ("Asia/Kolkata"): its midnight begins a day, wherever the server or the phone is.


def inr(paise: int) -> str:
    """Paise as people write rupees: 12345000 is ₹1,23,450. Paise are shown only when there are some."""
    rupees, rest = divmod(abs(paise), 100)
    lakhs, thousand = str(rupees)[:-3], str(rupees)[-3:]
    groups = re.findall(r"\d{1,2}(?=(?:\d\d)*$)", lakhs)
    amount = ",".join([*groups, thousand]) + (f".{rest:02}" if rest else "")
    return f"−₹{amount}" if paise < 0 else f"₹{amount}"


def day(value: date | datetime, lang: str, zone: str, now: datetime) -> str:
    """Today, Tomorrow, Yesterday; Fri 27 within a week; 9 Dec within the year; 9 Dec 2027 beyond."""
    that, today = _date(value, zone), _date(now, zone)
    near = {-1: N_("Yesterday"), 0: N_("Today"), 1: N_("Tomorrow")}
    away = (that - today).days
    if away in near:
        return gettext(lang, near[away])
    if abs(away) < 7:
        return format_date(that, "EEE d", locale=lang)
    return format_date(that, "d MMM" if that.year == today.year else "d MMM y", locale=lang)


def clock(value: datetime, lang: str, zone: str) -> str:
    """4:30 pm, 9 am; in Hindi with the part of the day: शाम 4:30 बजे."""
    there = local(value, zone)
    return _oclock(_part(there, lang), _figures(there), lang)


def hours(start: datetime, end: datetime, lang: str, zone: str) -> str:
    """4:30 – 5:45 pm: the part of the day is said once where it is the same for both."""
    first, last = local(start, zone), local(end, zone)
    if _part(first, lang) != _part(last, lang):
        return f"{clock(start, lang, zone)} – {clock(end, lang, zone)}"
    return _oclock(_part(first, lang), f"{_figures(first)} – {_figures(last)}", lang)


def when(value: datetime, lang: str, zone: str, now: datetime) -> str:
    """Today, 9 pm."""
    return f"{day(value, lang, zone, now)}, {clock(value, lang, zone)}"


def ago(value: datetime, lang: str, zone: str, now: datetime) -> str:
    """Just now, 5 min ago, 2 h ago; from the day before on, its name. What lies ahead is said as `when`."""
    past = now - value
    minutes = int(past / timedelta(minutes=1))
    if past < timedelta(minutes=-1):
        return when(value, lang, zone, now)
    if minutes < 1:
        return gettext(lang, "Just now")
    if minutes < 60:
        return gettext(lang, "{n} min ago").format(n=minutes)
    if _date(value, zone) == _date(now, zone) or minutes < 6 * 60:
        return gettext(lang, "{n} h ago").format(n=minutes // 60)
    return day(value, lang, zone, now)


def initials(name: str) -> str:
    """Rohan Kulkarni is RK, रोहन कुलकर्णी is रोकु: a letter keeps its vowel sign and what is joined to it."""
    words = [word for word in name.split() if word[0].isalnum()]
    ends = words[:1] + words[1:][-1:]
    return "".join(_first_letter(word) for word in ends).upper()


def _first_letter(word: str) -> str:
    virama = "\N{DEVANAGARI SIGN VIRAMA}"
    end = 1
    while end < len(word) and (unicodedata.category(word[end])[0] == "M" or word[end - 1] == virama):
        end += 1
    return word[:end].rstrip(virama)


def local(value: datetime, zone: str) -> datetime:
    """The moment as clocks in the zone show it."""
    if value.tzinfo is None:
        raise ValueError("a time without its zone cannot be told to anyone")
    return value.astimezone(ZoneInfo(zone))


def _date(value: date | datetime, zone: str) -> date:
    return local(value, zone).date() if isinstance(value, datetime) else value


def _figures(local: datetime) -> str:
    hour = local.hour % 12 or 12
    return f"{hour}:{local.minute:02}" if local.minute else f"{hour}"


_HINDI_PARTS = ((4, "रात"), (12, "सुबह"), (16, "दोपहर"), (20, "शाम"), (24, "रात"))


def _part(local: datetime, lang: str) -> str:
    """am or pm; in Hindi morning, afternoon, evening or night, which are said with the hour instead."""
    if lang != "hi":
        return "am" if local.hour < 12 else "pm"
    return next(part for until, part in _HINDI_PARTS if local.hour < until)


def _oclock(part: str, figures: str, lang: str) -> str:
    return f"{part} {figures} बजे" if lang == "hi" else f"{figures} {part}"


# --- catalogues ---------------------------------------------------------------------------------------------


@cache
def _catalogue(lang: str) -> NullTranslations:
    if lang not in LANGUAGES or lang == "en":
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, _read(lang))
    compiled.seek(0)
    return GNUTranslations(compiled)


def _read(lang: str) -> Catalog:
    with _po(lang).open("rb") as file:
        return read_po(file, locale=lang)


def _po(lang: str) -> Path:
    """In a wheel the catalogues lie inside the package, in the source tree beside it."""
    inside = _PACKAGE / "locales"
    folder = inside if inside.is_dir() else _PACKAGE.parent / "locales"
    return folder / lang / "LC_MESSAGES" / "kaksha.po"


_METHODS = {".py": "python", ".html": "jinja2"}
_KEYWORDS = {
    "python": {"N_": None, "gettext": (2,), "ngettext": (2, 3)},  # these two name the language first
    "jinja2": {"_": None, "ngettext": (1, 2)},
}


def _said() -> Catalog:
    """All texts that the code and the templates hold, as a catalogue without translations."""
    catalogue = Catalog(project="Kaksha", charset="utf-8")
    for path in sorted(_PACKAGE.rglob("*")):
        method = _METHODS.get(path.suffix)
        if method is None:
            continue
        with path.open("rb") as file:
            options = {"silent": "false", "encoding": "utf-8"}
            for line, message, _, _ in extract(method, file, _KEYWORDS[method], options=options):
                catalogue.add(message, locations=[(path.relative_to(_PACKAGE.parent).as_posix(), line)])
    return catalogue


def update() -> None:
    """Brings every catalogue up to what the code says; texts no longer said leave it."""
    said = _said()
    for lang in LANGUAGES[1:]:
        catalogue = _read(lang)
        catalogue.update(said, no_fuzzy_matching=True, update_creation_date=False)
        with _po(lang).open("wb") as file:
            # No line numbers: a moved line is no change of the catalogue.
            write_po(file, catalogue, width=110, sort_by_file=True, include_lineno=False, ignore_obsolete=True)


def check() -> list[str]:
    """What is wrong with the catalogues, in words; empty when every text has its translation."""
    said = _said()
    return [problem for lang in LANGUAGES[1:] for problem in _problems(lang, said)]


def _problems(lang: str, said: Catalog) -> Iterator[str]:
    kept = _read(lang)
    for message in said:
        translated = kept.get(message.id)
        if not message.id:
            continue
        if translated is None or not all(_forms(translated.string)) or translated.fuzzy:
            yield f"{lang}: no translation: {_where(message)}"
        elif any(_values(form) not in map(_values, _forms(message.id)) for form in _forms(translated.string)):
            yield f"{lang}: other {{values}} than the English: {_where(message)}"
    for message in kept:
        if message.id and said.get(message.id) is None:
            yield f"{lang}: no longer said: {_where(message)}"


def _forms(texts: str | Sequence[str] | None) -> tuple[str, ...]:
    return (texts or "",) if isinstance(texts, str | None) else tuple(texts)


def _values(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def _where(message: Message) -> str:
    return f"{_forms(message.id)[0]!r} ({', '.join(sorted({path for path, _ in message.locations}))})"


def main(arguments: list[str]) -> int:
    if arguments not in (["update"], ["check"]):
        sys.stderr.write("usage: python -m kaksha.core.i18n update | check\n")
        return 2
    if arguments == ["update"]:
        update()
    problems = check()
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
