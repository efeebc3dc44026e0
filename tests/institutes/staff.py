"""People whom the cast does not have: admins with one permission, and as many students as a test wants."""

from uuid import UUID

from kaksha.core.ids import new_id
from kaksha.sandbox.cast import Member
from tests.world import NOW, World


async def hire(world: World, key: str, name: str, permission: str) -> None:
    """One more admin of Aarambh, who signs in as the cast does."""
    admin = Member(key, new_id(), name, ("admin",), f"{key}@aarambh.example", permissions=(permission,))
    await _person(world, admin.id, name, ["admin"], admin.email, [permission])
    world.people[key] = admin


async def teacher(world: World, name: str) -> UUID:
    """One more teacher of Aarambh."""
    person_id = new_id()
    await _person(world, person_id, name, ["teacher"], None, [])
    async with world.db.write(world.institute("asha")) as tx:
        await tx.conn.execute(
            "insert into teachers (institute_id, user_id, joined_on) values ($1, $2, $3)",
            world.institute("asha"), person_id, NOW.date(),
        )  # fmt: skip
    return person_id


async def students(world: World, names: list[str], first_roll: int) -> list[UUID]:
    """More students of Aarambh, with roll numbers counted from `first_roll`."""
    ids = [new_id() for _ in names]
    for place, (person_id, name) in enumerate(zip(ids, names, strict=True)):
        await _person(world, person_id, name, ["student"], None, [])
        async with world.db.write(world.institute("asha")) as tx:
            await tx.conn.execute(
                "insert into students (institute_id, user_id, roll_no, grade, joined_on)"
                " values ($1, $2, $3, 'Class 11', $4)",
                world.institute("asha"), person_id, str(first_roll + place), NOW.date(),
            )  # fmt: skip
    return ids


async def _person(
    world: World, person_id: UUID, name: str, roles: list[str], email: str | None, permissions: list[str]
) -> None:
    async with world.db.write(world.institute("asha")) as tx:
        await tx.conn.execute(
            "insert into users (institute_id, id, name, email, password_hash, roles, permissions, status, created_at,"
            " updated_at) select $1, $2, $3, $4, password_hash, $5, $6, 'active', $7, $7 from users where id = $8",
            world.institute("asha"), person_id, name, email, roles, permissions, NOW, world.id("asha"),
        )  # fmt: skip
