"""Finding people: what a text finds, that it finds nobody elsewhere, and that indexes do it."""

from typing import Any

import pytest

from tests.people.hands import added
from tests.world import World


async def _found(world: World, said: str, key: str = "asha") -> set[str]:
    answer = await (await world.api(key)).get("/v1/people", params={"q": said, "limit": 100})
    assert answer.status_code == 200, answer.text
    return {person["name"] for person in answer.json()["data"]}


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("rohan", {"Rohan Deshpande"}),
        ("DESH roh", {"Rohan Deshpande"}),
        ("deshp", {"Rohan Deshpande", "Meher Deshpande", "Sunita Deshpande"}),
        ("eshpande", set()),  # words are found by their beginnings
        ("2207", {"Rohan Deshpande"}),
        ("asha@aarambh", {"Asha Kulkarni"}),
        ("98220 10006", {"Rohan Deshpande", "Meher Deshpande", "Sunita Deshpande"}),
        ("+91 98220-10002", {"Vikram Rao"}),
        ("010003", {"Nandini Iyer"}),
        ("%", set()),
        ("_", set()),
        ("\\", set()),
        ("rohan\x00", {"Rohan Deshpande"}),
        ("रोहन", set()),
    ],
)
async def test_what_a_text_finds(world: World, said: str, names: set[str]) -> None:
    assert await _found(world, said) == names


async def test_hindi_names_are_found_by_their_beginnings(world: World) -> None:
    await added(world, "student", name="अनन्या कुलकर्णी")
    assert await _found(world, "कुल अनन्") == {"अनन्या कुलकर्णी"}


async def test_the_search_stays_in_its_institute(world: World) -> None:
    for said in ("kabir", "khan", "farah@prayas", "+919822020004", "11"):
        assert await _found(world, said, "asha") == set(), said
    assert await _found(world, "kabir", "farah") == {"Kabir Khan"}
    # Behind the API too, and for a connection without a tenant.
    for institute, names in ((world.institute("asha"), 0), (world.institute("kabir"), 1), (None, 0)):
        async with world.db.read(institute) as conn:
            assert len(await conn.fetch("select * from search_people('kabir')")) == names


async def test_nobody_but_the_application_searches(world: World) -> None:
    async with world.owner() as conn:
        rights: list[Any] = await conn.fetchval(
            "select array_agg(grantee::text order by grantee) from information_schema.routine_privileges"
            " where routine_name = 'search_people'"
        )
        assert rights == ["kaksha_app", "kaksha_owner"]


async def test_indexes_find(world: World) -> None:
    """Each branch of the search has an index that begins with the institute, and takes it without knowing the text."""
    branches = {
        "users_words": "users where institute_id = $1 and (' ' || name) ilike $2",
        "users_email_start": "users where institute_id = $1 and email is not null and email ~>=~ $2 and email ~<~ $3",
        "students_roll_no": "students where institute_id = $1 and lower(roll_no) ~>=~ $2 and lower(roll_no) ~<~ $3",
        "users_phone_end": "users where institute_id = $1 and phone is not null and reverse(phone) ~>=~ $2"
        " and reverse(phone) ~<~ $3",
    }
    async with world.owner() as conn:
        many = conn.transaction()
        await many.start()
        try:
            await conn.execute(_MANY, world.institute("asha"))
            await conn.execute("analyze users; analyze students; set local plan_cache_mode = force_generic_plan")
            for index, rest in branches.items():
                await conn.execute(f"prepare found (uuid, text, text) as select from {rest}")
                rows = await conn.fetch(f"explain execute found('{world.institute('asha')}', '% roh%', 'z')")
                await conn.execute("deallocate found")
                plan = "\n".join(row[0] for row in rows)
                assert index in plan, plan
                assert "Seq Scan" not in plan, plan
        finally:
            await many.rollback()


_MANY = """
with added as (
  insert into users (institute_id, id, name, email, phone, roles, status, created_at, updated_at)
  select $1, gen_random_uuid(), md5(n::text) || ' ' || md5((-n)::text), md5(n::text) || '@example.org',
    '+9198' || (10000000 + n * 7919), '{student}', 'active', now(), now()
  from generate_series(1, 4000) n
  returning id
)
insert into students (institute_id, user_id, roll_no, grade, joined_on)
select $1, id, 'many-' || row_number() over (), 'Class 9', current_date from added
"""
