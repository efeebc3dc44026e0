"""SQL of people, what their roles add and who is whose parent. `$1` is the institute."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from kaksha.accounts.models import Role
from kaksha.core.db import Conn, Row as Record
from kaksha.core.ids import UUID
from kaksha.people.models import ChildLink, Kept, PeopleSort, Row, Status


async def people(
    conn: Conn, institute_id: UUID, said: str | None, role: Role | None, statuses: Sequence[Status], sort: PeopleSort,
    page: int, limit: int,
) -> Record:  # fmt: skip
    """A page of people as JSON (`items`, `list[Listed]`), their `total`, and how many each role has in `statuses`.

    `disabled` and `pending` count those who are, whatever the other filters say but the search.
    """
    row = await conn.fetchrow(
        """
        with found as materialized (
          select u.id, u.name, u.created_at, u.roles, u.status from users u
          where $2::text is null and u.institute_id = $1
          union all
          select u.id, u.name, u.created_at, u.roles, u.status
          from search_people($2) as s (id) join users u on u.institute_id = $1 and u.id = s.id
          where $2 is not null
        ), picked as (
          select id, row_number() over (
            order by case when $5 = 'name' then lower(name) end,
              case when $5 = '-createdAt' then created_at end desc, id
          ) as place
          from found where ($3::text is null or $3 = any (roles)) and status = any ($4::text[])
          order by place limit $6 offset $7
        ), counted as (
          select count(*) filter (where $3 is null or $3 = any (roles)) as total, count(*) as everyone,
            count(*) filter (where 'student' = any (roles)) as students,
            count(*) filter (where 'teacher' = any (roles)) as teachers,
            count(*) filter (where 'parent' = any (roles)) as parents,
            count(*) filter (where 'admin' = any (roles)) as admins
          from found where status = any ($4::text[])
        )
        select counted.*, (select count(*) from found where status = 'disabled') as disabled,
          (select count(*) from found where status = 'pending') as pending, (
          select coalesce(json_agg(json_build_object(
            'id', u.id, 'name', u.name, 'email', u.email, 'phone', u.phone, 'roles', u.roles, 'status', u.status,
            'instituteId', u.institute_id, 'language', u.language,
            'avatarUrl', '/v1/users/' || u.id || '/avatar?v=' || u.avatar,
            'student', case when 'student' = any (u.roles) then json_build_object(
              'rollNo', s.roll_no, 'grade', s.grade, 'joinedOn', s.joined_on) end,
            'teacher', case when 'teacher' = any (u.roles) then json_build_object(
              'title', t.title, 'joinedOn', t.joined_on) end,
            'createdAt', iso(u.created_at)) order by p.place), '[]')::text
          from picked p
          join users u on u.institute_id = $1 and u.id = p.id
          left join students s on s.institute_id = u.institute_id and s.user_id = u.id
          left join teachers t on t.institute_id = u.institute_id and t.user_id = u.id
        ) as items
        from counted
        """,
        institute_id, said, role, list(statuses), sort, limit, (page - 1) * limit,
    )  # fmt: skip
    assert row is not None
    return row


async def person(
    conn: Conn, institute_id: UUID, person_id: UUID, viewer_id: UUID, everyone: bool, now: datetime
) -> str | None:
    """A person as JSON (`PersonRecord`), if the viewer may see `everyone` or else this student."""
    return await conn.fetchval(
        """
        select json_build_object(
          'id', u.id, 'name', u.name, 'email', u.email, 'phone', u.phone, 'roles', u.roles, 'status', u.status,
          'instituteId', u.institute_id, 'language', u.language,
          'avatarUrl', '/v1/users/' || u.id || '/avatar?v=' || u.avatar,
          'student', case when 'student' = any (u.roles) then json_build_object(
            'rollNo', s.roll_no, 'grade', s.grade, 'joinedOn', s.joined_on) end,
          'teacher', case when 'teacher' = any (u.roles) then json_build_object(
            'title', t.title, 'joinedOn', t.joined_on) end,
          'createdAt', iso(u.created_at), 'permissions', u.permissions, 'hasPassword', u.password_hash is not null,
          'children', (
            select coalesce(json_agg(json_build_object('id', c.id, 'name', c.name, 'rollNo', cs.roll_no,
              'grade', cs.grade, 'relation', l.relation, 'status', c.status) order by c.name, c.id), '[]')
            from parent_links l
            join users c on c.institute_id = l.institute_id and c.id = l.student_id
            join students cs on cs.institute_id = l.institute_id and cs.user_id = l.student_id
            where l.institute_id = $1 and l.parent_id = u.id),
          'parents', (
            select coalesce(json_agg(json_build_object('id', p.id, 'name', p.name, 'email', p.email, 'phone', p.phone,
              'relation', l.relation, 'status', p.status) order by l.created_at, p.name, p.id), '[]')
            from parent_links l
            join users p on p.institute_id = l.institute_id and p.id = l.parent_id
            where l.institute_id = $1 and l.student_id = u.id))::text
        from users u
        join institutes i on i.id = u.institute_id
        left join students s on s.institute_id = u.institute_id and s.user_id = u.id
        left join teachers t on t.institute_id = u.institute_id and t.user_id = u.id
        where u.institute_id = $1 and u.id = $2
          and ($4 or may_see_student($3, false, u.id, ($5::timestamptz at time zone i.zone)::date))
        """,
        institute_id, person_id, viewer_id, everyone, now,
    )  # fmt: skip


async def kept(conn: Conn, institute_id: UUID, person_id: UUID) -> Kept | None:
    """A person, held until the transaction ends."""
    row = await conn.fetchrow(
        """
        select u.id, u.name, u.email, u.phone, u.roles, u.permissions, u.status, u.language,
          s.roll_no, s.grade, s.joined_on, t.title
        from users u
        left join students s on s.institute_id = u.institute_id and s.user_id = u.id
        left join teachers t on t.institute_id = u.institute_id and t.user_id = u.id
        where u.institute_id = $1 and u.id = $2
        for no key update of u
        """,
        institute_id, person_id,
    )  # fmt: skip
    return msgspec.convert(dict(row), Kept) if row else None


async def owners(conn: Conn, institute_id: UUID) -> set[UUID]:
    """The institute's active owners, held until the transaction ends: no two of them can go at once."""
    rows = await conn.fetch(
        """
        select id from users where institute_id = $1 and 'owner' = any (permissions) and status = 'active'
        order by id for no key update
        """,
        institute_id,
    )
    return {row["id"] for row in rows}


