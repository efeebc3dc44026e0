"""A commit that fails is never a success: every unsafe route of both faces, with every commit refused.

A trigger on every table, and on the queue of jobs, counts the rows that a request writes (with a sequence, which no
rollback takes back), another refuses them at commit. Whoever wrote and was told of success was told a lie.
"""

from typing import Any
from uuid import UUID

import asyncpg
import httpx2

from kaksha.core.seal import Keys
from kaksha.deliveries.models import Unsubscribed
from kaksha.deliveries.service import unsubscribe_token
from kaksha.sandbox.cast import AARAMBH, PASSWORD
from kaksha.sandbox.push import subscription
from tests.contracts.app import Route, routes
from tests.contracts.committed import settle
from tests.contracts.forms import Form, crawled
from tests.contracts.given import ROLES, ask, client, example, own_ids, passkey_bodies, route_of, signed_in
from tests.contracts.proofs import proofs
from tests.contracts.rows import fingerprint, spare
from tests.world import World

_INSTALL = """
create sequence rows_written minvalue 0 start 0;
grant usage on sequence rows_written to kaksha_app;
create function count_row() returns trigger language plpgsql as
  $$ begin perform nextval('public.rows_written'); return null; end $$;
create function refuse_at_commit() returns trigger language plpgsql as
  $$ begin raise exception 'refused at commit' using errcode = 'check_violation'; end $$;
create trigger count_row after insert on jobs.pgqueuer for each row execute function public.count_row();
create constraint trigger refuse_at_commit after insert on jobs.pgqueuer deferrable initially deferred
  for each row execute function public.refuse_at_commit();
do $$ declare target regclass; begin
  for target in select c.oid from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'institute_id'
      where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace loop
    execute format('create trigger count_row after insert or update or delete on %s'
      ' for each row execute function count_row()', target);
    execute format('create constraint trigger refuse_at_commit after insert or update or delete on %s'
      ' deferrable initially deferred for each row execute function refuse_at_commit()', target);
  end loop;
end $$;
"""
_CHANGES_NOTHING = {"POST /join"}
"""It looks a code up and leads to its page."""


_PDF = ("a.pdf", b"%PDF-1.7", "application/pdf")
_TUS = {"Tus-Resumable": "1.0.0", "Upload-Length": "8", "Upload-Metadata": "purpose ZG9jdW1lbnQ="}
_FILES: dict[str, dict[str, Any]] = {
    "/v1/files/upload": {"files": {"file": _PDF}, "data": {"purpose": "document"}},
    "/v1/files/batch-upload": {"files": [("files", _PDF)], "data": {"purpose": "document"}},
    "/v1/files/tus": {"headers": _TUS},
    "/files": {"files": [("files", _PDF)]},
    "/files/tus": {"headers": _TUS},
}
"""Requests that carry files."""


async def test_owed_commits(world: World) -> None:
    await signed_in(world)
    tokens = await world.sign_in("nandini")
    choice = (
        await world.anyone.post("/v1/auth/login", json={"phone": world.people["meher"].phone, "password": PASSWORD})
    ).json()
    tokens |= {"profileTicket": choice["data"]["profileTicket"], "userId": str(world.id("meher"))}
    signed = await passkey_bodies(world)
    begun = await (await world.api("nandini")).post("/v1/files/tus", headers=_TUS)
    signed["upload"] = begun.headers["location"]
    async with world.owner() as owner:
        extra = await spare(owner)
    proven = await proofs(world, extra.pop("waiting"))
    own = await own_ids(world)
    forms = [form for key in ROLES.values() for form in (await crawled(world, key))[1]]
    async with world.owner() as owner:
        before = await fingerprint(owner, AARAMBH)
        await owner.execute(_INSTALL)
        reached: dict[str, int] = {}
        lies: list[str] = []
        unsafe = [route for route in routes() if route.method not in ("GET", "HEAD")]
        assert len(unsafe) >= 20, "saw hardly any unsafe route"
        for route in unsafe:
            for key in [None] if route.public else [ROLES[role] for role in sorted(route.policy.roles)]:
                for address, sent in _requests(world, route, forms, tokens, signed, proven, own, extra):
                    written, answer = await _written(owner, await client(world, route, key), route, address, sent)
                    if not written:
                        continue
                    reached[route.name] = answer.status_code
                    if answer.status_code < 400 or answer.status_code == 500:
                        lies.append(f"{key}: {route.name}: {written} rows, {answer.status_code} {answer.text[:120]}")
                    break
        after = await fingerprint(owner, AARAMBH)
    assert not lies, "an answer leaves after the commit, and a refused one is a conflict:\n" + "\n".join(lies)
    assert after == before, "something was committed, though every commit was refused"
    assert len(reached) >= 12, f"hardly any route came as far as its commit: {reached}"
    missing = [route.name for route in unsafe if route.name not in reached and route.name not in _CHANGES_NOTHING]
    settle("commits", missing, "teach tests/contracts/given.py a body or form with which the route writes something")


