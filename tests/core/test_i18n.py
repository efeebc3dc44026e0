"""Texts in both languages, and days, times and money as people say them."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from kaksha.core import i18n

KOLKATA = "Asia/Kolkata"
# Sunday 22 November 2026, 3:55 pm in Kolkata.
NOW = datetime(2026, 11, 22, 10, 25, tzinfo=UTC)


def test_every_text_is_in_the_catalogue() -> None:
    assert i18n.check() == [], "run `python -m kaksha.core.i18n update` and write what is missing"


def test_texts_are_read_in_the_language_asked_for() -> None:
    assert i18n.gettext("en", "Tomorrow") == "Tomorrow"
    assert i18n.gettext("hi", "Tomorrow") == "कल"
    assert i18n.gettext("hi", "nobody says this") == "nobody says this"
    assert i18n.gettext("ta", "Tomorrow") == "Tomorrow"
    assert i18n.gettext("hi", "") == ""


@pytest.mark.parametrize(("n", "english"), [(0, "many"), (1, "one"), (2, "many")])
def test_english_counts(n: int, english: str) -> None:
    assert i18n.ngettext("en", "one", "many", n) == english


def test_hindi_counts() -> None:
    one, many = "One thing needs a change", "{n} things need a change"
    assert i18n.ngettext("hi", one, many, 1) == "एक चीज़ ठीक करनी है"
    assert i18n.ngettext("hi", one, many, 3).format(n=3) == "3 चीज़ें ठीक करनी हैं"


@pytest.mark.parametrize(
    ("preferred", "header", "language"),
    [
        ("hi", "en", "hi"),
        ("ta", "hi", "hi"),
        (None, "", "en"),
        (None, "hi-IN,hi;q=0.9,en-US;q=0.8,en;q=0.7", "hi"),
        (None, "en-IN, hi;q=0.9", "en"),
        (None, "ta, hi;q=0.5, en;q=0.4", "hi"),
        (None, "hi;q=0, en;q=0.1", "en"),
        (None, "hi;q=0", "en"),
        (None, "HI", "hi"),
        (None, "hi;q=much", "en"),
        (None, "hindi, *", "en"),
    ],
)
def test_the_language_is_negotiated(preferred: str | None, header: str, language: str) -> None:
    assert i18n.negotiate(preferred, header) == language


@given(st.none() | st.text(), st.text())
def test_any_header_gives_a_language_we_speak(preferred: str | None, header: str) -> None:
    assert i18n.negotiate(preferred, header) in i18n.LANGUAGES


@pytest.mark.parametrize(
    ("paise", "text"),
    [
        (0, "₹0"),
        (5, "₹0.05"),
        (100, "₹1"),
        (99_900, "₹999"),
        (100_000, "₹1,000"),
        (2_450_000, "₹24,500"),
        (9_999_999, "₹99,999.99"),
        (12_345_000, "₹1,23,450"),
        (12_345_050, "₹1,23,450.50"),
        (1_234_567_800, "₹1,23,45,678"),
        (-50_000, "−₹500"),
    ],
)
def test_rupees_in_indian_grouping(paise: int, text: str) -> None:
    assert i18n.inr(paise) == text


@given(st.integers(min_value=0, max_value=2**63))
def test_rupees_lose_nothing(paise: int) -> None:
    text = i18n.inr(paise)
    assert re.fullmatch(r"₹(\d{1,2},)*\d{1,3}(\.\d\d)?", text)
    rupees, _, rest = text[1:].replace(",", "").partition(".")
    assert int(rupees) * 100 + int(rest or 0) == paise
    assert len(text.partition(".")[0].replace(",", "")) <= 4 or "," in text


@pytest.mark.parametrize(
    ("value", "english", "hindi"),
    [
        (date(2026, 11, 22), "Today", "आज"),
        (date(2026, 11, 23), "Tomorrow", "कल"),
        (date(2026, 11, 21), "Yesterday", "बीता कल"),
        (date(2026, 11, 27), "Fri 27", "शुक्र 27"),
        (date(2026, 11, 28), "Sat 28", "शनि 28"),
        (date(2026, 11, 29), "29 Nov", "29 नव॰"),
        (date(2026, 11, 16), "Mon 16", "सोम 16"),
        (date(2026, 4, 1), "1 Apr", "1 अप्रैल"),
        (date(2027, 1, 5), "5 Jan 2027", "5 जन॰ 2027"),
    ],
)
def test_days_as_people_say_them(value: date, english: str, hindi: str) -> None:
    assert i18n.day(value, "en", KOLKATA, NOW) == english
    assert i18n.day(value, "hi", KOLKATA, NOW) == hindi


def test_the_institutes_midnight_begins_a_day() -> None:
    midnight = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)  # 00:00 on the 23rd in Kolkata
    before = midnight - timedelta(seconds=1)
    assert i18n.day(before, "en", KOLKATA, before) == "Today"
    assert i18n.day(midnight, "en", KOLKATA, before) == "Tomorrow"
    assert i18n.day(before, "en", KOLKATA, midnight) == "Yesterday"
    assert i18n.day(midnight, "en", KOLKATA, midnight) == "Today"
    assert i18n.day(date(2026, 11, 23), "en", KOLKATA, before) == "Tomorrow"
    # The same two moments are one day in London.
    assert i18n.day(midnight, "en", "Europe/London", before) == "Today"


@pytest.mark.parametrize(
    ("utc", "english", "hindi"),
    [
        ((18, 30), "12 am", "रात 12 बजे"),
        ((18, 31), "12:01 am", "रात 12:01 बजे"),
        ((1, 0), "6:30 am", "सुबह 6:30 बजे"),
        ((6, 30), "12 pm", "दोपहर 12 बजे"),
        ((11, 0), "4:30 pm", "शाम 4:30 बजे"),
        ((15, 30), "9 pm", "रात 9 बजे"),
    ],
)
def test_the_clock(utc: tuple[int, int], english: str, hindi: str) -> None:
    moment = datetime(2026, 11, 22, *utc, tzinfo=UTC)
    assert i18n.clock(moment, "en", KOLKATA) == english
    assert i18n.clock(moment, "hi", KOLKATA) == hindi


def test_hours_name_the_part_of_the_day_once() -> None:
    start, end = datetime(2026, 11, 22, 11, 0, tzinfo=UTC), datetime(2026, 11, 22, 12, 15, tzinfo=UTC)
    assert i18n.hours(start, end, "en", KOLKATA) == "4:30 – 5:45 pm"
    assert i18n.hours(start, end, "hi", KOLKATA) == "शाम 4:30 – 5:45 बजे"
    noon = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
    assert i18n.hours(noon - timedelta(hours=1), noon, "en", KOLKATA) == "11 am – 12 pm"


def test_when_is_the_day_and_the_clock() -> None:
    assert i18n.when(datetime(2026, 11, 22, 15, 30, tzinfo=UTC), "en", KOLKATA, NOW) == "Today, 9 pm"
    assert i18n.when(datetime(2026, 11, 23, 3, 0, tzinfo=UTC), "hi", KOLKATA, NOW) == "कल, सुबह 8:30 बजे"


@pytest.mark.parametrize(
    ("past", "english", "hindi"),
    [
        (timedelta(seconds=0), "Just now", "अभी-अभी"),
        (timedelta(seconds=-30), "Just now", "अभी-अभी"),
        (timedelta(seconds=60), "1 min ago", "1 मिनट पहले"),
        (timedelta(minutes=59), "59 min ago", "59 मिनट पहले"),
        (timedelta(hours=2), "2 h ago", "2 घंटे पहले"),
        (timedelta(hours=20), "Yesterday", "बीता कल"),
        (timedelta(days=3), "Thu 19", "गुरु 19"),
        (timedelta(hours=-1), "Today, 4:55 pm", "आज, शाम 4:55 बजे"),
    ],
)
def test_how_long_ago(past: timedelta, english: str, hindi: str) -> None:
    assert i18n.ago(NOW - past, "en", KOLKATA, NOW) == english
    assert i18n.ago(NOW - past, "hi", KOLKATA, NOW) == hindi


def test_a_time_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        i18n.clock(NOW.replace(tzinfo=None), "en", KOLKATA)


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Rohan Kulkarni", "RK"),
        ("Sunita", "S"),
        ("  asha  r.  deshpande ", "AD"),
        ("रोहन कुलकर्णी", "रोकु"),
        ("प्रिया शर्मा", "प्रिश"),
        ("Meher (Class 8)", "M8"),
        ("", ""),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert i18n.initials(name) == letters


@given(st.text())
def test_any_name_has_initials(name: str) -> None:
    assert len(i18n.initials(name)) <= max(2, 2 * len(name) + 2)