async def insert_person(
    conn: Conn, institute_id: UUID, person_id: UUID, new: Row, password_hash: str | None, status: Status, now: datetime
) -> None:
    """A new person, with what their roles add."""
    await conn.execute(
        """
        insert into users (institute_id, id, name, email, phone, password_hash, roles, permissions, status, language,
          created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
        """,
        institute_id, person_id, new.name, new.email, new.phone, password_hash, new.roles, new.permissions, status,
        new.language, now,
    )  # fmt: skip


async def update_person(
    conn: Conn, institute_id: UUID, person_id: UUID, new: Row, password_hash: str | None, now: datetime
) -> None:
    """Writes all that may change; a password only when there is one. A changed address is no longer a proven one."""
    await conn.execute(
        """
        update users set name = $3, email = $4, phone = $5, roles = $6, permissions = $7, language = $8,
          password_hash = coalesce($9, password_hash), updated_at = $10,
          email_verified_at = case when email is not distinct from $4 then email_verified_at end,
          phone_verified_at = case when phone is not distinct from $5 then phone_verified_at end
        where institute_id = $1 and id = $2
        """,
        institute_id, person_id, new.name, new.email, new.phone, new.roles, new.permissions, new.language,
        password_hash, now,
    )  # fmt: skip


async def save_roles(conn: Conn, institute_id: UUID, person_id: UUID, new: Row, now: datetime) -> None:
    """Writes what the roles add. Who no longer is a student or teacher keeps the row, as somebody who has left."""
    await conn.execute(
        """
        with today as (select ($3::timestamptz at time zone zone)::date as day from institutes where institute_id = $1),
        student as (
          insert into students (institute_id, user_id, roll_no, grade, joined_on)
          select $1, $2, $5, $6, coalesce($7, day) from today where 'student' = any ($4::text[])
          on conflict (institute_id, user_id) do update
            set roll_no = excluded.roll_no, grade = excluded.grade, joined_on = excluded.joined_on, left_on = null
        ), teacher as (
          insert into teachers (institute_id, user_id, title, joined_on)
          select $1, $2, coalesce($8, ''), day from today where 'teacher' = any ($4)
          on conflict (institute_id, user_id) do update set title = excluded.title, left_on = null
        ), no_student as (
          update students set left_on = greatest(joined_on, day) from today
          where institute_id = $1 and user_id = $2 and left_on is null and not 'student' = any ($4)
        )
        update teachers set left_on = greatest(joined_on, day) from today
        where institute_id = $1 and user_id = $2 and left_on is null and not 'teacher' = any ($4)
        """,
        institute_id, person_id, now, new.roles, new.roll_no, new.grade, new.joined_on, new.title,
    )  # fmt: skip


