"""Pages: the batches one belongs to, one batch, and what admins change there."""

from datetime import date
from typing import Any

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath
from litestar.response import Response

from kaksha.batches import queries, service
from kaksha.batches.models import (
    Batch,
    BatchChange,
    Candidate,
    NewBatch,
    NewEnrolment,
    Removal,
    RosterStudent,
    Teaching,
)  # fmt: skip
from kaksha.core.clock import local_date, session_start
from kaksha.core.errors import AppError, Invalid, NotFound
from kaksha.core.failures import reasons, text
from kaksha.core.http import NOTICES, Pagination, Request, allow, form
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.core.validation import converted
from kaksha.institutes.models import tidy
from kaksha.institutes.service import may, viewer

NOTICES.update(
    {
        "batch-created": N_("The batch is there. Now say what it is taught, and add its students."),
        "batch-saved": N_("The batch is saved."),
        "batch-archived": N_("The batch is archived."),
        "batch-subjects-saved": N_("Subjects and teachers are saved."),
        "student-enrolled": N_("Added. Add the next one, or go back to the batch."),
        "student-removed": N_("The student is taken out of the batch."),
    }
)

_PAGE = 20  # rows of a page, and of what a search for a student shows: who sees too many types more


@get("/batches", guards=allow())
async def batches_page(request: Request) -> Response[bytes]:
    q, page = _query(request)
    async with request.read() as conn:
        found = await queries.batches(
            conn, request.me.institute_id, viewer(request.me), request.now, q or None, None, None, "name", page, _PAGE
        )
    return request.page(
        "batches/batches.html", batches=msgspec.json.decode(found["items"], type=list[Batch]), q=q,
        pagination=_pagination(page, found["total"]), today=_today(request),
        is_admin=request.me.is_admin, may_change=may(request.me, "academics"),
    )  # fmt: skip


@get("/batches/{batch_id:uuid}", guards=allow())
async def batch_page(request: Request, batch_id: FromPath[UUID]) -> Response[bytes]:
    me = request.me
    batch = await _batch(request, batch_id)
    q, page = _query(request)
    found = None
    if me.roles & {"admin", "teacher"}:
        async with request.read() as conn:
            found = await queries.roster(
                conn, me.institute_id, batch_id, viewer(me), request.now, q or None, "name", page, _PAGE
            )
    return request.page(
        "batches/batch.html", batch=batch, q=q, today=_today(request),
        is_admin=request.me.is_admin, may_change=may(request.me, "academics"),
        students=None if found is None else msgspec.json.decode(found["items"], type=list[RosterStudent]),
        pagination=_pagination(page, found["total"] if found else 0),
    )  # fmt: skip


# --- the batch itself ---------------------------------------------------------------------------------------


@get("/batches/new", guards=allow("admin", permission="academics"))
async def new_page(request: Request) -> Response[bytes]:
    today = _today(request)
    ends_on = date(session_start(today).year + 1, 3, 31)
    values = {
        "name": "", "code": "", "course": "", "capacity": 40, "medium": "en", "startsOn": today.isoformat(),
        "endsOn": ends_on.isoformat(),
    }  # fmt: skip
    return _form_page(request, None, values)


@post("/batches", guards=allow("admin", permission="academics"))
async def create(request: Request) -> Response[bytes]:
    try:
        body = await form(request, NewBatch)
        async with request.write() as tx:
            batch_id = await service.create(tx, body)
            return await tx.see_other(f"/batches/{batch_id}", "batch-created")
    except Invalid as error:
        return _form_page(request, None, await _typed(request), error)


@get("/batches/{batch_id:uuid}/edit", guards=allow("admin", permission="academics"))
async def edit_page(request: Request, batch_id: FromPath[UUID]) -> Response[bytes]:
    batch = await _batch(request, batch_id)
    return _form_page(request, batch, msgspec.to_builtins(batch))


@post("/batches/{batch_id:uuid}/edit", guards=allow("admin", permission="academics"))
async def change(request: Request, batch_id: FromPath[UUID]) -> Response[bytes]:
    try:
        body = BatchChange(**msgspec.structs.asdict(await form(request, NewBatch)))
        async with request.write() as tx:
            await service.change(tx, batch_id, body)
            return await tx.see_other(f"/batches/{batch_id}", "batch-saved")
    except Invalid as error:
        return _form_page(request, await _batch(request, batch_id), await _typed(request), error)


