"""The demo's marks: every held class but the last of today, the same each time, and nothing that somebody marked."""

from kaksha.core.ids import UUID
from kaksha.sandbox import demo_queries
from tests.attendance.hands import at, held, joined, mark, sheet
from tests.world import NOW, World


async def test_the_demo_marks_what_was_held(world: World) -> None:
    new = await joined(world, [f"Demo {n}" for n in range(30)], 3001)
    past = [await held(world, at(-day, 9)) for day in range(1, 30)]
    own, last, ahead = await held(world, at(0, 8)), await held(world, at(0, 15)), await held(world, at(1, 9))
    cancelled = await held(world, at(-1, 12), cancelled_at=NOW, cancel_reason="Rain")
    await mark(world, "vikram", own, {new[0]: "late"})
    for _ in range(2):
        async with world.db.write(world.institute("asha")) as tx:
            await demo_queries.plant_marks(tx.conn, tx.institute_id, NOW)
        async with world.owner() as owner:
            rows = await owner.fetch("select class_id, student_id, status from attendance_marks")
        assert len(rows) == len(past) * 31 + 1
        assert not {row["class_id"] for row in rows} & {UUID(one) for one in (last, ahead, cancelled)}
    absent = {
        student: sum(row["status"] == "absent" for row in rows if row["student_id"] == student) for student in new
    }
    assert sum(absent.values()) < len(past) * 30 * 0.25
    assert {row["status"] for row in rows} == {"present", "absent", "late", "excused"}
    assert (await sheet(world, own))[str(new[1])]["status"] is None, "what somebody marks is theirs"
