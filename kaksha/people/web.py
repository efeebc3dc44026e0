"""Pages: people, one of them, adding, changing and linking them. Forms name a field by its path in the API's body."""

from functools import partial
from typing import Any, TypeVar

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath
from litestar.response import Response

from kaksha.accounts.models import Role
from kaksha.core.clock import local_date
from kaksha.core.errors import AppError, Invalid, NotFound
from kaksha.core.failures import reasons, text
from kaksha.core.http import NOTICES, Pagination, Request, allow, see_other
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.validation import converted
from kaksha.institutes.models import spoken, tidy
from kaksha.people import models, queries, service
from kaksha.people.models import ROLES, ChildLink, Listed, NewPerson, PersonChange, PersonRecord

T = TypeVar("T")

NOTICES.update(
    {
        "person-added": N_("Added."),
        "person-saved": N_("The changes are saved."),
        "person-disabled": N_("Disabled, and signed out everywhere."),
        "person-enabled": N_("They can sign in now."),
        "family-linked": N_("Linked."),
        "family-unlinked": N_("No longer linked."),
    }
)

_PAGE = 30
_FOUND = 8
"""People shown to choose from when a family is linked."""
_HERE: tuple[models.Status, ...] = ("active", "pending")
_ONLY: tuple[models.Status, ...] = ("pending", "disabled")
_FIELDS = (
    "name", "email", "phone", "password", "language", "student.rollNo", "student.grade", "student.joinedOn",
    "teacher.title", "children.studentId", "children.relation",
)  # fmt: skip
_SAID_EMPTY = frozenset({"name", "student.grade", "teacher.title"})
"""Fields whose emptiness is said to the service: the person cleared them, they are not merely absent."""


