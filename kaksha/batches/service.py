"""Making and changing batches, what they are taught, and who is in them.

Order of locks: the institute (when a code or the subjects change), then the batch, then people.
"""

from datetime import date, timedelta

import msgspec

from kaksha.batches import queries
from kaksha.batches.models import (
    ENROLLED,
    REMOVED,
    BatchChange,
    BatchRow,
    Enrolment,
    NewBatch,
    NewEnrolment,
    NewTransfer,
    Student,
    Teaching,
)  # fmt: skip
from kaksha.core import audit
from kaksha.core.db import Write
from kaksha.core.errors import Conflict, Invalid, NotFound, Why
from kaksha.core.i18n import N_
from kaksha.core.ids import UUID, new_id
from kaksha.institutes import service as institutes
from kaksha.institutes.models import FieldConflict, Fields, changes
from kaksha.notifications.models import Facts, Kind
from kaksha.notifications.service import notify


class BatchCodeTaken(FieldConflict):
    code, text = "BATCH_CODE_TAKEN", N_("Another batch has this code at the same time.")


class TooFewSeats(FieldConflict):
    code, text = "TOO_FEW_SEATS", N_("The batch cannot have fewer seats than students.")


class BatchFull(Conflict):
    code, text = "BATCH_FULL", N_("All {capacity} seats of this batch are taken.")


class BatchOver(Conflict):
    code, text = "BATCH_OVER", N_("This batch is over: nobody can join it any more.")


class BatchInUse(Conflict):
    code = "BATCH_IN_USE"
    text = N_("Students are still in this batch ({students}). Take them out, or wait until its last day has passed.")


class AlreadyEnrolled(Conflict):
    code, text = "ALREADY_ENROLLED", N_("{name} is in this batch already, or will be.")


async def create(tx: Write, body: NewBatch) -> UUID:
    """A new batch. Raises Invalid or BatchCodeTaken."""
    await institutes.hold(tx)
    given = msgspec.structs.asdict(body)
    new = await _checked(tx, BatchRow(id=new_id(), today=body.starts_on, **given))
    await queries.save_batch(tx.conn, tx.institute_id, new, tx.now)
    await audit.record(tx, "batch.created", new.id, after=_kept(new))
    return new.id


async def change(tx: Write, batch_id: UUID, body: BatchChange) -> None:
    """Changes what the body names. Raises NotFound, Invalid, BatchCodeTaken or TooFewSeats."""
    await institutes.hold(tx)
    before = await _batch(tx, batch_id)
    given = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}
    after = await _checked(tx, msgspec.structs.replace(before, **given), before)
    if after == before:
        return
    await queries.save_batch(tx.conn, tx.institute_id, after, tx.now)
    old, new = changes(before, after)
    await audit.record(tx, "batch.changed", batch_id, before=old, after=new)


async def archive(tx: Write, batch_id: UUID) -> None:
    """Takes a batch out of sight; what happened in it stays. Raises NotFound, or BatchInUse while students are in it.

    After its last day students do not keep it open: their enrolments end with that day.
    """
    await institutes.hold(tx)
    batch = await _batch(tx, batch_id)
    if batch.today <= batch.ends_on:
        students = await queries.peak(tx.conn, tx.institute_id, batch_id, batch.today)
        if students:
            raise BatchInUse(students=students)
    ended = await queries.archive_batch(tx.conn, tx.institute_id, batch_id, batch.ends_on, tx.now)
    await audit.record(tx, "batch.archived", batch_id, before=_kept(batch), after={"enrolments_ended": ended})


