"""What is made of slots: the institute's clock in every zone, holidays, and any mixture of slots without a clash."""

import os
import random
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from kaksha.core.ids import UUID, new_id
from kaksha.weekly import queries, service
from kaksha.weekly.models import SlotRow
from tests.world import NOW, World

_HISTORIES = int(os.environ.get("KAKSHA_TEST_TIMETABLES", "12"))
"""How many random timetables are tried; hundreds before a release."""


@pytest.fixture
async def nothing(world: World) -> AsyncIterator[None]:
    """No slots and classes, before and after."""
    try:
        yield
    finally:
        world.clock.at = NOW
        async with world.db.write(world.institute("asha")) as tx:
            for table in ("classes", "timetable_slots", "holidays"):
                await tx.conn.execute(f"delete from {table}")
            await tx.conn.execute("update institutes set zone = 'Asia/Kolkata'")
            await tx.conn.execute("update batches set ends_on = '2027-03-31', starts_on = '2026-04-01'")


def _slot(
    world: World, weekday: int, starts: time, minutes: int = 60, batch: int = 0, teacher: str = "vikram"
) -> SlotRow:
    plan = world.institutes[0]
    return SlotRow(
        new_id(), plan.batches[batch].id, plan.subjects[0][0], world.id(teacher), None, weekday, starts, minutes,
        date(2026, 1, 1), None,
    )  # fmt: skip


async def _save(world: World, *slots: SlotRow) -> None:
    async with world.db.write(world.institute("asha")) as tx:
        for slot in slots:
            await queries.save(tx.conn, tx.institute_id, slot, tx.now)


async def _generated(world: World) -> list[tuple[UUID, datetime, datetime, UUID, UUID]]:
    async with world.db.write(world.institute("asha")) as tx:
        await service.generate(tx)
        rows = await tx.conn.fetch(
            "select slot_id, starts_at, ends_at, batch_id, teacher_id from classes order by starts_at, id"
        )
    return [tuple(row) for row in rows]


@pytest.mark.parametrize(
    ("zone", "today"),
    [("Europe/London", date(2026, 10, 12)), ("Europe/London", date(2027, 3, 1)),
     ("America/New_York", date(2026, 10, 19)), ("America/New_York", date(2027, 2, 22)),
     ("Asia/Kathmandu", date(2026, 11, 2))],
)  # fmt: skip
async def test_clocks_that_change_change_no_class(world: World, nothing: None, zone: str, today: date) -> None:
    """The class is at five in the afternoon and lasts an hour, in summer time and after it; also in the lost hour."""
    async with world.db.write(world.institute("asha")) as tx:
        await tx.conn.execute("update institutes set zone = $1", zone)
    world.clock.at = datetime.combine(today, time(3), UTC)
    evening = [_slot(world, weekday, time(17)) for weekday in range(1, 8)]
    night = [_slot(world, 7, time(1, 30)), _slot(world, 7, time(2, 30)), _slot(world, 7, time(3, 30))]
    await _save(world, *evening, *night)
    found = await _generated(world)
    local = [(slot, starts.astimezone(ZoneInfo(zone)), ends - starts) for slot, starts, ends, _, _ in found]
    mine = [(moment, length) for slot, moment, length in local if slot in {one.id for one in evening}]
    assert len(mine) in (28, 29)
    assert {f"{moment:%H:%M}" for moment, _ in mine} == {"17:00"}
    assert {length for _, _, length in local} == {timedelta(hours=1)}
    assert len({moment.utcoffset() for moment, _ in mine}) == (1 if zone == "Asia/Kathmandu" else 2)
    assert await _generated(world) == found


async def test_nothing_is_made_on_holidays_and_outside_the_batch(world: World, nothing: None) -> None:
    plan = world.institutes[0]
    days = [_slot(world, weekday, time(9)) for weekday in range(1, 8)]
    others = [_slot(world, weekday, time(9), batch=1, teacher="nandini") for weekday in range(1, 8)]
    await _save(world, *days, *others)
    async with world.db.write(world.institute("asha")) as tx:
        for batch_id, first, last in ((None, 2, 3), (plan.batches[1].id, 5, 5)):
            await tx.conn.execute(
                "insert into holidays (institute_id, id, batch_id, name, starts_on, ends_on, created_at, updated_at)"
                " values ($1, $2, $3, 'Diwali', $4, $5, $6, $6)",
                plan.id, new_id(), batch_id, _day(first), _day(last), NOW,
            )  # fmt: skip
        await tx.conn.execute("update batches set ends_on = $2 where id = $1", plan.batches[0].id, _day(9))
    made = await _generated(world)
    india = ZoneInfo("Asia/Kolkata")
    first = [starts.astimezone(india).date() for _, starts, _, batch, _ in made if batch == plan.batches[0].id]
    second = [starts.astimezone(india).date() for _, starts, _, batch, _ in made if batch == plan.batches[1].id]
    assert first == [_day(n) for n in (1, 4, 5, 6, 7, 8, 9)]
    assert second[:6] == [_day(n) for n in (1, 4, 6, 7, 8, 9)]
    async with world.db.write(world.institute("asha")) as tx:
        await tx.conn.execute("update batches set ends_on = $2 where id = $1", plan.batches[0].id, _day(6))
    made = await _generated(world)
    assert len([one for one in made if one[3] == plan.batches[0].id]) == 4, "what the batch no longer has goes"


def _day(after: int) -> date:
    return date(2026, 11, 22) + timedelta(after)


@pytest.mark.parametrize("seed", range(_HISTORIES))
async def test_any_timetable_gives_classes_that_do_not_meet(world: World, nothing: None, seed: int) -> None:
    """Slots as they come, also such as would meet: each class once, at its slot's time, none into another's way."""
    rng = random.Random(seed)
    slots = [
        _slot(world, rng.randint(1, 7), time(rng.randint(0, 22), rng.choice((0, 15, 30))), rng.randint(10, 60),
              rng.randrange(2), rng.choice(("vikram", "nandini")))
        for _ in range(rng.randint(1, 25))
    ]  # fmt: skip
    await _save(world, *slots)
    found = await _generated(world)
    by_id = {slot.id: slot for slot in slots}
    india = ZoneInfo("Asia/Kolkata")
    for slot_id, starts, ends, batch, teacher in found:
        slot, local = by_id[slot_id], starts.astimezone(india)
        assert (local.isoweekday(), local.time()) == (slot.weekday, slot.starts)
        assert ends - starts == timedelta(minutes=slot.minutes)
        assert NOW < starts < NOW + timedelta(29)
        assert (batch, teacher) == (slot.batch_id, slot.teacher_id)
    for place, (_, starts, ends, batch, teacher) in enumerate(found):
        for _, other_starts, other_ends, other_batch, other_teacher in found[:place]:
            if batch == other_batch or teacher == other_teacher:
                assert other_ends <= starts or ends <= other_starts
    assert len({(slot_id, starts) for slot_id, starts, *_ in found}) == len(found)
    world.clock.at = NOW + timedelta(days=rng.randint(0, 9), hours=rng.randint(0, 23))
    grown = await _generated(world)
    assert set(found) <= set(grown)
    assert await _generated(world) == grown