@get("/people", guards=allow("admin"))
async def people_page(request: Request) -> Response[bytes]:
    given = request.query_params
    said, role, page = tidy(given.get("q", ""))[:100], _role(given.get("role")), _page_number(given.get("page", "1"))
    only: models.Status | None = next((status for status in _ONLY if given.get("status") == status), None)
    statuses: tuple[models.Status, ...] = (only,) if only else _HERE
    async with request.read() as conn:
        found = await queries.people(conn, request.me.institute_id, said or None, role, statuses, "name", page, _PAGE)
    counts = {name: found[f"{name}s"] for name in ROLES}
    return _page(
        request, "people.html", people=msgspec.json.decode(found["items"], type=list[Listed]), said=said, role=role,
        only=only, counts=counts, found=found,
        pagination=Pagination(page, _PAGE, found["total"], -(-found["total"] // _PAGE)),
    )  # fmt: skip


@get("/people/new", guards=allow("admin", permission=("desk", "academics")))
async def new_person_page(request: Request) -> Response[bytes]:
    given = request.query_params
    role = _role(given.get("role"))
    if role is None:
        roles = [role for role in ROLES if service.may_change(request.me, [role])]
        return _page(request, "role.html", roles=roles)
    values: dict[str, Any] = {"language": "en", "student.joinedOn": local_date(request.now, request.me.zone)}
    values |= {"children.studentId": given.get("child", ""), "children.relation": "mother"}
    return await _new_page(request, role, values)


@post("/people", guards=allow("admin", permission=("desk", "academics")))
async def add_person(request: Request) -> Response[bytes]:
    role, typed = _role(str((await request.form()).get("role", ""))) or "student", await _typed(request)
    try:
        body = _body(NewPerson, typed | {"roles": [role]})
        async with request.write() as tx:
            person_id = await service.create(tx, request.me, body)
            return await tx.see_other(f"/people/{person_id}", "person-added")
    except Invalid as error:
        return await _new_page(request, role, typed, error)


@get("/people/{person_id:uuid}", guards=allow("admin", "teacher"))
async def person_page(request: Request, person_id: FromPath[UUID]) -> Response[bytes]:
    return _page(request, "person.html", person=await _person(request, person_id))


@get("/people/{person_id:uuid}/edit", guards=allow("admin", permission=("desk", "academics")))
async def edit_page(request: Request, person_id: FromPath[UUID]) -> Response[bytes]:
    person = await _person(request, person_id)
    service.check_rights(request.me, person.roles)
    if person.status == "disabled":
        return see_other(f"/people/{person_id}")
    values: dict[str, Any] = {
        "name": person.name, "email": person.email, "phone": spoken(person.phone), "language": person.language,
        "roles": person.roles, "permissions": person.permissions,
    }  # fmt: skip
    if person.student:
        values |= {
            "student.rollNo": person.student.roll_no, "student.grade": person.student.grade,
            "student.joinedOn": person.student.joined_on,
        }  # fmt: skip
    if person.teacher:
        values["teacher.title"] = person.teacher.title
    return _page(request, "edit.html", person=person, values=values, errors={})


@post("/people/{person_id:uuid}/edit", guards=allow("admin", permission=("desk", "academics")))
async def change_person(request: Request, person_id: FromPath[UUID]) -> Response[bytes]:
    typed = await _typed(request)
    given: dict[str, Any] = {"email": None, "phone": None} | typed
    if "student" in given["roles"]:
        given.setdefault("student.rollNo", "")
    if "rights" not in await request.form() or "admin" not in given["roles"]:
        given.pop("permissions")
    # What belongs to a role that was taken away is no longer said.
    given = {
        name: value for name, value in given.items() if name.partition(".")[0] not in set(ROLES) - {*given["roles"]}
    }
    try:
        body = _body(PersonChange, given)
        async with request.write() as tx:
            await service.change(tx, request.me, person_id, body)
            return await tx.see_other(f"/people/{person_id}", "person-saved")
    except (Invalid, models.StillLinked, models.OwnOwnership, models.LastOwner) as error:
        person = await _person(request, person_id)
        errors = _errors(request, error) or {"roles": [text(request.lang, error)]}
        return _page(request, "edit.html", status=error.status, person=person, values=typed, errors=errors)


@post("/people/{person_id:uuid}/disable", guards=allow("admin", permission=("desk", "academics")))
async def disable_person(request: Request, person_id: FromPath[UUID]) -> Response[bytes]:
    async with request.write() as tx:
        await service.disable(tx, request.me, person_id)
        return await tx.see_other(f"/people/{person_id}", "person-disabled")


@post("/people/{person_id:uuid}/enable", guards=allow("admin", permission=("desk", "academics")))
async def enable_person(request: Request, person_id: FromPath[UUID]) -> Response[bytes]:
    async with request.write() as tx:
        await service.enable(tx, request.me, person_id)
        return await tx.see_other(f"/people/{person_id}", "person-enabled")


@get("/people/{person_id:uuid}/family", guards=allow("admin", permission=("desk", "academics")))
async def family_page(request: Request, person_id: FromPath[UUID]) -> Response[bytes]:
    """Looks for a child of a parent, or (`as=child`) for a parent of a child."""
    as_child = request.query_params.get("as") == "child"
    return await _family_page(request, await _person(request, person_id), as_child, request.query_params.get("q", ""))


@post("/people/{person_id:uuid}/family", guards=allow("admin", permission=("desk", "academics")))
async def link_family(request: Request, person_id: FromPath[UUID]) -> Response[bytes]:
    given = await request.form()
    as_child = given.get("as") == "child"
    try:
        other = converted(UUID, given.get("other", "")) if given.get("other") else None
        if other is None:
            raise Invalid({"other": [N_("Choose a person.")]})
        parent_id, child_id = (other, person_id) if as_child else (person_id, other)
        body = converted(ChildLink, {"studentId": child_id, "relation": given.get("relation")})
        async with request.write() as tx:
            await service.link(tx, request.me, parent_id, body)
            return await tx.see_other(f"/people/{person_id}", "family-linked")
    except (Invalid, models.NotAParent, models.PersonDisabled, models.AlreadyLinked) as error:
        person = await _person(request, person_id)
        return await _family_page(request, person, as_child, str(given.get("q", "")), error)


@post(
    "/people/{person_id:uuid}/children/{student_id:uuid}/unlink",
    guards=allow("admin", permission=("desk", "academics")),
)
async def unlink_family(request: Request, person_id: FromPath[UUID], student_id: FromPath[UUID]) -> Response[bytes]:
    shown = student_id if (await request.form()).get("as") == "child" else person_id
    async with request.write() as tx:
        await service.unlink(tx, request.me, person_id, student_id)
        return await tx.see_other(f"/people/{shown}", "family-unlinked")


async def _person(request: Request, person_id: UUID) -> PersonRecord:
    me = request.me
    async with request.read() as conn:
        found = await queries.person(conn, me.institute_id, person_id, me.user_id, me.is_admin, request.now)
    if found is None:
        raise NotFound
    return msgspec.json.decode(found, type=PersonRecord)


async def _new_page(
    request: Request, role: Role, values: dict[str, Any], error: AppError | None = None
) -> Response[bytes]:
    service.check_rights(request.me, [role])
    errors = _errors(request, error)
    child_id = values.get("children.studentId")
    child = None
    if role == "parent" and child_id:
        try:
            child = await _person(request, converted(UUID, child_id))
        except (Invalid, NotFound):
            values.pop("children.studentId")
    return _page(
        request, "new.html", status=error.status if error else 200, role=role, values=values, errors=errors,
        child=child if child and child.student else None,
    )  # fmt: skip


async def _family_page(
    request: Request, person: PersonRecord, as_child: bool, said: str, error: AppError | None = None
) -> Response[bytes]:
    service.check_rights(request.me)
    said = tidy(said)[:100]
    found: list[Listed] = []
    if said:
        async with request.read() as conn:
            rows = await queries.people(
                conn, request.me.institute_id, said, "parent" if as_child else "student", _HERE, "name", 1, _FOUND
            )
        found = msgspec.json.decode(rows["items"], type=list[Listed])
    linked = {person.id, *(other.id for other in (person.parents if as_child else person.children))}
    return _page(
        request, "family.html", status=error.status if error else 200, person=person, as_child=as_child, said=said,
        found=[other for other in found if other.id not in linked],
        failure=None if error is None else _first(request, error),
    )  # fmt: skip


def _page(request: Request, template: str, *, status: int = 200, **context: Any) -> Response[bytes]:
    """A page of this feature, with what all of them say people's values with."""
    return request.page(
        f"people/{template}", status=status, may_manage=service.may_manage(request.me), me=request.me,
        may_change=partial(service.may_change, request.me),
        spoken=spoken, relations=models.RELATIONS, statuses=models.STATUS_CHIPS, rights=models.RIGHTS,
        idem=new_id(), **context,
    )  # fmt: skip


def _errors(request: Request, error: AppError | None) -> dict[str, list[str]]:
    return reasons(request.lang, error.problems) if isinstance(error, Invalid) else {}


def _first(request: Request, error: AppError) -> str:
    """One sentence for a page without fields of its own."""
    return next((whys[0] for whys in _errors(request, error).values()), text(request.lang, error))


def _role(given: str | None) -> Role | None:
    return given if given in ROLES else None


def _page_number(given: str) -> int:
    return min(int(given), 100_000) if given.isdecimal() and int(given) else 1


async def _typed(request: Request) -> dict[str, Any]:
    """What was typed, by field; what was left empty is absent, or "" where that means something."""
    given = await request.form()
    typed: dict[str, Any] = {name: given.getall(name, []) for name in ("roles", "permissions")}
    for name in _FIELDS:
        if name in given:
            value = str(given.get(name, "")).strip()
            if value or name in _SAID_EMPTY:
                typed[name] = value
    return typed


def _body(kind: type[T], typed: dict[str, Any]) -> T:
    """The fields as a body of the API. Raises Invalid."""
    body: dict[str, Any] = {}
    for name, value in typed.items():
        part, _, field = name.partition(".")
        if field:
            body.setdefault(part, {})[field] = value
        else:
            body[part] = value
    if "children" in body:
        body["children"] = [body["children"]]
    return converted(kind, body)


routes = Router(
    "/",
    route_handlers=[
        people_page, new_person_page, add_person, person_page, edit_page, change_person, disable_person, enable_person,
        family_page, link_family, unlink_family,
    ],
    include_in_schema=False,
)  # fmt: skip
