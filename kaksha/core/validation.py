"""Bad input, field by field: msgspec stops at the first bad field, people want to hear of all of them at once."""

import re
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin

import msgspec

from kaksha.core.errors import Invalid, Why
from kaksha.core.i18n import N_

__all__ = ["converted", "is_list", "problems_of"]

T = TypeVar("T")

_REQUIRED = N_("This is required.")
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"Expected `str` of length >= 1$"), _REQUIRED),
    (re.compile(r"Expected `str` of length >= (?P<n>\d+)"), N_("Must have at least {n} characters.")),
    (re.compile(r"Expected `str` of length <= (?P<n>\d+)"), N_("Must have at most {n} characters.")),
    (re.compile(r"Expected `array` of length >= (?P<n>\d+)"), N_("Choose at least {n}.")),
    (re.compile(r"Expected `array` of length <= (?P<n>\d+)"), N_("Choose at most {n}.")),
    (re.compile(r"Expected `(?:int|float)` >= (?P<n>[\d.-]+)"), N_("Must be {n} or more.")),
    (re.compile(r"Expected `(?:int|float)` <= (?P<n>[\d.-]+)"), N_("Must be {n} or less.")),
    (re.compile(r"Expected .*, got `null`"), _REQUIRED),
    (re.compile(r"Expected `str` matching regex"), N_("Does not have the right form.")),
    (re.compile(r"Invalid enum value"), N_("Is not one of the choices.")),
    (re.compile(r"Expected `(?:uuid|UUID)\b|Invalid UUID"), N_("Is not an id.")),
    (
        re.compile(r"Invalid RFC3339|Expected `(?:date|datetime|time)\b"),
        N_("Is not a date or time we can read."),
    ),
    (re.compile(r"Expected `(?:int|float)\b"), N_("Must be a number.")),
    (re.compile(r"Expected `str\b"), N_("Must be text.")),
    (re.compile(r"Expected `bool\b"), N_("Must be yes or no.")),
    (re.compile(r"Expected `array\b"), N_("Must be a list.")),
    (re.compile(r"Expected `object\b"), N_("Must be an object.")),
)
_OTHER = N_("Is not valid.")


def converted(kind: type[T], value: Any) -> T:
    """`value` (decoded JSON, or form texts) as `kind`. Raises Invalid that names every bad field."""
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(problems_of(kind, value) or {"": [_reason(error)]}) from error


def problems_of(kind: Any, value: Any, path: str = "") -> dict[str, list[str]]:
    """Every bad field of `value`: its dotted path (as sent) -> the reasons. Empty when all is well."""
    bare = _bare(kind, value)
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct) and isinstance(value, dict):
        return _of_struct(bare, cast(dict[str, Any], value), path)
    if is_list(bare) and isinstance(value, list) and get_args(bare):
        found: dict[str, list[str]] = {}
        for place, item in enumerate(cast(list[Any], value)):
            found |= problems_of(get_args(bare)[0], item, f"{path}.{place}" if path else str(place))
        if found:
            return found
    try:
        msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        return {path: [_reason(error)]}
    return {}


def is_list(kind: Any) -> bool:
    """Whether a field takes several values."""
    kind = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return (get_origin(kind) or kind) in (list, set, frozenset, tuple)


def _of_struct(kind: type[msgspec.Struct], value: dict[str, Any], path: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for field in msgspec.structs.fields(kind):
        where = f"{path}.{field.encode_name}" if path else field.encode_name
        if field.encode_name in value:
            found |= problems_of(field.type, value[field.encode_name], where)
        elif field.required:
            found[where] = [_REQUIRED]
    return found


def _bare(kind: Any, value: Any) -> Any:
    """The struct or list type inside an annotation or an optional one, so that its parts can be told apart."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0], value)
    nothing = (type(None), msgspec.UnsetType)
    options = [option for option in get_args(kind) if option not in nothing]
    if len(options) < len(get_args(kind)) and value is not None and len(options) == 1:
        return _bare(options[0], value)
    return kind


def _reason(error: msgspec.ValidationError) -> str:
    text = str(error).partition(" - at `")[0]
    for pattern, why in _PATTERNS:
        match = pattern.search(text)
        if match:
            return Why(why, **match.groupdict()) if match.groupdict() else why
    return Why(_OTHER)
