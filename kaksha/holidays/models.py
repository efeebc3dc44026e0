"""Bodies, answers and rows of holidays."""

from datetime import date
from typing import Annotated

import msgspec

from kaksha.core.ids import UUID

__all__ = ["Holiday", "HolidayChange", "HolidayRow", "NewHoliday"]

Name = Annotated[str, msgspec.Meta(description="1 to 80 characters", examples=["Diwali"])]
LastDay = Annotated[date, msgspec.Meta(description="the last day, itself included; absent: one day only")]


class Holiday(msgspec.Struct, frozen=True, rename="camel"):
    """Days without classes; without batch, of the whole institute."""

    id: UUID
    name: str
    starts_on: date
    ends_on: date
    batch_id: UUID | None
    batch_name: str | None


class NewHoliday(msgspec.Struct, frozen=True, rename="camel"):
    name: Name
    starts_on: date
    ends_on: LastDay | None = None
    batch_id: UUID | None = None


class HolidayChange(msgspec.Struct, frozen=True, rename="camel"):
    """A partial update: what is absent stays."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    starts_on: date | msgspec.UnsetType = msgspec.UNSET
    ends_on: LastDay | msgspec.UnsetType = msgspec.UNSET


class HolidayRow(msgspec.Struct, frozen=True):
    """A holiday as kept."""

    id: UUID
    batch_id: UUID | None
    name: str
    starts_on: date
    ends_on: date
