-- Students, teachers and who is whose parent. The person is the user; these rows hold what the role adds.

create table students (
  institute_id uuid not null,
  user_id uuid not null,
  roll_no text not null check (length(roll_no) between 1 and 20),
  grade text not null check (length(grade) between 1 and 40),
  joined_on date not null,
  left_on date check (left_on >= joined_on),
  primary key (institute_id, user_id),
  foreign key (institute_id, user_id) references users (institute_id, id)
);
create unique index students_roll_no on students (institute_id, lower(roll_no));
select open_to_app('students', 'select, insert, update');

create table teachers (
  institute_id uuid not null,
  user_id uuid not null,
  title text not null default '' check (length(title) <= 80),
  joined_on date not null,
  left_on date check (left_on >= joined_on),
  primary key (institute_id, user_id),
  foreign key (institute_id, user_id) references users (institute_id, id)
);
select open_to_app('teachers', 'select, insert, update');

create table parent_links (
  institute_id uuid not null,
  parent_id uuid not null,
  student_id uuid not null,
  relation text not null check (relation in ('mother', 'father', 'guardian')),
  created_at timestamptz not null,
  primary key (institute_id, parent_id, student_id),
  foreign key (institute_id, parent_id) references users (institute_id, id),
  foreign key (institute_id, student_id) references students (institute_id, user_id),
  check (parent_id <> student_id)
);
create index parent_links_student on parent_links (institute_id, student_id);
select open_to_app('parent_links', 'select, insert, delete');