@post("/batches/{batch_id:uuid}/archive", guards=allow("admin", permission="academics"))
async def archive(request: Request, batch_id: FromPath[UUID]) -> Response[bytes]:
    try:
        async with request.write() as tx:
            await service.archive(tx, batch_id)
            return await tx.see_other("/batches", "batch-archived")
    except service.BatchInUse as error:
        batch = await _batch(request, batch_id)
        return _form_page(request, batch, msgspec.to_builtins(batch), error)


# --- subjects and teachers ----------------------------------------------------------------------------------


@get("/batches/{batch_id:uuid}/subjects", guards=allow("admin", permission="academics"))
async def subjects_page(request: Request, batch_id: FromPath[UUID]) -> Response[bytes]:
    return await _subjects_page(request, batch_id, [])


@post("/batches/{batch_id:uuid}/subjects", guards=allow("admin", permission="academics"))
async def set_subjects(request: Request, batch_id: FromPath[UUID]) -> Response[bytes]:
    """One picker for each subject; where nobody is picked, the batch is not taught it."""
    given = await request.form()
    pairs = zip(given.getall("subjectId", []), given.getall("teacherId", []), strict=False)
    rows = [{"subjectId": subject, "teacherId": teacher} for subject, teacher in pairs if teacher]
    try:
        body = converted(list[Teaching], rows)
        async with request.write() as tx:
            await service.set_subjects(tx, batch_id, body)
            return await tx.see_other(f"/batches/{batch_id}", "batch-subjects-saved")
    except Invalid as error:
        return await _subjects_page(request, batch_id, rows, error)


async def _subjects_page(
    request: Request, batch_id: UUID, typed: list[dict[str, Any]], error: Invalid | None = None
) -> Response[bytes]:
    """The pickers, as they are kept or as they were sent; a fault stands at its subject."""
    batch = await _batch(request, batch_id)
    async with request.read() as conn:
        subjects = await queries.subjects_and_teachers(conn, request.me.institute_id, batch_id)
        teachers = await queries.teachers(conn, request.me.institute_id, request.now)
    picked = {str(subject.id): str(subject.teacher_id or "") for subject in subjects}
    errors: dict[str, list[str]] = {}
    if error is not None:
        picked = {row["subjectId"]: row["teacherId"] for row in typed}
        for field, whys in reasons(request.lang, error.problems).items():
            row = typed[int(field.partition(".")[0])]
            errors.setdefault(f"teacher-{row['subjectId']}", []).extend(whys)
    return request.page(
        "batches/subjects.html", status=error.status if error else 200, batch=batch, subjects=subjects,
        teachers=teachers, picked=picked, errors=errors, idem=new_id(),
    )  # fmt: skip


# --- who is in it -------------------------------------------------------------------------------------------


@get("/batches/{batch_id:uuid}/add", guards=allow("admin", permission="academics"))
async def add_page(request: Request, batch_id: FromPath[UUID]) -> Response[bytes]:
    return await _add_page(request, batch_id, request.query_params.get("startsOn", ""))


@post("/batches/{batch_id:uuid}/add", guards=allow("admin", permission="academics"))
async def enrol(request: Request, batch_id: FromPath[UUID]) -> Response[bytes]:
    try:
        body = await form(request, NewEnrolment)
        async with request.write() as tx:
            await service.enrol(tx, batch_id, body)
            return await tx.see_other(f"/batches/{batch_id}/add", "student-enrolled")
    except (Invalid, service.AlreadyEnrolled, service.BatchFull, service.BatchOver) as error:
        starts_on = str((await request.form()).get("startsOn", ""))
        return await _add_page(request, batch_id, starts_on, error)