async def set_status(conn: Conn, institute_id: UUID, person_id: UUID, status: Status, now: datetime) -> None:
    """Lets a person in, or keeps them out."""
    await conn.execute(
        "update users set status = $3, updated_at = $4 where institute_id = $1 and id = $2",
        institute_id, person_id, status, now,
    )  # fmt: skip


async def hold_roll_numbers(conn: Conn, institute_id: UUID) -> None:
    """Others of the institute who give or change a roll number wait until the transaction ends."""
    await conn.execute("select pg_advisory_xact_lock(hashtextextended('roll-no/' || $1::uuid, 0))", institute_id)


async def next_roll_no(conn: Conn, institute_id: UUID) -> str:
    """One above the highest roll number that is a number; 1 for the first student."""
    return await conn.fetchval(
        """
        select (coalesce(max(case when roll_no ~ '^[0-9]{1,9}$' then roll_no::integer end), 0) + 1)::text
        from students where institute_id = $1
        """,
        institute_id,
    )


async def roll_no_holder(conn: Conn, institute_id: UUID, roll_no: str) -> UUID | None:
    """The student who has this roll number."""
    return await conn.fetchval(
        "select user_id from students where institute_id = $1 and lower(roll_no) = lower($2)", institute_id, roll_no
    )


async def students_among(conn: Conn, institute_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Status]:
    """Those of `ids` who are students of the institute, and their status; held, so that they stay students."""
    rows = await conn.fetch(
        """
        select id, status from users where institute_id = $1 and id = any ($2::uuid[]) and 'student' = any (roles)
        order by id for share
        """,
        institute_id, list(ids),
    )  # fmt: skip
    return {row["id"]: row["status"] for row in rows}


async def insert_link(conn: Conn, institute_id: UUID, parent_id: UUID, link: ChildLink, now: datetime) -> bool:
    """Links a child to a parent; false when they are linked already."""
    done = await conn.fetchval(
        """
        insert into parent_links (institute_id, parent_id, student_id, relation, created_at) values ($1, $2, $3, $4, $5)
        on conflict (institute_id, parent_id, student_id) do nothing returning true
        """,
        institute_id, parent_id, link.student_id, link.relation, now,
    )  # fmt: skip
    return bool(done)


async def delete_link(conn: Conn, institute_id: UUID, parent_id: UUID, student_id: UUID) -> str | None:
    """Unlinks a child from a parent and answers what the parent was to them; None when they were not linked."""
    return await conn.fetchval(
        "delete from parent_links where institute_id = $1 and parent_id = $2 and student_id = $3 returning relation",
        institute_id, parent_id, student_id,
    )  # fmt: skip


async def child(conn: Conn, institute_id: UUID, parent_id: UUID, student_id: UUID) -> str | None:
    """A linked child as JSON (`Child`)."""
    return await conn.fetchval(
        """
        select json_build_object('id', u.id, 'name', u.name, 'rollNo', s.roll_no, 'grade', s.grade,
          'relation', l.relation, 'status', u.status)::text
        from parent_links l
        join users u on u.institute_id = l.institute_id and u.id = l.student_id
        join students s on s.institute_id = l.institute_id and s.user_id = l.student_id
        where l.institute_id = $1 and l.parent_id = $2 and l.student_id = $3
        """,
        institute_id, parent_id, student_id,
    )  # fmt: skip


async def link_count(conn: Conn, institute_id: UUID, person_id: UUID, *, as_parent: bool) -> int:
    """How many children a parent has, or how many parents a child."""
    return await conn.fetchval(
        """
        select count(*) from parent_links
        where institute_id = $1 and (case when $3 then parent_id else student_id end) = $2
        """,
        institute_id, person_id, as_parent,
    )  # fmt: skip
