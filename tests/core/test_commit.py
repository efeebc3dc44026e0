"""Nothing acknowledged is lost: a commit that fails is never a 2xx, in either face; a repeated key has one effect."""

import asyncio

import pytest

from tests.world import World

_REFUSE = """
create function refuse_at_commit() returns trigger language plpgsql as $$
begin raise exception 'refused at commit' using errcode = 'check_violation'; end $$;
create constraint trigger refuse_at_commit after update on users deferrable initially deferred
  for each row execute function refuse_at_commit();
"""
_CUT = """
create function cut_at_commit() returns trigger language plpgsql as $$
begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
create constraint trigger cut_at_commit after update on users deferrable initially deferred
  for each row execute function cut_at_commit();
"""


async def _name(world: World, key: str) -> str:
    async with world.db.read(world.institute(key)) as conn:
        return await conn.fetchval("select name from users where id = $1", world.id(key))


@pytest.mark.parametrize(("failure", "name", "status"), [(_REFUSE, "refuse", 409), (_CUT, "cut", 503)])
async def test_a_failed_commit_is_never_a_success(world: World, failure: str, name: str, status: int) -> None:
    api, pages = await world.api("rohan"), await world.pages("rohan")
    before = await _name(world, "rohan")
    async with world.owner() as owner:
        await owner.execute(failure)
    try:
        answer = await api.patch("/v1/users/profile", json={"name": "Somebody Else"})
        assert answer.status_code == status, answer.text
        assert answer.json()["success"] is False
        page = await pages.post("/me", data={"name": "Somebody Else", "language": "en", "theme": "dark"})
        assert page.status_code == status
    finally:
        async with world.owner() as owner:
            await owner.execute(f"drop trigger {name}_at_commit on users; drop function {name}_at_commit()")
    assert await _name(world, "rohan") == before


async def test_the_answer_leaves_after_the_commit(world: World) -> None:
    """Whoever has the 200 in hand reads their own write on any other connection."""
    api = await world.api("meher")
    for number in range(20):
        answer = await api.patch("/v1/users/profile", json={"name": f"Meher {number}"})
        assert answer.status_code == 200
        assert await _name(world, "meher") == f"Meher {number}"


async def test_a_second_press_waits_for_the_answer_to_the_first(world: World) -> None:
    """A browser shows the answer to the last press only."""
    pages = await world.pages("asha")
    form = {"name": "Asha R", "language": "en", "theme": "light", "_idem": "pressed-twice"}
    waiting = "select count(*) from pg_locks where locktype = 'advisory' and granted"

    async with world.owner() as owner, world.owner() as watcher:
        idle = await watcher.fetchval(waiting)
        async with owner.transaction():
            await owner.execute("select from users where id = $1 for update", world.id("asha"))
            first = asyncio.create_task(pages.post("/me", data=form))
            async with asyncio.timeout(10):
                while await watcher.fetchval(waiting) == idle:
                    await asyncio.sleep(0.01)
            second = asyncio.create_task(pages.post("/me", data=form))
            done, _ = await asyncio.wait([second], timeout=0.3)
            assert not done
        answers = await first, await second
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].headers["location"] == answers[1].headers["location"]


async def test_a_form_sent_twice_has_one_effect(world: World) -> None:
    pages = await world.pages("vikram")
    form = {"name": "Vikram R", "language": "en", "theme": "dark", "_idem": "form-1"}
    first, second = await pages.post("/me", data=form), await pages.post("/me", data=form)
    assert (first.status_code, second.status_code) == (303, 303)
    assert second.headers["location"] == first.headers["location"]
    async with world.db.read(world.institute("vikram")) as conn:
        changes = await conn.fetchval(
            "select count(*) from audit_log where action = 'profile.changed' and subject_id = $1", world.id("vikram")
        )
    assert changes == 1
    other = await pages.post("/me", data={**form, "theme": "light"})
    assert other.status_code == 422


async def test_of_many_at_once_one_works_and_all_see_its_answer(world: World) -> None:
    pages = await world.pages("nandini")
    form = {"name": "Nandini I", "language": "en", "theme": "light", "_idem": "form-2"}
    answers = await asyncio.gather(*(pages.post("/me", data=form) for _ in range(12)))
    assert {answer.status_code for answer in answers} == {303}
    async with world.db.read(world.institute("nandini")) as conn:
        changes = await conn.fetchval(
            "select count(*) from audit_log where action = 'profile.changed' and subject_id = $1", world.id("nandini")
        )
    assert changes == 1