async def _add_page(request: Request, batch_id: UUID, first: str, error: AppError | None = None) -> Response[bytes]:
    batch = await _batch(request, batch_id)
    q, _ = _query(request)
    found: list[Candidate] = []
    if q:
        async with request.read() as conn:
            rows = await queries.candidates(conn, request.me.institute_id, batch_id, q, request.now, _PAGE)
        found = [Candidate(*row) for row in rows]
    starts_on = first or max(_today(request), batch.starts_on).isoformat()
    return request.page(
        "batches/add.html", batch=batch, q=q, found=found, starts_on=starts_on, idem=new_id(),
        **_failure(request, error),
    )  # fmt: skip


@get("/batches/{batch_id:uuid}/students/{student_id:uuid}", guards=allow("admin", permission="academics"))
async def student_page(request: Request, batch_id: FromPath[UUID], student_id: FromPath[UUID]) -> Response[bytes]:
    return await _student_page(request, batch_id, student_id, "")


@post("/batches/{batch_id:uuid}/students/{student_id:uuid}/remove", guards=allow("admin", permission="academics"))
async def remove(request: Request, batch_id: FromPath[UUID], student_id: FromPath[UUID]) -> Response[bytes]:
    try:
        body = await form(request, Removal)
        async with request.write() as tx:
            await service.remove(tx, batch_id, student_id, body.on)
            return await tx.see_other(f"/batches/{batch_id}", "student-removed")
    except Invalid as error:
        return await _student_page(request, batch_id, student_id, str((await request.form()).get("on", "")), error)


async def _student_page(
    request: Request, batch_id: UUID, student_id: UUID, on: str, error: Invalid | None = None
) -> Response[bytes]:
    batch = await _batch(request, batch_id)
    async with request.read() as conn:
        found = await queries.roster(
            conn, request.me.institute_id, batch_id, None, request.now, None, "name", 1, 1, student_id
        )
    if not found or not found["total"]:
        raise NotFound
    student = msgspec.json.decode(found["items"], type=list[RosterStudent])[0]
    first = max(_today(request), student.starts_on)
    return request.page(
        "batches/student.html", batch=batch, student=student, on=on or (student.ends_on or first).isoformat(),
        today=_today(request), idem=new_id(), **_failure(request, error),
    )  # fmt: skip


# --- common to them -----------------------------------------------------------------------------------------


async def _batch(request: Request, batch_id: UUID) -> Batch:
    async with request.read() as conn:
        found = await queries.batch(conn, request.me.institute_id, batch_id, viewer(request.me), request.now)
    if found is None:
        raise NotFound
    return msgspec.json.decode(found, type=Batch)


def _query(request: Request) -> tuple[str, int]:
    """(what is searched for, which page) of an address; whatever else stands there counts as nothing."""
    page = request.query_params.get("page", "")[:6]
    return tidy(request.query_params.get("q", ""))[:100], max(1, int(page)) if page.isdecimal() else 1


def _pagination(page: int, total: int) -> Pagination:
    return Pagination(page, _PAGE, total, -(-total // _PAGE))


def _today(request: Request) -> date:
    return local_date(request.now, request.me.zone)


async def _typed(request: Request) -> dict[str, str]:
    """What was typed into a batch's form, to be shown again."""
    given = await request.form()
    return {field.encode_name: str(given.get(field.encode_name, "")) for field in msgspec.structs.fields(NewBatch)}


def _form_page(
    request: Request, batch: Batch | None, values: dict[str, Any], error: AppError | None = None
) -> Response[bytes]:
    shown = {"batch": batch, "values": values, "idem": new_id(), "today": _today(request)}
    return request.page("batches/form.html", **shown, **_failure(request, error))


def _failure(request: Request, error: AppError | None) -> dict[str, Any]:
    """What a form's page says of the last try: at its fields, or above all of them."""
    if error is None:
        return {"status": 200, "errors": {}, "failure": None}
    if isinstance(error, Invalid):
        return {"status": error.status, "errors": reasons(request.lang, error.problems), "failure": None}
    return {"status": error.status, "errors": {}, "failure": text(request.lang, error)}


routes = Router(
    "/",
    route_handlers=[
        batches_page, batch_page, new_page, create, edit_page, change, archive, subjects_page, set_subjects, add_page,
        enrol, student_page, remove,
    ],
    include_in_schema=False,
)  # fmt: skip