async def _written(
    owner: asyncpg.Connection, who: httpx2.AsyncClient, route: Route, address: str, sent: dict[str, Any]
) -> tuple[int, httpx2.Response]:
    """How many rows a request wrote before it was refused, and its answer."""
    start = await owner.fetchval("select nextval('rows_written')")
    answer = await ask(who, route.method, address, **sent)
    return await owner.fetchval("select nextval('rows_written')") - start - 1, answer


def _requests(
    world: World,
    route: Route,
    forms: list[Form],
    tokens: Any,
    signed: dict[str, Any],
    proven: dict[str, dict[str, Any]],
    own: dict[str, UUID],
    extra: dict[str, UUID],
) -> list[tuple[str, dict[str, Any]]]:
    """Requests with which the route should write something: (address, what is sent)."""
    what = Unsubscribed(AARAMBH, world.id("nandini"), "account")
    unsubscribe = {"token": unsubscribe_token(Keys(world.settings.secret_key), what)}
    sign_in = {"email": world.people["nandini"].email, "password": PASSWORD}
    bodies = {
        "/v1/auth/login": sign_in,
        "/v1/auth/refresh": {"refreshToken": tokens["refreshToken"]},
        "/sign-in": {"login": sign_in["email"], "password": PASSWORD},
        "/sign-in/profile": {name: tokens[name] for name in ("profileTicket", "userId")},
        "/notifications/push": {"endpoint": "https://fcm.googleapis.com/x", **subscription("", "x")["keys"]},
        "/notifications/push/off": {"endpoint": f"device-{extra['target_id']}"},
        "/unsubscribe": unsubscribe,
        "/unsubscribe/undo": unsubscribe,
        **signed,
    }
    if route.path in proven:
        sent = dict(proven[route.path])
        return [(sent.pop("path", route.path), sent)]
    if route.path in _FILES:
        return [(route.path, _FILES[route.path])]
    if "{token:str}" in route.path:
        kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
        return [
            (
                signed["upload"],
                {"headers": _TUS | kind, "content": _PDF[1]} if route.method == "PATCH" else {"headers": _TUS},
            )
        ]
    if route.path in bodies:
        return [(route.path, {"json" if route.api else "data": bodies[route.path]})]
    if not route.api:
        shown = [form for form in forms if form.method == "post" and route_of("POST", form.action) == route]
        return list({str(form): (form.action, {"data": form.filled()}) for form in shown}.values())[:12]
    plan = world.institutes[0]
    sunita, meher = {"person_id": world.id("sunita")}, {"student_id": world.id("meher")}
    made = [
        (route.address(ids), {} if route.body is None else {"json": example(route.body, ids)})
        for ids in (
            own, own | meher | sunita, own | {"batch_id": plan.batches[1].id}, own | {"person_id": world.id("nandini")},
            own | extra, own | extra | sunita, own | {"student_id": extra["student_id"]},
            own | {"class_id": extra["live_id"]}, own | {"class_id": extra["cancelled_id"]},
            own | {"teacher_id": world.id("nandini")}, own | {"to_batch_id": plan.batches[1].id},
        )
    ]  # fmt: skip
    return list({str(request): request for request in made}.values())
