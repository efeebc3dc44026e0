"""When something rings: never in quiet hours, and as soon as they end; over zones, midnights and changed clocks."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from kaksha.deliveries.service import DIGEST_AT, digest_at, quiet_until

_ZONES = st.sampled_from(
    ["Asia/Kolkata", "Asia/Kathmandu", "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tehran"]
)
_TIMES = st.times().map(lambda value: value.replace(second=0, microsecond=0))
_MOMENTS = st.integers(1704067200, 1861920000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def _quiet(clock: time, begins: time, ends: time) -> bool:
    minutes = [each.hour * 60 + each.minute for each in (clock, begins, ends)]
    return (minutes[0] - minutes[1]) % 1440 < (minutes[2] - minutes[1]) % 1440


@given(_MOMENTS, _ZONES, _TIMES, _TIMES)
def test_nothing_rings_in_quiet_hours(now: datetime, zone: str, begins: time, ends: time) -> None:
    if begins == ends:
        return
    at = quiet_until(now, zone, begins, ends)
    clock = at.astimezone(ZoneInfo(zone)).time()
    assert not _quiet(clock, begins, ends)
    assert now <= at <= now + timedelta(hours=25)
    if not _quiet(now.astimezone(ZoneInfo(zone)).time(), begins, ends):
        assert at == now


@given(_MOMENTS, st.sampled_from(["Asia/Kolkata", "Asia/Kathmandu", "UTC"]), _TIMES, _TIMES)
def test_it_rings_when_they_end(now: datetime, zone: str, begins: time, ends: time) -> None:
    at = quiet_until(now, zone, begins, ends) if begins != ends else now
    if at != now:
        assert at.astimezone(ZoneInfo(zone)).time() == ends


@pytest.mark.parametrize(
    ("now", "rings"),
    [
        ("2026-03-29T00:30:00+00:00", "2026-03-29T05:00:00+00:00"),  # Berlin loses an hour this night
        ("2026-10-24T22:30:00+00:00", "2026-10-25T06:00:00+00:00"),  # and gets it back in this one
        ("2026-10-25T06:00:00+00:00", "2026-10-25T06:00:00+00:00"),
    ],
)
def test_nights_when_clocks_change(now: str, rings: str) -> None:
    at = quiet_until(datetime.fromisoformat(now), "Europe/Berlin", time(22), time(7))
    assert at == datetime.fromisoformat(rings)


@given(_MOMENTS, _ZONES)
def test_digests_leave_at_their_hour(now: datetime, zone: str) -> None:
    daily, weekly = digest_at(now, zone, "daily"), digest_at(now, zone, "weekly")
    assert now < daily <= now + timedelta(hours=25)
    assert daily <= weekly <= now + timedelta(days=7, hours=1)
    assert weekly.astimezone(ZoneInfo(zone)).weekday() == 6
    assert daily.astimezone(ZoneInfo(zone)).time() == DIGEST_AT