async def set_subjects(tx: Write, batch_id: UUID, new: list[Teaching]) -> None:
    """Makes `new` all that the batch is taught. Raises NotFound, or Invalid with every row that cannot be."""
    await institutes.hold(tx)
    await _batch(tx, batch_id)
    subject_ids = [one.subject_id for one in new]
    every = await queries.subjects_and_teachers(tx.conn, tx.institute_id, batch_id)
    subjects = {subject.id for subject in every if subject.open}
    teachers = {teacher.id for teacher in await queries.teachers(tx.conn, tx.institute_id, tx.now)}
    fields = Fields()
    for place, one in enumerate(new):
        if one.subject_id not in subjects:
            fields.wrong(f"{place}.subjectId", N_("Is not a subject of this institute."))
        elif one.subject_id in subject_ids[:place]:
            fields.wrong(f"{place}.subjectId", N_("Stands here twice: a subject has one teacher in a batch."))
        if one.teacher_id not in teachers:
            fields.wrong(f"{place}.teacherId", N_("Does not teach at this institute."))
    fields.check()
    before = [Teaching(one.id, one.teacher_id) for one in every if one.teacher_id]
    if set(before) == set(new):
        return
    await queries.set_teachings(tx.conn, tx.institute_id, batch_id, new)
    await audit.record(
        tx, "batch.subjects_set", batch_id, before={"subjects": before}, after={"subjects": new}
    )  # fmt: skip


async def enrol(tx: Write, batch_id: UUID, body: NewEnrolment) -> Enrolment:
    """Puts a student into a batch.

    1. The batch is held: two people who press at once come one after the other, and the second sees the first's row.
    2. The first day is the given one, else today, else the batch's first; within the batch's days.
    3. The student is of this institute and still there, and not in the batch from that day on.
    4. On every day from the first one a seat is free, also with those who will join later.

    Raises NotFound, Invalid, BatchOver, AlreadyEnrolled or BatchFull.
    """
    batch = await _batch(tx, batch_id)
    starts_on = body.starts_on or max(batch.today, batch.starts_on)
    student = await queries.student(tx.conn, tx.institute_id, body.student_id)
    fields = Fields()
    if student is None:
        fields.wrong("studentId", N_("Is not a student of this institute."))
    elif student.left_on is not None and student.left_on <= max(batch.today, starts_on):
        fields.wrong("studentId", N_("Has left the institute."))
    if body.starts_on is not None and not batch.starts_on <= starts_on <= batch.ends_on:
        fields.wrong("startsOn", N_("Must be one of the batch's days."))
    fields.check()
    if batch.today > batch.ends_on:
        raise BatchOver
    assert student is not None
    if await queries.is_in(tx.conn, tx.institute_id, batch_id, student.id, starts_on):
        raise AlreadyEnrolled(name=student.name)
    if await queries.peak(tx.conn, tx.institute_id, batch_id, starts_on) >= batch.capacity:
        raise BatchFull(capacity=batch.capacity)
    new = Enrolment(new_id(), batch_id, student.id, starts_on, None)
    await queries.save_enrolment(tx.conn, tx.institute_id, new, tx.now)
    await audit.record(
        tx, "enrolment.created", new.id,
        after={"batch_id": batch_id, "student_id": student.id, "starts_on": starts_on},
    )  # fmt: skip
    await _tell(tx, ENROLLED, batch, student, starts_on)
    return new


async def remove(tx: Write, batch_id: UUID, student_id: UUID, on: date | None) -> Enrolment:
    """Ends an enrolment: `on` (today) is the first day that the student is not in the batch any more.

    An enrolment that had not begun yet then stands for no day. Raises NotFound or Invalid.
    """
    batch = await _batch(tx, batch_id)
    before = await queries.enrolment(tx.conn, tx.institute_id, batch_id, student_id, batch.today)
    if before is None:
        raise NotFound
    ends_on = on or max(batch.today, before.starts_on)
    if on is not None and on > max(batch.today, batch.ends_on + timedelta(days=1)):
        raise Invalid({"on": [N_("The batch is over before that.")]})
    if ends_on < before.starts_on:
        raise Invalid({"on": [Why(N_("Cannot be before {day}, the first day in the batch."), day=before.starts_on)]})
    if before.ends_on is not None and ends_on > before.ends_on:
        raise Invalid({"on": [Why(N_("The student leaves the batch on {day} already."), day=before.ends_on)]})
    after = msgspec.structs.replace(before, ends_on=ends_on)
    if after != before:
        await queries.save_enrolment(tx.conn, tx.institute_id, after, tx.now)
        await audit.record(
            tx, "enrolment.ended", before.id,
            before={"batch_id": batch_id, "student_id": student_id, "ends_on": before.ends_on},
            after={"batch_id": batch_id, "student_id": student_id, "ends_on": ends_on},
        )  # fmt: skip
        student = await queries.student(tx.conn, tx.institute_id, student_id)
        if student is not None:
            await _tell(tx, REMOVED, batch, student, ends_on)
    return after


