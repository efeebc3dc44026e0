"""The demo as it is planned, on any day."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from kaksha.accounts.service import normal_email, normal_phone
from kaksha.sandbox.cast import InstitutePlan, the_cast
from kaksha.sandbox.demo import demo, demo_people
from kaksha.sandbox.planting import admitted, batch_days, enrolled
from tests.world import NOW

TODAY = NOW.date()
DAYS = [date(2026, 3, 25) + timedelta(days) for days in (*range(30), *range(30, 400, 9))]


def aarambh(today: date = TODAY) -> InstitutePlan:
    return demo(today)[0]


def test_it_has_the_cast_and_a_lively_institute() -> None:
    plan = aarambh()
    roles = Counter(role for person in plan.people for role in person.roles)
    assert {role: roles[role] for role in ("student", "teacher", "admin")} == {
        "student": 120,
        "teacher": 10,
        "admin": 2,
    }
    assert 85 <= roles["parent"] <= 95
    assert len(plan.batches) == 8
    assert {batch.medium for batch in plan.batches} == {"en", "hi"}
    assert {person.key for person in the_cast(TODAY)[0].people} < {person.key for person in plan.people}
    assert [name.split()[0] for name, _, _ in demo_people(demo(TODAY))] == [
        "Rohan", "Sunita", "Vikram", "Asha", "Meher", "Nandini",
    ]  # fmt: skip


def test_people_can_be_told_apart_and_reached() -> None:
    people = aarambh().people
    for values in (
        [person.id for person in people], [person.key for person in people], [person.email for person in people],
        [person.roll_no for person in people if "student" in person.roles],
    ):  # fmt: skip
        assert len(set(values)) == len(values)
    assert all(person.id.version == 7 for person in people)
    assert all(person.email == normal_email(person.email or "") for person in people)
    assert all(person.phone == normal_phone(person.phone or "") for person in people)
    families = Counter(person.phone for person in people)
    assert sum(count > 2 for count in families.values()) > 20, "siblings and parents share phones"
    assert max(families.values()) <= 4, "a sign-in offers eight profiles at most"


def test_there_are_loose_ends_for_the_office() -> None:
    plan = aarambh()
    students = {person.key for person in plan.people if "student" in person.roles}
    assert len(students - {key for batch in plan.batches for key in batch.students}) == 3
    assert len(students - {key for person in plan.people for key in person.children}) == 4
    assert [person.roles for person in plan.people if person.status == "pending"] == [("parent",)]
    filled = {batch.code: len(batch.students) / batch.capacity for batch in plan.batches}
    assert 0.9 < filled["JEE-A"] < 1
    assert filled["F9"] == 0.5
    recent = {enrolment.student.key for enrolment in enrolled(plan) if (TODAY - enrolment.starts_on).days <= 14}
    assert len(recent) >= 5


@pytest.mark.parametrize("today", DAYS)
def test_on_no_day_is_anything_in_the_future_or_over(today: date) -> None:
    midnight = datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(hours=5, minutes=30)
    for plan in demo(today):
        assert all(batch_days(plan, batch)[0] <= today <= batch_days(plan, batch)[1] for batch in plan.batches)
        assert all(admitted(plan, person) <= midnight for person in plan.people)
        assert all((person.joined_on or plan.starts_on) <= today for person in plan.people)
        for enrolment in enrolled(plan):
            first, last, _ = batch_days(plan, enrolment.batch)
            assert max(first, enrolment.student.joined_on or plan.starts_on) <= enrolment.starts_on <= min(today, last)
            assert enrolment.created_at <= midnight
        newest = sum((today - admitted(plan, person).date()).days <= 14 for person in plan.people)
        assert newest >= 6 or plan.code == "prayas"


def test_only_dates_change_from_day_to_day() -> None:
    def undated(today: date) -> list[object]:
        return [
            (person.id, person.name, person.email, person.phone, person.roll_no, person.status, person.children)
            for plan in demo(today)
            for person in plan.people
        ]

    assert all(undated(today) == undated(TODAY) for today in DAYS)
