"""Every bad field is named at once, by the name it was sent under."""

from typing import Annotated, Literal

import msgspec
import pytest

from kaksha.core.errors import Invalid
from kaksha.core.failures import reasons
from kaksha.core.ids import UUID
from kaksha.core.validation import converted


class _Line(msgspec.Struct, rename="camel"):
    amount_paise: Annotated[int, msgspec.Meta(ge=1)]
    note: str | None = None


class _Order(msgspec.Struct, rename="camel"):
    student_id: UUID
    kind: Literal["fee", "other"]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=5)]
    lines: Annotated[list[_Line], msgspec.Meta(max_length=3)]
    paid: bool = False


def test_every_bad_field_is_named() -> None:
    lines = [{"amountPaise": 0}, {"note": 3}]
    given = {"studentId": "x", "kind": "gift", "title": "too long", "lines": lines, "paid": 7}
    with pytest.raises(Invalid) as caught:
        converted(_Order, given)
    assert caught.value.problems == {
        "studentId": ["Is not an id."],
        "kind": ["Is not one of the choices."],
        "title": ["Must have at most 5 characters."],
        "lines.0.amountPaise": ["Must be 1 or more."],
        "lines.1.amountPaise": ["This is required."],
        "lines.1.note": ["Must be text."],
        "paid": ["Must be yes or no."],
    }


def test_missing_and_null_are_required() -> None:
    with pytest.raises(Invalid) as caught:
        converted(_Order, {"title": None})
    assert caught.value.problems == {name: ["This is required."] for name in ("studentId", "kind", "title", "lines")}


def test_what_is_not_an_object_is_said_to_be_none() -> None:
    with pytest.raises(Invalid) as caught:
        converted(_Order, [1, 2])
    assert caught.value.problems == {"": ["Must be an object."]}


def test_reasons_are_told_in_hindi_with_their_values() -> None:
    with pytest.raises(Invalid) as caught:
        converted(_Line, {"amountPaise": 0})
    said = reasons("hi", caught.value.problems)["amountPaise"][0]
    assert "1" in said
    assert said != "Must be 1 or more."
