-- Batches: who studies together for a session, what, and with whom.

create table batches (
  institute_id uuid not null references institutes (id),
  id uuid not null,
  name text not null check (length(name) between 1 and 80),
  code text not null check (length(code) between 1 and 20),
  course text not null check (length(course) between 1 and 80),
  medium text not null default 'en' check (medium in ('en', 'hi')),
  capacity integer not null check (capacity between 1 and 1000),
  starts_on date not null,
  ends_on date not null check (ends_on > starts_on), -- the last day, itself included
  archived_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (institute_id, id),
  -- Each session has its JEE-A; two at one time nobody could tell apart.
  constraint batches_code exclude using gist (
    institute_id with =, lower(code) with =, daterange(starts_on, ends_on, '[]') with &&) where (archived_at is null)
);
select open_to_app('batches', 'select, insert, update');

create table batch_subjects (
  institute_id uuid not null,
  batch_id uuid not null,
  subject_id uuid not null,
  teacher_id uuid not null,
  primary key (institute_id, batch_id, subject_id),
  foreign key (institute_id, batch_id) references batches (institute_id, id),
  foreign key (institute_id, subject_id) references subjects (institute_id, id),
  foreign key (institute_id, teacher_id) references teachers (institute_id, user_id)
);
create index batch_subjects_teacher on batch_subjects (institute_id, teacher_id, batch_id);
select open_to_app('batch_subjects', 'select, insert, update, delete');

-- A student is in a batch from a day until (not including) another; never twice at once in the same batch. The two days
-- are the same when the student was taken out before the first one: the row stays, and stands for no day.
create table enrolments (
  institute_id uuid not null,
  id uuid not null,
  batch_id uuid not null,
  student_id uuid not null,
  starts_on date not null,
  ends_on date check (ends_on >= starts_on),
  created_at timestamptz not null,
  primary key (institute_id, id),
  foreign key (institute_id, batch_id) references batches (institute_id, id),
  foreign key (institute_id, student_id) references students (institute_id, user_id),
  constraint enrolments_once exclude using gist (
    institute_id with =, batch_id with =, student_id with =, daterange(starts_on, ends_on) with &&)
);
create index enrolments_student on enrolments (institute_id, student_id, batch_id) include (starts_on, ends_on);
create index enrolments_batch on enrolments (institute_id, batch_id, student_id) include (starts_on, ends_on);
select open_to_app('enrolments', 'select, insert, update');

-- Who may see a student's record: the student, their parents, the teachers of a batch they are in, every admin.
create function may_see_student(viewer uuid, viewer_is_admin boolean, student uuid, today date) returns boolean
  language sql stable
  return viewer = student
    or viewer_is_admin
    or exists (
      select from parent_links l
      where l.institute_id = tenant() and l.parent_id = viewer and l.student_id = student)
    or exists (
      select from enrolments e
      join batch_subjects b on b.institute_id = e.institute_id and b.batch_id = e.batch_id
      where e.institute_id = tenant() and e.student_id = student and b.teacher_id = viewer
        and e.starts_on <= today and (e.ends_on is null or e.ends_on > today));

-- The batches a person belongs to: those they teach, and those that they or their children are in or will be.
create function batches_of(viewer uuid, today date) returns setof uuid
  language sql stable
begin atomic
  select b.batch_id from batch_subjects b where b.institute_id = tenant() and b.teacher_id = viewer
  union
  select e.batch_id from enrolments e
  where e.institute_id = tenant() and (e.ends_on is null or e.ends_on > today and e.ends_on > e.starts_on)
    and (e.student_id = viewer or e.student_id in (
      select l.student_id from parent_links l where l.institute_id = tenant() and l.parent_id = viewer));
end;

-- The subjects of those batches.
create function subjects_of(viewer uuid, today date) returns setof uuid
  language sql stable
begin atomic
  select s.subject_id from batch_subjects s
  where s.institute_id = tenant() and s.batch_id in (select id from batches_of(viewer, today) as mine (id));
end;

-- The names of the batches that teach a subject and are not over.
create function batches_teaching(subject uuid, today date) returns setof text
  language sql stable
begin atomic
  select b.name from batches b join batch_subjects s on s.institute_id = b.institute_id and s.batch_id = b.id
  where b.institute_id = tenant() and s.subject_id = subject and b.archived_at is null and b.ends_on >= today
  order by b.name;
end;
