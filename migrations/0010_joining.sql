-- Invites: codes that let somebody register at once, in one role, perhaps into a batch or as a child's parent.

create table invites (
  institute_id uuid not null references institutes (id),
  id uuid not null,
  code_hash bytea not null,
  role text not null check (role in ('student', 'teacher', 'parent', 'admin')),
  batch_id uuid check (batch_id is null or role = 'student'),
  student_id uuid check (student_id is null or role = 'parent'),
  relation text check (relation is null or relation in ('mother', 'father', 'guardian') and student_id is not null),
  uses integer not null check (uses between 1 and 500),
  uses_left integer not null check (uses_left between 0 and uses),
  expires_at timestamptz not null,
  label text not null default '' check (length(label) <= 80),
  created_by uuid not null,
  created_at timestamptz not null,
  revoked_at timestamptz,
  primary key (institute_id, id),
  foreign key (institute_id, batch_id) references batches (institute_id, id),
  foreign key (institute_id, student_id) references students (institute_id, user_id),
  foreign key (institute_id, created_by) references users (institute_id, id)
);
create unique index invites_code on invites (institute_id, code_hash);
select open_to_app('invites', 'select, insert, update');

create table invite_uses (
  institute_id uuid not null,
  invite_id uuid not null,
  user_id uuid not null,
  used_at timestamptz not null,
  primary key (institute_id, invite_id, user_id),
  foreign key (institute_id, invite_id) references invites (institute_id, id),
  foreign key (institute_id, user_id) references users (institute_id, id)
);
select open_to_app('invite_uses', 'select, insert');

-- As in 0007, but people who wait for approval come last: whoever registers many of them with somebody else's phone
-- cannot push that somebody out of the eight.
create or replace function find_sign_ins(sign_in_email text, sign_in_phone text)
  returns table (institute_id uuid, user_id uuid, password_hash text)
  language sql stable security definer set search_path = public, pg_temp as $$
    select u.institute_id, u.id, u.password_hash
    from users u
    where (u.email = sign_in_email or u.phone = sign_in_phone) and u.status <> 'disabled'
    order by u.status = 'pending', u.created_at, u.id
    limit 8
  $$;
