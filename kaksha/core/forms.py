"""Posted forms, read as the bodies of the API."""

from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from kaksha.core.validation import converted, is_list

if TYPE_CHECKING:
    from kaksha.core.http import Request

__all__ = ["form"]

T = TypeVar("T")


async def form(request: "Request", kind: type[T]) -> T:
    """A posted form as a body. Raises Invalid with every bad field; an empty field counts as not filled in."""
    given = await request.form()
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(cast(Any, kind)):
        texts = [text.strip() for text in given.getall(field.encode_name, []) if isinstance(text, str)]
        texts = [text for text in texts if text]
        if texts:
            values[field.encode_name] = texts if is_list(field.type) else texts[0]
    return converted(kind, values)