async def _tell(tx: Write, kind: Kind, batch: BatchRow, student: Student, day: date) -> None:
    """Tells the family, but not whoever did it."""
    family = await queries.family(tx.conn, tx.institute_id, student.id)
    to = [user_id for user_id in family if user_id != tx.actor.user_id]
    facts: Facts = {"student": student.name, "batch": batch.name, "day": day}
    await notify(tx, kind, to=to, about=batch.id, facts=facts, data={"studentId": student.id})


async def transfer(tx: Write, batch_id: UUID, student_id: UUID, body: NewTransfer) -> Enrolment:
    """Moves a student to another batch: they leave this one the day they begin there, or nothing happens at all.

    Both batches are held in the order of their ids, so that two transfers the other way round do not wait for each
    other. Raises NotFound, Invalid, BatchOver, AlreadyEnrolled or BatchFull.
    """
    if body.to_batch_id == batch_id:
        raise Invalid({"toBatchId": [N_("The student is in this batch already.")]})
    for one in sorted((batch_id, body.to_batch_id)):
        if await queries.batch_for_change(tx.conn, tx.institute_id, one, tx.now) is None:
            if one == batch_id:
                raise NotFound
            raise Invalid({"toBatchId": [N_("Is not a batch of this institute.")]})
    left = await remove(tx, batch_id, student_id, body.on)
    first = body.on or left.ends_on
    new = await enrol(tx, body.to_batch_id, NewEnrolment(student_id, first))
    await audit.record(
        tx, "enrolment.transferred", new.id,
        before={"batch_id": batch_id, "student_id": student_id}, after={"batch_id": new.batch_id, "starts_on": first},
    )  # fmt: skip
    return new


async def _batch(tx: Write, batch_id: UUID) -> BatchRow:
    """The batch, held until the transaction ends."""
    found = await queries.batch_for_change(tx.conn, tx.institute_id, batch_id, tx.now)
    if found is None:
        raise NotFound
    return found


async def _checked(tx: Write, given: BatchRow, before: BatchRow | None = None) -> BatchRow:
    """A batch that may be written. Raises Invalid with every bad field, BatchCodeTaken or TooFewSeats."""
    fields = Fields()
    new = msgspec.structs.replace(
        given,
        name=fields.line("name", given.name, 80),
        code=fields.line("code", given.code, 20),
        course=fields.line("course", given.course, 80),
        capacity=fields.number("capacity", given.capacity, 1, 1000),
        starts_on=fields.day("startsOn", given.starts_on),
        ends_on=fields.day("endsOn", given.ends_on),
    )
    if new.ends_on <= new.starts_on:
        fields.wrong("endsOn", N_("Must be after the first day."))
    conflict: FieldConflict | None = None
    if before is not None and new.capacity < before.capacity:
        students = await queries.peak(tx.conn, tx.institute_id, new.id, new.today)
        if new.capacity < students:
            why = Why(N_("{students} students have a seat: it cannot have fewer."), students=students)
            conflict = TooFewSeats({"capacity": [why]})
    if await queries.code_taken(tx.conn, tx.institute_id, new):
        taken = BatchCodeTaken({"code": [BatchCodeTaken.text]})
        taken.problems |= conflict.problems if conflict else {}
        conflict = taken
    fields.check(conflict)
    return new


def _kept(batch: BatchRow) -> dict[str, object]:
    """A batch for the audit log."""
    return {name: value for name, value in msgspec.structs.asdict(batch).items() if name not in ("id", "today")}
